//! Every verb, one file each.

pub(crate) mod add;
mod apps;
mod doctor;
mod fetch;
mod generate;
pub(crate) mod host;
mod log;
mod next;
mod run;
mod sdk;
mod set;
mod tasks;
pub(crate) mod why;

use crate::args::{Arguments, Common, Verb};
use crate::client::Client;
use crate::exit::Failure;
use bgfetch_host::Environment;
use std::path::PathBuf;

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { common, verb } = arguments;
    match verb {
        Verb::Demo(options) => crate::demo::run(&common, &options),
        Verb::Run(options) => run::run(&common, &options),
        Verb::Host(options) => host::run(&common, &options),
        Verb::Add(options) => add::run(&common, options),
        Verb::Remove(one) => apps::remove(&common, one),
        Verb::Apps(options) => apps::run(&common, options),
        Verb::Tasks(maybe) => tasks::run(&common, &maybe),
        Verb::Next => next::run(&common),
        Verb::Why(one) => why::run(&common, one),
        Verb::Log(options) => log::run(&common, options),
        Verb::Fetch(options) => fetch::run(&common, options),
        Verb::Set(options) => set::run(&common, options.switch),
        Verb::Doctor => doctor::run(&common),
        Verb::Sdk => sdk::run(&common),
        Verb::Completions { shell } => generate::completions(shell),
        Verb::Man { folder } => generate::man(&folder),
    }
}

/// Where the host listens.
pub(crate) fn socket(common: &Common) -> Result<PathBuf, Failure> {
    let mut environment = Environment::of_process();
    if let Some(socket) = &common.socket {
        environment.socket = Some(std::path::absolute(socket).map_err(Failure::other)?.into());
    }
    environment.socket().map_err(Failure::other)
}

/// Refuses `--socket` where it would mean nothing.
pub(crate) fn refuse_socket(common: &Common) -> Result<(), Failure> {
    match &common.socket {
        None => Ok(()),
        Some(_) => {
            Err(Failure::Usage("`--socket` means nothing here: this verb has a host of its own".to_owned()))
        }
    }
}

/// A connection to the host.
fn client(common: &Common) -> Result<Client, Failure> {
    Client::connect(&socket(common)?)
}

/// The user's state folder, for verbs that take no other one.
pub(crate) fn state_directory(environment: &Environment) -> Result<PathBuf, Failure> {
    let without_home =
        |_| Failure::Other("neither `HOME` nor `XDG_STATE_HOME` is set: set one of them".to_owned());
    environment.state_directory().map_err(without_home)
}

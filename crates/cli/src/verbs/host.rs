//! `bgfetch host`: the host itself, in the foreground, in the background, or ended.

use super::{client, socket};
use crate::args::{Common, Host};
use crate::client::Client;
use crate::exit::Failure;
use bgfetch_host::{Config, Environment, Options};
use bgfetch_wire::control::StopHost;
use rustix::process::{Signal, getpid, kill_process};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The environment variable with which a detached host is told to say on standard output that it serves.
pub(crate) const SAY_WHEN_SERVING: &str = "BGFETCH_SAY_WHEN_SERVING";

pub(crate) fn run(common: &Common, host: &Host) -> Result<(), Failure> {
    if host.stop {
        return stop(common);
    }
    let environment = Environment::of_process();
    let state_directory = match &host.state_dir {
        Some(folder) => std::path::absolute(folder).map_err(Failure::other)?,
        None => environment.state_directory().map_err(Failure::other)?,
    };
    if host.detach {
        return detach(&state_directory, &socket(common)?);
    }
    let config = match &host.config {
        // A configuration that was named has to be there.
        Some(path) if !path.exists() => {
            return Err(Failure::Usage(format!("there is no configuration `{}`", path.display())));
        }
        Some(path) => Config::read(path).map_err(Failure::other)?,
        None => match environment.config_file() {
            Ok(path) => Config::read(&path).map_err(Failure::other)?,
            Err(_no_home) => Config::default(),
        },
    };
    let own_program = std::env::current_exe().map_err(Failure::other)?;
    let socket = socket(common)?;
    let options = Options { state_directory, socket: socket.clone(), config, own_program };
    if host.until_stdin_closes {
        end_with_stdin();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
    let began = || {
        eprintln!("bgfetch: host {} serves on `{}`", std::process::id(), socket.display());
        if std::env::var_os(SAY_WHEN_SERVING).is_some() {
            println!("serving");
        }
    };
    tokio::task::LocalSet::new().block_on(&runtime, bgfetch_host::run(options, began)).map_err(Failure::other)
}

/// Ends this process in order once its parent is gone, or lets go of the other end of its standard input.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = kill_process(getpid(), Signal::TERM);
    });
}

/// Starts this very command line again, without `--detach`, in a session of its own, and waits until it serves.
fn detach(state_directory: &Path, socket: &Path) -> Result<(), Failure> {
    if Client::connect(socket).is_ok() {
        return Err(Failure::Other(format!("a host serves on `{}` already", socket.display())));
    }
    std::fs::create_dir_all(state_directory).map_err(|error| {
        Failure::Other(format!("`{}` can not be made: {error}", state_directory.display()))
    })?;
    let log_path = state_directory.join("host.log");
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&log_path);
    let log = log.map_err(|error| Failure::Other(format!("`{}`: {error}", log_path.display())))?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut command = Command::new(std::env::current_exe().map_err(Failure::other)?);
    command.args(arguments).env(SAY_WHEN_SERVING, "1").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
    let mut child = command.spawn().map_err(Failure::other)?;
    let mut said = [0; 1];
    let serves = match &mut child.stdout {
        Some(stdout) => match stdout.read(&mut said) {
            Ok(count) => count > 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => false,
            Err(error) => return Err(Failure::other(error)),
        },
        None => false,
    };
    if serves {
        eprintln!("bgfetch: host {} serves on `{}`", child.id(), socket.display());
        return Ok(());
    }
    Err(Failure::Other(format!("the host did not start; `{}` says why", log_path.display())))
}

fn stop(common: &Common) -> Result<(), Failure> {
    let mut client = client(common)?;
    client.call(StopHost {})?;
    // The host closes the connection as its last act.
    while client.next_entry(None).is_ok() {}
    Ok(())
}

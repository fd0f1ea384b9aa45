//! `bgfetch`, the one binary: the host, its nursery, and every verb, one file each.

mod args;
mod client;
mod demo;
mod exit;
mod interrupt;
mod node;
mod private_host;
mod sdk;
mod show;
mod verbs;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The nursery is this program's own child, never typed by a person: it has no place in the help.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == bgfetch_host::launch::NURSERY_VERB) {
        return bgfetch_host::launch::nursery_main();
    }
    let arguments = args::Arguments::parse();
    match verbs::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.is_news() {
                eprintln!("bgfetch: {}", show::lines(&failure.to_string()).collect::<Vec<_>>().join("\n"));
            }
            failure.exit_code()
        }
    }
}

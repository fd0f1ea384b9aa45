//! The project's own chores, one file per verb: `cargo xtask help` lists them.

mod bench;
mod check_macos;
mod deny;
mod fixtures;
mod licences;
mod metadata;
mod setup;
mod test;
mod tidy;
mod tools;

use std::error::Error;
use std::process::ExitCode;

/// A chore that can be asked for by name.
struct Verb {
    name: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Done,
}

/// A chore either did what it was asked, or says why not.
type Done = Result<(), Box<dyn Error>>;

const VERBS: &[Verb] = &[
    Verb {
        name: "test",
        summary: "everything a change must pass (`--list`, `--only STAGE`)",
        run: test::run,
    },
    Verb { name: "tidy", summary: "the rules about the source itself", run: tidy::run },
    Verb { name: "licences", summary: "every dependency's licence against `deny.toml`", run: licences::run },
    Verb { name: "deny", summary: "cargo-deny: licences, bans, sources", run: deny::run },
    Verb { name: "fixtures", summary: "every fixture file parses", run: fixtures::run },
    Verb {
        name: "bench",
        summary: "lists the benches, or runs those named (`all` for all)",
        run: bench::run,
    },
    Verb { name: "check-macos", summary: "type-checks the workspace for macOS", run: check_macos::run },
];

/// Why no verb could be chosen.
#[derive(Debug, thiserror::Error)]
#[error("`{asked}` is not a chore: expected one of {}", verb_names())]
struct UnknownVerb {
    asked: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((asked, rest)) = arguments.split_first() else {
        help();
        return ExitCode::FAILURE;
    };
    if matches!(asked.as_str(), "help" | "--help" | "-h") {
        help();
        return ExitCode::SUCCESS;
    }
    let ran = match VERBS.iter().find(|verb| verb.name == asked) {
        Some(verb) => (verb.run)(rest),
        None => Err(UnknownVerb { asked: asked.clone() }.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {asked}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("The project's chores, as `cargo xtask VERB`:");
    for verb in VERBS {
        println!("  {:<12} {}", verb.name, verb.summary);
    }
    println!("  {:<12} this list", "help");
}

fn verb_names() -> String {
    VERBS.iter().map(|verb| format!("`{}`", verb.name)).collect::<Vec<_>>().join(", ")
}

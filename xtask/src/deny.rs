//! `cargo xtask deny`: cargo-deny with `deny.toml`, installed first when it is missing.

use crate::tools;
use std::error::Error;

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    check().map_err(Into::into)
}

/// Whether cargo-deny is here already.
pub(crate) fn is_installed() -> bool {
    tools::is_on_path("cargo-deny")
}

/// Runs cargo-deny. Advisories are left out: their database is fetched from the network on every run.
pub(crate) fn check() -> Result<(), tools::ToolError> {
    if !is_installed() {
        tools::loud("cargo-deny is missing: installing it with cargo, which takes some minutes");
        tools::run(&mut tools::command("cargo", &["install", "cargo-deny", "--locked"]))?;
    }
    tools::run(&mut tools::command("cargo", &["deny", "check", "licenses", "bans", "sources"]))
}

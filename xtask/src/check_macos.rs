//! `cargo xtask check-macos`: type-checks the workspace for `aarch64-apple-darwin`, on any machine.
//!
//! rustup brings the target's standard library. Nothing is linked and nothing is run.

use crate::tools;
use std::error::Error;
use std::path::Path;
use std::process::Command;

const TARGET: &str = "aarch64-apple-darwin";

/// Whether the check could be made.
pub(crate) enum Checked {
    Yes,
    Skipped(String),
}

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    match check()? {
        Checked::Yes => println!("the workspace type-checks for {TARGET}"),
        Checked::Skipped(why) => tools::loud(&format!("macOS was not checked: {why}")),
    }
    Ok(())
}

/// Checks every member of the workspace, once rustup has the target.
pub(crate) fn check() -> Result<Checked, tools::ToolError> {
    if !has_target() {
        tools::loud(&format!("the standard library of `{TARGET}` is missing: adding it with rustup"));
        if !tools::succeeds(&mut tools::command("rustup", &["target", "add", TARGET])) {
            return Ok(Checked::Skipped(format!("`rustup target add {TARGET}` fails here")));
        }
    }
    let mut command = tools::command("cargo", &["check", "--workspace", "--all-targets", "--target", TARGET]);
    tools::run(without_c(&mut command))?;
    Ok(Checked::Yes)
}

/// Whether the target's standard library is installed.
pub(crate) fn has_target() -> bool {
    let sysroot = tools::output_of(&mut tools::command("rustc", &["--print", "sysroot"]));
    sysroot.is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir())
}

/// Bundled C (SQLite) needs Apple's headers, which only a Mac has. A check never links, so elsewhere
/// the C compiler and the archiver are replaced by a program that does nothing.
fn without_c(command: &mut Command) -> &mut Command {
    if cfg!(not(target_os = "macos")) {
        command.env("CC_aarch64_apple_darwin", "true").env("AR_aarch64_apple_darwin", "true");
    }
    command
}

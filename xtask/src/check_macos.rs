//! `cargo xtask check-macos`: type-checks the workspace for `aarch64-apple-darwin`, on any machine.
//!
//! Where rustup has the target's standard library, that is all it takes. Where it cannot be had, Debian's
//! `rustc-web` and its source build one (`-Zbuild-std`). Nothing is linked and nothing is run.

use crate::{setup, tools};
use std::error::Error;
use std::path::Path;
use std::process::Command;

const TARGET: &str = "aarch64-apple-darwin";
const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// Whether the check could be made.
pub(crate) enum Checked {
    Yes,
    Skipped(String),
}

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    if let Checked::Skipped(why) = check()? {
        tools::loud(&format!("macOS was not checked: {why}"));
    }
    Ok(())
}

/// Checks every member of the workspace.
pub(crate) fn check() -> Result<Checked, tools::ToolError> {
    if has_target() || add_target() {
        tools::run(without_c(&mut tools::command("cargo", &["check", "--workspace", "--target", TARGET])))?;
        return Ok(Checked::Yes);
    }
    if !has_debian_toolchain() {
        setup::install(DEBIAN_PACKAGES)?;
    }
    if !has_debian_toolchain() {
        let why = format!(
            "rustup has no `{TARGET}`, and Debian's `{}` are not installed: install them as root",
            DEBIAN_PACKAGES.join(" ")
        );
        return Ok(Checked::Skipped(why));
    }
    tools::run(without_c(&mut debian_check()))?;
    Ok(Checked::Yes)
}

fn has_target() -> bool {
    let sysroot = tools::output_of(&mut tools::command("rustc", &["--print", "sysroot"]));
    sysroot.is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir())
}

fn add_target() -> bool {
    tools::loud(&format!("asking rustup for `{TARGET}`"));
    tools::succeeds(&mut tools::command("rustup", &["target", "add", TARGET]))
}

fn has_debian_toolchain() -> bool {
    ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"]
        .iter()
        .all(|path| Path::new(path).exists())
}

/// Debian's compiler is older than `rust-version` and has no finished library for the target: it builds one.
fn debian_check() -> Command {
    let mut command = tools::command("/usr/bin/cargo", &["check", "--workspace", "--target", TARGET]);
    command.args(["-Zbuild-std", "--ignore-rust-version", "--target-dir", "target/macos"]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once("/usr/bin".into()).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    // The variables of the cargo that runs this chore would lead Debian's back to that one's compiler.
    for variable in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "LD_LIBRARY_PATH"] {
        command.env_remove(variable);
    }
    command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    command
}

/// Bundled C (SQLite) needs Apple's headers, which only a Mac has. A check never links, so elsewhere
/// the C compiler and the archiver are replaced by programs that do nothing.
fn without_c(command: &mut Command) -> &mut Command {
    if cfg!(not(target_os = "macos")) {
        command.env("CC_aarch64_apple_darwin", "true").env("AR_aarch64_apple_darwin", "true");
    }
    command
}

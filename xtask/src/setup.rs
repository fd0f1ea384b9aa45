//! What a fresh machine with Rust and Node may lack, installed loudly and only when missing.

use crate::tools::{self, ToolError};
use std::path::Path;

/// A program that the tests need, and where Debian has it.
struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need { program: "git", package: "git", why: "tidy reads the list of tracked files" },
    Need { program: "cc", package: "build-essential", why: "SQLite is built from its C source" },
    Need { program: "node", package: "nodejs", why: "the JavaScript SDK is tested with it" },
    Need { program: "npm", package: "npm", why: "the JavaScript SDK's checks come from npm" },
];

/// The oldest Node that the SDK supports.
const NODE_MAJOR_MIN: u32 = 20;

/// Why the machine could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("`{program}` is missing ({why}): install it; on Debian, as root: `apt-get install {package}`")]
    Missing { program: &'static str, package: &'static str, why: &'static str },
    #[error("`node --version` says `{0}`: expected v{NODE_MAJOR_MIN} or newer")]
    OldNode(String),
}

/// Makes the machine ready for every stage of `cargo xtask test`.
pub(crate) fn make_ready() -> Result<(), SetupError> {
    let packages: Vec<&str> = missing().map(|need| need.package).collect();
    if !packages.is_empty() {
        install(&packages)?;
    }
    if let Some(Need { program, package, why }) = missing().next() {
        return Err(SetupError::Missing { program, package, why });
    }
    let node = tools::output_of(&mut tools::command("node", &["--version"]))?;
    if major_of(&node).is_none_or(|major| major < NODE_MAJOR_MIN) {
        return Err(SetupError::OldNode(node.trim().to_owned()));
    }
    for component in ["rustfmt", "clippy"] {
        let program = if component == "rustfmt" { "fmt" } else { component };
        if !tools::succeeds(&mut tools::command("cargo", &[program, "--version"])) {
            tools::loud(&format!("`{component}` is missing: adding it with rustup"));
            tools::run(&mut tools::command("rustup", &["component", "add", component]))?;
        }
    }
    Ok(())
}

fn missing() -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(|need| !tools::is_on_path(need.program))
}

/// Installs Debian packages where that is possible: as root, with apt-get.
fn install(packages: &[&str]) -> Result<(), ToolError> {
    if !is_root() || !tools::is_on_path("apt-get") {
        return Ok(());
    }
    tools::loud(&format!("installing with apt-get, because they are missing: {}", packages.join(" ")));
    tools::run(&mut tools::command("apt-get", &["update", "-qq"]))?;
    let mut command = tools::command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    tools::run(command.args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Installs the npm packages of the package in `folder`, unless they are there and up to date.
pub(crate) fn install_node_packages(folder: &Path) -> Result<(), ToolError> {
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.package-lock.json");
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let verb = match (changed(&lock), changed(&installed)) {
        (Some(wanted), Some(has)) if has >= wanted => return Ok(()),
        (Some(_), _) => "ci",
        (None, _) => "install",
    };
    tools::loud(&format!("installing the npm packages of {}", folder.display()));
    let mut command = tools::command("npm", &[verb, "--no-audit", "--no-fund"]);
    tools::run(command.current_dir(folder))
}

fn is_root() -> bool {
    tools::output_of(&mut tools::command("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

/// The major version in `v20.11.1`.
fn major_of(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_node_is_read() {
        assert_eq!(major_of("v20.11.1\n"), Some(20));
        assert_eq!(major_of("20.11.1"), None);
        assert_eq!(major_of("vNext"), None);
    }
}

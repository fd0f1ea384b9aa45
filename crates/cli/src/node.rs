//! Node, which runs apps in JavaScript: where it is, and whether it is new enough.

use crate::exit::Failure;
use std::process::{Command, Stdio};

/// The oldest version of Node that the SDK runs on.
const MAJOR_MIN: u32 = 20;

/// Finds `node` in `PATH`, and gives its version, e.g. `v20.20.2`.
pub(crate) fn version() -> Result<String, Failure> {
    let asked = Command::new("node").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let needed = |why: String| {
        Failure::Other(format!(
            "`node` (version {MAJOR_MIN} or newer) is needed for apps in JavaScript: {why}"
        ))
    };
    let output = asked.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => needed("there is none in `PATH`".to_owned()),
        _ => needed(format!("it can not be started: {error}")),
    })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match major(&version) {
        Some(major) if major >= MAJOR_MIN => Ok(version),
        Some(_) => Err(needed(format!("the one in `PATH` is {version}"))),
        None => Err(needed("the one in `PATH` does not tell its version".to_owned())),
    }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v9.1.0-pre"), Some(9));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }
}

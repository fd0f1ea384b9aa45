//! `cargo xtask tidy`: the rules about the source itself, each with its replacement in the message.
//!
//! Every rule is a function from sources to findings and has a test that shows it failing. What a rule must
//! let through for now stands in `xtask/ratchet.toml` with its count and its reason, and can only shrink.

mod code;
mod dead_files;
mod files;
mod manifests;
mod ratchet;
mod scan;
mod words;

use crate::metadata::{self, MetadataError, Reach};
use crate::tools::{self, ToolError};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// A file of the repository.
pub(crate) struct Source {
    /// From the repository's root, with `/` between folders.
    path: String,
    bytes: Vec<u8>,
}

/// Something a rule does not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    rule: &'static str,
    path: String,
    /// Counted from 1.
    line: usize,
    what: String,
    instead: &'static str,
}

/// Why the source could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TidyError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("`{path}` could not be read: {source}")]
    Read { path: String, source: std::io::Error },
    #[error(transparent)]
    Ratchet(#[from] ratchet::RatchetError),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]; instead: {}", self.path, self.line, self.what, self.rule, self.instead)
    }
}

impl Source {
    /// The text, unless the file is none.
    fn text(&self) -> Option<&str> {
        str::from_utf8(&self.bytes).ok().filter(|text| !text.contains('\0'))
    }

    /// What follows the last dot of the file's name.
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    let findings = check()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy");
        return Ok(());
    }
    Err(format!("{} findings, each with what to do instead", findings.len()).into())
}

/// Looks at every tracked file, and at new ones that git does not ignore.
pub(crate) fn check() -> Result<Vec<Finding>, TidyError> {
    let mut sources = Vec::new();
    for path in tracked_files()? {
        let file = tools::root().join(&path);
        // A link is a path, not a text of its own.
        if file.is_symlink() {
            continue;
        }
        match std::fs::read(&file) {
            Ok(bytes) => sources.push(Source { path, bytes }),
            Err(source) => return Err(TidyError::Read { path, source }),
        }
    }
    let roots = build_roots(&sources)?;
    let mut findings = files::check(&sources);
    findings.extend(code::check(&sources));
    findings.extend(words::check(&sources));
    findings.extend(manifests::check(&sources));
    findings.extend(dead_files::check(&sources, &roots));
    Ok(ratchet::apply(findings, &ratchet::read()?))
}

/// The repository's files from its root: tracked ones and new ones, without those just deleted.
pub(crate) fn tracked_files() -> Result<Vec<String>, ToolError> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    // A checkout made by another user (a container's, a CI's) is still ours to read.
    let mut command = tools::command("git", &["-c", "safe.directory=*"]);
    let text = tools::output_of(command.args(list))?;
    let root = tools::root();
    let files: BTreeSet<&str> = text.split('\0').filter(|path| !path.is_empty()).collect();
    Ok(files
        .into_iter()
        .filter(|path| root.join(path).symlink_metadata().is_ok())
        .map(str::to_owned)
        .collect())
}

/// The files that cargo starts from, of the workspace and of packages outside it, from the root.
fn build_roots(sources: &[Source]) -> Result<BTreeSet<String>, TidyError> {
    let root = tools::root();
    let from_root =
        |path: PathBuf| path.strip_prefix(&root).ok().map(|path| path.to_string_lossy().into_owned());
    let mut known_packages = BTreeSet::new();
    let mut roots = BTreeSet::new();
    let manifests = sources.iter().filter(|source| source.path.rsplit('/').next() == Some("Cargo.toml"));
    // The workspace's own manifest comes first in the list, and answers for all its members.
    let mut manifests: Vec<&str> = manifests.map(|source| source.path.as_str()).collect();
    manifests.sort_by_key(|path| path.matches('/').count());
    for manifest in manifests {
        let folder = manifest.strip_suffix("Cargo.toml").unwrap_or_default();
        if known_packages.contains(folder) {
            continue;
        }
        for package in metadata::read(manifest, Reach::Own)?.packages {
            known_packages.extend(package.folder.clone().and_then(&from_root).map(|folder| folder + "/"));
            roots.extend(package.targets.into_iter().filter_map(|target| from_root(target.source)));
        }
    }
    Ok(roots)
}

#[cfg(test)]
fn sample(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_place_matter_rule_and_replacement() {
        let finding = Finding {
            rule: "tabs",
            path: "crates/core/src/lib.rs".into(),
            line: 7,
            what: "a tab".into(),
            instead: "four spaces",
        };
        assert_eq!(finding.to_string(), "crates/core/src/lib.rs:7: a tab [tabs]; instead: four spaces");
    }

    #[test]
    fn the_repository_lists_itself_and_its_roots() {
        let files = tracked_files().expect("git answers");
        assert!(files.iter().any(|path| path == "xtask/src/tidy.rs"));
        let manifests = [sample("Cargo.toml", ""), sample("xtask/Cargo.toml", "")];
        let roots = build_roots(&manifests).expect("cargo answers");
        assert!(roots.contains("xtask/src/main.rs"), "{roots:?}");
        assert!(roots.contains("crates/core/src/lib.rs"), "{roots:?}");
    }
}

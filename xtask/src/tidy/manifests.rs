//! The rule about dependencies: each has a comment that says why it is there.
//!
//! The comment stands above the entry or behind it, in the crate's own `Cargo.toml` or in the root's. One comment
//! serves the entries below it that start with the same word (`serde`, `serde_json`). The project's own crates
//! need none: what they are for is in their descriptions.

use super::{Finding, Source};
use std::collections::BTreeSet;

/// An entry of a dependency table.
struct Entry<'a> {
    line: usize,
    name: &'a str,
    is_explained: bool,
    /// Whether the entry points into the repository.
    is_own: bool,
}

/// Looks at every `Cargo.toml`.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let root =
        sources.iter().find(|source| source.path == "Cargo.toml").and_then(Source::text).unwrap_or_default();
    let known: BTreeSet<&str> = entries(root)
        .into_iter()
        .filter(|entry| entry.is_explained || entry.is_own)
        .map(|entry| entry.name)
        .collect();
    let mut findings = Vec::new();
    let is_manifest = |source: &&Source| source.path.rsplit('/').next() == Some("Cargo.toml");
    for source in sources.iter().filter(is_manifest) {
        for entry in entries(source.text().unwrap_or_default()) {
            if entry.is_explained || entry.is_own || known.contains(entry.name) {
                continue;
            }
            findings.push(Finding {
                rule: "unexplained-dependency",
                path: source.path.clone(),
                line: entry.line,
                what: format!("nothing says why `{}` is here", entry.name),
                instead: "a comment above the line, here or in the root's Cargo.toml: what it is for",
            });
        }
    }
    findings
}

/// The entries of every dependency table, also those with a table of their own (`[dependencies.name]`).
fn entries(manifest: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut in_table = false;
    let mut brackets_open = 0_usize;
    let mut previous = "";
    for (index, line) in manifest.lines().enumerate() {
        let is_inside_value = brackets_open > 0;
        if !line.starts_with(['#', '[']) {
            brackets_open += line.matches(['[', '{']).count();
            brackets_open = brackets_open.saturating_sub(line.matches([']', '}']).count());
        }
        if is_inside_value {
            continue;
        }
        let name = if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            in_table = header.ends_with("dependencies");
            own_table_name(header)
        } else {
            let key = line.split(['=', '.']).next().unwrap_or_default().trim();
            (in_table && line.contains('=') && !key.starts_with('#')).then_some(key)
        };
        if let Some(name) = name {
            let same_word = entries.last().filter(|last| last.line == index && last.is_explained);
            let shares = same_word.is_some_and(|last| first_word(last.name) == first_word(name));
            let is_explained = previous.starts_with('#') || line.contains(" # ") || shares;
            let is_own = line.split(['{', ',']).skip(1).any(|part| part.trim_start().starts_with("path "));
            entries.push(Entry { line: index + 1, name, is_explained, is_own });
        }
        previous = line;
    }
    entries
}

/// `serde` in `dependencies.serde` and in `target.'cfg(unix)'.dependencies.serde`.
fn own_table_name(header: &str) -> Option<&str> {
    let (_, name) = header.rsplit_once("dependencies.")?;
    Some(name)
}

fn first_word(name: &str) -> &str {
    name.split(['-', '_']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    const ROOT: &str =
        "[workspace.dependencies]\nown = { path = \"crates/own\" }\n# Rows.\nserde = \"1\"\nbare = \"1\"\n";

    fn lines(manifest: &str) -> Vec<usize> {
        let findings = check(&[sample("Cargo.toml", ROOT), sample("crates/a/Cargo.toml", manifest)]);
        findings
            .into_iter()
            .filter(|finding| finding.path != "Cargo.toml")
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn every_dependency_is_explained_somewhere() {
        let good = "[package]\nname = \"a\"\n[dependencies]\nown.workspace = true\nserde.workspace = true\n\
                    # Here.\nother = { version = \"1\", features = [\n  \"x\",\n] }\nlast = \"1\" # Why.\n";
        assert_eq!(lines(good), [0_usize; 0]);
        assert_eq!(lines("[dependencies]\nbare.workspace = true\n"), [2]);
        assert_eq!(lines("[dev-dependencies]\n# One.\none = \"1\"\ntwo = \"1\"\n"), [4]);
        assert_eq!(lines("[target.'cfg(unix)'.dependencies]\none = \"1\"\n"), [2]);
        assert_eq!(lines("[dependencies.one]\nversion = \"1\"\n"), [1]);
    }

    #[test]
    fn one_comment_serves_a_family() {
        assert_eq!(lines("[dependencies]\n# JSON.\njson = \"1\"\njson_path = \"1\"\n"), [0_usize; 0]);
        assert_eq!(lines("[dependencies]\n# JSON.\njson = \"1\"\n\njson_path = \"1\"\n"), [5]);
    }

    #[test]
    fn the_root_explains_its_own() {
        let findings = check(&[sample("Cargo.toml", ROOT)]);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [5]);
    }
}

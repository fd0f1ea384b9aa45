//! The rule about dead files: every `.rs` file is reached from something cargo builds.

use super::scan::{self, Language};
use super::{Finding, Source};
use std::collections::{BTreeMap, BTreeSet};

/// Follows the modules from `roots`; what is left over is dead.
pub(super) fn check(sources: &[Source], roots: &BTreeSet<String>) -> Vec<Finding> {
    let files: BTreeMap<&str, &Source> =
        sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let mut alive = BTreeSet::new();
    let mut open: Vec<String> = roots.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let Some(source) = files.get(path.as_str()) else { continue };
        let text = source.text().unwrap_or_default();
        let is_root = roots.contains(&path);
        if alive.insert(path.clone()) {
            open.extend(reached(&path, text, is_root));
        }
    }
    let is_dead = |source: &&Source| source.extension() == "rs" && !alive.contains(&source.path);
    let finding = |source: &Source| Finding {
        rule: "dead-file",
        path: source.path.clone(),
        line: 1,
        what: "nothing that cargo builds reaches this file".into(),
        instead: "name it with a `mod` or a target, or delete it",
    };
    sources.iter().filter(is_dead).map(finding).collect()
}

/// Where the modules that `text` names may lie.
fn reached(path: &str, text: &str, is_root: bool) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let base = if is_root || file == "mod.rs" {
        folder.to_owned()
    } else {
        join(folder, file.strip_suffix(".rs").unwrap_or(file))
    };
    let characters: Vec<char> = text.chars().collect();
    let code = scan::parts_of(text, Language::Rust).code;
    let mut paths = Vec::new();
    for at in scan::places_of(&code, "mod") {
        let name = scan::word_from(&code, at + 3);
        let names_a_file = code[at..].iter().find(|c| matches!(c, ';' | '{')) == Some(&';');
        if names_a_file && !name.is_empty() {
            let inside =
                surrounding_modules(&code, at).iter().fold(base.clone(), |inside, name| join(&inside, name));
            paths.push(join(&inside, &format!("{name}.rs")));
            paths.push(join(&inside, &format!("{name}/mod.rs")));
        }
    }
    for at in scan::places_of(&code, "#[path").into_iter().chain(scan::places_of(&code, "include!(")) {
        let line: String = characters[at..].iter().take_while(|c| **c != '\n').collect();
        paths.extend(line.split('"').nth(1).map(|named| normal(&join(folder, named))));
    }
    paths
}

/// The names of the inline modules around a place, the outermost first.
fn surrounding_modules(code: &[char], place: usize) -> Vec<String> {
    let around = scan::places_of(&code[..place], "mod").into_iter().filter(|at| {
        let open = code[*at..].iter().position(|c| matches!(c, ';' | '{')).map(|ahead| at + ahead);
        let block = open.filter(|open| code[*open] == '{');
        block.is_some_and(|open| scan::closing(code, open).is_some_and(|end| open < place && place < end))
    });
    around.map(|at| scan::word_from(code, at + 3)).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_file_that_no_module_names_is_dead() {
        let sources = [
            sample(
                "c/src/lib.rs",
                "mod a;\n// mod dead;\nmod inline { mod b; }\n#[path = \"../odd.rs\"]\nmod odd;\n",
            ),
            sample("c/src/a.rs", "mod deep;\nmod folder;\nconst MOD: &str = \"mod dead;\";\n"),
            sample("c/src/a/deep.rs", ""),
            sample("c/src/a/folder/mod.rs", "mod inner;"),
            sample("c/src/a/folder/inner.rs", ""),
            sample("c/src/inline/b.rs", ""),
            sample("c/odd.rs", ""),
            sample("c/tests/story.rs", ""),
            sample("c/src/dead.rs", "mod also_dead;"),
            sample("c/src/dead/also_dead.rs", ""),
        ];
        let roots = ["c/src/lib.rs", "c/tests/story.rs"].map(str::to_owned).into();
        let dead: Vec<String> = check(&sources, &roots).into_iter().map(|finding| finding.path).collect();
        assert_eq!(dead, ["c/src/dead.rs", "c/src/dead/also_dead.rs"]);
    }
}

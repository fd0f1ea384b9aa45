//! Rules about words: no unnumbered promises, no place on somebody's machine, nothing but the product.

use super::scan;
use super::{Finding, Source};

/// A promise needs the number of the issue that keeps it. Written apart, so that this file passes its own rule.
const PROMISES: &[&str] = &["TODO", "FIXME"];
/// Where somebody's checkout lies. `/home/user` and `/home/you` are nobody's.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const NOBODY: &[&str] = &["user", "you"];
/// How a text was made is not what it says.
const ASIDES: &[&str] = &[
    concat!("helper ", "agent"),
    concat!("coding ", "agent"),
    concat!("session's ", "machine"),
    concat!("as the ", "brief says"),
];

/// Looks at every text.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(text) = source.text() else { continue };
        // In code a promise stands in a comment; a literal that holds the word is data.
        let prose: String = match scan::language_of(source.extension()) {
            Some(language) => scan::parts_of(text, language).comments.into_iter().collect(),
            None => text.to_owned(),
        };
        for (index, line) in prose.lines().enumerate() {
            promises(&source.path, index + 1, line, &mut findings);
        }
        for (index, line) in text.lines().enumerate() {
            machine_paths(&source.path, index + 1, line, &mut findings);
            asides(&source.path, index + 1, line, &mut findings);
        }
    }
    findings
}

fn promises(path: &str, line: usize, text: &str, findings: &mut Vec<Finding>) {
    let characters: Vec<char> = text.chars().collect();
    for word in PROMISES.iter().filter(|word| !scan::places_of(&characters, word).is_empty()) {
        let has_number = text.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if !has_number {
            findings.push(Finding {
                rule: "promise",
                path: path.to_owned(),
                line,
                what: format!("`{word}` without an issue's number"),
                instead: "do it now, or open an issue and name it on the line as `#12`",
            });
        }
    }
}

fn machine_paths(path: &str, line: usize, text: &str, findings: &mut Vec<Finding>) {
    for folder in MACHINE_PATHS {
        for (at, _) in text.match_indices(folder) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            let starts_path = !before.is_alphanumeric() && !"._-/".contains(before);
            let rest = &text[at + folder.len()..];
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_home = folder.starts_with(concat!("/ho", "me"));
            if !starts_path || is_home && (name.is_empty() || NOBODY.contains(&name.as_str())) {
                continue;
            }
            findings.push(Finding {
                rule: "machine-path",
                path: path.to_owned(),
                line,
                what: format!("`{folder}{name}` is a place on one machine"),
                instead: "a path from the repository's root, or `/home/user` as an example of a home",
            });
        }
    }
}

fn asides(path: &str, line: usize, text: &str, findings: &mut Vec<Finding>) {
    let lower = text.to_lowercase();
    for words in ASIDES.iter().filter(|words| lower.contains(**words)) {
        findings.push(Finding {
            rule: "aside",
            path: path.to_owned(),
            line,
            what: format!("`{words}` is about how the text was made"),
            instead: "say what the product does, and why",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(&'static str, usize)> {
        check(&[sample(path, text)]).into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn a_promise_has_a_number() {
        assert_eq!(rules("a.rs", "\n// TODO: later"), [("promise", 2)]);
        assert_eq!(rules("a.md", "FIXME"), [("promise", 1)]);
        assert_eq!(rules("a.md", "TODO # later"), [("promise", 1)]);
        assert_eq!(rules("a.rs", "// TODO(#12): later\nlet a = \"TODO\"; // TODOS"), []);
    }

    #[test]
    fn no_path_of_one_machine() {
        for folder in [concat!("/wo", "rk/main"), concat!("/ro", "ot/.cargo"), concat!("/ho", "me/ada")] {
            assert_eq!(rules("a.md", &format!("see {folder}")), [("machine-path", 1)], "{folder}");
        }
        assert_eq!(rules("a.md", "`/home/user/.config`, `https://example.com/work/x`, `a/root/b`"), []);
    }

    #[test]
    fn nothing_but_the_product() {
        assert_eq!(rules("a.md", concat!("On the Session's ", "machine.")), [("aside", 1)]);
        assert_eq!(rules("a.md", "A user agent, a session of a process."), []);
    }
}

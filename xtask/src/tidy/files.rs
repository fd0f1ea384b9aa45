//! Rules about files: short ones, no blobs, no stray white space, design notes of one page.

use super::{Finding, Source};

/// The most lines of a file that people read.
const FILE_LINES_MAX: usize = 600;
/// The most bytes of any file.
const FILE_BYTES_MAX: usize = 256 * 1024;
/// The most lines of a design note: one decision, one page.
const DESIGN_LINES_MAX: usize = 120;
/// Written by tools or growing by design: their length says nothing.
const ANY_LENGTH: &[&str] = &["Cargo.lock", "package-lock.json", "CHANGELOG.md"];
/// What people write and read.
const WRITTEN: &[&str] =
    &["rs", "js", "mjs", "cjs", "ts", "mts", "cts", "html", "css", "sh", "sql", "md", "toml", "yml"];

/// Looks at every file.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        let has_any_length = ANY_LENGTH.contains(&name);
        blob(source, has_any_length, &mut findings);
        if let Some(text) = source.text().filter(|_| WRITTEN.contains(&source.extension())) {
            length(source, text, has_any_length, &mut findings);
            white_space(source, text, &mut findings);
        }
    }
    findings
}

fn blob(source: &Source, has_any_length: bool, findings: &mut Vec<Finding>) {
    let what = if source.bytes.contains(&0) {
        "it holds NUL bytes".to_owned()
    } else if source.bytes.len() > FILE_BYTES_MAX && !has_any_length {
        format!("it has {} bytes, more than {FILE_BYTES_MAX}", source.bytes.len())
    } else {
        return;
    };
    let instead = "generate it in the build, or give it an entry with its reason in xtask/ratchet.toml";
    findings.push(Finding { rule: "blob", path: source.path.clone(), line: 1, what, instead });
}

fn length(source: &Source, text: &str, has_any_length: bool, findings: &mut Vec<Finding>) {
    let lines = text.lines().count();
    let is_design = source.path.starts_with("docs/design/");
    let (rule, most, instead) = if is_design {
        (
            "design-page",
            DESIGN_LINES_MAX,
            "keep the one decision and its reasons; move the rest to the user's docs",
        )
    } else {
        ("file-lines", FILE_LINES_MAX, "move a part that can be named into a file of its own")
    };
    if lines > most && !has_any_length {
        let what = format!("it has {lines} lines, more than {most}");
        findings.push(Finding { rule, path: source.path.clone(), line: most + 1, what, instead });
    }
}

fn white_space(source: &Source, text: &str, findings: &mut Vec<Finding>) {
    let mut found = |rule, line: usize, what: &str, instead| {
        findings.push(Finding { rule, path: source.path.clone(), line, what: what.to_owned(), instead });
    };
    for (index, line) in text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            found("trailing-space", index + 1, "white space at the end of the line", "remove it");
        }
        if source.extension() == "rs" && line.contains('\t') {
            found("tabs", index + 1, "a tab", "spaces (`cargo fmt`), and `\\t` in a literal");
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let last = text.lines().count();
        found("final-newline", last, "the last line has no end", "end the file with a newline");
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
    fn a_file_has_at_most_six_hundred_lines() {
        assert_eq!(rules("a.rs", &"//\n".repeat(600)), []);
        assert_eq!(rules("a.rs", &"//\n".repeat(601)), [("file-lines", 601)]);
        assert_eq!(rules("Cargo.lock", &"#\n".repeat(601)), []);
        assert_eq!(rules("CHANGELOG.md", &"-\n".repeat(601)), []);
    }

    #[test]
    fn a_design_note_is_one_page() {
        assert_eq!(rules("docs/design/store.md", &"-\n".repeat(120)), []);
        assert_eq!(rules("docs/design/store.md", &"-\n".repeat(121)), [("design-page", 121)]);
        assert_eq!(rules("docs/store.md", &"-\n".repeat(121)), []);
    }

    #[test]
    fn blobs_stay_out() {
        assert_eq!(rules("data.csv", &"1,2\n".repeat(64 * 1024)), []);
        assert_eq!(rules("data.csv", &"1,2\n".repeat(64 * 1024 + 1)), [("blob", 1)]);
        assert_eq!(rules("a.bin", "a\0b"), [("blob", 1)]);
    }

    #[test]
    fn white_space_is_no_surprise() {
        assert_eq!(rules("a.rs", "fn f() {} \n"), [("trailing-space", 1)]);
        assert_eq!(rules("a.md", "one\r\n"), [("trailing-space", 1)]);
        assert_eq!(rules("a.rs", "fn f() {\n\tg();\n}\n"), [("tabs", 2)]);
        assert_eq!(rules("a.rs", "fn f() {}"), [("final-newline", 1)]);
        assert_eq!(rules("a.snap", "cell   \n"), []);
        assert_eq!(rules("a.rs", "fn f() {}\n"), []);
    }
}

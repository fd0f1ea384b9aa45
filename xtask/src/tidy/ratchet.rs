//! What the rules let through for now: `xtask/ratchet.toml`, entries that may shrink and never grow.
//!
//! ```toml
//! [[exception]]
//! rule = "blob"
//! path = "fixtures/feeds/month.bin"
//! count = 1
//! why = "a recorded feed, bytes and all"
//! ```

use super::Finding;
use crate::tools;
use toml::{Table, Value};

/// Findings that are let through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exception {
    rule: String,
    path: String,
    /// How many findings there are today: more is a failure, and so is fewer until the entry says so.
    count: usize,
}

/// Why the ratchet could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RatchetError {
    #[error("`xtask/ratchet.toml` could not be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("`xtask/ratchet.toml` is not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    #[error(
        "exception {number} of `xtask/ratchet.toml` has no good `{key}`: expected `rule`, `path` and `why` as text and `count` from 1"
    )]
    Entry { number: usize, key: &'static str },
}

/// Reads the file.
pub(super) fn read() -> Result<Vec<Exception>, RatchetError> {
    parse(&std::fs::read_to_string(tools::root().join("xtask/ratchet.toml"))?)
}

fn parse(text: &str) -> Result<Vec<Exception>, RatchetError> {
    let table: Table = text.parse()?;
    let entries = table.get("exception").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().enumerate().map(|(index, entry)| exception(index + 1, entry)).collect()
}

fn exception(number: usize, entry: &Value) -> Result<Exception, RatchetError> {
    let bad = |key| RatchetError::Entry { number, key };
    let text = |key| {
        let value = entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.map(str::to_owned).ok_or(bad(key))
    };
    text("why")?;
    let count = entry.get("count").and_then(Value::as_integer).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(bad("count"))?;
    Ok(Exception { rule: text("rule")?, path: text("path")?, count })
}

/// Takes the excepted findings out, and adds one for each exception that is larger than it needs to be.
pub(super) fn apply(mut findings: Vec<Finding>, exceptions: &[Exception]) -> Vec<Finding> {
    for exception in exceptions {
        let fits = |finding: &Finding| finding.rule == exception.rule && finding.path == exception.path;
        let found = findings.iter().filter(|finding| fits(finding)).count();
        if found <= exception.count {
            findings.retain(|finding| !fits(finding));
        }
        if found < exception.count {
            findings.push(Finding {
                rule: "ratchet",
                path: "xtask/ratchet.toml".into(),
                line: 1,
                what: format!(
                    "`{}` lets {} of `{}` through, and there are {found}",
                    exception.path, exception.count, exception.rule
                ),
                instead: "lower its `count` to what is left, or delete the entry: it must not grow again",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: usize) -> Finding {
        Finding { rule: "blob", path: "a.bin".into(), line, what: String::new(), instead: "" }
    }

    fn entry(count: usize) -> Exception {
        Exception { rule: "blob".into(), path: "a.bin".into(), count }
    }

    #[test]
    fn what_is_excepted_passes_and_nothing_more() {
        assert_eq!(apply(vec![finding(1)], &[entry(1)]), []);
        assert_eq!(apply(vec![finding(1), finding(2)], &[entry(1)]), [finding(1), finding(2)]);
        let elsewhere = Exception { path: "b.bin".into(), ..entry(1) };
        assert_eq!(apply(vec![finding(1)], &[elsewhere])[0], finding(1));
    }

    #[test]
    fn an_exception_shrinks_with_its_findings() {
        let findings = apply(vec![finding(1)], &[entry(2)]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule, "ratchet");
    }

    #[test]
    fn an_entry_gives_its_reason() {
        let good = "[[exception]]\nrule = \"blob\"\npath = \"a.bin\"\ncount = 1\nwhy = \"a recording\"\n";
        assert_eq!(parse(good).expect("good"), [entry(1)]);
        assert_eq!(parse("").expect("none"), []);
        for (bad, key) in
            [("why = \"a recording\"", "why"), ("count = 1", "count"), ("rule = \"blob\"", "rule")]
        {
            let error = parse(&good.replace(bad, "")).expect_err(key);
            assert!(error.to_string().contains(&format!("no good `{key}`")), "{error}");
        }
    }
}

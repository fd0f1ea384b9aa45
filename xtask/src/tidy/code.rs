//! Rules about code: short functions, nothing left behind from debugging, tests that wait for events.

use super::scan::{self, Language, Parts};
use super::{Finding, Source};

/// The most lines a function may have, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// What must not stand in Rust code, and what to do instead.
const LEFT_BEHIND: &[(&str, &str)] = &[
    ("dbg!", "delete it, or journal what it shows"),
    ("todo!", "write the code, or leave the function out until it can be written"),
    ("unimplemented!", "write the code, or leave the function out until it can be written"),
];

/// Calls that wait for time, per language.
const RUST_WAITS: &[&str] = &["sleep(", "sleep_ms(", "sleep_until("];
const JAVASCRIPT_WAITS: &[&str] =
    &["sleep(", "delay(", "await setTimeout(", "setTimeout(resolve", "setTimeout(r,"];

/// Looks at every file in a language that can be scanned.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let (Some(language), Some(text)) = (scan::language_of(source.extension()), source.text()) else {
            continue;
        };
        let parts = scan::parts_of(text, language);
        long_functions(&source.path, &parts, language, &mut findings);
        waits_in_tests(&source.path, &parts, language, &mut findings);
        if language == Language::Rust {
            left_behind(&source.path, &parts, &mut findings);
            allowed_dead_code(&source.path, &parts, &mut findings);
        }
    }
    findings
}

fn long_functions(path: &str, parts: &Parts, language: Language, findings: &mut Vec<Finding>) {
    for function in scan::functions_of(&parts.code, language) {
        let lines = function.line_last - function.line_first + 1;
        if lines > FUNCTION_LINES_MAX {
            findings.push(Finding {
                rule: "function-lines",
                path: path.to_owned(),
                line: function.line_first,
                what: format!("`{}` has {lines} lines, more than {FUNCTION_LINES_MAX}", function.name),
                instead: "move a part that can be named into a function of its own",
            });
        }
    }
}

fn left_behind(path: &str, parts: &Parts, findings: &mut Vec<Finding>) {
    for (call, instead) in LEFT_BEHIND {
        for at in scan::places_of(&parts.code, call) {
            findings.push(Finding {
                rule: "left-behind",
                path: path.to_owned(),
                line: scan::line_at(&parts.code, at),
                what: format!("`{call}`"),
                instead,
            });
        }
    }
}

fn allowed_dead_code(path: &str, parts: &Parts, findings: &mut Vec<Finding>) {
    for at in scan::places_of(&parts.code, "dead_code") {
        findings.push(Finding {
            rule: "dead-code",
            path: path.to_owned(),
            line: scan::line_at(&parts.code, at),
            what: "a lint attribute that hides dead code".into(),
            instead: "delete what nothing uses",
        });
    }
}

fn waits_in_tests(path: &str, parts: &Parts, language: Language, findings: &mut Vec<Finding>) {
    let calls = if language == Language::Rust { RUST_WAITS } else { JAVASCRIPT_WAITS };
    for span in test_spans(path, &parts.code, language) {
        for call in calls {
            for at in scan::places_of(&parts.code[span.clone()], call) {
                findings.push(Finding {
                    rule: "waiting-test",
                    path: path.to_owned(),
                    line: scan::line_at(&parts.code, span.start + at),
                    what: format!("`{call}…)`: a test that waits for time is slow, and flaky on a busy machine"),
                    instead: "wait for the event itself, with a bound (a channel's `recv_timeout`, a process's exit)",
                });
            }
        }
    }
}

/// The parts of a file that are tests: all of it below `tests/` or `test/`, else what follows `#[cfg(test)]`.
fn test_spans(path: &str, code: &[char], language: Language) -> Vec<std::ops::Range<usize>> {
    let is_test_file = path.split('/').any(|folder| folder == "tests" || folder == "test")
        || path.split('/').next_back().is_some_and(|name| name.contains(".test."));
    if is_test_file && !path.starts_with("fixtures/") && !path.starts_with("xtask/") {
        return std::iter::once(0..code.len()).collect();
    }
    if language != Language::Rust {
        return Vec::new();
    }
    let modules = scan::places_of(code, "#[cfg(test)]").into_iter().filter_map(|at| {
        let open = at + code[at..].iter().position(|c| *c == '{')?;
        Some(open..scan::closing(code, open)?)
    });
    modules.collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(&'static str, usize)> {
        check(&[sample(path, text)]).into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn a_function_has_at_most_seventy_lines() {
        let function = |lines: usize| format!("\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2));
        assert_eq!(rules("a.rs", &function(70)), []);
        assert_eq!(rules("a.rs", &function(71)), [("function-lines", 2)]);
        assert_eq!(rules("a.mjs", &function(71).replace("fn", "function")), [("function-lines", 2)]);
    }

    #[test]
    fn nothing_is_left_behind() {
        assert_eq!(rules("a.rs", "let a = \"dbg!(x)\"; // todo!()\nmy_dbg!(x);"), []);
        assert_eq!(rules("a.rs", "\ndbg!(x);"), [("left-behind", 2)]);
        assert_eq!(rules("a.rs", "fn f() { todo!() }"), [("left-behind", 1)]);
        assert_eq!(rules("a.rs", "fn f() { unimplemented!() }"), [("left-behind", 1)]);
    }

    #[test]
    fn dead_code_is_not_hidden() {
        assert_eq!(rules("a.rs", "#[allow(dead_code)]\nfn f() {}"), [("dead-code", 1)]);
        assert_eq!(rules("a.rs", "#[expect(unused, dead_code)]\nfn f() {}"), [("dead-code", 1)]);
        assert_eq!(rules("a.rs", "#[allow(clippy::too_many_arguments)]\nfn f() {}"), []);
    }

    #[test]
    fn a_test_does_not_wait_for_time() {
        let unit =
            "fn f() { std::thread::sleep(d) }\n#[cfg(test)]\nmod tests {\n fn t() { thread::sleep(d) }\n}\n";
        assert_eq!(rules("crates/core/src/a.rs", unit), [("waiting-test", 4)]);
        let behaviour = "fn t() {\n tokio::time::sleep(d).await;\n}";
        assert_eq!(rules("crates/host/tests/a.rs", behaviour), [("waiting-test", 2)]);
        assert_eq!(rules("crates/host/tests/a.rs", "fn t() { asleep(); channel.recv_timeout(d) }"), []);
        let node = "await new Promise((resolve) => setTimeout(resolve, 50));";
        assert_eq!(rules("sdk/node/test/a.mjs", node), [("waiting-test", 1)]);
        assert_eq!(rules("sdk/node/src/a.mjs", node), []);
    }
}

//! How many tests passed and failed, read from the closing lines of the runners themselves.

use std::fmt;

/// Tests or checks, counted by their result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// One check that passed.
    pub(crate) const ONE_PASSED: Self = Self { passed: 1, failed: 0 };
    /// One check that failed.
    pub(crate) const ONE_FAILED: Self = Self { passed: 0, failed: 1 };

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// A program that runs tests and closes with their counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `Summary [   1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`
    Nextest,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`, once a test binary
    Libtest,
    /// `# pass 12` and `# fail 0`, or the same after `ℹ`, once a run
    Node,
}

impl Runner {
    /// The counts in `text`, if the closing lines are there.
    pub(crate) fn count(self, text: &str) -> Option<Count> {
        let plain = without_colours(text);
        let counts: Option<Vec<Count>> = match self {
            Self::Nextest => plain.lines().filter_map(nextest_summary).map(nextest).collect(),
            Self::Libtest => {
                plain.lines().filter_map(|l| l.trim().strip_prefix("test result: ")).map(libtest).collect()
            }
            Self::Node => return node(&plain),
        };
        counts
            .filter(|counts| !counts.is_empty())
            .map(|counts| counts.into_iter().fold(Count::default(), Count::plus))
    }
}

/// What follows the time in nextest's last line.
fn nextest_summary(line: &str) -> Option<&str> {
    let (time, summary) = line.trim().strip_prefix("Summary [")?.split_once(']')?;
    time.trim_end().ends_with('s').then_some(summary)
}

/// `5/12 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 2 skipped`; what was not run after a cancel has failed.
fn nextest(summary: &str) -> Option<Count> {
    let (run, results) = summary.split_once(" run: ")?;
    let run = run.split_whitespace().next()?;
    let planned: u64 = run.rsplit('/').next()?.parse().ok()?;
    let passed = without_brackets(results).split(',').find_map(|part| number_before(part, "passed"));
    let passed = passed.unwrap_or(0);
    Some(Count { passed, failed: planned.checked_sub(passed)? })
}

/// `ok. 3 passed; 0 failed; …`
fn libtest(result: &str) -> Option<Count> {
    let (_, numbers) = result.split_once(". ")?;
    let find = |word| numbers.split(';').find_map(|part| number_before(part, word));
    Some(Count { passed: find("passed")?, failed: find("failed")? })
}

/// Node closes with one line a result; a cancelled test is one that did not pass.
fn node(text: &str) -> Option<Count> {
    let sum = |word: &str| {
        let numbers = text.lines().filter_map(|line| {
            let line = line.trim().strip_prefix("# ").or_else(|| line.trim().strip_prefix("ℹ "))?;
            line.strip_prefix(word)?.strip_prefix(' ')?.parse::<u64>().ok()
        });
        numbers.fold(None, |sum: Option<u64>, number| Some(sum.unwrap_or(0) + number))
    };
    Some(Count { passed: sum("pass")?, failed: sum("fail")? + sum("cancelled")? })
}

/// The number in ` 12 passed`.
fn number_before(part: &str, word: &str) -> Option<u64> {
    part.trim().strip_suffix(word)?.trim().parse().ok()
}

/// `text` without what stands in round brackets.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(keep).collect()
}

/// `text` without terminal colours (`ESC [ … m`).
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: u64, failed: u64) -> Count {
        Count { passed, failed }
    }

    #[test]
    fn nextest_closes_with_a_summary() {
        let good = "     Summary [   0.010s] 12 tests run: 12 passed (1 slow, 1 leaky), 3 skipped\n";
        assert_eq!(Runner::Nextest.count(good), Some(count(12, 0)));
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.010s] 3 tests run: 3 passed, 0 skipped";
        assert_eq!(Runner::Nextest.count(coloured), Some(count(3, 0)));
        let one = "Summary [   0.010s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(Runner::Nextest.count(one), Some(count(1, 0)));
        let bad = "Summary [  70.1s] 5/12 tests run: 3 passed, 1 failed, 1 timed out, 7 skipped";
        assert_eq!(Runner::Nextest.count(bad), Some(count(3, 9)));
        assert_eq!(
            Runner::Nextest.count("Summary [ 0.1s] 2 tests run: 2 failed, 0 skipped"),
            Some(count(0, 2))
        );
    }

    #[test]
    fn libtest_closes_once_a_binary() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\
                    test result: FAILED. 2 passed; 1 failed; 0 ignored\n";
        assert_eq!(Runner::Libtest.count(text), Some(count(5, 1)));
    }

    #[test]
    fn node_closes_with_a_line_a_result() {
        assert_eq!(Runner::Node.count("# tests 4\n# pass 3\n# fail 1\n# cancelled 0\n"), Some(count(3, 1)));
        assert_eq!(Runner::Node.count("ℹ pass 7\nℹ fail 0\nℹ cancelled 2\n"), Some(count(7, 2)));
    }

    #[test]
    fn a_runner_without_a_closing_line_has_no_count() {
        for runner in [Runner::Nextest, Runner::Libtest, Runner::Node] {
            assert_eq!(runner.count("error: could not compile `core`\n"), None, "{runner:?}");
        }
        assert_eq!(Runner::Libtest.count("test result: ok. many passed; 0 failed"), None);
        assert_eq!(Runner::Nextest.count("Summary [ 1.0s] all tests run: 2 passed"), None);
        assert_eq!(Runner::Node.count("# pass 3\n"), None);
    }
}

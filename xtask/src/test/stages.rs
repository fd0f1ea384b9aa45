//! The stages of `cargo xtask test`, cheapest first: a slip in the formatting is told before anything is built.

use super::StageResult;
use super::counts::{Count, Runner};
use crate::metadata::{self, Reach};
use crate::tools::{self, Ran, ToolError};
use crate::{check_macos, deny, fixtures, licences, setup, tidy};
use std::fmt::Display;
use std::path::Path;
use std::process::Command;

/// One stage: a name, what it shows, and how it is run.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    /// Why a run that did not name the stage leaves it out here and now, if it does.
    pub(crate) left_out: Option<fn() -> Option<String>>,
    pub(crate) run: fn() -> StageResult,
}

pub(crate) const STAGES: &[Stage] = &[
    always("set-up", "the machine has what the other stages need", || check(setup::make_ready())),
    always("format", "cargo fmt --check", || checked(&["fmt", "--all", "--check"])),
    always("tidy", "the rules about the source itself", tidied),
    always("licences", "every dependency's licence is allowed by deny.toml", licensed),
    always("fixtures", "every fixture file parses", fixtures_parse),
    always("clippy", "cargo clippy, warnings are errors", || {
        checked(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    }),
    always("rust", "unit and behaviour tests in Rust", rust_tests),
    always("doc-tests", "the examples in the Rust documentation", || {
        counted(Runner::Libtest, &mut cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]))
    }),
    always("docs", "cargo doc, warnings are errors", || {
        let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
        check(tools::run(command.env("RUSTDOCFLAGS", "-D warnings")))
    }),
    always("javascript", "the tests of every package under sdk/", javascript_tests),
    Stage {
        name: "deny",
        summary: "cargo-deny: licences, bans, sources",
        left_out: Some(|| {
            let why =
                "cargo-deny is not installed: `cargo xtask deny` installs it, as does BGFETCH_CI_FULL=1";
            (!deny::is_installed() && !is_full()).then(|| left_out("deny", why))
        }),
        run: || check(deny::check()),
    },
    Stage {
        name: "macos",
        summary: "the workspace type-checks for macOS",
        left_out: Some(|| {
            let why =
                "its target is not installed: `cargo xtask check-macos` adds it, as does a run with CI set";
            (!check_macos::has_target() && !is_full() && !is_ci()).then(|| left_out("macos", why))
        }),
        run: || match check_macos::check() {
            Ok(check_macos::Checked::Yes) => StageResult::Passed(Count::ONE_PASSED),
            Ok(check_macos::Checked::Skipped(why)) => StageResult::Skipped(left_out("macos", &why)),
            Err(error) => failed(error),
        },
    },
];

const fn always(name: &'static str, summary: &'static str, run: fn() -> StageResult) -> Stage {
    Stage { name, summary, left_out: None, run }
}

/// Whether the environment asks for every stage, whatever has to be installed for it.
fn is_full() -> bool {
    std::env::var_os("BGFETCH_CI_FULL").is_some_and(|value| value == "1")
}

/// Whether this is a build machine, where nobody waits at the terminal.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

fn left_out(stage: &str, why: &str) -> String {
    tools::loud(&format!("the stage `{stage}` is left out: {why}"));
    why.to_owned()
}

fn failed(why: impl Display) -> StageResult {
    StageResult::Failed(Count::ONE_FAILED, why.to_string())
}

fn check(result: Result<(), impl Display>) -> StageResult {
    result.map_or_else(failed, |()| StageResult::Passed(Count::ONE_PASSED))
}

fn cargo(arguments: &[&str]) -> Command {
    tools::command("cargo", arguments)
}

fn checked(arguments: &[&str]) -> StageResult {
    check(tools::run(&mut cargo(arguments)))
}

/// Runs tests and counts them: a runner that ends badly, or without its closing line, has failed at least once.
fn counted(runner: Runner, command: &mut Command) -> StageResult {
    judge(runner, tools::run_and_keep(command))
}

fn judge(runner: Runner, ran: Result<Ran, ToolError>) -> StageResult {
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => return failed(error),
    };
    match runner.count(&ran.text) {
        None => failed(format!("no closing line of {runner:?} with its counts")),
        Some(count) if count.failed > 0 => StageResult::Failed(count, "its words are above".into()),
        // Only the examples in the documentation may be none: a suite that is not found must not pass.
        Some(Count { passed: 0, failed: 0 }) if runner != Runner::Libtest => failed("it ran no tests"),
        Some(count) if !ran.success => {
            StageResult::Failed(count.plus(Count::ONE_FAILED), "the runner itself ended badly".into())
        }
        Some(count) => StageResult::Passed(count),
    }
}

fn tidied() -> StageResult {
    match tidy::check() {
        Err(error) => failed(error),
        Ok(findings) => listed(&findings.iter().map(ToString::to_string).collect::<Vec<_>>()),
    }
}

fn licensed() -> StageResult {
    match licences::check() {
        Err(error) => failed(error),
        Ok(licences) => listed(&licences.refused),
    }
}

fn fixtures_parse() -> StageResult {
    match fixtures::check() {
        Err(error) => failed(error),
        Ok(fixtures) if fixtures.looked_at == 0 => {
            StageResult::Skipped(left_out("fixtures", "no file under fixtures/ has a parser"))
        }
        Ok(fixtures) => listed(&fixtures.refused),
    }
}

fn listed(refused: &[String]) -> StageResult {
    for line in refused {
        println!("{line}");
    }
    if refused.is_empty() {
        StageResult::Passed(Count::ONE_PASSED)
    } else {
        failed(format!("{} refused, listed above", refused.len()))
    }
}

fn rust_tests() -> StageResult {
    if tools::is_on_path("cargo-nextest") {
        return counted(Runner::Nextest, &mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]));
    }
    let arguments = ["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
    counted(Runner::Libtest, &mut cargo(&arguments))
}

/// The SDK is tested against the host itself, which is built first and found through `BGFETCH_PROGRAM`.
fn javascript_tests() -> StageResult {
    let packages = match tidy::tracked_files() {
        Err(error) => return failed(error),
        Ok(files) => files.into_iter().filter(|path| is_sdk_manifest(path)).collect::<Vec<_>>(),
    };
    if packages.is_empty() {
        return StageResult::Skipped(left_out("javascript", "no package.json is tracked under sdk/"));
    }
    if let Err(error) = tools::run(&mut cargo(&["build", "--workspace", "--bins"])) {
        return failed(error);
    }
    let program = match metadata::read("Cargo.toml", Reach::Own) {
        Err(error) => return failed(error),
        Ok(metadata) => metadata.target_folder.join("debug/bgfetch"),
    };
    let mut total = Count::default();
    let mut failures = Vec::new();
    for manifest in packages {
        let folder = tools::root().join(&manifest).parent().unwrap_or(Path::new("")).to_owned();
        let result = package_tests(&folder, &program);
        match result {
            StageResult::Passed(count) => total = total.plus(count),
            StageResult::Failed(count, why) => {
                total = total.plus(count);
                failures.push(format!("{manifest}: {why}"));
            }
            StageResult::Skipped(why) => failures.push(why),
        }
    }
    if failures.is_empty() {
        StageResult::Passed(total)
    } else {
        StageResult::Failed(total, failures.join("; "))
    }
}

fn package_tests(folder: &Path, program: &Path) -> StageResult {
    if let Err(error) = setup::install_node_packages(folder) {
        return failed(error);
    }
    let mut command = tools::command("npm", &["test"]);
    counted(Runner::Node, command.current_dir(folder).env("BGFETCH_PROGRAM", program))
}

/// `sdk/NAME/package.json`, and nothing deeper.
fn is_sdk_manifest(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["sdk", _, "package.json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(success: bool, text: &str) -> StageResult {
        judge(Runner::Libtest, Ok(Ran { success, text: text.to_owned() }))
    }

    #[test]
    fn a_runner_passes_only_with_its_counts_and_a_good_end() {
        let good = "test result: ok. 3 passed; 0 failed; 0 ignored";
        assert!(matches!(ran(true, good), StageResult::Passed(Count { passed: 3, failed: 0 })));
        assert!(matches!(ran(false, good), StageResult::Failed(Count { passed: 3, failed: 1 }, _)));
        assert!(matches!(ran(true, ""), StageResult::Failed(Count { passed: 0, failed: 1 }, _)));
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored";
        assert!(matches!(ran(false, bad), StageResult::Failed(Count { passed: 3, failed: 2 }, _)));
        let none = Ran { success: true, text: "# pass 0\n# fail 0\n# cancelled 0\n".to_owned() };
        assert!(matches!(
            judge(Runner::Node, Ok(none)),
            StageResult::Failed(Count { passed: 0, failed: 1 }, _)
        ));
    }

    #[test]
    fn only_the_packages_of_the_sdk_are_tested() {
        assert!(is_sdk_manifest("sdk/node/package.json"));
        assert!(!is_sdk_manifest("sdk/node/adapters/expo/package.json"));
        assert!(!is_sdk_manifest("fixtures/apps/package.json"));
    }
}

//! `cargo xtask test`: everything a change must pass, stage by stage, with one plain line of counts at the end.
//!
//! A stage that runs tests counts them; any other stage counts as one check. `--list` names the stages,
//! `--only STAGE` (repeatable) runs those alone, also the long ones that a plain run leaves out.

mod counts;
mod stages;

use counts::Count;
use stages::{STAGES, Stage};
use std::error::Error;
use std::time::{Duration, Instant};

/// How a stage ended.
pub(crate) enum StageResult {
    /// Everything it counted passed.
    Passed(Count),
    /// Something failed, or could not be run.
    Failed(Count, String),
    /// Not part of this run, and why.
    Skipped(String),
}

/// Why the arguments make no run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum ArgumentError {
    #[error("`{0}` is not an argument: expected `--list` or `--only STAGE`")]
    Unknown(String),
    #[error("`{asked}` is not a stage: expected one of {}", stage_names())]
    NoStage { asked: String },
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    List,
    All,
    Only(Vec<String>),
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let only = match parse(arguments)? {
        Request::List => {
            for stage in STAGES {
                println!("{:<12} {}", stage.name, stage.summary);
            }
            return Ok(());
        }
        Request::All => Vec::new(),
        Request::Only(names) => names,
    };
    let mut results = Vec::new();
    for stage in STAGES.iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)) {
        println!("== {}: {}", stage.name, stage.summary);
        let start = Instant::now();
        let result = match stage.left_out.filter(|_| only.is_empty()).and_then(|left_out| left_out()) {
            Some(why) => StageResult::Skipped(why),
            None => (stage.run)(),
        };
        results.push((stage, result, start.elapsed()));
    }
    report(&results)
}

fn parse(arguments: &[String]) -> Result<Request, ArgumentError> {
    let mut names = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--list" => return Ok(Request::List),
            "--only" => {
                let asked = rest.next().cloned().unwrap_or_default();
                if !STAGES.iter().any(|stage| stage.name == asked) {
                    return Err(ArgumentError::NoStage { asked });
                }
                names.push(asked);
            }
            _ => return Err(ArgumentError::Unknown(argument.clone())),
        }
    }
    Ok(if names.is_empty() { Request::All } else { Request::Only(names) })
}

/// Prints the table and the closing line; any failure makes the whole run one.
fn report(results: &[(&Stage, StageResult, Duration)]) -> Result<(), Box<dyn Error>> {
    let mut total = Count::default();
    println!("\n{:<12} {:>8}  RESULT", "STAGE", "TIME");
    for (stage, result, time) in results {
        let words = match result {
            StageResult::Passed(count) => {
                total = total.plus(*count);
                format!("ok       {count}")
            }
            StageResult::Failed(count, why) => {
                total = total.plus(*count);
                format!("FAILED   {count}: {why}")
            }
            StageResult::Skipped(why) => format!("skipped  {why}"),
        };
        println!("{:<12} {:>6.1} s  {words}", stage.name, time.as_secs_f64());
    }
    println!("{total}");
    if total.failed > 0 {
        Err("not everything passed: the table above says which stage".into())
    } else {
        Ok(())
    }
}

fn stage_names() -> String {
    STAGES.iter().map(|stage| format!("`{}`", stage.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn arguments_choose_stages() {
        assert_eq!(parse(&[]), Ok(Request::All));
        assert_eq!(parse(&words("--list")), Ok(Request::List));
        assert_eq!(parse(&words("--only tidy --only format")), Ok(Request::Only(words("tidy format"))));
        assert_eq!(parse(&words("--only tiddy")), Err(ArgumentError::NoStage { asked: "tiddy".into() }));
        assert_eq!(parse(&words("--only")), Err(ArgumentError::NoStage { asked: String::new() }));
        assert_eq!(parse(&words("fast")), Err(ArgumentError::Unknown("fast".into())));
    }

    #[test]
    fn one_failed_stage_fails_the_run() {
        let stage = &STAGES[0];
        let good = || (stage, StageResult::Passed(Count { passed: 3, failed: 0 }), Duration::ZERO);
        let skipped = || (stage, StageResult::Skipped("it is long".into()), Duration::ZERO);
        assert!(report(&[good(), skipped()]).is_ok());
        let bad = (stage, StageResult::Failed(Count { passed: 0, failed: 1 }, "why".into()), Duration::ZERO);
        assert!(report(&[good(), bad]).is_err());
    }
}

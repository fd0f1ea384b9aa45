//! How a wake ends: one outcome, and beside it what each task answered.

use crate::name::TaskName;
use crate::reason::StopReason;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A wake's number, unique in its store and rising.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WakeId(pub u64);

/// What a task answered when it was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskResult {
    /// It looked and found nothing new.
    NoData,
    /// It found something new.
    NewData,
    /// It tried and could not.
    Failed,
    /// This build of the app does not define it: the registration is an orphan.
    Undefined,
    /// It gave no answer before its wake ended.
    Unanswered,
}

/// How far a wake came that did not start its app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its manifest declares the mode `fetch` no longer.
    Declare,
    /// The app has no command that the host could start.
    Command,
    /// The process could not be contained.
    Contain,
    /// The program could not be executed.
    Spawn,
    /// The program ended or hung before its tasks were defined.
    Load,
    /// The program loaded, and defined none of the tasks that were due.
    Define,
}

/// How a wake ended. Exactly one for each wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one task found something new.
    NewData,
    /// Every task looked and found nothing new.
    NoData,
    /// At least one task failed, and none found anything new.
    Failed,
    /// The limit ran out; the app ended when it was asked to.
    Expired,
    /// The limit ran out; the app did not end when asked and was killed.
    Killed,
    /// The app ended by itself without an answer.
    Crashed,
    /// The app was never started, or never got as far as its tasks.
    NotStarted(Stage),
    /// The host ended during the wake and cannot know more.
    Lost,
    /// The host ended the wake for a reason that is not the app's doing.
    Stopped(StopReason),
}

/// What ended a wake's processes, as the launching room saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The app ended by itself, or closed the connection on which it was called.
    Gone,
    /// The limit ran out.
    Limit {
        /// It had to be killed.
        forced: bool,
    },
    /// The scheduler asked for it with `Output::Stop`.
    Stopped,
    /// There never was a task to call.
    NotStarted(Stage),
    /// The host ended; found when the next one began.
    Lost,
}

impl Outcome {
    /// The outcome of a wake whose tasks answered `results` and that ended in `ending`.
    ///
    /// Answers weigh in no order (EXPO-SEMANTICS, decision D): NewData over Failed over NoData. A task that never
    /// answered makes the wake what its ending says, while its siblings' answers stay beside it (decision I).
    pub fn of(ending: Ending, stop: Option<StopReason>, results: &[(TaskName, TaskResult)]) -> Self {
        let any = |wanted: TaskResult| results.iter().any(|(_, result)| *result == wanted);
        if ending == Ending::Lost {
            return Self::Lost;
        }
        if results.is_empty() || any(TaskResult::Unanswered) {
            return match ending {
                Ending::Limit { forced: false } => Self::Expired,
                Ending::Limit { forced: true } => Self::Killed,
                Ending::NotStarted(stage) => Self::NotStarted(stage),
                // An app that ends by itself just as it is asked to has done what it was asked.
                Ending::Stopped | Ending::Gone | Ending::Lost => stop.map_or(Self::Crashed, Self::Stopped),
            };
        }
        if any(TaskResult::NewData) {
            Self::NewData
        } else if any(TaskResult::Failed) {
            Self::Failed
        } else if any(TaskResult::NoData) {
            Self::NoData
        } else {
            Self::NotStarted(Stage::Define)
        }
    }

    /// Whether the app is to blame, so that the next wake backs off.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::NewData | Self::NoData | Self::Stopped(_) => false,
            Self::Failed
            | Self::Expired
            | Self::Killed
            | Self::Crashed
            | Self::NotStarted(_)
            | Self::Lost => true,
        }
    }

    /// Whether the wake used up its limit.
    pub const fn is_overrun(self) -> bool {
        matches!(self, Self::Expired | Self::Killed)
    }

    /// One lower-case word or two, the same in the store, in `--json` and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NewData => "new data",
            Self::NoData => "no data",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Killed => "killed",
            Self::Crashed => "crashed",
            Self::NotStarted(_) => "not started",
            Self::Lost => "lost",
            Self::Stopped(_) => "stopped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(stage) => write!(f, "not started ({stage})"),
            Self::Stopped(reason) => write!(f, "stopped ({reason})"),
            other => f.write_str(other.word()),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Declare => "its manifest declares the mode `fetch` no longer",
            Self::Command => "no command",
            Self::Contain => "could not be contained",
            Self::Spawn => "could not be executed",
            Self::Load => "ended before its tasks were defined",
            Self::Define => "defines none of its tasks",
        })
    }
}

impl fmt::Display for TaskResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoData => "no data",
            Self::NewData => "new data",
            Self::Failed => "failed",
            Self::Undefined => "not defined",
            Self::Unanswered => "no answer",
        })
    }
}

impl fmt::Display for WakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(of: &[TaskResult]) -> Vec<(TaskName, TaskResult)> {
        let name = |i| TaskName::parse(&format!("task{i}")).expect("a name");
        of.iter().enumerate().map(|(i, result)| (name(i), *result)).collect()
    }

    #[test]
    fn answers_weigh_in_no_order() {
        use TaskResult::{Failed, NewData, NoData, Undefined};
        let cases = [
            (vec![NoData], Outcome::NoData),
            (vec![Failed, NewData], Outcome::NewData),
            (vec![NewData, Failed], Outcome::NewData),
            (vec![NoData, Failed], Outcome::Failed),
            (vec![Undefined, NoData], Outcome::NoData),
            (vec![Undefined], Outcome::NotStarted(Stage::Define)),
        ];
        for (answers, outcome) in cases {
            assert_eq!(Outcome::of(Ending::Gone, None, &results(&answers)), outcome, "{answers:?}");
        }
    }

    #[test]
    fn a_missing_answer_makes_the_wake_what_ended_it() {
        use TaskResult::{NewData, Unanswered};
        let answers = results(&[NewData, Unanswered]);
        let cases = [
            (Ending::Gone, Outcome::Stopped(StopReason::SystemOff)),
            (Ending::Limit { forced: false }, Outcome::Expired),
            (Ending::Limit { forced: true }, Outcome::Killed),
            (Ending::NotStarted(Stage::Load), Outcome::NotStarted(Stage::Load)),
            (Ending::Stopped, Outcome::Stopped(StopReason::SystemOff)),
            (Ending::Lost, Outcome::Lost),
        ];
        for (ending, outcome) in cases {
            assert_eq!(Outcome::of(ending, Some(StopReason::SystemOff), &answers), outcome);
        }
        assert_eq!(Outcome::of(Ending::Gone, None, &answers), Outcome::Crashed);
    }

    #[test]
    fn an_answer_in_time_stands_however_the_process_ended() {
        let answers = results(&[TaskResult::NewData]);
        for ending in [Ending::Gone, Ending::Limit { forced: true }, Ending::Stopped] {
            assert_eq!(Outcome::of(ending, Some(StopReason::ForceQuit), &answers), Outcome::NewData);
        }
        assert_eq!(Outcome::of(Ending::Lost, None, &answers), Outcome::Lost);
    }
}

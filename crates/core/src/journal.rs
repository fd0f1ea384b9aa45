//! The journal: what happened and why, one entry after another.

use crate::name::{AppId, TaskName};
use crate::outcome::{Outcome, TaskResult, WakeId};
use crate::reason::{Reason, StopReason, WakeReason};
use crate::time::{Now, Span, Wall};
use core::fmt;
use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Now,
    /// Which app; none for what concerns every app.
    pub app: Option<AppId>,
    /// Which wake.
    pub wake: Option<WakeId>,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The host began.
    HostStarted {
        /// How long nobody knows what happened: since the last entry before.
        away: Span,
        /// Whether the host before it ended in order.
        in_order: bool,
    },
    /// The host ended in order.
    HostStopped,
    /// The wall clock was set.
    ClockSet {
        /// By how much, in milliseconds; negative when it was set back.
        step_ms: i64,
    },
    /// An app became known, or changed what it declares.
    Seen {
        /// Whether it declares the mode `fetch`.
        declared: bool,
    },
    /// The user gave an app's id to another program.
    Adopted {
        /// The program's manifest.
        manifest: String,
    },
    /// An app was removed.
    Removed,
    /// A task was registered, or registered again.
    Registered {
        /// The task.
        task: TaskName,
    },
    /// A task was unregistered.
    Unregistered {
        /// The task.
        task: TaskName,
    },
    /// A minimum interval was set.
    FloorSet {
        /// The interval that counts; never without one.
        floor: Option<Span>,
    },
    /// A task turned out not to be defined in the app's build, and waits as an orphan.
    Orphaned {
        /// The task.
        task: TaskName,
    },
    /// A task that was an orphan is defined again.
    DefinedAgain {
        /// The task.
        task: TaskName,
    },
    /// The user opened the app.
    Opened,
    /// The user force-quit the app.
    ForceQuit,
    /// A switch of the user's was turned.
    Switched {
        /// On or off.
        on: bool,
    },
    /// The user paused, or ended a pause.
    Paused {
        /// Until when; no longer without one.
        until: Option<Wall>,
    },
    /// The machine's policy changed.
    Restricted {
        /// Whether it forbids background fetch.
        restricted: bool,
    },
    /// From here on the app is held, for this reason.
    Held {
        /// The reason.
        reason: Reason,
    },
    /// A wake began.
    Begun {
        /// The tasks to run.
        tasks: Vec<TaskName>,
        /// Why now.
        reason: WakeReason,
        /// How many further intervals passed while the app was held.
        missed: u64,
    },
    /// A task answered.
    Answered {
        /// The task.
        task: TaskName,
        /// Its answer.
        result: TaskResult,
    },
    /// An answer came that nobody waited for: too late, or a second one. It changed nothing.
    LateAnswer {
        /// The task.
        task: TaskName,
        /// The answer.
        result: TaskResult,
    },
    /// The app, or the system in its place, said something about the wake: a thrown error's message, or what kept
    /// its program from starting.
    Said {
        /// The task that said it.
        task: Option<TaskName>,
        /// What, at most a few KiB.
        text: String,
    },
    /// The host began to end a wake.
    Stopping {
        /// Why.
        reason: StopReason,
    },
    /// A wake ended.
    Ended {
        /// Its outcome.
        outcome: Outcome,
        /// How long it took, on the elapsed line.
        took: Span,
    },
}

/// A line a person reads, without date, app and wake, which stand in columns of their own.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostStarted { away, in_order: true } => write!(f, "host started, away for {away}"),
            Self::HostStarted { away, in_order: false } => {
                write!(f, "host started after it ended abruptly, at most {away} ago")
            }
            Self::HostStopped => f.write_str("host stopped"),
            Self::ClockSet { step_ms } => {
                let way = if *step_ms < 0 { "back" } else { "forward" };
                write!(f, "clock set {way} by {}", Span::from_millis(step_ms.unsigned_abs()))
            }
            Self::Seen { declared: true } => f.write_str("app seen"),
            Self::Seen { declared: false } => f.write_str("app seen, its manifest lacks the mode `fetch`"),
            Self::Adopted { manifest } => write!(f, "app adopted from {manifest}"),
            Self::Removed => f.write_str("app removed"),
            Self::Registered { task } => write!(f, "task `{task}` registered"),
            Self::Unregistered { task } => write!(f, "task `{task}` unregistered"),
            Self::FloorSet { floor: Some(floor) } => write!(f, "minimum interval set to {floor}"),
            Self::FloorSet { floor: None } => f.write_str("minimum interval set to never"),
            Self::Orphaned { task } => write!(f, "task `{task}` is not defined in this build: kept, not run"),
            Self::DefinedAgain { task } => write!(f, "task `{task}` is defined again"),
            Self::Opened => f.write_str("opened by the user"),
            Self::ForceQuit => f.write_str("force-quit by the user"),
            Self::Switched { on: true } => f.write_str("switched on"),
            Self::Switched { on: false } => f.write_str("switched off"),
            Self::Paused { until: Some(_) } => f.write_str("paused"),
            Self::Paused { until: None } => f.write_str("pause ended"),
            Self::Restricted { restricted: true } => f.write_str("forbidden by policy"),
            Self::Restricted { restricted: false } => f.write_str("no longer forbidden by policy"),
            Self::Held { reason } => write!(f, "held: {reason}"),
            Self::Begun { tasks, reason, missed } => {
                let names: Vec<_> = tasks.iter().map(TaskName::as_str).collect();
                write!(f, "woken for {}: {reason}", names.join(", "))?;
                match missed {
                    0 => Ok(()),
                    1 => f.write_str(" (1 interval missed)"),
                    n => write!(f, " ({n} intervals missed)"),
                }
            }
            Self::Answered { task, result: TaskResult::Unanswered } => {
                write!(f, "task `{task}` gave no answer")
            }
            Self::Answered { task, result } => write!(f, "task `{task}` answered: {result}"),
            Self::LateAnswer { task, result } => {
                write!(f, "task `{task}` answered again or too late: {result}, ignored")
            }
            Self::Said { task: Some(task), text } => write!(f, "task `{task}` said: {text}"),
            Self::Said { task: None, text } => f.write_str(text),
            Self::Stopping { reason } => write!(f, "stopping: {reason}"),
            Self::Ended { outcome, took } => write!(f, "ended: {outcome}, after {took}"),
        }
    }
}

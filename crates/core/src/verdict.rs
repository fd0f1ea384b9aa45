//! The answer to "why does it not run?".

use crate::name::TaskName;
use crate::outcome::{Outcome, WakeId};
use crate::reason::Reason;
use crate::time::{Elapsed, Span};

/// What the scheduler says of an app, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The one reason why the app is not being woken, or [`Reason::Running`] or [`Reason::Ready`].
    pub reason: Reason,
    /// When it can be woken at the earliest, if nothing changes; none if something must change first.
    pub earliest: Option<Elapsed>,
    /// Each task by itself, sorted by name.
    pub tasks: Vec<TaskVerdict>,
    /// The app's minimum interval.
    pub floor: Option<Span>,
    /// When its last wake began that counts for the interval.
    pub last_begun: Option<Elapsed>,
    /// How its last wake ended.
    pub last_outcome: Option<Outcome>,
    /// How many wakes failed in a row.
    pub failures: u32,
    /// How many wakes overran in a row.
    pub overruns: u32,
}

/// What the scheduler says of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskVerdict {
    /// The task.
    pub task: TaskName,
    /// Why it does not run.
    pub reason: Reason,
    /// When it can run at the earliest, if nothing changes.
    pub earliest: Option<Elapsed>,
}

/// When the scheduler wants to be called again, and for whom, and why not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Elapsed,
    /// The app whose turn it is then.
    pub app: crate::name::AppId,
    /// What holds it until then.
    pub reason: Reason,
}

/// What `getStatusAsync` answers. Apple: `UIBackgroundRefreshStatus`; the numbers are Expo's, not `UIKit`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The user switched background behaviour off, for this app or for the whole system.
    Denied = 1,
    /// Background behaviour is unavailable, and the user cannot enable it.
    Restricted = 2,
    /// Background behaviour is available.
    Available = 3,
}

/// A wake in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The wake.
    pub id: WakeId,
    /// The tasks that have not answered yet.
    pub awaited: Vec<TaskName>,
}

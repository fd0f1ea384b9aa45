//! Reasons: why now, why not yet, why stopped. There is no "other".

use crate::device::Constraint;
use crate::outcome::WakeId;
use crate::time::{Span, Wall};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Why an app is not being woken. Exactly one at any time, the first gate that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Reason {
    /// It has no task registered.
    NoTasks,
    /// Its manifest does not declare the mode `fetch`.
    NotDeclared,
    /// The host can not write its store, and begins nothing that it could not record.
    StoreUnwritable,
    /// A policy of the machine forbids it, and the user cannot allow it.
    Restricted,
    /// The user switched background fetch off for every app.
    SystemOff,
    /// The user switched background fetch off for this app.
    AppOff,
    /// The user paused this app or every app.
    Paused {
        /// Until the wall clock shows this.
        until: Wall,
    },
    /// The user force-quit it and has not opened it since.
    ForceQuit,
    /// It is being woken already: one wake at a time.
    Running {
        /// That wake.
        wake: WakeId,
    },
    /// No registered task is defined in the app's present build.
    Orphaned,
    /// No minimum interval was ever set, and the default is never.
    NoInterval,
    /// The minimum interval has not passed.
    Floor {
        /// The interval in force.
        floor: Span,
    },
    /// Earlier wakes overran their limit, so the minimum interval counts several times.
    Penalty {
        /// The interval in force.
        floor: Span,
        /// How many times it counts.
        factor: u32,
    },
    /// Earlier wakes failed one after another.
    BackOff {
        /// How many in a row.
        failures: u32,
        /// The wait they cost, from the last one's end.
        wait: Span,
    },
    /// A condition that the task asked for does not hold.
    Unmet {
        /// That condition.
        constraint: Constraint,
    },
    /// Nothing on this machine tells whether a condition that the task asked for holds.
    Unsensed {
        /// That condition.
        constraint: Constraint,
    },
    /// As many wakes run already as the host allows at a time.
    Busy {
        /// That many.
        wakes: u32,
    },
    /// The host is ending, and begins no wake any more.
    HostStopping,
    /// Nothing holds it: it starts as soon as its host has performed what is before it.
    Ready,
    /// The app is being removed.
    Leaving,
}

/// Why a wake started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum WakeReason {
    /// The minimum interval passed and nothing else stood in the way.
    Due,
    /// It had been due, and what held it ended.
    Released {
        /// What held it last.
        held: Hold,
    },
    /// The wait after failures is over.
    Retry {
        /// How many wakes failed in a row before this one.
        failures: u32,
    },
    /// Somebody asked for it with `bgfetch fetch`: a simulated fetch, which teaches the schedule nothing.
    Simulated,
}

/// What kind of thing held a task that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The host was not running, or the machine slept or was off.
    Absence,
    /// A switch, a pause, a policy or a force-quit.
    User,
    /// A constraint.
    Constraint,
    /// Other wakes.
    Busy,
}

/// Why a wake that ran was ended by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The host is ending.
    HostStopping,
    /// A policy of the machine forbids it since.
    Restricted,
    /// The user switched every app off.
    SystemOff,
    /// The user switched this app off.
    AppOff,
    /// The user force-quit the app.
    ForceQuit,
    /// The app was removed.
    Removed,
    /// A condition that a task asked for ended.
    Constraint(Constraint),
}

impl Reason {
    /// The reason's name, the same in the store, on the wire and in `--json`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoTasks => "no_tasks",
            Self::NotDeclared => "not_declared",
            Self::StoreUnwritable => "store_unwritable",
            Self::Restricted => "restricted",
            Self::SystemOff => "system_off",
            Self::AppOff => "app_off",
            Self::Paused { .. } => "paused",
            Self::ForceQuit => "force_quit",
            Self::Running { .. } => "running",
            Self::Orphaned => "orphaned",
            Self::NoInterval => "no_interval",
            Self::Floor { .. } => "floor",
            Self::Penalty { .. } => "penalty",
            Self::BackOff { .. } => "back_off",
            Self::Unmet { .. } => "unmet",
            Self::Unsensed { .. } => "unsensed",
            Self::Busy { .. } => "busy",
            Self::HostStopping => "host_stopping",
            Self::Ready => "ready",
            Self::Leaving => "leaving",
        }
    }

    /// What held a due task, for the reason of the wake that follows; `None` for what makes it not due at all.
    pub const fn hold(&self) -> Option<Hold> {
        match self {
            Self::Restricted
            | Self::SystemOff
            | Self::AppOff
            | Self::Paused { .. }
            | Self::ForceQuit
            | Self::NotDeclared => Some(Hold::User),
            Self::Unmet { .. } | Self::Unsensed { .. } => Some(Hold::Constraint),
            Self::Busy { .. } => Some(Hold::Busy),
            Self::StoreUnwritable | Self::HostStopping => Some(Hold::Absence),
            // Falling due during its own wake is no hold: the wake after it is simply due.
            Self::Running { .. }
            | Self::NoTasks
            | Self::Orphaned
            | Self::NoInterval
            | Self::Floor { .. }
            | Self::Penalty { .. }
            | Self::BackOff { .. }
            | Self::Ready
            | Self::Leaving => None,
        }
    }
}

impl WakeReason {
    /// The reason's name, the same in the store, on the wire and in `--json`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Released { .. } => "released",
            Self::Retry { .. } => "retry",
            Self::Simulated => "simulated",
        }
    }
}

/// A clause that stands after "not running:".
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTasks => f.write_str("no task is registered"),
            Self::NotDeclared => f.write_str("its manifest does not declare the mode `fetch`"),
            Self::StoreUnwritable => f.write_str("the host can not write its store"),
            Self::Restricted => f.write_str("a policy of this machine forbids background fetch"),
            Self::SystemOff => f.write_str("background fetch is switched off for every app"),
            Self::AppOff => f.write_str("background fetch is switched off for this app"),
            Self::Paused { .. } => f.write_str("paused by the user"),
            Self::ForceQuit => f.write_str("force-quit by the user and not opened since"),
            Self::Running { wake } => write!(f, "wake {wake} is running"),
            Self::Orphaned => f.write_str("no registered task is defined in the app's present build"),
            Self::NoInterval => f.write_str("no minimum interval is set, and the default is never"),
            Self::Floor { floor } => write!(f, "the minimum interval of {floor} has not passed"),
            Self::Penalty { floor, factor } => {
                write!(f, "its last wake overran: the minimum interval of {floor} counts {factor} times")
            }
            Self::BackOff { failures: 1, wait } => write!(f, "backing off {wait} after a failure"),
            Self::BackOff { failures, wait } => {
                write!(f, "backing off {wait} after {failures} failures in a row")
            }
            Self::Unmet { constraint } => write!(f, "waiting for {constraint}"),
            Self::Unsensed { constraint } => {
                write!(f, "waiting for {constraint}, which nothing on this machine can tell")
            }
            Self::Busy { wakes } => write!(f, "{wakes} other wakes are running, as many as the host allows"),
            Self::HostStopping => f.write_str("the host is ending"),
            Self::Ready => f.write_str("starting now"),
            Self::Leaving => f.write_str("the app is being removed"),
        }
    }
}

/// A clause that stands after "woken:".
impl fmt::Display for WakeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due => f.write_str("the minimum interval passed"),
            Self::Released { held: Hold::Absence } => {
                f.write_str("it fell due while the host was away or the machine slept")
            }
            Self::Released { held: Hold::User } => {
                f.write_str("it was due, and the user's switch released it")
            }
            Self::Released { held: Hold::Constraint } => {
                f.write_str("it was due, and its condition came true")
            }
            Self::Released { held: Hold::Busy } => f.write_str("it was due, and another wake made room"),
            Self::Retry { failures: 1 } => f.write_str("another try after a failure"),
            Self::Retry { failures } => write!(f, "another try after {failures} failures in a row"),
            Self::Simulated => f.write_str("a simulated fetch was asked for"),
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostStopping => f.write_str("the host is ending"),
            Self::Restricted => f.write_str("a policy forbids it since"),
            Self::SystemOff => f.write_str("background fetch was switched off for every app"),
            Self::AppOff => f.write_str("background fetch was switched off for this app"),
            Self::ForceQuit => f.write_str("the user force-quit the app"),
            Self::Removed => f.write_str("the app was removed"),
            Self::Constraint(constraint) => write!(f, "there is no longer {constraint}"),
        }
    }
}

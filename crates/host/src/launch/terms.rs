//! The terms of launching: what to start, what happened, and how it ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::native;

/// How a wake's process tree is kept from escaping, from the strongest to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A PID namespace (with a user namespace where not root): the kernel ends everything in it with its
    /// first process.
    Namespace,
    /// A cgroup v2 leaf, killed as one.
    Cgroup,
    /// The shepherd alone: all orphans come to it, and it kills until no child is left.
    Shepherd,
}

impl Method {
    /// The word used in settings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Method::Namespace => "namespace",
            Method::Cgroup => "cgroup",
            Method::Shepherd => "shepherd",
        }
    }
}

/// What to start, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program: a path, or a name to be found through the `PATH` of `environment`. A path that is not
    /// absolute is taken from `directory`.
    #[serde(with = "native::text")]
    pub program: OsString,
    /// The arguments after the program's name.
    #[serde(with = "native::texts")]
    pub arguments: Vec<OsString>,
    /// The whole environment; nothing is inherited. `BGFETCH_FD=3` is added when an app socket is passed.
    #[serde(with = "native::pairs")]
    pub environment: Vec<(OsString, OsString)>,
    /// The working directory.
    #[serde(with = "native::path")]
    pub directory: PathBuf,
    /// Awake time from the start of the app until its tree is asked to end with `SIGTERM`, in milliseconds.
    pub limit_ms: u64,
    /// Time from being asked until what is left is killed, in milliseconds.
    pub grace_ms: u64,
    /// The nice value to run at, when it is nicer than the host's own.
    pub nice: i8,
    /// Whether programs may gain privileges (`mbsync` and others may need set-user-ID helpers).
    pub privileges: Privileges,
}

impl Spec {
    /// A spec with 30 s of limit, 2 s of grace, nice 10, an empty environment, and `/` as its directory.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
            limit_ms: 30_000,
            grace_ms: 2_000,
            nice: 10,
            privileges: Privileges::MayGain,
        }
    }
}

/// Whether the app's programs may gain privileges by executing set-user-ID files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privileges {
    /// As for any program (a user namespace takes it away regardless).
    MayGain,
    /// `PR_SET_NO_NEW_PRIVS`; on systems without it, the app is not started.
    NoNew,
}

/// One of the app's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a launched wake tells the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The app's program runs.
    Started(Started),
    /// Bytes of output, as they came, up to [`OUTPUT_LIVE_BYTES`](super::OUTPUT_LIVE_BYTES) in all.
    Output {
        /// The stream they were written to.
        stream: Stream,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// It ended and nothing of its tree is left. Exactly one per wake, and the last event.
    Ended(Report),
}

/// The start of an app's program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The app's process, as the host sees it.
    pub process: i32,
    /// Time from the arrival of the spec to the app's first instruction, in microseconds.
    pub spec_to_exec_us: u64,
}

/// How a wake ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// The app's process ended by itself.
    Exited {
        /// Its exit status, 0 to 255.
        code: i32,
    },
    /// The app's process was ended by a signal that was not ours.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// The limit passed.
    Limit {
        /// Whether it went when asked.
        compliance: Compliance,
    },
    /// The host asked for the end.
    Stopped {
        /// Whether it went when asked.
        compliance: Compliance,
    },
    /// The app's program never ran.
    NotStarted {
        /// What failed.
        stage: Stage,
        /// Why, naming the thing in backticks.
        detail: String,
    },
    /// The shepherd was killed; what was left of the tree has been ended without it.
    ShepherdLost {
        /// Whether the end of the tree was confirmed.
        sweep: Sweep,
    },
}

/// Whether a tree that was asked to end did so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compliance {
    /// All of it ended within the grace.
    Obeyed,
    /// Some of it had to be killed.
    Forced,
}

/// What is known about a tree whose shepherd was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// The nursery, to which all orphans go, found nothing left.
    Confirmed,
    /// The nursery could not be asked, or did not finish in time.
    Unconfirmed,
}

/// The step of a start that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The spec itself could not be used.
    Spec,
    /// The containment could not be set up.
    Contain,
    /// Output pipes, limits, or another part of the process's surroundings.
    SetUp,
    /// The working directory.
    Directory,
    /// The program.
    Command,
}

/// The one report of a wake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How it ended.
    pub ending: Ending,
    /// SHA-256 of all that was written to standard output, in lower-case hexadecimal; absent when the
    /// shepherd was lost.
    pub stdout_sha256: Option<String>,
    /// The end of the output, in the order read, at most
    /// [`OUTPUT_TAIL_BYTES`](super::OUTPUT_TAIL_BYTES); bytes that were passed on live are not repeated.
    #[serde(skip)]
    pub output_tail: Vec<(Stream, Vec<u8>)>,
    /// Bytes of output between the live part and the tail that were not kept.
    pub output_dropped_bytes: u64,
    /// What the tree used, as far as it was reaped by the shepherd.
    pub usage: Usage,
    /// Time from the arrival of the spec to the end of the last process, in milliseconds of awake time.
    pub elapsed_ms: u64,
}

/// What a tree used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in user mode, in milliseconds.
    pub user_ms: u64,
    /// Processor time in the kernel, in milliseconds.
    pub system_ms: u64,
    /// The largest resident set of any one process, in KiB. Never less than a shepherd's own, from which
    /// every app is forked.
    pub resident_kib_max: u64,
}

/// An order from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    /// Ask the tree to end, and kill what is left after the grace.
    Stop {
        /// The grace.
        grace_ms: u64,
    },
    /// Kill it now.
    Kill,
}

/// A shepherd that waits for its spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Its process.
    pub(super) shepherd: i32,
    /// Why the containment could not be set up, if it could not.
    pub(super) refusal: Option<String>,
    /// What the containment lacks, if anything.
    pub(super) lacking: Option<String>,
}

/// Whole milliseconds of `duration`, at most `u64::MAX`.
pub(super) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

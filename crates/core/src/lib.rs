//! The scheduler of bgfetch.
//!
//! An app registers tasks; the scheduler decides when it is worthwhile to wake the app, holds a due task until the
//! machine and its user are ready, and says at any time why an app does not run.
//!
//! It is pure: no I/O, no clock, no threads, and no randomness but its seed. The same seed and the same inputs give
//! byte-equal outputs. A host drives it through one door:
//!
//! ```
//! use bgfetch_core::{AppId, Input, Now, Output, Scheduler, Settings, Snapshot};
//!
//! let now = Now::default();
//! let mut scheduler = Scheduler::new(Settings::default(), 7, Snapshot::default(), now);
//! let app = AppId::parse("com.example.reader")?;
//! scheduler.handle_input(now, Input::AppSeen { app, declared: true })?;
//! while let Some(output) = scheduler.poll_output() {
//!     match output {
//!         Output::Save(change) => println!("make durable: {change:?}"),
//!         effect => println!("then do: {effect:?}"),
//!     }
//! }
//! assert_eq!(scheduler.poll_timeout(), None, "nothing is due, so the host sleeps");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
mod gates;
mod io;
mod journal;
mod name;
mod outcome;
mod policy;
mod reason;
mod record;
mod scheduler;
mod settings;
mod time;
mod verdict;

pub use device::{Constraint, Device, Met, Network, Power, Presence};
pub use io::{Change, Input, Output, Refused, Registration, WakeEnded};
pub use journal::{Entry, Event};
pub use name::{AppId, AppIdError, NAME_BYTES_MAX, TaskName, TaskNameError};
pub use outcome::{Ending, Outcome, Stage, TaskResult, WakeId};
pub use reason::{Hold, Reason, StopReason, WakeReason};
pub use record::{AppRecord, Snapshot, TaskRecord, UserRecord, WakeRecord};
pub use scheduler::Scheduler;
pub use settings::Settings;
pub use time::{Elapsed, Now, Span, Wall};
pub use verdict::{Deadline, Progress, Status, TaskVerdict, Verdict};

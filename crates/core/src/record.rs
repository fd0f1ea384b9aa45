//! What is kept: an app, its tasks, the user's switches, and a wake, as the store holds them.

use crate::device::{Constraint, Device};
use crate::name::{AppId, TaskName};
use crate::outcome::{Outcome, WakeId};
use crate::reason::WakeReason;
use crate::time::{Elapsed, Now, Span, Wall};
use serde::{Deserialize, Serialize};

/// An app, without its tasks.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts that are true or not, independently of each other"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRecord {
    /// Its id.
    pub id: AppId,
    /// Whether its manifest declares the mode `fetch`.
    pub declared: bool,
    /// Its minimum interval for every task; none is *never*.
    pub floor: Option<Span>,
    /// Whether the user lets it run.
    pub switched_on: bool,
    /// Until when the user paused it.
    pub paused_until: Option<Wall>,
    /// Whether the user force-quit it and has not opened it since.
    pub force_quit: bool,
    /// How many wakes failed in a row.
    pub failures: u32,
    /// How many wakes overran their limit in a row.
    pub overruns: u32,
    /// No wake before this point, because of the failures.
    pub back_off_until: Option<Elapsed>,
    /// When the last wake that counts for the floor began.
    pub last_begun: Option<Elapsed>,
    /// How the last wake ended.
    pub last_outcome: Option<Outcome>,
    /// Whether it is being removed, and waits for its wake to end.
    pub leaving: bool,
}

/// A registered task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its name.
    pub name: TaskName,
    /// The options it was registered with: a JSON object, without `null` members.
    pub options: Box<str>,
    /// Its own minimum interval, beside the app's.
    pub floor: Option<Span>,
    /// What must hold for it to run.
    pub constraints: Vec<Constraint>,
    /// When it was first registered.
    pub registered: Elapsed,
    /// When the last wake that ran it, and counts for the floor, began.
    pub last_begun: Option<Elapsed>,
    /// Whether the app's present build does not define it.
    pub orphan: bool,
}

/// What the user and the machine's policy say about every app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Whether background fetch is on at all.
    pub switched_on: bool,
    /// Whether a policy forbids it.
    pub restricted: bool,
    /// Until when every app is paused.
    pub paused_until: Option<Wall>,
}

/// A wake that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeRecord {
    /// Its number.
    pub id: WakeId,
    /// The app that is woken.
    pub app: AppId,
    /// The tasks to run, sorted by name.
    pub tasks: Vec<TaskName>,
    /// Why now.
    pub reason: WakeReason,
    /// How many further minimum intervals passed while the app was held.
    pub missed: u64,
    /// When it began.
    pub begun: Now,
}

/// Everything a scheduler begins from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Every app with its tasks.
    pub apps: Vec<(AppRecord, Vec<TaskRecord>)>,
    /// The user's switches.
    pub user: UserRecord,
    /// The wakes that have begun and not ended.
    pub begun: Vec<WakeRecord>,
    /// The number of the next wake.
    pub next_wake: WakeId,
    /// The machine's condition.
    pub device: Device,
    /// Whether the store can be written. If not, no wake begins until [`crate::Input::StoreWritable`].
    pub store_writable: bool,
}

impl AppRecord {
    /// An app seen for the first time.
    pub fn new(id: AppId, declared: bool) -> Self {
        Self {
            id,
            declared,
            floor: None,
            switched_on: true,
            paused_until: None,
            force_quit: false,
            failures: 0,
            overruns: 0,
            back_off_until: None,
            last_begun: None,
            last_outcome: None,
            leaving: false,
        }
    }
}

impl Default for UserRecord {
    fn default() -> Self {
        Self { switched_on: true, restricted: false, paused_until: None }
    }
}

impl Default for Snapshot {
    /// A new store's.
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            user: UserRecord::default(),
            begun: Vec::new(),
            next_wake: WakeId(1),
            device: Device::default(),
            store_writable: true,
        }
    }
}

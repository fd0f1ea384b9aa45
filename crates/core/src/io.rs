//! What crosses the scheduler's door: inputs, outputs, refusals.

use crate::device::{Constraint, Device};
use crate::journal::Entry;
use crate::name::{AppId, TaskName};
use crate::outcome::{Ending, Outcome, TaskResult, WakeId};
use crate::reason::{Reason, StopReason};
use crate::record::{AppRecord, TaskRecord, UserRecord, WakeRecord};
use crate::time::{Elapsed, Span, Wall};

/// Something that happened. Each is one mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The host verified an app's manifest: the app is new, or may have changed what it declares.
    AppSeen {
        /// The app.
        app: AppId,
        /// Whether the manifest declares the mode `fetch`.
        declared: bool,
    },
    /// The user removed an app, with all its tasks. A wake of it is stopped first.
    AppRemoved(AppId),
    /// An app registered a task, or registered it again.
    Registered {
        /// The app.
        app: AppId,
        /// The task.
        task: Registration,
    },
    /// An app unregistered a task. A wake that runs it goes on.
    Unregistered {
        /// The app.
        app: AppId,
        /// The task.
        task: TaskName,
    },
    /// An app unregistered every task.
    UnregisteredAll(AppId),
    /// An app's minimum interval was set.
    FloorSet {
        /// The app.
        app: AppId,
        /// The interval asked for; what counts is [`crate::Settings::interval`] of it. `None` is *never*.
        floor: Option<Span>,
    },
    /// An app told which tasks its present build defines.
    Defined {
        /// The app.
        app: AppId,
        /// Those tasks.
        tasks: Vec<TaskName>,
    },
    /// The user opened an app, which lifts a force-quit.
    Opened(AppId),
    /// The user force-quit an app.
    ForceQuit(AppId),
    /// The user switched every app on or off.
    SystemSwitched(bool),
    /// The user switched one app on or off.
    AppSwitched {
        /// The app.
        app: AppId,
        /// Whether it may run.
        on: bool,
    },
    /// The user paused one app or every app, or ended the pause.
    Paused {
        /// The app; every app without one.
        app: Option<AppId>,
        /// Until when; no longer without one.
        until: Option<Wall>,
    },
    /// The machine's policy forbids background fetch, or no longer does.
    Restricted(bool),
    /// The machine's condition changed.
    Device(Device),
    /// Somebody asked for a simulated fetch of an app, now.
    FetchRequested(AppId),
    /// A task answered in a wake.
    Answered {
        /// The app that says so.
        app: AppId,
        /// The wake.
        wake: WakeId,
        /// The task.
        task: TaskName,
        /// Its answer.
        result: TaskResult,
    },
    /// A wake's processes are gone, all of them.
    WakeEnded {
        /// The wake.
        wake: WakeId,
        /// What ended them.
        ending: Ending,
    },
    /// A wake that the snapshot has begun is not over: this host runs it still, and began again from its store because
    /// that could not be written.
    StillRunning {
        /// The wake.
        wake: WakeId,
        /// What its tasks have answered so far.
        results: Vec<(TaskName, TaskResult)>,
        /// Why it is being stopped, if it is.
        stopping: Option<StopReason>,
    },
    /// The deadline of [`crate::Scheduler::poll_timeout`] was reached.
    DeadlineReached,
    /// The wall clock was set.
    ClockSet,
    /// The store can be written again; see [`crate::Snapshot::store_writable`].
    StoreWritable,
    /// The host is ending: nothing starts any more, and what runs is stopped.
    HostStopping,
}

/// What an app asks for when it registers a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The task's name.
    pub name: TaskName,
    /// Its options as a JSON object.
    pub options: Box<str>,
    /// Its own minimum interval.
    pub floor: Option<Span>,
    /// What must hold for it to run.
    pub constraints: Vec<Constraint>,
}

/// Something for the host to do, in the order in which it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this durable before any effect that comes later, and before answering the input. Saves that follow one
    /// another may be made durable together, in their order; a crash between any two costs at most a wake, which the
    /// next scheduler finds begun.
    Save(Change),
    /// Begin this wake: start its app, or call it where it runs.
    Wake(WakeRecord),
    /// Every task of this wake has answered: let the app go.
    Settled(WakeId),
    /// End this wake.
    Stop {
        /// The wake.
        wake: WakeId,
        /// Why.
        reason: StopReason,
    },
}

/// A change to what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This app is so now.
    App(AppRecord),
    /// This app and its tasks are gone; what the journal says of it stays.
    AppRemoved(AppId),
    /// This task of an app is so now.
    Task(AppId, TaskRecord),
    /// This task of an app is gone.
    TaskRemoved(AppId, TaskName),
    /// The user's switches are so now.
    User(UserRecord),
    /// This wake has begun.
    WakeBegun(WakeRecord),
    /// This wake has ended.
    WakeEnded(WakeEnded),
    /// The journal has this entry more.
    Journal(Entry),
}

/// How a wake ended, as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeEnded {
    /// The wake.
    pub id: WakeId,
    /// Its app.
    pub app: AppId,
    /// Its one outcome.
    pub outcome: Outcome,
    /// What each task answered, sorted by name.
    pub results: Vec<(TaskName, TaskResult)>,
    /// When it ended.
    pub ended: Elapsed,
}

/// Why an input was not taken. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such app is known.
    #[error("no app `{0}` is known to this host")]
    UnknownApp(AppId),
    /// The app's manifest does not declare the mode.
    #[error("the manifest of `{0}` does not declare the mode `fetch`")]
    NotDeclared(AppId),
    /// The app has no such task.
    #[error("Task '{task}' not found for app ID '{app}'.")]
    UnknownTask {
        /// The app.
        app: AppId,
        /// The task.
        task: TaskName,
    },
    /// The app has as many tasks as it may.
    #[error("`{app}` has {tasks_max} tasks registered, as many as one app may")]
    TooManyTasks {
        /// The app.
        app: AppId,
        /// That many.
        tasks_max: u32,
    },
    /// The host knows as many apps as it may.
    #[error("this host knows {apps_max} apps, as many as it may")]
    TooManyApps {
        /// That many.
        apps_max: u32,
    },
    /// A simulated fetch is not possible now.
    #[error("`{app}` can not be woken: {reason}")]
    Held {
        /// The app.
        app: AppId,
        /// What stands in the way.
        reason: Reason,
    },
    /// The app is being removed.
    #[error("`{0}` is being removed")]
    Leaving(AppId),
}

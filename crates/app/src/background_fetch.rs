//! The module `BackgroundFetch` of the contract.

use crate::call::{Call, CallError};
use crate::host::Link;
use crate::options::Options;
use crate::task_manager::TaskManager;
use bgfetch_wire::app::{AskStatus, Register, SetMinimumInterval, StatusAnswer, Unregister};
use bgfetch_wire::value::{Seconds, Status, TaskType};
use std::sync::Arc;
use std::time::Duration;

/// Registers tasks with the host, and says how often they may run at most.
///
/// It is a handle: clones speak for the same app, from any thread, also while [`App::serve`](crate::App::serve) runs.
/// They answer [`CallError::Disconnected`] once the [`App`](crate::App) is dropped.
///
/// Two steps make a task run: [`register_task`](Self::register_task) and
/// [`set_minimum_interval`](Self::set_minimum_interval), since the interval is *never* until an app sets one.
#[derive(Clone)]
pub struct BackgroundFetch {
    link: Arc<Link>,
    tasks: Arc<TaskManager>,
}

impl BackgroundFetch {
    pub(crate) fn new(link: Arc<Link>, tasks: Arc<TaskManager>) -> Self {
        Self { link, tasks }
    }

    /// Whether the app may work in the background: [`Status::Denied`] if the user switched it off, for this app or for
    /// all, [`Status::Restricted`] if it is unavailable and the user cannot enable it, [`Status::Available`] otherwise.
    ///
    /// Registering works with any status; only the wakes are held.
    #[doc(alias = "getStatusAsync")]
    pub fn status(&self) -> Call<Status> {
        let status = self.status_and_reason();
        Call::new(async move { Ok(status.await?.status) })
    }

    /// The status with the reason for it, or with what holds the wakes although it is [`Status::Available`], such as a
    /// battery that runs low.
    pub fn status_and_reason(&self) -> Call<StatusAnswer> {
        self.link.call(AskStatus {})
    }

    /// Calls `listener` from here on whenever the status or its reason becomes another.
    ///
    /// It is called by [`App::serve`](crate::App::serve), between two polls of the tasks, so it should not block. Of
    /// changes that come quickly one after the other it hears the last.
    pub fn on_status_change(&self, listener: impl Fn(&StatusAnswer) + Send + Sync + 'static) {
        self.link.listen(Arc::new(listener));
    }

    /// Sets the least time between two wakes of the app, and gives back the one in force: the host has a smallest of
    /// its own, 60 s unless it is configured otherwise.
    ///
    /// It is a floor and no period; how much later a wake comes is the host's to decide. It holds for all the tasks of
    /// the app together, survives restarts, and the last call counts. Without it no task is ever run.
    #[doc(alias = "setMinimumIntervalAsync")]
    pub fn set_minimum_interval(&self, interval: Duration) -> Call<Duration> {
        let ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let set = self.link.call(SetMinimumInterval { seconds: Seconds::from_millis(ms) });
        Call::new(async move { Ok(Duration::from_millis(set.await?.effective_seconds.as_millis())) })
    }

    /// Registers a task: from here on the host runs it, also when the program does not run, until it is unregistered.
    ///
    /// The answer comes when the registration is durable; registering the same task again does no harm. Refused with
    /// [`CallError::NotDefined`] if the program does not define the task, with
    /// [`ErrorCode::BackgroundFetchDisabled`](crate::ErrorCode::BackgroundFetchDisabled) if the app's manifest does not
    /// declare the background mode `fetch`, and with [`ErrorCode::Store`](crate::ErrorCode::Store) if it cannot be
    /// written down.
    #[doc(alias = "registerTaskAsync")]
    pub fn register_task(&self, name: impl Into<String>) -> Call<()> {
        self.register_task_with(name, Options::new())
    }

    /// Registers a task with options; those of an earlier registration are replaced.
    ///
    /// Refused as [`register_task`](Self::register_task), with [`CallError::Options`] if the options are larger than
    /// 64 KiB, and with [`ErrorCode::UnsupportedConstraint`](crate::ErrorCode::UnsupportedConstraint) if the host
    /// cannot tell whether a constraint is met.
    pub fn register_task_with(&self, name: impl Into<String>, options: Options) -> Call<()> {
        let (link, task) = (Arc::clone(&self.link), name.into());
        let is_defined = self.tasks.is_task_defined(&task);
        Call::new(async move {
            if !is_defined {
                return Err(CallError::NotDefined(task));
            }
            let options = options.into_wire()?;
            link.call(Register { task, task_type: TaskType::BackgroundFetch, options }).await?;
            Ok(())
        })
    }

    /// Unregisters a task. A run of it that is under way goes on and is recorded.
    ///
    /// The task need not be defined. Refused with [`ErrorCode::TaskNotFound`](crate::ErrorCode::TaskNotFound) if it is
    /// not registered, and with [`ErrorCode::InvalidTaskConsumer`](crate::ErrorCode::InvalidTaskConsumer) if it is
    /// registered as something else than a background fetch.
    #[doc(alias = "unregisterTaskAsync")]
    pub fn unregister_task(&self, name: impl Into<String>) -> Call<()> {
        let task_type = Some(TaskType::BackgroundFetch);
        let done = self.link.call(Unregister { task: name.into(), task_type });
        Call::new(async move { done.await.map(|_| ()) })
    }
}

impl std::fmt::Debug for BackgroundFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackgroundFetch").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

//! What the host has registered for the app: the asking half of the contract's `TaskManager`.

use crate::call::Call;
use crate::host::Link;
use crate::options::Options;
use bgfetch_wire::app::{RegisteredTask as WireTask, Tasks, Unregister, UnregisterAll};
use bgfetch_wire::value::TaskType;
use std::sync::Arc;

/// What the host has registered for this app, of all types of tasks.
///
/// It is a handle: clones speak for the same app, from any thread. They answer
/// [`CallError::Disconnected`](crate::CallError::Disconnected) once the [`App`](crate::App) is dropped.
#[derive(Clone)]
pub struct Registrations {
    link: Arc<Link>,
}

/// One registered task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RegisteredTask {
    /// Its name.
    pub name: String,
    /// Its type; a newer host may know others than [`TaskType::BackgroundFetch`].
    pub task_type: TaskType,
    /// Its options, as they were given, without members that were `null`.
    pub options: Options,
}

impl Registrations {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Every registered task, sorted by name.
    #[doc(alias = "getRegisteredTasksAsync")]
    pub fn registered_tasks(&self) -> Call<Vec<RegisteredTask>> {
        let tasks = self.link.call(Tasks {});
        Call::new(async move { Ok(tasks.await?.into_iter().map(RegisteredTask::from).collect()) })
    }

    /// Whether a task of that name is registered, whatever its type.
    #[doc(alias = "isTaskRegisteredAsync")]
    pub fn is_task_registered(&self, name: impl Into<String>) -> Call<bool> {
        let options = self.task_options(name);
        Call::new(async move { Ok(options.await?.is_some()) })
    }

    /// The options of a task; `None` if it is not registered, [`Options::new`] if it was registered without any.
    #[doc(alias = "getTaskOptionsAsync")]
    pub fn task_options(&self, name: impl Into<String>) -> Call<Option<Options>> {
        let (tasks, name) = (self.registered_tasks(), name.into());
        Call::new(async move {
            Ok(tasks.await?.into_iter().find(|task| task.name == name).map(|task| task.options))
        })
    }

    /// Unregisters a task, whatever its type. A run of it that is under way goes on and is recorded.
    ///
    /// Refused with [`ErrorCode::TaskNotFound`](crate::ErrorCode::TaskNotFound) if it is not registered.
    #[doc(alias = "unregisterTaskAsync")]
    pub fn unregister_task(&self, name: impl Into<String>) -> Call<()> {
        let done = self.link.call(Unregister { task: name.into(), task_type: None });
        Call::new(async move { done.await.map(|_| ()) })
    }

    /// Unregisters every task of this app. Having had none is no error.
    #[doc(alias = "unregisterAllTasksAsync")]
    pub fn unregister_all_tasks(&self) -> Call<()> {
        let done = self.link.call(UnregisterAll {});
        Call::new(async move { done.await.map(|_| ()) })
    }
}

impl From<WireTask> for RegisteredTask {
    fn from(task: WireTask) -> Self {
        Self { name: task.task_name, task_type: task.task_type, options: task.options.into() }
    }
}

impl std::fmt::Debug for Registrations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registrations").finish_non_exhaustive()
    }
}

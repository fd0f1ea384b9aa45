//! What the program can do: its tasks by name.

use crate::answer::TaskAnswer;
use crate::app::App;
use crate::connect::{self, ConnectError, ConnectOptions};
use crate::event::Event;
use crate::inherited;
use bgfetch_wire::NAME_BYTES_MAX;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

type Task = Arc<dyn Fn(Event) -> BoxFuture<'static, TaskAnswer> + Send + Sync>;

/// What the program can do: its tasks by name.
///
/// Every task is defined before [`connect`](Self::connect), on every start of the program, also on those for a wake:
/// a task that is registered with the host and not defined by the program is kept and not run. So this stands at the
/// top of `main`, before the program looks at what it was started for.
///
/// ```no_run
/// use background_fetch::{Event, FetchResult, TaskManager};
///
/// async fn fetch_feeds(event: Event) -> Result<FetchResult, std::io::Error> {
///     println!("{} runs because {}", event.task_name, event.reason.text);
///     Ok(FetchResult::NoData)
/// }
///
/// let mut tasks = TaskManager::new();
/// tasks.define_task("feeds", fetch_feeds)?;
/// tasks.define_task("ping", |_| async { FetchResult::NewData })?;
/// let app = tasks.connect()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskManager {
    tasks: BTreeMap<String, Task>,
}

/// Why a task is not defined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefineError {
    /// It has no name.
    #[error("the task name is empty: expected 1 to {NAME_BYTES_MAX} bytes of text")]
    EmptyName,
    /// Its name is too long.
    #[error("the task name is {bytes} bytes long: at most {NAME_BYTES_MAX} are allowed")]
    LongName {
        /// How long it is.
        bytes: usize,
    },
    /// Its name would break a line or a terminal.
    #[error("the task name has the control character {0:?}: only printable text is allowed")]
    Control(char),
    /// There is a task of that name. The first definition stays.
    #[error("the task `{0}` is already defined: the first definition stays")]
    AlreadyDefined(String),
}

impl TaskManager {
    /// No tasks yet.
    ///
    /// In a process that the host started for a wake, this also keeps the connection to the host from the programs
    /// that the process starts.
    pub fn new() -> Self {
        inherited::guard();
        Self { tasks: BTreeMap::new() }
    }

    /// Defines a task: what is to be done when the host says that it is time.
    ///
    /// The future is polled by whoever polls [`App::serve`], so it may use that runtime. It returns anything that says
    /// how it went, see [`TaskAnswer`]; a task that panics has failed. Several tasks of a wake run side by side.
    ///
    /// A name has 1 to 256 bytes without control characters. The second definition of a name is refused and the first
    /// one stays.
    #[doc(alias = "defineTask")]
    pub fn define_task<F, R>(&mut self, name: impl Into<String>, task: F) -> Result<(), DefineError>
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output: Into<TaskAnswer>> + Send + 'static,
    {
        self.define(name.into(), Arc::new(move |event| task(event).map(Into::into).boxed()))
    }

    /// Defines a task that blocks: it runs on a thread of its own, one for each run.
    ///
    /// So it holds up neither its siblings nor the program. It cannot be stopped from outside; it should look at
    /// [`Event::is_expiring`] between two steps.
    pub fn define_blocking_task<F, R>(&mut self, name: impl Into<String>, task: F) -> Result<(), DefineError>
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Into<TaskAnswer>,
    {
        let task = Arc::new(task);
        let run = move |event| {
            let task = Arc::clone(&task);
            on_a_thread(move || task(event).into()).boxed()
        };
        self.define(name.into(), Arc::new(run))
    }

    /// Whether there is a task of that name.
    #[doc(alias = "isTaskDefined")]
    pub fn is_task_defined(&self, name: &str) -> bool {
        self.tasks.contains_key(name)
    }

    /// Finds the host and becomes known to it, in the usual ways: see [`ConnectOptions`].
    ///
    /// In a process that the host started for a wake, the connection is inherited. The call blocks for one round trip,
    /// at most 10 s. From here on the definitions stay as they are.
    pub fn connect(self) -> Result<App, ConnectError> {
        self.connect_with(&ConnectOptions::new())
    }

    /// Finds the host and becomes known to it, in the ways that `options` say.
    pub fn connect_with(self, options: &ConnectOptions) -> Result<App, ConnectError> {
        connect::connect(self, options)
    }

    fn define(&mut self, name: String, task: Task) -> Result<(), DefineError> {
        if name.is_empty() {
            return Err(DefineError::EmptyName);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(DefineError::LongName { bytes: name.len() });
        }
        if let Some(character) = name.chars().find(|character| character.is_control()) {
            return Err(DefineError::Control(character));
        }
        if self.is_task_defined(&name) {
            return Err(DefineError::AlreadyDefined(name));
        }
        self.tasks.insert(name, task);
        Ok(())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.tasks.keys().cloned().collect()
    }

    /// What runs for `event`; `None` if the program has no such task.
    pub(crate) fn run(&self, event: Event) -> Option<BoxFuture<'static, TaskAnswer>> {
        let task = Arc::clone(self.tasks.get(&event.task_name)?);
        // The task is called when it is polled, so that what it does before its first `await` is caught as well.
        let run = AssertUnwindSafe(async move { task(event).await }).catch_unwind();
        Some(run.map(|ended| ended.unwrap_or_else(|panic| panicked(&*panic))).boxed())
    }
}

impl Default for TaskManager {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TaskManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskManager").field("defined", &self.tasks.keys()).finish_non_exhaustive()
    }
}

async fn on_a_thread(task: impl FnOnce() -> TaskAnswer + Send + 'static) -> TaskAnswer {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        // If nobody waits for the answer any more, the event has been answered already.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(task)));
    };
    if let Err(error) = std::thread::Builder::new().name("background-fetch task".into()).spawn(run) {
        return TaskAnswer::failed(format_args!("no thread could be started for the task: {error}"));
    }
    match receiver.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(oneshot::Canceled) => TaskAnswer::failed("the task's thread ended without an answer"),
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> TaskAnswer {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => TaskAnswer::failed(format_args!("the task panicked: {text}")),
        None => TaskAnswer::failed("the task panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_definition_of_a_name_stays() {
        let mut tasks = TaskManager::new();
        assert_eq!(tasks.define_task("feed", |_| async {}), Ok(()));
        let again = tasks.define_blocking_task("feed", |_| ());
        assert_eq!(again, Err(DefineError::AlreadyDefined("feed".into())));
        assert!(tasks.is_task_defined("feed") && !tasks.is_task_defined("mail"));
    }

    #[test]
    fn a_name_that_the_host_would_not_take_is_refused_here() {
        let mut tasks = TaskManager::new();
        let mut define = |name: &str| tasks.define_task(name, |_| async {});
        assert_eq!(define(""), Err(DefineError::EmptyName));
        assert_eq!(define(&"x".repeat(257)), Err(DefineError::LongName { bytes: 257 }));
        assert_eq!(define("a\nb"), Err(DefineError::Control('\n')));
        assert_eq!(define("Nachrichten für später"), Ok(()));
    }
}

//! The app as the host knows it.

use crate::background_fetch::BackgroundFetch;
use crate::call::{Call, block_on};
use crate::host::{Connection, Keeper, Link};
use crate::registrations::Registrations;
use crate::serve::{self, ServeError, Served};
use crate::task_manager::TaskManager;
use bgfetch_wire::app::{HelloAnswer, Opened};
use std::sync::Arc;
use std::time::Duration;

/// The app as the host knows it: the connection, and the tasks that run over it.
///
/// Dropping it closes the connection; what it handed out answers
/// [`CallError::Disconnected`](crate::CallError::Disconnected) from then on. What is registered stays registered.
pub struct App {
    tasks: Arc<TaskManager>,
    link: Arc<Link>,
    hello: HelloAnswer,
    /// Last, so that what is answered while the rest is dropped is still sent.
    _keeper: Keeper,
}

/// Ends [`App::serve`], from any thread or task.
#[derive(Clone)]
pub struct Shutdown {
    link: Arc<Link>,
}

impl App {
    pub(crate) fn new(tasks: Arc<TaskManager>, connection: Connection) -> Self {
        let Connection { link, hello, keeper } = connection;
        Self { tasks, link, hello, _keeper: keeper }
    }

    /// The app's id, as its manifest says.
    pub fn id(&self) -> &str {
        self.hello.app.as_deref().unwrap_or_default()
    }

    /// The number of the wake that this process was started for; `None` if somebody else started it.
    ///
    /// A program with a face looks here before it shows it.
    pub fn wake(&self) -> Option<u64> {
        self.hello.wake
    }

    /// How long a wake may take, in time that the machine is awake.
    pub fn limit(&self) -> Duration {
        Duration::from_millis(self.hello.limits.limit_ms)
    }

    /// Registers tasks and sets their interval.
    pub fn background_fetch(&self) -> BackgroundFetch {
        BackgroundFetch::new(Arc::clone(&self.link), Arc::clone(&self.tasks))
    }

    /// Asks what is registered.
    pub fn registrations(&self) -> Registrations {
        Registrations::new(Arc::clone(&self.link))
    }

    /// Tells the host that the user opened the app: it is woken again if the user had force-quit it, and the host
    /// learns when it is used.
    pub fn opened(&self) -> Call<()> {
        let done = self.link.call(Opened {});
        Call::new(async move { done.await.map(|_| ()) })
    }

    /// What ends [`serve`](Self::serve) from elsewhere.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown { link: Arc::clone(&self.link) }
    }

    /// Runs the tasks when the host says that it is time.
    ///
    /// In a process that was started for a wake, it returns [`Served::WakeOver`] when every task has ended and the host
    /// has taken the answers, so that `main` can end. In a program that runs anyway it goes on until
    /// [`Shutdown::shut_down`] is called: [`Served::ShutDown`]. A host that goes away is looked for again, see
    /// [`ConnectOptions::reconnect_for`](crate::ConnectOptions::reconnect_for); if it stays away, the error says so,
    /// as it does at once in a wake, which cannot outlive its host.
    ///
    /// The host calls the tasks here only once `serve` has been polled; before that, and in a program that never calls
    /// it, a wake starts a process of its own.
    ///
    /// Up to 64 tasks run side by side, polled by whoever polls `serve`; others wait for a place. Every event is
    /// answered exactly once: a task whose future is dropped, because `serve` itself is, or because it returns, is
    /// answered as failed.
    pub async fn serve(&mut self) -> Result<Served, ServeError> {
        serve::serve(&self.tasks, &self.link).await
    }

    /// [`serve`](Self::serve) for programs without a runtime: the tasks are polled on this thread.
    pub fn serve_blocking(&mut self) -> Result<Served, ServeError> {
        block_on(self.serve())
    }
}

impl Shutdown {
    /// Ends [`App::serve`], the present one and later ones. Tasks that still run are dropped and answered as failed.
    /// The connection ends when the [`App`] is dropped.
    pub fn shut_down(&self) {
        self.link.ask_to_stop();
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id())
            .field("wake", &self.wake())
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    /// What the compiler asks of everything that a runtime moves between threads.
    fn spawned(mut app: App) {
        is_send(&(app.background_fetch(), app.registrations(), app.shutdown(), app.opened()));
        is_send(&app.serve());
    }

    #[test]
    fn serving_and_calls_can_be_spawned_on_any_runtime() {
        let _: fn(App) = spawned;
    }
}

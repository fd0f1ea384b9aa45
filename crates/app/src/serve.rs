//! Running the tasks: events in, exactly one answer out for each.

use crate::answer::TaskAnswer;
use crate::event::Event;
use crate::host::{End, Link, Work};
use crate::task_manager::TaskManager;
use bgfetch_wire::error::ErrorObject;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How many tasks run side by side.
const RUNS_MAX: usize = 64;

/// Why [`App::serve`](crate::App::serve) returned in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Served {
    /// The process was started for a wake, and the wake is over: every task has ended and the host knows how.
    WakeOver,
    /// The program asked for it, with [`Shutdown::shut_down`](crate::Shutdown::shut_down).
    ShutDown,
}

/// Why tasks cannot be run any more.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The host went away, and did not come back for as long as it was looked for.
    #[error("the host is gone ({0}): start it again with `bgfetch host`")]
    HostGone(String),
    /// The host does not serve this program any more, e.g. because the user gave its id to another one.
    #[error("{0}")]
    Refused(ErrorObject),
}

/// What is owed for an event: exactly one answer, whatever becomes of the task.
struct Owed {
    link: Arc<Link>,
    event_id: String,
    is_paid: bool,
}

/// Runs tasks until there are none to run any more.
pub(crate) async fn serve(tasks: &Arc<TaskManager>, link: &Arc<Link>) -> Result<Served, ServeError> {
    link.begin_serving();
    let mut running = FuturesUnordered::new();
    poll_fn(|context| step(tasks, link, &mut running, context)).await
}

fn step(
    tasks: &TaskManager,
    link: &Arc<Link>,
    running: &mut FuturesUnordered<BoxFuture<'static, ()>>,
    context: &mut Context<'_>,
) -> Poll<Result<Served, ServeError>> {
    // Before anything is looked at, so that nothing that happens meanwhile is missed.
    link.register(context.waker());
    loop {
        while let Some(work) = link.take_work(running.len() < RUNS_MAX) {
            match work {
                Work::Run(event) => running.extend(start(tasks, link, event)),
                Work::Tell(status, listeners) => listeners.iter().for_each(|listener| listener(&status)),
            }
        }
        if link.is_stopping() {
            return Poll::Ready(Ok(Served::ShutDown));
        }
        match running.poll_next_unpin(context) {
            // A place is free.
            Poll::Ready(Some(())) => {}
            Poll::Ready(None) | Poll::Pending => return ended(link, running.is_empty()),
        }
    }
}

fn ended(link: &Link, is_idle: bool) -> Poll<Result<Served, ServeError>> {
    if is_idle && link.wake_is_over() {
        return Poll::Ready(Ok(Served::WakeOver));
    }
    match link.end() {
        None => Poll::Pending,
        Some(End::ShutDown) => Poll::Ready(Ok(Served::ShutDown)),
        Some(End::HostGone(why)) => Poll::Ready(Err(ServeError::HostGone(why))),
        Some(End::Refused(error)) => Poll::Ready(Err(ServeError::Refused(error))),
    }
}

/// The task of an event, on its way; nothing if the event could be answered at once.
fn start(tasks: &TaskManager, link: &Arc<Link>, event: Event) -> Option<BoxFuture<'static, ()>> {
    let owed = Owed { link: Arc::clone(link), event_id: event.event_id.clone(), is_paid: false };
    if event.remaining_time().is_zero() {
        let late = "the program did not come to run the task before the wake's limit";
        owed.pay(&TaskAnswer::failed(late));
        return None;
    }
    let Some(run) = tasks.run(event) else {
        owed.pay_undefined();
        return None;
    };
    Some(Box::pin(async move { owed.pay(&run.await) }))
}

impl Owed {
    fn pay(mut self, answer: &TaskAnswer) {
        self.is_paid = true;
        self.link.finish(&self.event_id, answer);
    }

    fn pay_undefined(mut self) {
        self.is_paid = true;
        self.link.finish_undefined(&self.event_id);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.is_paid {
            let answer = TaskAnswer::failed("the program stopped running the task before it ended");
            self.link.finish(&self.event_id, &answer);
        }
    }
}

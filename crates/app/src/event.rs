//! One run of a task: why now, and how long it may take.

use bgfetch_wire::app::{ExecutionInfo, Expiring};
use bgfetch_wire::value::{AppState, Reason};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Shared, pending};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One run of a task, handed to it when it is to run.
///
/// A background fetch gets no data, so there is none here: an event says which run it is, why it happens now, and how
/// long it may take.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The id of the run, fresh for every one.
    pub event_id: String,
    /// The task's name, as it was defined.
    pub task_name: String,
    /// [`AppState::Background`] in a process that the host started for this wake, [`AppState::Active`] in one that
    /// was running already.
    pub app_state: AppState,
    /// The wake's number, one for all the tasks that run in it.
    pub wake: u64,
    /// How many runs were due since the last one and did not happen, because the machine slept or was off, or a
    /// constraint was not met.
    pub missed: u64,
    /// Why now: a word for programs and a sentence for people.
    pub reason: Reason,
    /// How long the wake may take from its start, in time that the machine is awake: 30 s unless the host is
    /// configured otherwise. All the tasks of the wake share it.
    pub limit: Duration,
    /// Whether a developer asked for the run with `bgfetch fetch`, outside the schedule.
    pub simulated: bool,
    clock: Arc<WakeClock>,
}

/// The time that a wake has left, shared by its events.
#[derive(Debug)]
pub(crate) struct WakeClock {
    state: Mutex<ClockState>,
    is_expiring: AtomicBool,
    told: Shared<oneshot::Receiver<Reason>>,
}

#[derive(Debug)]
struct ClockState {
    /// `None` for a limit beyond what a clock can count.
    end: Option<Instant>,
    /// Taken when the wake is about to be ended.
    teller: Option<oneshot::Sender<Reason>>,
}

impl Event {
    pub(crate) fn new(info: ExecutionInfo, clock: Arc<WakeClock>) -> Self {
        Self {
            event_id: info.event_id,
            task_name: info.task_name,
            app_state: info.app_state,
            wake: info.wake,
            missed: info.missed,
            reason: info.reason,
            limit: Duration::from_millis(info.limit_ms),
            simulated: info.simulated,
            clock,
        }
    }

    /// How long the wake has left; zero once it is over.
    ///
    /// It is counted from the moment at which this process heard of the wake, a few milliseconds after its start, and
    /// is exact from [`expiring`](Self::expiring) on. Time in which the machine sleeps does not count.
    pub fn remaining_time(&self) -> Duration {
        match self.clock.lock().end {
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// Whether the host has said that the wake is about to be ended. A loop that blocks looks here between two steps.
    pub fn is_expiring(&self) -> bool {
        self.clock.is_expiring.load(Ordering::Acquire)
    }

    /// Completes when the wake is about to be ended, with the reason: the limit is near (the host says so 5 s before
    /// it, unless configured otherwise), or the wake is stopped, e.g. because a constraint is not met any more.
    ///
    /// A task that is not done by then saves what it has and returns. What has not ended at the limit is terminated.
    /// If the wake is never about to be ended, the future never completes; it is meant for a `select`.
    pub fn expiring(&self) -> impl Future<Output = Reason> + Send + Unpin + 'static + use<> {
        let clock = Arc::clone(&self.clock);
        async move {
            match clock.told.clone().await {
                Ok(reason) => reason,
                Err(oneshot::Canceled) => pending().await,
            }
        }
        .boxed()
    }
}

impl WakeClock {
    /// A clock that starts now.
    pub(crate) fn start(limit: Duration) -> Self {
        let (teller, told) = oneshot::channel();
        Self {
            state: Mutex::new(ClockState { end: Instant::now().checked_add(limit), teller: Some(teller) }),
            is_expiring: AtomicBool::new(false),
            told: told.shared(),
        }
    }

    /// The host has said that the wake is about to be ended. Only the first reason is told; a shorter time counts.
    pub(crate) fn expire(&self, expiring: Expiring) {
        let said = Instant::now().checked_add(Duration::from_millis(expiring.remaining_ms));
        let teller = {
            let mut state = self.lock();
            state.end = [state.end, said].into_iter().flatten().min();
            state.teller.take()
        };
        self.is_expiring.store(true, Ordering::Release);
        if let Some(teller) = teller {
            // The receiver is beside it, so there is always somebody to hear it.
            let _ = teller.send(expiring.reason);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::block_on;

    fn reason(code: &str) -> Reason {
        Reason { code: code.to_owned(), text: String::new() }
    }

    fn event(limit_ms: u64) -> Event {
        let info = ExecutionInfo {
            event_id: "e".into(),
            task_name: "feed".into(),
            app_state: AppState::Background,
            wake: 1,
            missed: 0,
            reason: reason("due"),
            limit_ms,
            simulated: false,
        };
        Event::new(info, Arc::new(WakeClock::start(Duration::from_millis(limit_ms))))
    }

    #[test]
    fn the_end_comes_nearer_and_never_moves_away() {
        let event = event(30_000);
        assert!(event.remaining_time() > Duration::from_secs(20));
        event.clock.expire(Expiring { wake: 1, remaining_ms: 5_000, reason: reason("limit") });
        assert!(event.is_expiring() && event.remaining_time() <= Duration::from_secs(5));
        event.clock.expire(Expiring { wake: 1, remaining_ms: 60_000, reason: reason("stopped") });
        assert!(event.remaining_time() <= Duration::from_secs(5));
        assert_eq!(
            block_on(event.expiring()).code,
            "limit",
            "the first reason is told, also to who asks late"
        );
    }

    #[test]
    fn a_limit_beyond_every_clock_leaves_all_the_time_there_is() {
        assert!(event(u64::MAX).remaining_time() > Duration::from_secs(1 << 40));
    }

    #[test]
    fn who_waits_already_is_woken_by_the_reason() {
        let event = event(30_000);
        let waiting = event.expiring();
        assert!(!event.is_expiring());
        event.clock.expire(Expiring { wake: 1, remaining_ms: 1, reason: reason("stopped") });
        drop(event);
        assert_eq!(block_on(waiting).code, "stopped");
    }
}

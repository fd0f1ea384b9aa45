//! Registering alone never runs a task: the default minimum interval is *never*, and time does not change that.

use crate::desk::{Desk, minutes, registration};
use bgfetch_core::{Reason, Span, TaskResult};

#[test]
fn a_registered_task_does_not_run_until_an_interval_is_set() {
    let mut desk = Desk::new();
    desk.seen("com.reader");
    assert_eq!(desk.why("com.reader"), Reason::NoTasks);
    desk.register("com.reader", registration("sync"));
    assert_eq!(desk.why("com.reader"), Reason::NoInterval);
    assert_eq!(desk.scheduler.poll_timeout(), None, "nothing is due, so the host sleeps");
    desk.advance(Span::from_hours(24 * 365));
    assert_eq!(desk.wakes(), []);
    assert_eq!(desk.verdict("com.reader").earliest, None);
}

#[test]
fn an_interval_set_late_counts_from_the_registration_and_nothing_was_missed() {
    let mut desk = Desk::new();
    desk.seen("com.reader");
    desk.register("com.reader", registration("sync"));
    desk.advance(minutes(60));
    desk.floor("com.reader", Some(minutes(15)));
    let wake = desk.run(TaskResult::NoData);
    assert_eq!((wake.reason.code(), wake.missed), ("due", 0), "nobody was away, and nothing was held");
}

#[test]
fn a_task_with_an_interval_of_its_own_needs_none_of_its_app() {
    let mut desk = Desk::new();
    desk.seen("com.reader");
    desk.register("com.reader", registration("idle"));
    let own = bgfetch_core::Registration { floor: Some(minutes(20)), ..registration("sync") };
    desk.register("com.reader", own);
    desk.advance(minutes(20));
    let wake = desk.run(TaskResult::NoData);
    assert_eq!(wake.tasks.len(), 1, "the task without an interval stays");
    assert_eq!(wake.tasks[0].as_str(), "sync");
}

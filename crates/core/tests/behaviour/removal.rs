//! Unregistering, registering again and removing, also while a wake runs: the wake goes on or is stopped, is recorded
//! once, and nothing waits for ever.

use crate::desk::{Desk, app, minutes, registration, task};
use bgfetch_core::{Ending, Input, Outcome, Reason, Refused, StopReason, TaskResult};

const APP: &str = "com.reader";

#[test]
fn unregistering_during_the_wake_lets_it_finish_and_be_recorded() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.unregister(APP, "sync");
    assert_eq!(desk.stops(), []);
    desk.finish(&wake, TaskResult::NewData);
    assert_eq!(desk.store.ended[&wake.id], Outcome::NewData);
    assert_eq!((desk.why(APP), desk.scheduler.tasks(&app(APP)).len()), (Reason::NoTasks, 0));
}

#[test]
fn registering_again_during_the_wake_keeps_both() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.unregister(APP, "sync");
    desk.register(APP, registration("sync"));
    desk.finish(&wake, TaskResult::NewData);
    assert_eq!(desk.store.ended[&wake.id], Outcome::NewData);
    assert_eq!(desk.earliest_in(APP), Some(minutes(15)));
}

#[test]
fn unregistering_all_leaves_the_interval() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.register(APP, registration("mail"));
    desk.say(Input::UnregisteredAll(app(APP)));
    assert_eq!(desk.told().len(), 3, "two tasks, and what holds the app now: {:?}", desk.told());
    assert_eq!(desk.verdict(APP).floor, Some(minutes(15)));
    desk.say(Input::UnregisteredAll(app(APP)));
    assert_eq!(desk.told(), [""; 0], "none is not an error");
}

#[test]
fn removing_an_app_drops_it_with_its_tasks() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.say(Input::AppRemoved(app(APP)));
    assert_eq!(desk.told(), ["app removed"]);
    assert!(desk.store.apps.is_empty());
    assert_eq!((desk.scheduler.poll_timeout(), desk.scheduler.app(&app(APP))), (None, None));
    desk.seen(APP);
    assert_eq!((desk.why(APP), desk.verdict(APP).floor), (Reason::NoTasks, None), "a stranger again");
}

#[test]
fn removing_an_app_that_runs_stops_it_first() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.say(Input::AppRemoved(app(APP)));
    assert_eq!(desk.stops(), [(wake.id, StopReason::Removed)]);
    let leaving = Err(Refused::Leaving(app(APP)));
    assert_eq!(desk.feed(Input::AppSeen { app: app(APP), declared: true }), leaving);
    assert_eq!(desk.feed(Input::Registered { app: app(APP), task: registration("x") }), leaving);
    desk.end(wake.id, Ending::Stopped);
    assert_eq!(desk.store.ended[&wake.id], Outcome::Stopped(StopReason::Removed));
    assert!(desk.store.apps.is_empty() && desk.scheduler.app(&app(APP)).is_none());
}

#[test]
fn a_removal_that_a_crash_cut_short_is_completed() {
    // However many of the outputs were performed, the app is gone when the next host is at rest.
    for performed in 0..8 {
        let mut desk = Desk::with_apps(&[APP]);
        desk.advance(minutes(15));
        let wake = desk.wake();
        desk.say(Input::AppRemoved(app(APP)));
        desk.crash_in(Input::WakeEnded { wake: wake.id, ending: Ending::Stopped }, performed);
        assert!(desk.store.apps.is_empty(), "after {performed} outputs: {:?}", desk.store.apps);
        assert_eq!(desk.store.ended.len(), 1, "after {performed} outputs");
    }
}

#[test]
fn an_unknown_task_is_refused_by_name() {
    let mut desk = Desk::with_apps(&[APP]);
    let refused = desk.feed(Input::Unregistered { app: app(APP), task: task("ghost") });
    let refused = refused.expect_err("no such task").to_string();
    assert_eq!(refused, "Task 'ghost' not found for app ID 'com.reader'.");
}

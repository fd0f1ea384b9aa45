//! A task that the app's present build does not define is kept and not run, until it is defined again.

use crate::desk::{Desk, app, minutes, registration, task};
use bgfetch_core::{Ending, Input, Reason, Refused, TaskResult};

const APP: &str = "com.reader";

/// Two tasks, of which the wake found `old` undefined.
fn desk() -> Desk {
    let mut desk = Desk::with_apps(&[APP]);
    desk.register(APP, registration("old"));
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.answer(&wake, "old", TaskResult::Undefined);
    desk.answer(&wake, "sync", TaskResult::NoData);
    desk.end(wake.id, Ending::Gone);
    desk
}

#[test]
fn it_is_kept_named_and_not_run() {
    let mut desk = desk();
    assert!(desk.told().contains(&"task `old` is not defined in this build: kept, not run".to_owned()));
    assert_eq!(desk.outcome(APP), "no data", "the app did what it could");
    let reasons: Vec<_> = desk.verdict(APP).tasks.iter().map(|task| task.reason.code()).collect();
    assert_eq!(reasons, ["orphaned", "floor"]);
    desk.advance(minutes(15));
    assert_eq!(desk.run(TaskResult::NoData).tasks, [task("sync")]);
}

#[test]
fn it_runs_again_when_it_is_defined_again() {
    let mut desk = desk();
    desk.say(Input::Defined { app: app(APP), tasks: vec![task("sync")] });
    assert_eq!(desk.told(), [""; 0]);
    desk.say(Input::Defined { app: app(APP), tasks: vec![task("old"), task("new")] });
    assert_eq!(desk.told(), ["task `old` is defined again"]);
    desk.advance(minutes(15));
    assert_eq!(desk.wake().tasks.len(), 2);
}

#[test]
fn registering_it_again_defines_it_again() {
    let mut desk = desk();
    desk.register(APP, registration("old"));
    assert!(!desk.scheduler.tasks(&app(APP))[0].orphan);
}

#[test]
fn an_app_of_orphans_waits_without_a_deadline() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    desk.run(TaskResult::Undefined);
    assert_eq!(desk.outcome(APP), "not started (defines none of its tasks)");
    assert_eq!((desk.why(APP), desk.verdict(APP).earliest), (Reason::Orphaned, None));
    assert_eq!(desk.scheduler.poll_timeout(), None);
    let refused = desk.feed(Input::FetchRequested(app(APP)));
    assert_eq!(refused, Err(Refused::Held { app: app(APP), reason: Reason::Orphaned }));
    desk.advance(minutes(60));
    desk.say(Input::Defined { app: app(APP), tasks: vec![task("sync")] });
    let wake = desk.wake();
    assert_eq!((wake.reason.code(), wake.missed), ("retry", 0), "it was not due while nothing defined it");
}

#[test]
fn no_wait_is_named_that_would_not_end_the_hold() {
    let mut desk = Desk::new();
    desk.seen(APP);
    desk.register(APP, registration("sync"));
    desk.floor(APP, Some(minutes(1)));
    for _ in 0..3 {
        desk.advance(minutes(5));
        desk.run(TaskResult::Failed);
    }
    desk.advance(minutes(10));
    desk.run(TaskResult::Undefined);
    assert_eq!(desk.verdict(APP).failures, 4, "the back-off is longer than the interval");
    assert_eq!((desk.why(APP), desk.verdict(APP).earliest), (Reason::Orphaned, None));
}

#[test]
fn it_survives_a_restart() {
    let mut desk = desk();
    desk.restart();
    assert_eq!(desk.verdict(APP).tasks[0].reason, Reason::Orphaned);
}

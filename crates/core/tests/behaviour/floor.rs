//! The minimum interval is a floor: no task runs before it has passed, wherever it is counted from and whoever set it.

use crate::desk::{Desk, app, minutes, registration};
use bgfetch_core::{Reason, Registration, Settings, Span, TaskResult};

const APP: &str = "com.reader";

#[test]
fn it_counts_from_the_registration() {
    let mut desk = Desk::with_apps(&[APP]);
    assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) });
    assert_eq!(desk.earliest_in(APP), Some(minutes(15)));
    desk.advance(minutes(15).times(1).plus(Span::ZERO));
    let wake = desk.wake();
    assert_eq!((wake.reason.code(), wake.missed), ("due", 0));
    assert_eq!(wake.begun.elapsed.as_millis(), minutes(15).as_millis());
}

#[test]
fn it_counts_from_the_last_wakes_start_not_from_its_end() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.advance(Span::from_secs(20));
    desk.finish(&wake, TaskResult::NewData);
    assert_eq!(desk.earliest_in(APP), Some(Span::from_secs(15 * 60 - 20)));
}

#[test]
fn the_apps_and_the_tasks_count_together() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.register(APP, Registration { floor: Some(minutes(40)), ..registration("archive") });
    let mut ran = Vec::new();
    for _ in 0..4 {
        desk.advance(minutes(15));
        for wake in desk.wakes() {
            let at = wake.begun.elapsed.as_millis() / 60_000;
            ran.push((at, wake.tasks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")));
            desk.finish(&wake, TaskResult::NoData);
        }
    }
    // At 40 minutes `archive`'s own interval has passed, but the app's, from the wake at 30, has not.
    let wanted = [(15, "sync"), (30, "sync"), (45, "archive sync"), (60, "sync")];
    assert_eq!(ran, wanted.map(|(at, tasks)| (at, tasks.to_owned())));
}

#[test]
fn registering_again_does_not_push_it_away() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(10));
    desk.register(APP, registration("sync"));
    assert_eq!(desk.told(), [""; 0], "nothing changed, so nothing is written");
    desk.register(APP, Registration { options: r#"{"deep":true}"#.into(), ..registration("sync") });
    assert_eq!(desk.told(), ["task `sync` registered"]);
    assert_eq!(desk.earliest_in(APP), Some(minutes(5)));
    assert_eq!(&*desk.scheduler.tasks(&app(APP))[0].options, r#"{"deep":true}"#, "replaced, not merged");
}

#[test]
fn unregistering_and_registering_begins_anew() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(10));
    desk.unregister(APP, "sync");
    assert_eq!(desk.why(APP), Reason::NoTasks);
    desk.register(APP, registration("sync"));
    assert_eq!(desk.earliest_in(APP), Some(minutes(15)), "the app's interval outlives its tasks");
}

#[test]
fn one_below_the_systems_minimum_counts_as_the_minimum() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.floor(APP, Some(Span::ZERO));
    assert_eq!(desk.verdict(APP).floor, Some(Settings::default().interval_min));
    desk.register(APP, Registration { floor: Some(Span::from_millis(1)), ..registration("sync") });
    assert_eq!(desk.scheduler.tasks(&app(APP))[0].floor, Some(Settings::default().interval_min));
}

#[test]
fn a_longer_one_delays_a_shorter_one_hastens_and_never_is_never() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(10));
    desk.floor(APP, Some(minutes(60)));
    assert_eq!(desk.earliest_in(APP), Some(minutes(50)));
    desk.floor(APP, Some(minutes(12)));
    assert_eq!(desk.earliest_in(APP), Some(minutes(2)));
    desk.floor(APP, None);
    assert_eq!(
        desk.told(),
        ["minimum interval set to never", "held: no minimum interval is set, and the default is never"]
    );
    desk.advance(Span::from_hours(24 * 30));
    assert_eq!(desk.wakes(), []);
    desk.floor(APP, Some(minutes(5)));
    assert_eq!(desk.wake().missed, 0, "no interval passed while there was none");
}

#[test]
fn the_longest_there_is_does_not_wrap() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(3));
    desk.floor(APP, Some(Span::MAX));
    assert_eq!(desk.why(APP), Reason::Floor { floor: Span::MAX });
    desk.advance(Span::from_hours(24 * 365 * 1_000));
    assert_eq!(desk.wakes(), []);
}

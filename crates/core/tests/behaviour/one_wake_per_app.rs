//! One wake per app at a time; and of all apps together no more than the host allows, the longest due first.

use crate::desk::{Desk, minutes, registration};
use bgfetch_core::{Ending, Hold, Reason, Settings, Span, TaskResult, WakeReason};

fn two_at_a_time() -> Settings {
    Settings { wakes_max: 2, ..Settings::default() }
}

#[test]
fn a_task_that_falls_due_during_a_wake_waits_for_its_end() {
    let mut desk = Desk::with_apps(&["com.reader"]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.register("com.reader", registration("second"));
    desk.advance(Span::from_hours(5));
    assert_eq!(desk.wakes(), []);
    assert_eq!(desk.why("com.reader"), Reason::Running { wake: wake.id });
    desk.finish(&wake, TaskResult::NoData);
    let next = desk.wake();
    assert_eq!(next.tasks.len(), 2);
    assert_eq!((next.reason, next.missed), (WakeReason::Due, 0), "its own wake is no hold");
}

#[test]
fn the_longest_due_goes_first_and_each_is_told_what_it_waits_for() {
    let mut desk = Desk::with_apps_and(two_at_a_time(), &["app.a", "app.b", "app.c", "app.d"]);
    // The later the letter, the earlier due.
    for (id, interval) in [("app.a", 18), ("app.b", 17), ("app.c", 16)] {
        desk.floor(id, Some(minutes(interval)));
    }
    desk.suspend(minutes(20));
    let order: Vec<_> = desk.wakes().iter().map(|wake| wake.app.to_string()).collect();
    assert_eq!(order, ["app.d", "app.c"]);
    assert_eq!(desk.why("app.a"), Reason::Busy { wakes: 2 });
    assert_eq!(desk.scheduler.poll_timeout(), None, "only the end of a wake makes room");
    let first = desk.wakes()[0].clone();
    desk.finish(&first, TaskResult::NoData);
    let next = desk.wake();
    assert_eq!(next.app.as_str(), "app.b");
    assert_eq!(next.reason, WakeReason::Released { held: Hold::Busy });
    assert_eq!(desk.why("app.a"), Reason::Busy { wakes: 2 });
}

#[test]
fn an_app_that_hangs_does_not_starve_the_others() {
    let ids: Vec<_> = (0..30).map(|number| format!("app.n{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let mut desk = Desk::with_apps_and(two_at_a_time(), &ids);
    desk.suspend(Span::from_hours(24));
    let mut waiting = desk.wakes();
    let mut seen = vec![waiting.remove(0).app];
    while let Some(wake) = waiting.pop() {
        seen.push(wake.app.clone());
        desk.end(wake.id, Ending::Gone);
        waiting.extend(desk.wakes());
        if seen.len() == 30 {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 30, "every app had its turn beside the one that hangs");
}

#[test]
fn what_waits_in_the_queue_still_hears_of_a_change() {
    let mut desk = Desk::with_apps_and(two_at_a_time(), &["app.a", "app.b", "app.c"]);
    desk.suspend(minutes(30));
    let first = desk.wakes()[0].clone();
    desk.switch("app.c", false);
    assert_eq!(desk.why("app.c"), Reason::AppOff);
    desk.finish(&first, TaskResult::NoData);
    assert_eq!(desk.wakes(), [], "it left the queue");
    desk.switch("app.c", true);
    assert_eq!(desk.wake().reason, WakeReason::Released { held: Hold::User });
}

//! A wake that failed makes the next one wait: 30 seconds, doubled each time, at most five hours, less a tenth at
//! most that is the app's own; and a wake that went well ends it.

use crate::desk::{Desk, minutes};
use bgfetch_core::{Ending, Reason, Settings, Span, Stage, TaskResult, WakeReason};

const APP: &str = "com.reader";

/// Intervals short enough that the back-off alone holds.
fn desk() -> Desk {
    let mut desk = Desk::with(Settings { interval_min: Span::from_millis(1), ..Settings::default() });
    desk.seen(APP);
    desk.register(APP, crate::desk::registration("sync"));
    desk.floor(APP, Some(Span::from_secs(1)));
    desk.advance(Span::from_secs(1));
    desk
}

fn wait(desk: &Desk) -> (u32, Span) {
    match desk.why(APP) {
        Reason::BackOff { failures, wait } => (failures, wait),
        other => panic!("not backing off: {other:?}"),
    }
}

#[test]
fn every_way_to_fail_backs_off() {
    let endings = [
        Ending::Gone,
        Ending::Limit { forced: false },
        Ending::Limit { forced: true },
        Ending::NotStarted(Stage::Command),
        Ending::NotStarted(Stage::Contain),
        Ending::NotStarted(Stage::Spawn),
        Ending::NotStarted(Stage::Load),
        Ending::Lost,
    ];
    for ending in endings {
        let mut desk = desk();
        let wake = desk.wake();
        desk.end(wake.id, ending);
        assert_eq!(wait(&desk).0, 1, "{ending:?}");
    }
    let mut desk = desk();
    desk.run(TaskResult::Failed);
    assert_eq!(wait(&desk).0, 1);
}

#[test]
fn what_went_well_does_not() {
    for result in [TaskResult::NoData, TaskResult::NewData] {
        let mut desk = desk();
        desk.run(result);
        assert_eq!(desk.why(APP).code(), "floor");
    }
}

#[test]
fn the_wait_doubles_up_to_five_hours_and_the_next_try_says_so() {
    let mut desk = desk();
    let mut full = Span::from_secs(30);
    desk.run(TaskResult::Failed);
    for failures in 1..15 {
        let (counted, span) = wait(&desk);
        assert_eq!(counted, failures);
        assert!(span <= full && span.as_millis() >= full.as_millis() / 10 * 9, "{span} of {full}");
        assert_eq!(desk.earliest_in(APP), Some(span), "from the end of the failed wake");
        desk.advance(span);
        assert_eq!(desk.wake().reason, WakeReason::Retry { failures });
        desk.run(TaskResult::Failed);
        full = full.times(2).min(Span::from_hours(5));
    }
}

#[test]
fn one_success_ends_it() {
    let mut desk = desk();
    for _ in 0..6 {
        desk.run(TaskResult::Failed);
        desk.advance(wait(&desk).1);
    }
    desk.run(TaskResult::NoData);
    assert_eq!((desk.why(APP).code(), desk.verdict(APP).failures), ("floor", 0));
    desk.advance(Span::from_secs(1));
    desk.run(TaskResult::Failed);
    assert_eq!(wait(&desk).0, 1, "it begins anew");
}

#[test]
fn the_wait_is_the_same_in_every_run_and_after_a_restart() {
    let waits = || {
        let mut desk = desk();
        desk.run(TaskResult::Failed);
        desk
    };
    let (mut first, second) = (waits(), waits());
    assert_eq!(wait(&first), wait(&second));
    first.restart();
    assert_eq!((wait(&first), first.earliest_in(APP)), (wait(&second), second.earliest_in(APP)));
}

#[test]
fn a_longer_interval_is_the_reason_while_it_lasts_longer() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    desk.run(TaskResult::Failed);
    assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) }, "15 minutes are longer than 30 seconds");
    desk.advance(minutes(15));
    assert_eq!(desk.wake().reason, WakeReason::Retry { failures: 1 });
}

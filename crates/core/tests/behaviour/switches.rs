//! What a person or a policy switches off does not run, what runs is stopped where it must be, and what was due is
//! released at once, with that reason.

use crate::desk::{Desk, app, minutes};
use bgfetch_core::{Ending, Hold, Input, Outcome, Reason, Status, StopReason, TaskResult, WakeReason};

const APP: &str = "com.reader";

/// A switch: what turns it off and on, the reason it gives, and whether it stops what runs.
fn switches(desk: &Desk) -> Vec<(Input, Input, Reason, Option<StopReason>)> {
    let until = desk.now.wall.plus(minutes(60 * 24 * 7));
    let pause = |app, until| Input::Paused { app, until };
    let app_switched = |on| Input::AppSwitched { app: app(APP), on };
    let seen = |declared| Input::AppSeen { app: app(APP), declared };
    vec![
        (Input::Restricted(true), Input::Restricted(false), Reason::Restricted, Some(StopReason::Restricted)),
        (
            Input::SystemSwitched(false),
            Input::SystemSwitched(true),
            Reason::SystemOff,
            Some(StopReason::SystemOff),
        ),
        (app_switched(false), app_switched(true), Reason::AppOff, Some(StopReason::AppOff)),
        (Input::ForceQuit(app(APP)), Input::Opened(app(APP)), Reason::ForceQuit, Some(StopReason::ForceQuit)),
        (pause(Some(app(APP)), Some(until)), pause(Some(app(APP)), None), Reason::Paused { until }, None),
        (pause(None, Some(until)), pause(None, None), Reason::Paused { until }, None),
        (seen(false), seen(true), Reason::NotDeclared, None),
    ]
}

#[test]
fn each_holds_what_is_due_and_releases_it_at_once() {
    for which in 0..7 {
        let mut desk = Desk::with_apps(&[APP]);
        let (off, on, reason, _) = switches(&desk).swap_remove(which);
        desk.say(off);
        assert_eq!(desk.why(APP), reason);
        desk.advance(minutes(60));
        assert_eq!(desk.wakes(), [], "{reason:?}");
        desk.say(on);
        let wake = desk.wake();
        assert_eq!((wake.reason, wake.missed), (WakeReason::Released { held: Hold::User }, 3), "{reason:?}");
    }
}

#[test]
fn each_lets_go_before_anything_was_due() {
    for which in 0..7 {
        let mut desk = Desk::with_apps(&[APP]);
        let (off, on, reason, _) = switches(&desk).swap_remove(which);
        desk.say(off);
        desk.advance(minutes(5));
        desk.say(on);
        assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) });
        desk.advance(minutes(10));
        assert_eq!(desk.wake().reason, WakeReason::Due, "{reason:?} held nothing that was due");
    }
}

#[test]
fn each_stops_a_running_wake_where_it_must() {
    for which in 0..7 {
        let mut desk = Desk::with_apps(&[APP]);
        let (off, on, reason, stop) = switches(&desk).swap_remove(which);
        desk.advance(minutes(15));
        let wake = desk.wake();
        desk.say(off.clone());
        assert_eq!(desk.stops(), stop.map(|stop| (wake.id, stop)).into_iter().collect::<Vec<_>>());
        assert_eq!(desk.why(APP), Reason::Running { wake: wake.id }, "it runs until its processes are gone");
        desk.say(off);
        assert_eq!(desk.stops(), [], "it is asked to stop once");
        let Some(stop) = stop else {
            desk.finish(&wake, TaskResult::NewData);
            assert_eq!(desk.outcome(APP), "new data");
            continue;
        };
        desk.end(wake.id, Ending::Stopped);
        assert_eq!(desk.verdict(APP).last_outcome, Some(Outcome::Stopped(stop)));
        assert_eq!((desk.why(APP), desk.verdict(APP).failures), (reason, 0), "it was not the app's doing");
        desk.say(on);
        assert_eq!(desk.wake().reason, WakeReason::Released { held: Hold::User }, "its tasks stayed due");
    }
}

#[test]
fn a_force_quit_stops_a_wake_whose_tasks_are_all_unregistered() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.say(Input::UnregisteredAll(app(APP)));
    desk.say(Input::ForceQuit(app(APP)));
    assert_eq!(desk.stops(), [(wake.id, StopReason::ForceQuit)]);
}

#[test]
fn answers_given_before_the_stop_stand() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.switch(APP, false);
    desk.answer(&wake, "sync", TaskResult::NewData);
    desk.end(wake.id, Ending::Stopped);
    assert_eq!(desk.outcome(APP), "new data");
    assert_eq!(
        desk.verdict(APP).last_begun,
        Some(wake.begun.elapsed),
        "it did its work, so it is not due again"
    );
}

#[test]
fn a_wake_that_has_answered_is_not_stopped_any_more() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.answer(&wake, "sync", TaskResult::NewData);
    desk.switch(APP, false);
    assert_eq!(desk.stops(), []);
}

#[test]
fn the_status_tells_what_the_user_can_change_from_what_not() {
    let mut desk = Desk::with_apps(&[APP, "com.other"]);
    assert_eq!(desk.status(APP), Status::Available);
    desk.switch(APP, false);
    assert_eq!((desk.status(APP), desk.status("com.other")), (Status::Denied, Status::Available));
    desk.say(Input::SystemSwitched(false));
    assert_eq!(desk.status("com.other"), Status::Denied);
    desk.say(Input::Restricted(true));
    assert_eq!((desk.status(APP), desk.status("com.other")), (Status::Restricted, Status::Restricted));
    assert_eq!([Status::Denied as u8, Status::Restricted as u8, Status::Available as u8], [1, 2, 3]);
}

#[test]
fn a_pause_ends_by_itself() {
    let mut desk = Desk::with_apps(&[APP]);
    let until = Some(desk.now.wall.plus(minutes(40)));
    desk.say(Input::Paused { app: None, until });
    assert_eq!(desk.earliest_in(APP), Some(minutes(40)));
    desk.advance(minutes(40));
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (WakeReason::Released { held: Hold::User }, 1));
}

#[test]
fn of_two_pauses_the_longer_counts() {
    let mut desk = Desk::with_apps(&[APP]);
    let (short, long) = (desk.now.wall.plus(minutes(20)), desk.now.wall.plus(minutes(50)));
    desk.say(Input::Paused { app: Some(app(APP)), until: Some(long) });
    desk.say(Input::Paused { app: None, until: Some(short) });
    assert_eq!(desk.why(APP), Reason::Paused { until: long });
    desk.advance(minutes(49));
    assert_eq!(desk.wakes(), []);
}

//! A simulated fetch comes now, whatever the time; it does not get past a person, a policy or a missing condition,
//! and it teaches the schedule nothing.

use crate::desk::{Desk, app, minutes, registration, task, waiting_for};
use bgfetch_core::{
    Constraint, Ending, Input, Network, Reason, Refused, Registration, Settings, TaskResult, WakeReason,
};

const APP: &str = "com.reader";

fn held(desk: &mut Desk) -> Reason {
    match desk.feed(Input::FetchRequested(app(APP))) {
        Err(Refused::Held { reason, .. }) => reason,
        other => panic!("not held: {other:?}"),
    }
}

#[test]
fn it_does_not_wait_for_time() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.floor(APP, None);
    desk.say(Input::FetchRequested(app(APP)));
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (WakeReason::Simulated, 0));
    assert_eq!(wake.tasks, [task("sync")]);
}

#[test]
fn it_teaches_nothing() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(10));
    for ending in [Ending::Gone, Ending::Limit { forced: true }] {
        desk.say(Input::FetchRequested(app(APP)));
        let wake = desk.wake();
        desk.end(wake.id, ending);
    }
    let verdict = desk.verdict(APP);
    assert_eq!((verdict.failures, verdict.overruns, verdict.last_begun), (0, 0, None));
    assert_eq!(desk.earliest_in(APP), Some(minutes(5)), "the real one comes when it would have come");
    desk.advance(minutes(5));
    assert_eq!(desk.run(TaskResult::NoData).reason, WakeReason::Due);
}

#[test]
fn it_does_not_move_a_tasks_own_interval() {
    let mut desk = Desk::new();
    desk.seen(APP);
    desk.register(APP, Registration { floor: Some(minutes(15)), ..registration("sync") });
    desk.advance(minutes(10));
    desk.say(Input::FetchRequested(app(APP)));
    desk.run(TaskResult::NewData);
    assert_eq!(desk.earliest_in(APP), Some(minutes(5)));
}

#[test]
fn it_does_not_get_past_what_a_person_says() {
    let mut desk = Desk::with_apps(&[APP]);
    let until = Some(desk.now.wall.plus(minutes(10)));
    let cases = [
        (Input::Restricted(true), Input::Restricted(false), "restricted"),
        (Input::SystemSwitched(false), Input::SystemSwitched(true), "system_off"),
        (
            Input::AppSwitched { app: app(APP), on: false },
            Input::AppSwitched { app: app(APP), on: true },
            "app_off",
        ),
        (Input::ForceQuit(app(APP)), Input::Opened(app(APP)), "force_quit"),
        (Input::Paused { app: None, until }, Input::Paused { app: None, until: None }, "paused"),
    ];
    for (off, on, code) in cases {
        desk.say(off);
        assert_eq!(held(&mut desk).code(), code);
        desk.say(on);
    }
    desk.unregister(APP, "sync");
    assert_eq!(held(&mut desk), Reason::NoTasks);
}

#[test]
fn it_does_not_get_past_a_condition_or_another_wake() {
    let mut desk = Desk::with_apps_and(Settings { wakes_max: 1, ..Settings::default() }, &[APP, "com.other"]);
    desk.register(APP, waiting_for("sync", Constraint::AnyNetwork));
    assert_eq!(held(&mut desk), Reason::Unsensed { constraint: Constraint::AnyNetwork });
    desk.device(|device| device.network = Network::Offline);
    assert_eq!(held(&mut desk), Reason::Unmet { constraint: Constraint::AnyNetwork });
    desk.device(|device| device.network = Network::Metered);
    desk.say(Input::FetchRequested(app("com.other")));
    let other = desk.wake();
    assert_eq!(held(&mut desk), Reason::Busy { wakes: 1 });
    desk.finish(&other, TaskResult::NoData);
    desk.say(Input::FetchRequested(app(APP)));
    let wake = desk.wake();
    assert_eq!(held(&mut desk), Reason::Running { wake: wake.id });
}

//! An input that can not be taken is refused in words that name the thing, and changes nothing. (That nothing
//! changed is checked at the desk, for every refusal of every test.)

use crate::desk::{Desk, app, registration, task};
use bgfetch_core::{Input, Settings, TaskResult, WakeId};

fn refusal(desk: &mut Desk, input: Input) -> String {
    desk.feed(input).expect_err("it is refused").to_string()
}

#[test]
fn whatever_is_said_of_an_unknown_app_is_refused() {
    let mut desk = Desk::new();
    let ghost = || app("com.ghost");
    let inputs = [
        Input::AppRemoved(ghost()),
        Input::Registered { app: ghost(), task: registration("sync") },
        Input::Unregistered { app: ghost(), task: task("sync") },
        Input::UnregisteredAll(ghost()),
        Input::FloorSet { app: ghost(), floor: None },
        Input::Defined { app: ghost(), tasks: vec![] },
        Input::Opened(ghost()),
        Input::ForceQuit(ghost()),
        Input::AppSwitched { app: ghost(), on: false },
        Input::Paused { app: Some(ghost()), until: None },
        Input::FetchRequested(ghost()),
    ];
    for input in inputs {
        assert_eq!(refusal(&mut desk, input), "no app `com.ghost` is known to this host");
    }
    let answered =
        Input::Answered { app: ghost(), wake: WakeId(0), task: task("sync"), result: TaskResult::NoData };
    desk.say(answered);
    assert_eq!(desk.told(), [""; 0], "nobody's answer is nobody's entry");
}

#[test]
fn an_app_without_the_mode_may_not_register() {
    let mut desk = Desk::new();
    desk.say(Input::AppSeen { app: app("com.plain"), declared: false });
    let input = Input::Registered { app: app("com.plain"), task: registration("sync") };
    assert_eq!(refusal(&mut desk, input), "the manifest of `com.plain` does not declare the mode `fetch`");
}

#[test]
fn more_tasks_or_apps_than_allowed_are_refused_and_known_ones_still_taken() {
    let mut desk = Desk::with(Settings { tasks_max: 2, apps_max: 1, ..Settings::default() });
    desk.seen("com.reader");
    desk.register("com.reader", registration("a"));
    desk.register("com.reader", registration("b"));
    let third = Input::Registered { app: app("com.reader"), task: registration("c") };
    assert_eq!(refusal(&mut desk, third), "`com.reader` has 2 tasks registered, as many as one app may");
    desk.register("com.reader", registration("b"));
    let second = Input::AppSeen { app: app("com.other"), declared: true };
    assert_eq!(refusal(&mut desk, second), "this host knows 1 apps, as many as it may");
    desk.say(Input::AppSeen { app: app("com.reader"), declared: false });
}

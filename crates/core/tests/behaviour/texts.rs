//! Every word a person reads of the scheduler, in one table; and beside each reason its code, which is also its name
//! in the store.

use crate::desk::{minutes, task};
use bgfetch_core::{
    Constraint, Event, Hold, Outcome, Reason, Span, Stage, StopReason, TaskResult, WakeId, WakeReason, Wall,
};

const WAKE: WakeId = WakeId(12);

#[test]
fn reasons() {
    let constraint = Constraint::UnmeteredNetwork;
    let floor = minutes(15);
    let until = Wall::from_millis(0);
    let wait = Span::from_secs(58);
    let table = [
        (Reason::NoTasks, "no_tasks", "no task is registered"),
        (Reason::NotDeclared, "not_declared", "its manifest does not declare the mode `fetch`"),
        (Reason::StoreUnwritable, "store_unwritable", "the host can not write its store"),
        (Reason::Restricted, "restricted", "a policy of this machine forbids background fetch"),
        (Reason::SystemOff, "system_off", "background fetch is switched off for every app"),
        (Reason::AppOff, "app_off", "background fetch is switched off for this app"),
        (Reason::Paused { until }, "paused", "paused by the user"),
        (Reason::ForceQuit, "force_quit", "force-quit by the user and not opened since"),
        (Reason::Running { wake: WAKE }, "running", "wake 12 is running"),
        (Reason::Orphaned, "orphaned", "no registered task is defined in the app's present build"),
        (Reason::NoInterval, "no_interval", "no minimum interval is set, and the default is never"),
        (Reason::Floor { floor }, "floor", "the minimum interval of 15 min has not passed"),
        (
            Reason::Penalty { floor, factor: 4 },
            "penalty",
            "its last wake overran: the minimum interval of 15 min counts 4 times",
        ),
        (Reason::BackOff { failures: 1, wait }, "back_off", "backing off 58 s after a failure"),
        (Reason::BackOff { failures: 3, wait }, "back_off", "backing off 58 s after 3 failures in a row"),
        (Reason::Unmet { constraint }, "unmet", "waiting for an unmetered network"),
        (
            Reason::Unsensed { constraint },
            "unsensed",
            "waiting for an unmetered network, which nothing on this machine can tell",
        ),
        (Reason::Busy { wakes: 4 }, "busy", "4 other wakes are running, as many as the host allows"),
        (Reason::HostStopping, "host_stopping", "the host is ending"),
        (Reason::Ready, "ready", "starting now"),
        (Reason::Leaving, "leaving", "the app is being removed"),
    ];
    for (reason, code, text) in table {
        assert_eq!((reason.code(), reason.to_string().as_str()), (code, text));
        let stored = serde_json::to_value(reason).expect("a reason is stored");
        assert_eq!(stored["code"], code);
        assert_eq!(serde_json::from_value::<Reason>(stored).expect("a reason is restored"), reason);
    }
}

#[test]
fn reasons_of_wakes() {
    let table = [
        (WakeReason::Due, "due", "the minimum interval passed"),
        (
            WakeReason::Released { held: Hold::Absence },
            "released",
            "it fell due while the host was away or the machine slept",
        ),
        (
            WakeReason::Released { held: Hold::User },
            "released",
            "it was due, and the user's switch released it",
        ),
        (
            WakeReason::Released { held: Hold::Constraint },
            "released",
            "it was due, and its condition came true",
        ),
        (WakeReason::Released { held: Hold::Busy }, "released", "it was due, and another wake made room"),
        (WakeReason::Retry { failures: 1 }, "retry", "another try after a failure"),
        (WakeReason::Retry { failures: 2 }, "retry", "another try after 2 failures in a row"),
        (WakeReason::Simulated, "simulated", "a simulated fetch was asked for"),
    ];
    for (reason, code, text) in table {
        assert_eq!((reason.code(), reason.to_string().as_str()), (code, text));
        let stored = serde_json::to_value(reason).expect("a reason is stored");
        assert_eq!(stored["code"], code);
        assert_eq!(serde_json::from_value::<WakeReason>(stored).expect("a reason is restored"), reason);
    }
}

#[test]
fn outcomes_and_stops() {
    let table = [
        (Outcome::NewData, "new data"),
        (Outcome::NoData, "no data"),
        (Outcome::Failed, "failed"),
        (Outcome::Expired, "expired"),
        (Outcome::Killed, "killed"),
        (Outcome::Crashed, "crashed"),
        (Outcome::Lost, "lost"),
        (
            Outcome::NotStarted(Stage::Declare),
            "not started (its manifest declares the mode `fetch` no longer)",
        ),
        (Outcome::NotStarted(Stage::Command), "not started (no command)"),
        (Outcome::NotStarted(Stage::Contain), "not started (could not be contained)"),
        (Outcome::NotStarted(Stage::Spawn), "not started (could not be executed)"),
        (Outcome::NotStarted(Stage::Load), "not started (ended before its tasks were defined)"),
        (Outcome::NotStarted(Stage::Define), "not started (defines none of its tasks)"),
        (Outcome::Stopped(StopReason::HostStopping), "stopped (the host is ending)"),
        (Outcome::Stopped(StopReason::Restricted), "stopped (a policy forbids it since)"),
        (
            Outcome::Stopped(StopReason::SystemOff),
            "stopped (background fetch was switched off for every app)",
        ),
        (Outcome::Stopped(StopReason::AppOff), "stopped (background fetch was switched off for this app)"),
        (Outcome::Stopped(StopReason::ForceQuit), "stopped (the user force-quit the app)"),
        (Outcome::Stopped(StopReason::Removed), "stopped (the app was removed)"),
        (
            Outcome::Stopped(StopReason::Constraint(Constraint::ExternalPower)),
            "stopped (there is no longer external power)",
        ),
        (
            Outcome::Stopped(StopReason::Constraint(Constraint::Idle)),
            "stopped (there is no longer an idle machine)",
        ),
    ];
    for (outcome, text) in table {
        assert_eq!(outcome.to_string(), text);
        let stored = serde_json::to_string(&outcome).expect("an outcome is stored");
        assert_eq!(serde_json::from_str::<Outcome>(&stored).expect("an outcome is restored"), outcome);
    }
}

fn events() -> Vec<(Event, &'static str)> {
    let sync = || task("sync");
    let away = Span::from_hours(9);
    let began = |reason, missed| Event::Begun { tasks: vec![task("mail"), sync()], reason, missed };
    let held = Hold::Absence;
    vec![
        (Event::HostStarted { away, in_order: true }, "host started, away for 9 h"),
        (
            Event::HostStarted { away, in_order: false },
            "host started after it ended abruptly, at most 9 h ago",
        ),
        (Event::HostStopped, "host stopped"),
        (Event::ClockSet { step_ms: 3_600_000 }, "clock set forward by 1 h"),
        (Event::ClockSet { step_ms: -90_000 }, "clock set back by 1 min 30 s"),
        (Event::Seen { declared: true }, "app seen"),
        (Event::Seen { declared: false }, "app seen, its manifest lacks the mode `fetch`"),
        (Event::Adopted { manifest: "/opt/app.json".into() }, "app adopted from /opt/app.json"),
        (Event::Removed, "app removed"),
        (Event::Registered { task: sync() }, "task `sync` registered"),
        (Event::Unregistered { task: sync() }, "task `sync` unregistered"),
        (Event::FloorSet { floor: Some(minutes(15)) }, "minimum interval set to 15 min"),
        (Event::FloorSet { floor: None }, "minimum interval set to never"),
        (Event::Orphaned { task: sync() }, "task `sync` is not defined in this build: kept, not run"),
        (Event::DefinedAgain { task: sync() }, "task `sync` is defined again"),
        (Event::Opened, "opened by the user"),
        (Event::ForceQuit, "force-quit by the user"),
        (Event::Switched { on: true }, "switched on"),
        (Event::Switched { on: false }, "switched off"),
        (Event::Paused { until: Some(Wall::from_millis(0)) }, "paused"),
        (Event::Paused { until: None }, "pause ended"),
        (Event::Restricted { restricted: true }, "forbidden by policy"),
        (Event::Restricted { restricted: false }, "no longer forbidden by policy"),
        (Event::Held { reason: Reason::NoTasks }, "held: no task is registered"),
        (began(WakeReason::Due, 0), "woken for mail, sync: the minimum interval passed"),
        (
            began(WakeReason::Retry { failures: 1 }, 1),
            "woken for mail, sync: another try after a failure (1 interval missed)",
        ),
        (
            began(WakeReason::Released { held }, 5),
            "woken for mail, sync: it fell due while the host was away or the machine slept (5 intervals missed)",
        ),
        (Event::Answered { task: sync(), result: TaskResult::NoData }, "task `sync` answered: no data"),
        (Event::Answered { task: sync(), result: TaskResult::NewData }, "task `sync` answered: new data"),
        (Event::Answered { task: sync(), result: TaskResult::Failed }, "task `sync` answered: failed"),
        (
            Event::Answered { task: sync(), result: TaskResult::Undefined },
            "task `sync` answered: not defined",
        ),
        (Event::Answered { task: sync(), result: TaskResult::Unanswered }, "task `sync` gave no answer"),
        (
            Event::LateAnswer { task: sync(), result: TaskResult::NewData },
            "task `sync` answered again or too late: new data, ignored",
        ),
        (Event::Said { task: Some(sync()), text: "no route".into() }, "task `sync` said: no route"),
        (Event::Said { task: None, text: "no such file".into() }, "no such file"),
        (Event::Stopping { reason: StopReason::HostStopping }, "stopping: the host is ending"),
        (
            Event::Ended { outcome: Outcome::NewData, took: Span::from_millis(1_500) },
            "ended: new data, after 1.5 s",
        ),
    ]
}

#[test]
fn entries_of_the_journal() {
    for (event, text) in events() {
        assert_eq!(event.to_string(), text);
        let stored = serde_json::to_string(&event).expect("an event is stored");
        assert_eq!(serde_json::from_str::<Event>(&stored).expect("an event is restored"), event);
    }
}

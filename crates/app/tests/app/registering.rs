//! An app registers, asks and unregisters: every function is one message of the contract, and every answer and refusal
//! comes back in Rust's terms, awaited or waited for.

use super::script::{Host, Peer, golden};
use background_fetch::{
    App, CallError, Constraint, ErrorCode, Options, RegisteredTask, Status, TaskManager, TaskType,
};
use serde_json::{Value, json};
use std::time::Duration;

fn connected(host: &Host) -> (App, Peer) {
    let mut tasks = TaskManager::new();
    for name in ["feed", "Nachrichten für später"] {
        tasks.define_task(name, |_| async {}).expect("defined");
    }
    host.connected(tasks)
}

/// Asks on a thread; the host hears the golden request and sends the golden answer.
fn exchange<T: Send + 'static>(
    peer: &mut Peer,
    ask: impl FnOnce() -> T + Send + 'static,
    request: &str,
    answer: &str,
) -> T {
    let asking = std::thread::spawn(ask);
    let heard = peer.next().expect("a request");
    let mut expected = golden(request);
    expected["id"] = heard["id"].clone();
    assert_eq!(heard, expected);
    peer.answer(&heard, answer);
    asking.join().expect("an answer")
}

#[test]
fn registering_and_unregistering_are_the_golden_messages() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let ask = app.background_fetch();
    let done = exchange(&mut peer, move || ask.register_task("feed").wait(), "register", "register-answer");
    done.expect("registered");

    let ask = app.background_fetch();
    let options = Options::new().minimum_interval(Duration::from_mins(15)).with("tag", "naïve 🗞");
    let register =
        move || ask.register_task_with("Nachrichten für später", options.with("gone", Value::Null)).wait();
    exchange(&mut peer, register, "register-with-options", "register-answer").expect("registered");

    let ask = app.background_fetch();
    let unregister = move || ask.unregister_task("feed").wait();
    let error =
        exchange(&mut peer, unregister, "unregister", "unregister-answer-not-found").expect_err("unknown");
    assert_eq!(error.code(), Some(ErrorCode::TaskNotFound));
    assert_eq!(error.to_string(), "Task 'feed' not found for app ID 'com.example.reader'.");

    let ask = app.registrations();
    let all = move || ask.unregister_all_tasks().wait();
    exchange(&mut peer, all, "unregister-all", "unregister-all-answer").expect("none left");
}

#[test]
fn what_the_program_does_not_define_is_refused_without_asking() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let error = app.background_fetch().register_task("mail").wait().expect_err("not defined");
    assert!(matches!(&error, CallError::NotDefined(name) if name == "mail"), "{error}");
    let large = Options::new().with("text", "x".repeat(70_000));
    let error = app.background_fetch().register_task_with("feed", large).wait().expect_err("too large");
    assert_eq!(error.code(), Some(ErrorCode::InvalidOptions));
    drop(app);
    assert_eq!(peer.next(), None);
}

#[test]
fn refusals_keep_their_codes_also_those_of_a_newer_host() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let ask = app.background_fetch();
    let register = move || ask.register_task("feed").wait();
    let error = exchange(&mut peer, register.clone(), "register", "register-answer-disabled")
        .expect_err("not declared");
    assert_eq!(error.code(), Some(ErrorCode::BackgroundFetchDisabled));
    let error = exchange(&mut peer, register, "register", "answer-newer-code").expect_err("something new");
    assert_eq!((error.code(), error.code_text()), (None, Some("E_NOT_KNOWN_YET")));
}

#[test]
fn the_interval_in_force_comes_back() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let ask = app.background_fetch();
    let set = move || ask.set_minimum_interval(Duration::from_millis(500)).wait();
    let interval = exchange(&mut peer, set, "set-minimum-interval", "set-minimum-interval-answer");
    assert_eq!(interval.expect("set"), Duration::from_mins(1));
}

#[test]
fn the_registered_tasks_and_their_options_can_be_asked_for() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let ask = app.registrations();
    let tasks =
        exchange(&mut peer, move || ask.registered_tasks().wait(), "tasks", "tasks-answer").expect("two");
    let names: Vec<_> = tasks.iter().map(|task: &RegisteredTask| task.name.as_str()).collect();
    assert_eq!(names, ["feed", "mail"]);
    assert_eq!(tasks[1].options.members()["minimumInterval"], 900);

    let ask = app.registrations();
    let options = exchange(&mut peer, move || ask.task_options("feed").wait(), "tasks", "tasks-answer");
    assert_eq!(options.expect("an answer"), Some(Options::new()));
    let ask = app.registrations();
    let known = exchange(&mut peer, move || ask.is_task_registered("").wait(), "tasks", "tasks-answer");
    assert!(!known.expect("an answer"));
    let ask = app.registrations();
    let newer =
        exchange(&mut peer, move || ask.registered_tasks().wait(), "tasks", "tasks-answer-newer-type");
    assert_eq!(newer.expect("one")[0].task_type, TaskType::Other("backgroundTask".into()));
}

#[test]
fn the_status_comes_with_its_reason() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let ask = app.background_fetch();
    let status =
        exchange(&mut peer, move || ask.status().wait(), "status", "status-answer").expect("a status");
    assert_eq!(status, Status::Available);
    let ask = app.background_fetch();
    let answer =
        exchange(&mut peer, move || ask.status_and_reason().wait(), "status", "status-answer-denied");
    let answer = answer.expect("a status");
    assert_eq!(answer.status, Status::Denied);
    assert_eq!(answer.reason.expect("a reason").code, "app-switched-off");
}

#[test]
fn constraints_are_the_members_that_the_contract_names() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let options = Options::new().require(Constraint::UnmeteredNetwork).require(Constraint::Idle);
    let ask = app.background_fetch();
    let asking = std::thread::spawn(move || ask.register_task_with("feed", options).wait());
    let heard = peer.expect("register");
    assert_eq!(heard["params"]["options"], json!({"requiresNetwork": "unmetered", "requiresIdle": true}));
    peer.answer(&heard, "register-answer");
    asking.join().expect("an answer").expect("registered");
}

#[test]
fn a_call_whose_connection_ends_says_so_and_one_after_the_app_too() {
    let host = Host::new();
    let (app, mut peer) = connected(&host);
    let (ask, later) = (app.background_fetch(), app.background_fetch());
    let asking = std::thread::spawn(move || ask.status().wait());
    peer.expect("status");
    drop(peer);
    let error = asking.join().expect("an answer").expect_err("the connection ended");
    assert_eq!(error.code_text(), Some("E_DISCONNECTED"));
    drop(app);
    assert!(matches!(later.status().wait(), Err(CallError::Disconnected)));
}

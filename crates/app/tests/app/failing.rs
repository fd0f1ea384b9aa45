//! Tasks fail in every way there is: with an error, with a panic, before their first step, on a thread of their own, by
//! being dropped, by never being come to. Each event is answered exactly once, with words for the journal.

use super::script::{Host, Peer, execute, golden};
use background_fetch::{App, FetchResult, TaskManager};
use serde_json::{Value, json};
use std::future::pending;

fn serving(tasks: TaskManager) -> (Host, std::thread::JoinHandle<App>, Peer) {
    let host = Host::new();
    let (mut app, mut peer) = host.connected(tasks);
    let serving = std::thread::spawn(move || {
        app.serve_blocking().expect("in order");
        app
    });
    peer.answer_ready();
    (host, serving, peer)
}

fn answer_of(tasks: TaskManager) -> Value {
    let (_host, _serving, mut peer) = serving(tasks);
    peer.send(&execute("e1", "feed", 42));
    peer.answer_finish()
}

#[test]
fn an_error_is_failed_with_its_words() {
    let mut tasks = TaskManager::new();
    let fail = |_| async { Err::<FetchResult, _>(std::io::Error::other("Error: the feed is gone")) };
    tasks.define_task("feed", fail).expect("defined");
    let mut expected = golden("finish-failed")["params"].clone();
    expected["eventId"] = "e1".into();
    assert_eq!(answer_of(tasks), expected);
}

#[test]
fn a_panic_is_failed_with_its_words_and_its_siblings_go_on() {
    let mut tasks = TaskManager::new();
    tasks
        .define_task("feed", |_| async {
            assert_eq!(1 + 1, 3, "the feed is odd");
        })
        .expect("defined");
    tasks
        .define_task("early", |_| -> std::future::Ready<()> { panic!("before the first step") })
        .expect("defined");
    tasks.define_blocking_task("mail", |_| -> FetchResult { panic!("on a thread") }).expect("defined");
    tasks.define_task("fine", |_| async { FetchResult::NewData }).expect("defined");
    let (_host, _serving, mut peer) = serving(tasks);
    let words = [("feed", "the feed is odd"), ("early", "before the first step"), ("mail", "on a thread")];
    for (task, words) in words {
        peer.send(&execute(task, task, 42));
        let answer = peer.answer_finish();
        assert_eq!((&answer["eventId"], &answer["result"]), (&json!(task), &json!(3)));
        let message = answer["message"].as_str().expect("a message");
        assert!(message.starts_with("the task panicked: ") && message.contains(words), "{message}");
    }
    peer.send(&execute("e4", "fine", 42));
    assert_eq!(peer.answer_finish(), json!({"eventId": "e4", "result": 2}));
}

#[test]
fn a_task_that_is_dropped_is_answered_once() {
    let mut tasks = TaskManager::new();
    tasks.define_task("feed", |_| pending::<()>()).expect("defined");
    let host = Host::new();
    let (mut app, mut peer) = host.connected(tasks);
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking().map(|_| app));
    peer.answer_ready();
    peer.send(&execute("e1", "feed", 42));
    peer.send(&execute("e2", "unknown", 42));
    // The second is answered once both have been come to.
    assert_eq!(peer.answer_finish()["eventId"], "e2");
    shutdown.shut_down();
    let app = serving.join().expect("a thread").expect("in order");
    let text = "the program stopped running the task before it ended";
    assert_eq!(peer.answer_finish(), json!({"eventId": "e1", "result": 3, "message": text}));
    drop(app);
    assert_eq!(peer.next(), None);
}

#[test]
fn what_is_come_to_only_after_the_limit_is_not_run() {
    let mut tasks = TaskManager::new();
    tasks.define_task("feed", |_| -> std::future::Ready<()> { panic!("the wake is over") }).expect("defined");
    let (_host, _serving, mut peer) = serving(tasks);
    let mut message = execute("e1", "feed", 42);
    message["params"]["executionInfo"]["limitMs"] = 0.into();
    peer.send(&message);
    let answer = peer.answer_finish();
    assert_eq!(answer["message"], "the program did not come to run the task before the wake's limit");
}

#[test]
fn a_flood_of_events_is_answered_without_being_kept() {
    let mut tasks = TaskManager::new();
    tasks.define_task("feed", |_| pending::<()>()).expect("defined");
    let (_host, _serving, mut peer) = serving(tasks);
    for number in 0..1_025 {
        peer.send(&execute(&format!("e{number}"), "feed", 42));
    }
    let answer = peer.answer_finish();
    assert_eq!((&answer["eventId"], &answer["result"]), (&json!("e1024"), &json!(3)));
    assert!(answer["message"].as_str().expect("a message").starts_with("1024 events wait"), "{answer}");
}

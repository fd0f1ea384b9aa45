//! The host starts the program for a wake: a real process inherits the connection, runs what is due, and ends once the
//! host has taken every answer. It needs no manifest then, and hands the connection to no program that it starts.

use super::script::{Peer, execute, golden, is_wake, start_wake};
use background_fetch::{AppState, Event, FetchResult, ServeError, Served, TaskManager};
use serde_json::json;
use std::process::{Child, Command, Stdio};

fn end(mut child: Child) {
    assert!(child.wait().expect("it ends").success(), "the program says what went wrong");
}

fn begun(test: &str) -> (Child, Peer) {
    let (child, mut peer) = start_wake(&format!("wake::{test}"));
    let hello = peer.begin_wake();
    let mut expected = golden("hello-wake");
    expected["params"]["client"] = hello["params"]["client"].clone();
    assert_eq!(hello, expected, "which app it is, the host knows");
    (child, peer)
}

#[test]
fn every_event_is_answered_and_then_the_program_ends() {
    if is_wake() {
        let mut tasks = TaskManager::new();
        tasks
            .define_task("feed", |event: Event| async move {
                assert_eq!((event.app_state, event.wake, event.missed), (AppState::Background, 42, 2));
                assert_eq!((event.reason.code.as_str(), event.limit.as_secs()), ("due", 30));
                assert!(!event.simulated && !event.is_expiring());
                FetchResult::NewData
            })
            .expect("defined");
        tasks.define_blocking_task("mail", |_| ()).expect("defined");
        let mut app = tasks.connect().expect("connected");
        assert_eq!((app.id(), app.wake()), ("com.example.feeds", Some(42)));
        assert_eq!(app.serve_blocking().expect("in order"), Served::WakeOver);
        return;
    }
    let (child, mut peer) = begun("every_event_is_answered_and_then_the_program_ends");
    for (event_id, task) in [("e1", "feed"), ("e2", "mail"), ("e3", "gone")] {
        peer.send(&execute(event_id, task, 42));
    }
    let mut answers: Vec<_> = (0..3).map(|_| peer.answer_finish()).collect();
    answers.sort_by_key(|answer| answer["eventId"].to_string());
    assert_eq!(
        answers,
        [
            json!({"eventId": "e1", "result": 2}),
            json!({"eventId": "e2", "result": null}),
            json!({"eventId": "e3", "result": null, "undefinedTask": true}),
        ]
    );
    assert_eq!(peer.next(), None);
    end(child);
}

#[test]
fn the_program_stays_until_the_host_has_taken_the_answer() {
    if is_wake() {
        let mut tasks = TaskManager::new();
        tasks.define_task("feed", |_| async { FetchResult::NoData }).expect("defined");
        let mut app = tasks.connect().expect("connected");
        assert_eq!(app.serve_blocking().expect("in order"), Served::WakeOver);
        return;
    }
    let (child, mut peer) = begun("the_program_stays_until_the_host_has_taken_the_answer");
    peer.send(&execute("e1", "feed", 42));
    let first = peer.expect("finish");
    // Sent before the answer to the first, so it belongs to this process too.
    peer.send(&execute("e2", "feed", 42));
    peer.answer(&first, "finish-answer");
    assert_eq!(peer.answer_finish()["eventId"], "e2");
    assert_eq!(peer.next(), None);
    end(child);
}

#[test]
fn a_program_that_the_wake_starts_does_not_get_the_connection() {
    if is_wake() {
        let mut tasks = TaskManager::new();
        let number = std::env::var("BGFETCH_FD").expect("a number");
        tasks
            .define_blocking_task("feed", move |_| {
                let path = format!("/dev/fd/{number}");
                let seen = Command::new("test").args(["-e", &path]).status().expect("`test` runs");
                if seen.success() { FetchResult::Failed } else { FetchResult::NewData }
            })
            .expect("defined");
        tasks.connect().expect("connected").serve_blocking().expect("in order");
        return;
    }
    let (child, mut peer) = begun("a_program_that_the_wake_starts_does_not_get_the_connection");
    peer.send(&execute("e1", "feed", 42));
    assert_eq!(peer.answer_finish()["result"], 2);
    end(child);
}

#[test]
fn a_wake_whose_host_is_gone_is_over() {
    if is_wake() {
        let mut tasks = TaskManager::new();
        tasks.define_task("feed", |_| std::future::pending::<()>()).expect("defined");
        let ended = tasks.connect().expect("connected").serve_blocking();
        assert!(matches!(ended, Err(ServeError::HostGone(_))), "{ended:?}");
        return;
    }
    let (child, mut peer) = begun("a_wake_whose_host_is_gone_is_over");
    peer.send(&execute("e1", "feed", 42));
    drop(peer);
    end(child);
}

#[test]
fn a_number_that_stands_for_no_connection_is_left_alone() {
    if is_wake() {
        let error = TaskManager::new().connect().expect_err("neither a wake nor a host");
        assert_eq!(error.code_text(), Some("E_NO_HOST"));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "wake::a_number_that_stands_for_no_connection_is_left_alone"])
        .env("BGFETCH_FD", "0")
        .env("BGFETCH_SOCKET", folder.path().join("host.sock"))
        .env("BGFETCH_MANIFEST", folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("it ran").success());
}

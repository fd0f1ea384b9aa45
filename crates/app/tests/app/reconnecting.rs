//! The host of a running program goes away. It comes back: the program says hello again, with its tasks at once, and is
//! called as before. It stays away, or does not know the program any more: `serve` ends and says so.

use super::script::{Host, connecting_with, execute};
use background_fetch::{ConnectOptions, FetchResult, ServeError, Served, TaskManager};
use serde_json::json;
use std::time::Duration;

fn tasks() -> TaskManager {
    let mut tasks = TaskManager::new();
    tasks.define_task("feed", |_| async { FetchResult::NewData }).expect("defined");
    tasks
}

#[test]
fn a_host_that_comes_back_hears_hello_and_the_tasks_at_once() {
    let host = Host::new();
    let (mut app, mut peer) = host.connected(tasks());
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    let folder = host.end();
    drop(peer);

    let host = Host::again(folder);
    // A host that is not quite there yet is tried again.
    drop(host.accept());
    let mut peer = host.accept();
    let hello = peer.answer_hello();
    assert_eq!(hello["params"]["app"]["defined"], json!(["feed"]));
    peer.send(&execute("e1", "feed", 43));
    assert_eq!(peer.answer_finish(), json!({"eventId": "e1", "result": 2}));
    shutdown.shut_down();
    assert_eq!(serving.join().expect("a thread").expect("in order"), Served::ShutDown);
}

#[test]
fn a_host_that_stays_away_ends_the_service() {
    let host = Host::new();
    let options: ConnectOptions = host.options().reconnect_for(Duration::ZERO);
    let connecting = connecting_with(tasks(), options);
    let mut peer = host.accept();
    peer.answer_hello();
    let mut app = connecting.join().expect("a thread").expect("connected");
    drop(peer);
    let error = app.serve_blocking().expect_err("gone");
    assert!(matches!(error, ServeError::HostGone(_)), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("the host is gone (") && text.ends_with("again with `bgfetch host`"), "{text}");
}

#[test]
fn a_host_that_gave_the_id_away_ends_the_service() {
    let host = Host::new();
    let (mut app, peer) = host.connected(tasks());
    let serving = std::thread::spawn(move || app.serve_blocking());
    drop(peer);
    let mut peer = host.accept();
    let hello = peer.expect("hello");
    peer.answer(&hello, "answer-app-id-taken");
    let ended = serving.join().expect("a thread");
    assert!(matches!(&ended, Err(ServeError::Refused(error)) if error.code_text() == Some("E_APP_ID_TAKEN")));
}

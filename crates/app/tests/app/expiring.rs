//! The wake nears its limit: a task that awaits `expiring` saves what it has, one that blocks sees the flag, and both
//! answer in time. Another wake's end concerns neither.

use super::script::{BOUND, Host, execute, golden};
use background_fetch::{Event, FetchResult, TaskManager};
use serde_json::json;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_task_hears_that_its_wake_is_about_to_end() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    tasks
        .define_task("feed", |event: Event| async move {
            let reason = event.expiring().await;
            assert!(event.is_expiring() && event.remaining_time() <= Duration::from_secs(5));
            Err::<FetchResult, _>(format!("stopped half-way because {}", reason.text))
        })
        .expect("defined");
    let (began, begins) = mpsc::sync_channel(2);
    let (go, going) = mpsc::sync_channel::<()>(1);
    let going = std::sync::Mutex::new(going);
    tasks
        .define_blocking_task("mail", move |event: Event| {
            let before = event.is_expiring();
            began.send(()).expect("the test waits");
            going.lock().expect("no panic").recv_timeout(BOUND).expect("the test goes on");
            if !before && event.is_expiring() { FetchResult::NewData } else { FetchResult::Failed }
        })
        .expect("defined");
    let (mut app, mut peer) = host.connected(tasks);
    let _serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    peer.send(&execute("e1", "feed", 42));
    peer.send(&execute("e2", "mail", 42));
    begins.recv_timeout(BOUND).expect("the task begins");
    let mut of_another = golden("expiring");
    of_another["params"]["wake"] = 41.into();
    peer.send(&of_another);
    peer.send(&golden("expiring"));
    let text = "stopped half-way because the limit of 30 s is near";
    assert_eq!(peer.answer_finish(), json!({"eventId": "e1", "result": 3, "message": text}));
    go.send(()).expect("the task waits");
    assert_eq!(peer.answer_finish(), json!({"eventId": "e2", "result": 2}));
}

#[test]
fn an_event_that_was_not_yet_run_hears_it_too() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    tasks
        .define_task("feed", |event: Event| async move {
            if event.is_expiring() { FetchResult::NewData } else { FetchResult::Failed }
        })
        .expect("defined");
    let (mut app, mut peer) = host.connected(tasks);
    peer.send(&execute("e1", "feed", 42));
    peer.send(&golden("expiring"));
    // The answer to what is asked last says that all before it has been heard.
    let ask = app.background_fetch();
    let asking = std::thread::spawn(move || ask.status().wait());
    let asked = peer.expect("status");
    peer.answer(&asked, "status-answer");
    asking.join().expect("a thread").expect("a status");
    let _serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    assert_eq!(peer.answer_finish()["result"], 2);
}

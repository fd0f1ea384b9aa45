//! The program runs anyway: its tasks are called where they are, wake after wake, side by side, polled by whoever polls
//! `serve`, until the program itself has enough.

use super::script::{Host, execute, golden};
use background_fetch::{AppState, Event, FetchResult, Served, TaskManager};
use futures_channel::mpsc;
use futures_util::StreamExt;
use serde_json::json;
use std::sync::{Arc, Mutex};

#[test]
fn a_running_program_is_called_again_and_again() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    tasks
        .define_task("feed", |event: Event| async move {
            assert_eq!((event.app_state, event.simulated), (AppState::Active, true));
            FetchResult::NewData
        })
        .expect("defined");
    let (mut app, mut peer) = host.connected(tasks);
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    for event_id in ["e1", "e2", "e3"] {
        let mut message = golden("execute-active-simulated");
        message["params"]["executionInfo"]["eventId"] = event_id.into();
        peer.send(&message);
        let finish = peer.expect("finish");
        assert_eq!(finish["params"], json!({"eventId": event_id, "result": 2}));
        // That the host no longer waits for it changes nothing for the app.
        peer.answer(&finish, "finish-answer-late");
    }
    shutdown.shut_down();
    assert_eq!(serving.join().expect("a thread").expect("in order"), Served::ShutDown);
}

#[test]
fn tasks_of_a_wake_run_side_by_side() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    // Each waits for the other, in both directions.
    let (to_mail, from_feed) = mpsc::unbounded::<()>();
    let (to_feed, from_mail) = mpsc::unbounded::<()>();
    let ends = [("feed", to_mail, from_mail), ("mail", to_feed, from_feed)];
    for (name, to, from) in ends {
        let from = Arc::new(Mutex::new(Some(from)));
        tasks
            .define_task(name, move |_| {
                let from = from.lock().expect("no panic").take();
                let to = to.clone();
                async move {
                    to.unbounded_send(()).expect("the other is there");
                    from.expect("the first run").next().await.expect("the other's word");
                    FetchResult::NewData
                }
            })
            .expect("defined");
    }
    let (mut app, mut peer) = host.connected(tasks);
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    peer.send(&execute("e1", "feed", 42));
    peer.send(&execute("e2", "mail", 42));
    let mut answers = [peer.answer_finish(), peer.answer_finish()];
    answers.sort_by_key(|answer| answer["eventId"].to_string());
    assert_eq!(answers, [json!({"eventId": "e1", "result": 2}), json!({"eventId": "e2", "result": 2})]);
    shutdown.shut_down();
    serving.join().expect("a thread").expect("in order");
}

#[test]
fn a_task_may_ask_the_host_while_it_runs() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    let handle = Arc::new(Mutex::new(None::<background_fetch::Registrations>));
    let shared = Arc::clone(&handle);
    tasks
        .define_task("feed", move |_| {
            let ask = shared.lock().expect("no panic").clone().expect("set before");
            async move { ask.is_task_registered("mail").await.map(|_| FetchResult::NewData) }
        })
        .expect("defined");
    let (mut app, mut peer) = host.connected(tasks);
    *handle.lock().expect("no panic") = Some(app.registrations());
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();
    peer.send(&execute("e1", "feed", 42));
    let asked = peer.expect("tasks");
    peer.answer(&asked, "tasks-answer");
    assert_eq!(peer.answer_finish()["result"], 2);
    shutdown.shut_down();
    serving.join().expect("a thread").expect("in order");
}

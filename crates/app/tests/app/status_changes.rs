//! The user switches the app off and on: whoever listens hears the news while `serve` runs, once for each change, also
//! for one that happened while the host was away.

use super::script::{BOUND, Host, golden};
use background_fetch::{Status, TaskManager};
use std::sync::mpsc;

#[test]
fn listeners_hear_what_changes_and_nothing_else() {
    let host = Host::new();
    let (mut app, mut peer) = host.connected(TaskManager::new());
    let (tell, told) = mpsc::channel();
    app.background_fetch().on_status_change(move |answer| tell.send(answer.clone()).expect("the test waits"));
    let asked = peer.expect("status");
    peer.answer(&asked, "status-answer");
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    peer.answer_ready();

    let mut denied = golden("status-changed");
    denied["params"] = golden("status-answer-denied")["result"].clone();
    peer.send(&golden("status-changed"));
    peer.send(&denied);
    let heard = told.recv_timeout(BOUND).expect("a change");
    assert_eq!(heard.status, Status::Denied, "that it is still available is no news");
    assert_eq!(heard.reason.expect("a reason").code, "app-switched-off");

    drop(peer);
    let mut peer = host.accept();
    peer.answer_hello();
    let asked = peer.expect("status");
    peer.answer(&asked, "status-answer");
    assert_eq!(told.recv_timeout(BOUND).expect("a change").status, Status::Available);
    shutdown.shut_down();
    serving.join().expect("a thread").expect("in order");
    assert!(told.try_recv().is_err(), "nothing else was told");
}

//! There is no host, or it refuses, or it says nothing to the point: connecting fails, and the error says what to do.

use super::script::{Host, error_for, golden};
use background_fetch::{ConnectError, ErrorCode, TaskManager};

#[test]
fn without_a_host_the_error_names_the_socket_and_the_command() {
    let host = Host::new();
    let (options, socket) = (host.options(), host.socket());
    let _folder = host.end();
    let error = TaskManager::new().connect_with(&options).expect_err("no host");
    let text = error.to_string();
    assert!(text.starts_with(&format!("no host listens on `{}` (", socket.display())), "{text}");
    assert!(text.ends_with("start it with `bgfetch host`"), "{text}");
    assert_eq!((error.code(), error.code_text()), (None, Some("E_NO_HOST")));
}

#[test]
fn a_refusal_keeps_its_code_and_its_words() {
    let host = Host::new();
    let connecting = host.connecting(TaskManager::new());
    let mut peer = host.accept();
    let hello = peer.expect("hello");
    peer.answer(&hello, "answer-app-id-taken");
    let error = connecting.join().expect("a thread").expect_err("refused");
    assert_eq!((error.code(), error.code_text()), (Some(ErrorCode::AppIdTaken), Some("E_APP_ID_TAKEN")));
    assert_eq!(error.to_string(), golden("answer-app-id-taken")["error"]["message"]);
    assert_eq!(peer.next(), None, "a refused program does not hold the connection");
}

#[test]
fn a_host_that_is_too_busy_to_listen_is_heard() {
    let host = Host::new();
    let connecting = host.connecting(TaskManager::new());
    // As a host does that serves as many as it may: it reads nothing.
    host.accept().send(&error_for(&serde_json::json!({"id": null}), "E_BUSY"));
    let error = connecting.join().expect("a thread").expect_err("busy");
    assert_eq!(error.code(), Some(ErrorCode::Busy));
}

#[test]
fn a_host_that_hangs_up_or_rambles_is_silent() {
    let host = Host::new();
    let connecting = host.connecting(TaskManager::new());
    drop(host.accept());
    let error = connecting.join().expect("a thread").expect_err("closed");
    assert!(matches!(error, ConnectError::Silent(_)), "{error}");

    let connecting = host.connecting(TaskManager::new());
    let mut peer = host.accept();
    peer.ramble();
    let error = connecting.join().expect("a thread").expect_err("too long a line");
    assert!(error.to_string().contains("longer than 1048576 bytes"), "{error}");
}

#[test]
fn without_a_manifest_nobody_is_asked() {
    let host = Host::new();
    let options = host.options().manifest(host.folder.path().join("app.json"));
    let error = TaskManager::new().connect_with(&options).expect_err("no manifest");
    assert_eq!(error.code(), Some(ErrorCode::Manifest));
}

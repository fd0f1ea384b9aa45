//! A user has one host, with one store and one socket of that user's alone. Whatever stands in its way when it starts
//! is named, with what would help; what was there is left as it was; and the exit status tells scripts the same.

use crate::support::{Home, Host, QUICK, Ran, ran};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Starts a host that must not start, and gives what it said.
fn refused(home: &Home, arguments: &[&str]) -> String {
    let mut command = home.bgfetch(&[&["host"], arguments].concat());
    let ran = ran(&mut command);
    assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {ran:?}");
    assert_eq!(ran.stdout, "");
    ran.stderr
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn a_second_one_says_who_is_there_and_the_first_goes_on() {
    let home = Home::new(QUICK);
    let mut host = home.host();
    let holder = format!("another host is running: process {} holds `", host.process());
    let help = "end it with `bgfetch host --stop`";
    let same = refused(&home, &["--state-dir", text(&home.path("state"))]);
    assert!(same.contains(&holder) && same.contains(help), "{same}");
    let same_socket = refused(&home, &["--state-dir", text(&home.path("other"))]);
    assert!(same_socket.contains(&holder), "{same_socket}");
    let socket = home.path("other.sock");
    let same_store = refused(&home, &["--state-dir", text(&home.path("state")), "--socket", text(&socket)]);
    assert!(same_store.contains(&holder), "{same_store}");
    let detached = home.run(&["host", "--detach"]);
    assert!(detached.stderr.contains("a host serves on `"), "{detached:?}");
    assert!(host.lives());
    home.done(&["apps"]);
}

#[test]
fn it_is_ended_by_a_client_and_started_again_in_the_background() {
    let home = Home::new(QUICK);
    let host = home.host();
    home.done(&["add", "me.mail", "--every", "1h", "--", "true"]);
    home.done(&["host", "--stop"]);
    assert!(host.stop().success());
    let none = home.run(&["apps"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    assert!(none.stderr.contains("start one with `bgfetch host --detach`"), "{none:?}");
    let state = home.path("state");
    let config = home.path("host.toml");
    let detached = ["host", "--detach", "--state-dir", text(&state), "--config", text(&config)];
    let started = home.run(&detached);
    assert!(started.status.success() && started.stderr.contains(" serves on `"), "{started:?}");
    assert_eq!(home.json(&["apps"])[0]["app"], "me.mail");
    let entries = home.json(&["log"])["entries"].clone();
    let events: Vec<_> = entries.as_array().expect("a list").iter().map(|entry| &entry["event"]).collect();
    assert!(events.contains(&&serde_json::json!("host_stopped")), "{events:?}");
    home.done(&["host", "--stop"]);
    assert_eq!(home.run(&["host", "--stop"]).status.code(), Some(3));
}

#[test]
fn what_a_killed_host_left_does_not_stop_the_next() {
    let home = Home::new(QUICK);
    home.host().kill();
    assert!(home.socket().exists(), "the killed host left its socket");
    let host = home.host();
    let mode = std::fs::metadata(home.socket()).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(host.stop().success());
    assert!(!home.socket().exists(), "a host that ends in order takes its socket with it");
}

#[test]
fn its_socket_may_lie_in_the_folder_of_its_store() {
    let home = Home::new(QUICK);
    let state = home.path("private");
    let socket = state.join("host.sock");
    let mut command =
        home.bgfetch(&["host", "--until-stdin-closes", "--state-dir", text(&state), "--socket"]);
    command.arg(&socket);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::piped());
    let _host = Host::start(command).unwrap_or_else(|ran: Ran| panic!("{ran:?}"));
    home.done(&["apps", "--socket", text(&socket)]);
    let mode = std::fs::metadata(&state).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "a folder that it makes is its user's alone");
}

#[test]
fn a_socket_that_others_could_reach_or_nobody_can_is_refused() {
    let home = Home::new(QUICK);
    let open = home.path("open");
    std::fs::create_dir(&open).expect("a folder");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let said = refused(&home, &["--socket", text(&open.join("host.sock"))]);
    assert!(said.contains("(its mode is 0755): expected a folder of this user's with mode 0700"), "{said}");
    let long = home.path(&"s".repeat(120));
    for arguments in [vec!["host"], vec!["apps"]] {
        let said = ran(&mut home.bgfetch(&[&arguments[..], &["--socket", text(&long)]].concat()));
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert!(said.stderr.contains("bytes long: at most 107 are allowed"), "{said:?}");
    }
    std::fs::write(home.path("file"), "precious").expect("written");
    let said = refused(&home, &["--socket", text(&home.path("file"))]);
    assert!(said.contains("is there already and is not a socket"), "{said}");
    assert_eq!(std::fs::read_to_string(home.path("file")).expect("it is there"), "precious");
}

#[test]
fn without_a_home_it_says_what_to_set() {
    let home = Home::new(QUICK);
    let mut command = home.bgfetch(&["host"]);
    let said = ran(command.env_remove("HOME"));
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let words = "neither `HOME` nor `XDG_STATE_HOME` is set: set one of them, or give `--state-dir`";
    assert!(said.stderr.contains(words), "{said:?}");
}

#[test]
fn a_configuration_that_is_wrong_is_named() {
    let home = Home::new("limt = '3s'\n");
    let config = home.path("host.toml");
    let said = refused(&home, &["--config", text(&config)]);
    assert!(said.contains("host.toml` is broken") && said.contains("unknown field `limt`"), "{said}");
    let missing = home.run(&["host", "--config", "missing.toml"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
}

#[test]
fn a_store_that_can_not_be_had_is_named_and_left_as_it_is() {
    let home = Home::new(QUICK);
    home.host().stop();
    let (state, store) = (home.path("state"), home.path("state/store.sqlite"));
    let refused = || refused(&home, &["--state-dir", text(&state)]);
    let sound = std::fs::read(&store).expect("a store");
    let connection = rusqlite::Connection::open(&store).expect("a store");
    connection.pragma_update(None, "user_version", 99).expect("written");
    connection.close().expect("closed");
    let said = refused();
    assert!(said.contains("has version 99 and this program knows versions up to"), "{said}");
    let mut broken = sound.clone();
    let middle = broken.len() / 2;
    broken[100..middle].fill(0xa5);
    for garbage in [broken, b"no store at all, and longer than the first hundred bytes of a store".repeat(9)]
    {
        std::fs::write(&store, &garbage).expect("written");
        let said = refused();
        assert!(
            said.contains("store.sqlite` is damaged (") && said.contains("to begin anew, move it"),
            "{said}"
        );
        assert!(std::fs::read(&store).expect("a file") == garbage, "it was left as it was");
    }
    std::fs::write(&store, &sound).expect("written");
    home.host().stop();
    std::fs::remove_file(&store).expect("removed");
    std::fs::create_dir(&store).expect("a folder in its place");
    assert!(refused().contains("store.sqlite` is not a file"));
    std::fs::write(home.path("plain"), "").expect("written");
    let plain = home.path("plain");
    for place in [text(&plain), "/proc/bgfetch"] {
        let said = self::refused(&home, &["--state-dir", place]);
        assert!(said.contains(place), "{said}");
    }
}

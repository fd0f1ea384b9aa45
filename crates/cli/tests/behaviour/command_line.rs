//! What is typed means the same wherever it ends up: paths are relative to where they were typed, a command that is not
//! there is named, the longest id is an id; what an app prints moves nobody's terminal; and nothing is said to a listener
//! that is not this user's host.

use crate::support::{Home, QUICK, ran};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

#[test]
fn a_detached_host_keeps_the_paths_that_were_typed_and_its_own_session() {
    let home = Home::new(QUICK);
    let words =
        ["host", "--detach", "--state-dir", "state", "--config", "host.toml", "--socket", "host.sock"];
    let started = home.json(&words);
    let process = started["pid"].as_u64().expect("a process");
    assert!(home.socket().exists() && home.path("state/store.sqlite").exists());
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let numbers: Vec<_> = stat.rsplit(')').next().expect("numbers").split_whitespace().collect();
    assert_eq!(numbers[3], process.to_string(), "it leads a session of its own: {stat}");
    assert_eq!(home.json(&["host", "--stop"]), serde_json::json!({}));
    let missing = home.run(&["host", "--detach", "--config", "missing.toml"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    std::fs::write(home.path("host.toml"), "limt = '3s'").expect("written");
    let broken = home.run(&words);
    assert!(broken.stderr.contains("unknown field `limt`"), "{broken:?}");
}

#[test]
fn a_host_that_can_not_start_in_the_background_says_why_at_once() {
    let home = Home::new(QUICK);
    std::fs::write(home.socket(), "precious").expect("written");
    let refused = home.run(&["host", "--detach"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("is there already and is not a socket"), "{refused:?}");
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let none = home.run(&["add", "me.none", "--every", "1h", "--", "nosuchcmd"]);
    assert_eq!(none.status.code(), Some(4), "{none:?}");
    assert!(none.stderr.contains("there is no command `nosuchcmd` in `PATH`"), "{none:?}");
    let path = home.run(&["add", "me.none", "--every", "1h", "--", "./nosuchcmd"]);
    assert_eq!(path.status.code(), Some(4), "{path:?}");
    // A file of that name that can not be executed is passed over, as a shell does.
    std::fs::create_dir(home.path("first")).expect("a folder");
    std::fs::write(home.path("first/true"), "no program").expect("written");
    let mut command = home.bgfetch(&["add", "me.true", "--every", "1h", "--", "true"]);
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}:{path}", home.path("first").display()));
    let added = ran(&mut command);
    assert!(added.status.success(), "{added:?}");
    let program = home.json(&["apps"])[0]["program"].clone();
    assert!(!program.as_str().expect("a path").contains("first"), "{program}");
}

#[test]
fn the_longest_ids_can_be_added_and_removed() {
    let home = Home::new(QUICK);
    let _host = home.host();
    for length in [200, 201, 250, 251, 256] {
        let id = format!("me.{}", "x".repeat(length - 3));
        home.done(&["add", &id, "--every", "1h", "--", "true"]);
        assert_eq!(home.json(&["apps"])[0]["app"], id.as_str());
        let manifests = || std::fs::read_dir(home.path("state/apps")).expect("a folder").count();
        assert_eq!(manifests(), 1);
        home.done(&["remove", &id]);
        assert_eq!(manifests(), 0);
    }
}

#[test]
fn what_an_app_prints_does_nothing_to_a_terminal() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    let script = r"printf '\033]0;owned\007one\ttwo\nthree\rfour\n'; printf '\033[2Jbad\n' >&2";
    home.done(&["add", "me.loud", "--every", "200ms", "--", "sh", "-c", script]);
    let wake = journal.wake_with("me.loud", "new_data").to_string();
    let shown = home.done(&["log", "--wake", &wake]);
    assert!(!shown.contains(|character: char| character.is_control() && !"\n\t".contains(character)));
    assert!(shown.contains("\\u{1b}]0;owned\\u{7}one\ttwo\n  three\\rfour\n"), "{shown}");
    assert!(shown.contains("\\u{1b}[2Jbad"), "{shown}");
    let kept = home.json(&["log", "--wake", &wake])["output"]["stdout"].clone();
    assert_eq!(kept, "\u{1b}]0;owned\u{7}one\ttwo\nthree\rfour\n", "scripts get what was printed");
}

/// Listens as another user, and tells how many bytes it heard.
const STRANGER: &str = "
    const net = require('node:net');
    net.createServer((socket) => {
      let heard = 0;
      socket.on('data', (bytes) => (heard += bytes.length));
      socket.on('close', () => { console.log('heard ' + heard); process.exit(); });
    }).listen(process.argv[1], () => { require('node:fs').chmodSync(process.argv[1], 0o777); console.log('listens'); });
";

#[test]
fn nothing_is_said_to_another_users_listener() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can be another user for a moment");
        return;
    }
    let home = Home::new(QUICK);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("its mode");
    let socket = folder.path().join("host.sock");
    let mut command = Command::new("node");
    command.args(["-e", STRANGER]).arg(&socket).uid(65_534).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut stranger = command.spawn().expect("it starts");
    let mut said = BufReader::new(stranger.stdout.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it listens");
    assert_eq!(line, "listens\n");
    let words =
        ["add", "me.mail", "--every", "1h", "--socket", socket.to_str().expect("UTF-8"), "--", "true"];
    let refused = home.run(&words);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("user 65534 listens on `"), "{refused:?}");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("it ends");
    assert_eq!(rest, "heard 0\n");
    stranger.wait().expect("a child");
}

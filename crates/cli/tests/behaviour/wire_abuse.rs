//! Clients that speak badly: every line is answered with what is wrong and what is allowed, a client that can not be
//! understood or does not read is cut off alone, and the host goes on serving everybody else.

use crate::support::wire::{Wire, hello, hello_app, word_and_message};
use crate::support::{Home, Host, QUICK, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::path::PathBuf;

const NATIVE: &str = "com.example.native";

fn home_and_host() -> (Home, Host) {
    let home = Home::new(QUICK);
    let host = home.host();
    (home, host)
}

fn manifest(home: &Home) -> PathBuf {
    home.app_folder(NATIVE).join("app.json")
}

#[test]
fn a_line_that_is_no_message_is_answered_and_the_connection_goes_on() {
    let (home, _host) = home_and_host();
    let mut wire = Wire::control(&home.socket());
    let deep = "[".repeat(10_000);
    let cases = [
        ("{", "E_PARSE", "the line is not JSON: "),
        ("\u{feff}{}", "E_PARSE", "the line is not JSON: "),
        (deep.as_str(), "E_PARSE", "the line is not JSON: "),
        ("[]", "E_INVALID_REQUEST", "the line is a batch, which is not supported: send one message a line"),
        ("7", "E_INVALID_REQUEST", "the line is not an object"),
        (r#"{"id":1,"method":"apps"}"#, "E_INVALID_REQUEST", "the member `jsonrpc` is not \"2.0\""),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"apps"}"#,
            "E_INVALID_REQUEST",
            "the member `jsonrpc` is not \"2.0\"",
        ),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"apps"}"#, "E_INVALID_REQUEST", "the member `id` is not"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "E_INVALID_REQUEST", "the member `method` is not a text"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "E_INVALID_REQUEST", "the message has neither `method` nor"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"apps","params":[]}"#, "E_INVALID_PARAMS", "by name"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"apes"}"#, "E_METHOD_NOT_FOUND", "the method `apes` is unknown"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"why"}"#, "E_INVALID_PARAMS", "missing field `app`"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"register"}"#, "E_FORBIDDEN", "say `hello` with the role `app`"),
    ];
    for (line, code, words) in cases {
        let (found, message) = wire.refused_line(line);
        assert!(
            found == code && message.contains(words),
            "{line:.60}: {found} `{message}`, expected {code} `{words}`"
        );
    }
    wire.write(b"\n  \n\xff\xfe\n").expect("written");
    assert_eq!(word_and_message(&wire.read().expect("an answer")["error"]).0, "E_PARSE");
    assert_eq!(wire.ask("apps", &json!({})), Ok(json!([])), "and after all that it still answers");
}

#[test]
fn hello_comes_first_once_and_in_a_known_version() {
    let (home, _host) = home_and_host();
    let manifest = manifest(&home);
    for method in ["apps", "status", "finish"] {
        let params = json!({ "eventId": "x", "result": null });
        let (code, message) = Wire::connect(&home.socket()).refused(method, &params);
        assert_eq!(
            (code.as_str(), message.contains("`hello` comes first")),
            ("E_HELLO_FIRST", true),
            "{message}"
        );
    }
    let (code, _) = Wire::control(&home.socket()).refused("hello", &hello("control"));
    assert_eq!(code, "E_HELLO_FIRST");
    let mut newer = hello("control");
    newer["protocol"] = json!(99);
    let error = Wire::connect(&home.socket()).ask("hello", &newer).expect_err("another protocol");
    assert_eq!(error["data"], json!({ "code": "E_PROTOCOL", "supported": [1] }));
    let (code, message) = word_and_message(&error);
    assert_eq!(code, "E_PROTOCOL");
    assert_eq!(message, "the protocol 99 is not supported: expected one of [1]");
    let (code, _) = Wire::connect(&home.socket()).refused("hello", &hello("king"));
    assert_eq!(code, "E_INVALID_PARAMS");
    let (code, message) = Wire::connect(&home.socket()).refused("hello", &hello("app"));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("E_INVALID_PARAMS", "`hello` of an app needs `app` with its `manifest`")
    );
    let mut app = Wire::app(&home.socket(), &manifest, &[]);
    for method in ["apps", "stopHost", "set"] {
        let (code, message) = app.refused(method, &json!({}));
        assert_ne!(code, "E_INVALID_PARAMS", "an app does not get as far as `{method}`: {message}");
    }
    let mut liar = hello_app(&manifest, &[]);
    liar["app"]["program"] = json!("/bin/sh");
    let (code, message) = Wire::connect(&home.socket()).refused("hello", &liar);
    assert!(code == "E_FORBIDDEN" && message.contains("executes"), "{code} {message}");
}

#[test]
fn an_oversized_line_ends_its_connection_alone() {
    let (home, mut host) = home_and_host();
    let mut other = Wire::control(&home.socket());
    let mut wire = Wire::control(&home.socket());
    let line = vec![b' '; (1 << 20) + 1];
    // The rest may meet a connection that is closed already.
    let _ = wire.write(&line);
    let answer = wire.read().expect("an answer before the end");
    let (_, message) = word_and_message(&answer["error"]);
    assert_eq!(message, "the line is longer than 1048576 bytes: send a smaller message");
    assert_eq!(wire.read(), None, "the connection ends");
    assert_eq!(other.ask("apps", &json!({})), Ok(json!([])));
    assert!(host.lives());
}

#[test]
fn who_has_said_everything_still_hears_the_answers() {
    let (home, host) = home_and_host();
    let mut wire = Wire::connect(&home.socket());
    // So that the host finds the questions and the end at once.
    let process = Pid::from_raw(host.process().cast_signed()).expect("a process");
    kill_process(process, Signal::STOP).expect("it runs");
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "hello", "params": hello("control") });
    let apps = r#"{"jsonrpc":"2.0","id":2,"method":"apps"}"#;
    wire.write(format!("{hello}\n{apps}\n{{\"unfinished").as_bytes()).expect("written");
    wire.shut_writing();
    kill_process(process, Signal::CONT).expect("it waits");
    assert_eq!(wire.read().expect("an answer")["id"], 1);
    assert_eq!(wire.read().expect("an answer")["id"], 2);
    assert_eq!(wire.read(), None, "and then the connection ends");
}

#[test]
fn who_does_not_read_is_cut_off() {
    let (home, mut host) = home_and_host();
    for number in 0..200 {
        home_app(&home, number);
    }
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", host.process())).expect("a process").count();
    let before = descriptors();
    let mut deaf: Vec<_> = (0..4).map(|_| Wire::control(&home.socket())).collect();
    for wire in &mut deaf {
        let line = r#"{"jsonrpc":"2.0","id":1,"method":"apps"}"#.to_owned() + "\n";
        for _ in 0..400 {
            if wire.write(line.as_bytes()).is_err() {
                break;
            }
        }
    }
    wait_until("the host has let go of who does not read", || descriptors() <= before);
    let apps = home.json(&["apps"]);
    assert_eq!(apps.as_array().map(Vec::len), Some(200));
    assert!(host.lives());
}

fn home_app(home: &Home, number: u32) {
    let launch = json!({ "program": "/bin/true", "args": [], "cwd": "/", "env": {} });
    let command = json!({ "app": format!("many.app{number}"), "everySeconds": 3600, "changedBy": "exit" });
    let added = Wire::control(&home.socket()).ask("add", &json!({ "command": command, "launch": launch }));
    added.expect("a command that is there");
}

#[test]
fn more_connections_than_it_serves_are_told_so_and_disturb_nobody() {
    // As most systems start a host, whatever the tests run with.
    let home = Home::new(QUICK);
    let mut command = std::process::Command::new("sh");
    let host = home.host_command();
    command
        .args(["-c", "ulimit -Sn 1024 && exec \"$0\" \"$@\""])
        .arg(host.get_program())
        .args(host.get_args());
    home.inhabit(&mut command);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::piped());
    let mut host = Host::start(command).expect("a host");
    raise_own_descriptors();
    let mut first = Wire::control(&home.socket());
    let mut crowd: Vec<_> = (0..1_100).map(|_| Wire::connect(&home.socket())).collect();
    let mut busy = crowd.pop().expect("a connection");
    let answer = busy.read().expect("an answer to the last");
    assert_eq!(word_and_message(&answer["error"]).0, "E_BUSY");
    assert_eq!(busy.read(), None, "and its end");
    let launch = json!({ "program": "/bin/true", "args": [], "cwd": "/", "env": {} });
    let command = json!({ "app": "me.crowded", "everySeconds": 0.2, "changedBy": "exit" });
    first
        .ask("add", &json!({ "command": command, "launch": launch }))
        .expect("who was there first is served");
    wait_until("a wake in the crowd", || {
        let apps = first.ask("apps", &json!({})).expect("the apps");
        apps[0]["lastOutcome"] == "new data"
    });
    drop(crowd);
    wait_until("there is room again", || home.run(&["apps"]).status.success());
    assert!(host.lives());
}

fn raise_own_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the maximum is allowed");
}

#[test]
fn what_a_task_may_be_called_and_carry_is_bounded() {
    let (home, _host) = home_and_host();
    let mut app = Wire::app(&home.socket(), &manifest(&home), &[]);
    let register = |task: &str, options: serde_json::Value| json!({ "task": task, "type": "backgroundFetch", "options": options });
    let long = "n".repeat(257);
    let large = json!({ "a": "x".repeat(64 * 1024) });
    let cases = [
        (register("", json!({})), "E_INVALID_NAME", "empty"),
        (register(&long, json!({})), "E_INVALID_NAME", "257"),
        (register("a\u{7}b", json!({})), "E_INVALID_NAME", ""),
        (register("a", json!([])), "E_INVALID_OPTIONS", "the options are an array: expected an object"),
        (register("a", json!(null)), "E_INVALID_OPTIONS", "the options are `null`: expected an object"),
        (register("a", large), "E_INVALID_OPTIONS", "at most 65536 are allowed"),
        (register("a", json!({ "minimumInterval": "1h" })), "E_INVALID_OPTIONS", "`minimumInterval`"),
        (register("a", json!({ "requiresIdle": 1 })), "E_INVALID_OPTIONS", "expected `true` or `false`"),
        (register("a", json!({ "requiresIdle": true })), "E_UNSUPPORTED_CONSTRAINT", "can not tell"),
        (json!({ "task": "a", "type": "location" }), "E_INVALID_TASK_CONSUMER", ""),
    ];
    for (params, code, words) in &cases {
        let (found, message) = app.refused("register", params);
        assert!(found == *code && message.contains(words), "{found} `{message}`, expected {code} `{words}`");
    }
    for seconds in [json!("NaN"), json!(null), json!([])] {
        let (code, message) = app.refused("setMinimumInterval", &json!({ "seconds": seconds }));
        assert!(code == "E_INVALID_INTERVAL" && message.contains("expected seconds"), "{code} {message}");
    }
    let (code, _) = app
        .refused_line(r#"{"jsonrpc":"2.0","id":9,"method":"setMinimumInterval","params":{"seconds":NaN}}"#);
    assert_eq!(code, "E_PARSE");
    let (code, message) = app.refused("unregister", &json!({ "task": "never" }));
    assert_eq!(code, "E_TASK_NOT_FOUND");
    assert_eq!(message, format!("Task 'never' not found for app ID '{NATIVE}'."));
    assert_eq!(app.ask("tasks", &json!({})), Ok(json!([])), "nothing of it was kept");
    let longest = "n".repeat(256);
    app.ask("register", &register(&longest, json!({ "a": 0.1 }))).expect("the longest name");
    let kept = app.ask("tasks", &json!({})).expect("the tasks");
    assert_eq!(kept[0]["options"], json!({ "a": 0.1 }));
    assert_eq!(home.json(&["tasks"])[0]["task"], longest);
}

#[test]
fn a_second_answer_is_written_down_and_changes_nothing() {
    let (home, _host) = home_and_host();
    let mut journal = home.journal();
    let mut app = Wire::app(&home.socket(), &manifest(&home), &["refresh"]);
    app.ask("register", &json!({ "task": "refresh", "type": "backgroundFetch" })).expect("registered");
    app.ask("setMinimumInterval", &json!({ "seconds": 0.2 })).expect("set");
    let execute = app.read().expect("a call");
    assert_eq!(execute["method"], "execute", "{execute}");
    let event = execute["params"]["executionInfo"]["eventId"].clone();
    let stranger = home.app_folder("com.example.other").join("app.json");
    let mut stranger = Wire::app(&home.socket(), &stranger, &[]);
    let answer = |result: u8| json!({ "eventId": event, "result": result });
    assert_eq!(
        stranger.ask("finish", &answer(2)),
        Ok(json!({ "accepted": false })),
        "not a stranger's to answer"
    );
    assert_eq!(app.ask("finish", &answer(1)), Ok(json!({})));
    assert_eq!(app.ask("finish", &answer(2)), Ok(json!({ "accepted": false })));
    assert_eq!(journal.outcome(NATIVE), "no_data");
    let late = journal.event(NATIVE, "late_answer");
    assert_eq!(late["data"]["result"], "new_data", "{late}");
}

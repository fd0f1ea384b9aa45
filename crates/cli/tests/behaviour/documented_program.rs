//! The program of the documentation, unmodified: it is opened once, and from then on the host wakes it, learns from
//! what it answers, and still knows it after a crash. Where it stays open, it is called where it is.

use crate::support::{Home, QUICK, processes, sdk};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

const READER: &str = "com.example.reader";

/// Opens the program once, and follows it through news, silence, failure and a crash of the host.
fn lives(file: &str, installed: bool) {
    let home = Home::new(QUICK);
    let host = home.host();
    let program = home.node_app(READER, &format!("documented/{file}"));
    let feed = program.with_file_name("feed.txt");
    std::fs::write(&feed, "news").expect("written");
    if installed {
        install_as_expo(program.parent().expect("a folder"));
    }
    let mut journal = home.journal();
    home.open(&program);
    journal.event(READER, "registered");
    let wake = journal.wake_with(READER, "new_data");
    assert!(processes::of_wake(&home.mark(), wake).is_empty(), "something of wake {wake} is left");
    std::fs::write(&feed, "old").expect("written");
    journal.wake_with(READER, "no_data");
    std::fs::remove_file(&feed).expect("removed");
    journal.wake_with(READER, "failed");
    host.kill();

    let _host = home.host();
    let tasks = home.json(&["tasks", READER]);
    assert_eq!(tasks[0]["task"], "refresh", "{tasks}");
    let app = &home.json(&["apps"])[0];
    assert_eq!((&app["kind"], &app["intervalSeconds"]), (&json!("node"), &json!(0.2)), "{app}");
    std::fs::write(&feed, "news").expect("written");
    home.journal().until("news after the restart", |entry| {
        entry["wake"].as_u64() > Some(wake) && entry["data"]["outcome"] == "new_data"
    });
}

fn install_as_expo(folder: &Path) {
    let modules = folder.join("node_modules");
    std::fs::create_dir(&modules).expect("a folder");
    std::os::unix::fs::symlink(sdk(), modules.join("expo")).expect("a link");
}

#[test]
fn as_a_module_with_nothing_installed() {
    lives("index.mjs", false);
}

#[test]
fn as_a_module_with_the_package_under_the_name_expo() {
    lives("index.mjs", true);
}

#[test]
fn as_common_js_with_nothing_installed() {
    lives("index.cjs", false);
}

#[test]
fn as_common_js_with_the_package_under_the_name_expo() {
    lives("index.cjs", true);
}

#[test]
fn a_running_program_is_called_where_it_is_and_a_closed_one_is_started() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    let program = home.node_app(READER, "staying.mjs");
    let mut open =
        home.node(&program).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut said = BufReader::new(open.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert_eq!(said.next().as_deref(), Some("open"));
    assert_eq!(said.next().as_deref(), Some("called in active"));
    let wake = journal.wake_with(READER, "new_data");
    let log = home.json(&["log", "--wake", &wake.to_string()]);
    assert!(log["output"].is_null(), "a program that was called prints where it is: {log}");
    assert!(home.json(&["apps"])[0]["connected"].as_bool().expect("a flag"));

    open.kill().expect("it runs");
    open.wait().expect("a child");
    let started = journal.until("a wake in a process of its own", |entry| {
        entry["event"] == "ended" && entry["data"]["outcome"] == "new_data" && {
            let wake = entry["wake"].as_u64().expect("a wake");
            home.json(&["log", "--wake", &wake.to_string()])["output"]["stdout"]
                .as_str()
                .is_some_and(|text| text.contains("called in background"))
        }
    });
    assert!(started["wake"].as_u64() > Some(wake));
}

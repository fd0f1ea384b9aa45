//! The user has the last word: switches for every app and for one, pauses, force-quit, an interval of never. They hold
//! at once, end what runs, survive the host's death, and the app hears that its status changed.

use crate::support::wire::Wire;
use crate::support::{Home, QUICK, processes};
use serde_json::{Value, json};

const APP: &str = "me.busy";

fn reason(home: &Home) -> Value {
    home.json(&["why", APP])["app"]["reason"]["code"].clone()
}

/// The newest wake that the schedule began.
fn newest_wake(home: &Home) -> u64 {
    let log = home.json(&["log", APP]);
    let is_scheduled =
        |entry: &&Value| entry["event"] == "begun" && entry["data"]["reason"]["code"] != "simulated";
    let newest = log["entries"].as_array().expect("a list").iter().rev().find(is_scheduled);
    newest.and_then(|entry| entry["wake"].as_u64()).expect("a wake")
}

/// A home with one command that takes its time.
fn with_slow_command(home: &Home) {
    home.done(&["add", APP, "--every", "200ms", "--", "sleep", "1000"]);
}

#[test]
fn each_switch_holds_and_lets_go() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    home.done(&["add", APP, "--every", "200ms", "--", "true"]);
    let cases: [(&[&str], &[&str], &str); 6] = [
        (&["set", "off"], &["set", "on"], "system_off"),
        (&["set", "off", APP], &["set", "on", APP], "app_off"),
        (&["set", "pause", "1h"], &["set", "resume"], "paused"),
        (&["set", "pause", "1h", APP], &["set", "resume", APP], "paused"),
        (&["set", "interval", APP, "never"], &["set", "interval", APP, "200ms"], "no_interval"),
        (&["apps", "quit", APP], &["apps", "open", APP], "force_quit"),
    ];
    for (hold, release, code) in cases {
        journal.wake_with(APP, "new_data");
        home.done(hold);
        // A wake that was under way may still end.
        crate::support::wait_until(&format!("`{code}` holds"), || reason(&home) == code);
        let last = newest_wake(&home);
        let fetch = home.run(&["fetch", APP]);
        if !matches!(code, "no_interval" | "paused") {
            assert_eq!(fetch.status.code(), Some(5), "`{code}` also holds a simulated fetch: {fetch:?}");
        }
        assert_eq!(newest_wake(&home), last, "`{code}` holds");
        home.done(release);
        let released = journal.until("a wake after it lets go", |entry| {
            entry["event"] == "begun"
                && entry["data"]["reason"]["code"] != "simulated"
                && entry["wake"].as_u64() > Some(last)
        });
        assert!(["due", "released"].contains(&released["data"]["reason"]["code"].as_str().expect("a code")));
    }
}

#[test]
fn a_running_wake_ends_for_the_reason_that_is_said() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    with_slow_command(&home);
    let cases: [(&[&str], &[&str], &str); 4] = [
        (&["set", "off"], &["set", "on"], "system_off"),
        (&["set", "off", APP], &["set", "on", APP], "app_off"),
        (&["apps", "quit", APP], &["apps", "open", APP], "force_quit"),
        (&["remove", APP], &[], "removed"),
    ];
    for (stop, release, code) in cases {
        let wake = journal.event(APP, "begun")["wake"].as_u64().expect("a wake");
        home.done(stop);
        let ended = journal.event(APP, "ended");
        assert_eq!((&ended["wake"], &ended["data"]["outcome"]), (&json!(wake), &json!({ "stopped": code })));
        assert!(processes::of_wake(&home.mark(), wake).is_empty(), "something of wake {wake} is left");
        if !release.is_empty() {
            assert_eq!(home.json(&["why", APP])["app"]["failures"], 0, "it is not the app's fault");
            home.done(release);
        }
    }
    crate::support::wait_until("the app is forgotten", || home.json(&["apps"]) == json!([]));
    assert_eq!(home.run(&["why", APP]).status.code(), Some(4));
    let log = home.json(&["log", APP]);
    assert!(
        log["entries"].as_array().is_some_and(|entries| !entries.is_empty()),
        "the journal outlives the app"
    );
    with_slow_command(&home);
    journal.event(APP, "begun");
}

#[test]
fn switches_survive_the_hosts_death() {
    let home = Home::new(QUICK);
    let host = home.host();
    with_slow_command(&home);
    home.done(&["set", "off", APP]);
    host.kill();
    let host = home.host();
    assert_eq!(reason(&home), "app_off");
    home.done(&["set", "on", APP]);
    home.done(&["set", "pause", "1h"]);
    host.kill();
    let _host = home.host();
    assert_eq!(reason(&home), "paused");
}

#[test]
fn an_app_that_asked_hears_that_its_status_changed() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let manifest = home.app_folder("com.example.native").join("app.json");
    let mut app = Wire::app(&home.socket(), &manifest, &["refresh"]);
    let available = app.ask("status", &json!({})).expect("its status");
    assert_eq!(available, json!({ "status": 3, "reason": null }));
    for (switch, status, code) in [("off", 1, json!("system_off")), ("on", 3, Value::Null)] {
        home.done(&["set", switch]);
        let told = app.read().expect("a notification");
        assert_eq!(told["method"], "statusChanged", "{told}");
        assert_eq!((&told["params"]["status"], &told["params"]["reason"]["code"]), (&json!(status), &code));
    }
    home.done(&["set", "off", "com.example.native"]);
    assert_eq!(app.read().expect("a notification")["params"]["reason"]["code"], "app_off");
}

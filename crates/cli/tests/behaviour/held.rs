//! What is due while something stands in its way is not lost: it starts at the moment that lets it, once, and is told
//! how many runs it missed.

use crate::support::journal::Journal;
use crate::support::{Home, QUICK};
use serde_json::{Value, json};

const APP: &str = "me.mail";

/// Lets time pass until another app, which nothing holds, was woken so often.
fn wakes_of_clock(journal: &mut Journal, count: u32) {
    for _ in 0..count {
        journal.wake_with("me.clock", "new_data");
    }
}

/// Checks the first wake after a hold: one, for that reason, with what was missed.
fn check(journal: &mut Journal, begun: &Value, held: &str) {
    let data = &begun["data"];
    assert_eq!(data["reason"], json!({ "code": "released", "held": held }), "{begun}");
    assert!(data["missed"].as_u64() >= Some(1), "{begun}");
    assert_eq!(journal.outcome(APP), "new_data");
    let next = journal.event(APP, "begun");
    assert_eq!(
        (&next["data"]["missed"], &next["data"]["reason"]["code"]),
        (&json!(0), &json!("due")),
        "{next}"
    );
}

#[test]
fn by_the_user() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    home.done(&["add", "me.clock", "--every", "200ms", "--", "true"]);
    home.done(&["add", APP, "--every", "200ms", "--", "sh", "-c", "echo missed $BGFETCH_MISSED"]);
    journal.wake_with(APP, "new_data");
    home.done(&["set", "off", APP]);
    journal.event(APP, "switched");
    wakes_of_clock(&mut journal, 5);
    home.done(&["set", "on", APP]);
    let begun = journal.event(APP, "begun");
    let wake = begun["wake"].to_string();
    check(&mut journal, &begun, "user");
    let log = home.json(&["log", "--wake", &wake]);
    assert_eq!(log["output"]["stdout"], format!("missed {}\n", begun["data"]["missed"]), "the app is told");
}

#[test]
fn by_the_hosts_absence() {
    let home = Home::new(QUICK);
    let host = home.host();
    home.done(&["add", APP, "--every", "200ms", "--", "true"]);
    home.journal().wake_with(APP, "new_data");
    host.kill();
    // As if that had been a minute ago: the store says when a host was last alive.
    let store = rusqlite::Connection::open(home.path("state/store.sqlite")).expect("a store");
    let moved =
        store.execute("UPDATE host SET boot_ms = boot_ms - 60000", []).expect("a machine up for a minute");
    assert_eq!(moved, 1);
    store.close().expect("closed");
    let _host = home.host();
    let mut journal = home.journal();
    journal.until("the second start", |entry| {
        entry["event"] == "host_started" && entry["data"]["in_order"] == false
    });
    let begun = journal.event(APP, "begun");
    let reason = &begun["data"]["reason"];
    // If the kill hit a wake, that one is lost and this one tries again; both are right.
    if reason["code"] != "retry" {
        check(&mut journal, &begun, "absence");
    }
}

#[test]
fn by_other_wakes() {
    let home = Home::new(&format!("wakes-max = 1\n{QUICK}"));
    let _host = home.host();
    let mut journal = home.journal();
    let go = home.path("go");
    let waits = format!("while ! [ -e '{}' ]; do sleep 0.02; done", go.display());
    home.done(&["add", "me.slow", "--every", "200ms", "--", "sh", "-c", &waits]);
    let slow = journal.event("me.slow", "begun");
    home.done(&["add", APP, "--every", "200ms", "--", "true"]);
    crate::support::wait_until("it is held by the other", || {
        home.json(&["why", APP])["app"]["reason"]["code"] == "busy"
    });
    std::fs::write(&go, "").expect("written");
    let ended = journal.event("me.slow", "ended");
    assert_eq!(ended["wake"], slow["wake"]);
    let begun = journal.event(APP, "begun");
    assert_eq!(begun["data"]["reason"], json!({ "code": "released", "held": "busy" }), "{begun}");
}

//! A wake's time is limited: the app is warned shortly before, and who answers then has kept the limit. Who overruns is
//! ended, and waits longer for the next wake. A running app that was called is never killed, its answer just comes late.

use crate::support::Home;
use crate::support::wire::Wire;
use serde_json::{Value, json};

/// A warning that leaves a loaded machine time to answer.
const CONFIG: &str = "limit = '6s'\nwarning = '5s'\ngrace = '500ms'\nlinger = '100ms'\ninterval-min = '200ms'\n\
     back-off-first = '300ms'\nback-off-max = '1s'\n";

#[test]
fn who_heeds_the_warning_has_kept_the_limit() {
    let home = Home::new(CONFIG);
    let _host = home.host();
    let mut journal = home.journal();
    let program = home.node_app("com.example.reader", "heeds-warning.mjs");
    home.open(&program);
    let wake = journal.wake_with("com.example.reader", "no_data");
    let log = home.json(&["log", "--wake", &wake.to_string()]);
    assert_eq!(log["output"]["stdout"], "some time is left\n", "{log}");
    assert_eq!(home.json(&["why", "com.example.reader"])["app"]["failures"], 0);
}

#[test]
fn who_overruns_waits_longer() {
    let home = Home::new(&CONFIG.replace("'6s'", "'300ms'").replace("'5s'", "'100ms'"));
    let _host = home.host();
    let mut journal = home.journal();
    home.done(&["add", "me.endless", "--every", "1m", "--", "sleep", "1000"]);
    home.done(&["set", "interval", "me.endless", "2s"]);
    journal.wake_with("me.endless", "expired");
    let why = home.json(&["why", "me.endless"]);
    let reason = &why["app"]["reason"];
    assert_eq!(reason["code"], "penalty", "{why}");
    assert_eq!(reason["text"], "its last wake overran: the minimum interval of 2 s counts 2 times");
    let between = |why: &Value| {
        let moment = |member: &str| why["app"][member].as_i64().expect("a moment");
        moment("earliestUnixMs") - moment("lastWakeUnixMs")
    };
    assert!((3_990..=4_010).contains(&between(&why)), "{} ms", between(&why));
}

#[test]
fn a_running_app_that_does_not_answer_goes_on() {
    let home = Home::new(CONFIG);
    let _host = home.host();
    let mut journal = home.journal();
    let manifest = home.app_folder("com.example.native").join("app.json");
    let mut app = Wire::app(&home.socket(), &manifest, &["refresh"]);
    app.ask("register", &json!({ "task": "refresh", "type": "backgroundFetch" })).expect("registered");
    app.ask("setMinimumInterval", &json!({ "seconds": 0.2 })).expect("set");
    let execute = app.read().expect("a call");
    let info = &execute["params"]["executionInfo"];
    assert_eq!((&execute["method"], &info["appState"]), (&json!("execute"), &json!("active")), "{execute}");
    assert_eq!((&info["limitMs"], &info["simulated"]), (&json!(6_000), &json!(false)), "{execute}");
    let expiring = app.read().expect("a warning");
    assert_eq!(expiring["method"], "expiring", "{expiring}");
    assert_eq!(expiring["params"]["wake"], info["wake"]);
    assert_eq!(expiring["params"]["remainingMs"], 5_000);
    assert_eq!(journal.outcome("com.example.native"), "expired");
    let late = json!({ "eventId": info["eventId"], "result": 2 });
    assert_eq!(
        app.ask("finish", &late),
        Ok(json!({ "accepted": false })),
        "it goes on, and is told that it was late"
    );
}

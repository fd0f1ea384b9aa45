//! A developer does not wait for the schedule: `bgfetch fetch` wakes an app now. It says so everywhere, its exit status
//! tells how it went, and the schedule learns nothing from it.

use crate::support::{Home, QUICK};

#[test]
fn it_is_marked_and_teaches_nothing() {
    let home = Home::new(QUICK);
    let _host = home.host();
    home.done(&["add", "me.good", "--every", "1h", "--", "sh", "-c", "echo $BGFETCH_REASON"]);
    home.done(&["add", "me.bad", "--every", "1h", "--", "false"]);
    let before = home.json(&["why", "me.bad"])["app"].clone();
    let good = home.run(&["fetch", "me.good"]);
    assert!(good.status.success(), "{good:?}");
    assert!(good.stdout.contains("a simulated fetch was asked for"), "{good:?}");
    let bad = home.run(&["fetch", "me.bad"]);
    assert_eq!(bad.status.code(), Some(6), "{bad:?}");
    assert!(bad.stderr.contains("failed"), "{bad:?}");
    let after = home.json(&["why", "me.bad"])["app"].clone();
    for member in ["failures", "lastWakeUnixMs"] {
        assert_eq!(before[member], after[member], "`{member}` is as if nothing had been");
    }
    assert_eq!(after["reason"]["code"], "floor", "{after}");
    let log = home.json(&["log", "me.good"]);
    let begun = log["entries"].as_array().expect("a list").iter().find(|entry| entry["event"] == "begun");
    let begun = begun.expect("a wake");
    assert_eq!(begun["data"]["reason"]["code"], "simulated", "{begun}");
    let wake = begun["wake"].to_string();
    assert_eq!(home.json(&["log", "--wake", &wake])["output"]["stdout"], "simulated\n");
}

#[test]
fn it_needs_an_app_that_is_known_and_free() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let unknown = home.run(&["fetch", "me.nobody"]);
    assert_eq!(unknown.status.code(), Some(4), "{unknown:?}");
    assert!(unknown.stderr.contains("no app `me.nobody` is known to this host"), "{unknown:?}");
    home.done(&["add", "me.slow", "--every", "1h", "--", "sleep", "1000"]);
    let began = home.json(&["fetch", "me.slow", "--no-wait"]);
    assert_eq!(began["wake"], 1);
    let busy = home.run(&["fetch", "me.slow"]);
    assert_eq!(busy.status.code(), Some(5), "{busy:?}");
    assert!(busy.stderr.contains("wake 1 is running"), "{busy:?}");
}

//! The disk fills up under a running host. What is asked is refused with the reason and nothing is lost; what happens
//! meanwhile is kept and written as soon as there is room; until then no wake begins, and `why` says so.

use crate::support::{Home, Host, QUICK, wait_until};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A host whose store lies on a small disk of its own, and that disk as seen from here.
fn host_on_small_disk(home: &Home) -> Option<(Host, PathBuf)> {
    let mut probe = Command::new("unshare");
    probe
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"])
        .arg(home.path("apps"));
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine lets its users mount nothing, so there is no disk to fill");
        return None;
    }
    let inner = home.host_command();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=1m,mode=700 none \"$0\" && exec \"$@\"").arg(home.path("state"));
    command.arg(inner.get_program()).args(inner.get_args());
    home.inhabit(&mut command);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let host = Host::start(command).unwrap_or_else(|ran| panic!("{ran:?}"));
    let root = PathBuf::from(format!("/proc/{}/root", host.process()));
    let disk = root.join(home.path("state").strip_prefix("/").expect("an absolute path"));
    assert!(disk.join("store.sqlite").exists(), "the host's own disk is seen");
    Some((host, disk))
}

/// Takes every byte that is left.
fn fill(disk: &Path) {
    let mut filler = std::fs::File::create(disk.join("filler")).expect("room for a name");
    for size in [4_096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn nothing_is_lost_and_the_service_goes_on_when_there_is_room() {
    let home = Home::new(QUICK);
    let Some((_host, disk)) = host_on_small_disk(&home) else { return };
    let mut journal = home.journal();
    // This one runs while the disk fills, and ends when it is told to.
    let go = home.path("go");
    let waits = format!("while ! [ -e '{}' ]; do sleep 0.02; done", go.display());
    home.done(&["add", "me.slow", "--every", "200ms", "--", "sh", "-c", &waits]);
    home.done(&["add", "me.quiet", "--every", "1h", "--", "true"]);
    let begun = journal.event("me.slow", "begun")["wake"].as_u64().expect("a wake");
    fill(&disk);
    // What the store has already set aside may still take a few changes.
    let mut kept = 3_600;
    let refused = loop {
        let set = home.run(&["set", "interval", "me.quiet", &format!("{} s", kept + 1)]);
        if !set.status.success() {
            break set;
        }
        kept += 1;
    };
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no room is left for the store `"), "{refused:?}");
    assert!(refused.stderr.contains("nothing was changed"), "{refused:?}");
    let interval = |home: &Home| home.json(&["why", "me.quiet"])["app"]["intervalSeconds"].as_f64();
    assert_eq!(interval(&home), Some(f64::from(kept)), "what was refused did not happen");
    std::fs::write(&go, "").expect("written");
    wait_until("the host knows that the wake ended", || {
        home.json(&["why", "me.slow"])["app"]["reason"]["code"] == "store_unwritable"
    });
    let doctor = home.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1), "{doctor:?}");
    assert!(doctor.stdout.contains("no room is left for the store"), "{doctor:?}");

    std::fs::remove_file(disk.join("filler")).expect("removed");
    let ended = journal.event("me.slow", "ended");
    assert_eq!((&ended["wake"], &ended["data"]["outcome"]), (&json!(begun), &json!("new_data")), "{ended}");
    let next = journal.event("me.slow", "begun")["wake"].as_u64().expect("a wake");
    assert_eq!(next, begun + 1, "no wake began that could not be recorded");
    assert_eq!(interval(&home), Some(f64::from(kept)));
    home.done(&["set", "interval", "me.quiet", "2 h"]);
    assert_eq!(interval(&home), Some(7_200.0));
}

/// Fills the disk until a change is refused.
fn fill_until_refused(home: &Home, disk: &Path) {
    fill(disk);
    let mut seconds = 3_600;
    while home.run(&["set", "interval", "me.quiet", &format!("{seconds} s")]).status.success() {
        seconds += 1;
    }
}

#[test]
fn who_watches_does_not_put_off_the_next_try_and_a_wake_that_ran_through_it_can_be_stopped() {
    let home = Home::new(QUICK);
    let Some((_host, disk)) = host_on_small_disk(&home) else { return };
    let mut journal = home.journal();
    home.done(&["add", "me.long", "--every", "200ms", "--", "sleep", "15"]);
    home.done(&["add", "me.quiet", "--every", "1h", "--", "true"]);
    let begun = journal.event("me.long", "begun")["wake"].clone();
    fill_until_refused(&home, &disk);
    std::fs::remove_file(disk.join("filler")).expect("removed");
    // Each question is traffic; the store is tried again all the same.
    wait_until("the store is written again", || {
        home.json(&["why", "me.quiet"])["app"]["reason"]["code"] == "floor"
    });
    home.done(&["set", "off", "me.long"]);
    let stopping = journal.event("me.long", "stopping");
    assert_eq!((&stopping["wake"], &stopping["data"]["reason"]), (&begun, &json!("app_off")), "{stopping}");
    let ended = journal.event("me.long", "ended");
    assert_eq!(
        (&ended["wake"], &ended["data"]["outcome"]),
        (&begun, &json!({ "stopped": "app_off" })),
        "{ended}"
    );
}

#[test]
fn a_host_that_is_told_to_end_ends_although_nothing_can_be_written() {
    let home = Home::new(QUICK);
    let Some((host, disk)) = host_on_small_disk(&home) else { return };
    home.done(&["add", "me.quiet", "--every", "1h", "--", "true"]);
    fill_until_refused(&home, &disk);
    let status = host.stop();
    assert!(!status.success(), "what it could not write it does not hide: {status}");
}

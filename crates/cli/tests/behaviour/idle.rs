//! A host with a hundred registered apps and nothing due costs nothing: it is not scheduled once, and it is small.
//!
//! `BGFETCH_TEST_IDLE_SECONDS` says how long it is watched (10).

use crate::support::wire::Wire;
use crate::support::{Home, pause, processes, wait_until};
use serde_json::json;
use std::time::Duration;

/// How often any thread of the process was scheduled after it had waited.
fn switches(process: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("a living process");
    let of_thread = |name: String| {
        let status =
            std::fs::read_to_string(format!("/proc/{process}/task/{name}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).expect("a number")
    };
    threads
        .map(|thread| of_thread(thread.expect("a thread").file_name().to_string_lossy().into_owned()))
        .sum()
}

#[test]
fn a_hundred_apps_and_nothing_due_wake_nobody() {
    let seconds =
        std::env::var("BGFETCH_TEST_IDLE_SECONDS").map_or(10, |text| text.parse().expect("a number"));
    let home = Home::new("");
    let host = home.host();
    let mut control = Wire::control(&home.socket());
    let launch = json!({ "program": "/bin/true", "args": [], "cwd": "/", "env": {} });
    for number in 0..100 {
        let command =
            json!({ "app": format!("idle.app{number}"), "everySeconds": 3600, "changedBy": "exit" });
        control
            .ask("add", &json!({ "command": command, "launch": launch }))
            .expect("a command that is there");
        if number % 2 == 0 {
            let never = json!({ "switch": "interval", "app": format!("idle.app{number}"), "seconds": null });
            control.ask("set", &never).expect("a known app");
        }
    }
    drop(control);
    let mut last = u64::MAX;
    wait_until("the host has done what was asked", || {
        pause(Duration::from_millis(200));
        std::mem::replace(&mut last, switches(host.process())) == last
    });
    let before = switches(host.process());
    // Time is what is measured here: there is no event to wait for.
    pause(Duration::from_secs(seconds));
    let woken = switches(host.process()) - before;
    let kib = processes::status_number(host.process(), "VmRSS");
    println!("in {seconds} s with 100 apps and nothing due: woken {woken} times; {kib} KiB resident");
    assert_eq!(woken, 0, "the host was woken with nothing due");
    if !cfg!(debug_assertions) {
        assert!(kib <= 15 * 1_024, "{kib} KiB are more than 15 MiB");
    }
}

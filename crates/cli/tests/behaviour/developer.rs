//! The developer's loop: `bgfetch run app.mjs` is a host for one app in the foreground, with every decision shown and
//! what each wake printed; and `bgfetch demo` shows the whole life of the documented program.

use crate::support::{BGFETCH, Home, PATIENCE, QUICK, lines, processes, ran, wait_for_end, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

struct Shown {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Shown {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.bgfetch(arguments);
        command.env("XDG_RUNTIME_DIR", home.path("")).env_remove("BGFETCH_SOCKET");
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect(BGFETCH);
        let lines = lines(child.stdout.take());
        Self { child, lines, seen: Vec::new() }
    }

    fn until(&mut self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.seen.last().is_some_and(|line| line.contains(wanted)) {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            self.seen.push(line.unwrap_or_else(|_| panic!("no `{wanted}` in:\n{}", self.seen.join("\n"))));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_decision_is_shown_and_nothing_stays() {
    let home = Home::new(QUICK);
    let program = home.node_app("com.example.reader", "documented/index.mjs");
    std::fs::write(program.with_file_name("feed.txt"), "news").expect("written");
    let path = program.display().to_string();
    let mut shown = Shown::start(&home, &["run", "--interval-min", "200ms", &path]);
    shown.until("task `refresh` registered");
    shown.until("ended: new data");
    std::fs::remove_file(program.with_file_name("feed.txt")).expect("removed");
    shown.until("ended: failed");
    shown.child.kill().expect("it runs");
    shown.child.wait().expect("a child");
    let hosts = || {
        let entries = std::fs::read_dir("/proc").expect("a process table");
        let of_home = |path: std::path::PathBuf| {
            let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&home.path("").display().to_string())
        };
        entries.filter_map(Result::ok).any(|entry| of_home(entry.path()))
    };
    wait_until("its host is gone with it", || !hosts());
}

#[test]
fn the_demo_shows_the_whole_life() {
    let home = Home::new(QUICK);
    let mut command = home.bgfetch(&["demo"]);
    // It needs no home, and leaves nothing where it plays.
    std::fs::create_dir(home.path("stage")).expect("a folder");
    command.env_remove("HOME").env("TMPDIR", home.path("stage"));
    let mut shown = Shown::spawn(command);
    for wanted in [
        "task `refresh-feed` registered",
        "ended: new data",
        "ended: no data",
        "ended: failed",
        "backing off",
        "ended: expired",
        "killed; its shepherds end what it had started",
        "restored: 1 task of com.example.demo-reader, `refresh-feed`",
        "ended: new data",
        "8. And why does it not run now?",
        "    com.example.demo-reader is ",
    ] {
        shown.until(wanted);
    }
    let status = wait_for_end(&mut shown.child, &shown.lines);
    assert!(status.success(), "{status}");
    assert!(processes::of_wakes(&home.mark()).is_empty());
    assert_eq!(std::fs::read_dir(home.path("stage")).expect("a folder").count(), 0);
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_and_scripts_get_its_entries() {
    let home = Home::new(QUICK);
    std::fs::create_dir(home.path("stage")).expect("a folder");
    let mut command = home.bgfetch(&["demo", "--json"]);
    command.env("TMPDIR", home.path("stage"));
    let mut shown = Shown::spawn(command);
    shown.until("\"registered\"");
    let process = i32::try_from(shown.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(process, Signal::TERM).expect("it runs");
    assert_eq!(wait_for_end(&mut shown.child, &shown.lines).code(), Some(143));
    for line in &shown.seen {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert_eq!(std::fs::read_dir(home.path("stage")).expect("a folder").count(), 0);
    let mut without_node = home.bgfetch(&["demo"]);
    let refused = ran(without_node.env("PATH", "/nonexistent"));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("`node` (version 20 or newer) is needed"), "{refused:?}");
}

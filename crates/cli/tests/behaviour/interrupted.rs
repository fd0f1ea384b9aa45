//! The developer presses Ctrl-C while `bgfetch run` shows a wake: the wake ends in order, and the next run goes on from
//! there. Whatever else ends the verb (a signal, a reader who has seen enough), nothing that it started stays. A host that
//! is told twice to end cuts its wakes off, and the next one says so. What is shown twice is shown by its first owner.

use crate::support::{Home, QUICK, ran, wait_until};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// `bgfetch run` as a terminal starts it: in a process group of its own.
struct Running {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    fn start(home: &Home, program: &Path) -> Self {
        let mut command = command(home, program);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = child.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines: Some(lines) }
    }

    fn until(&mut self, wanted: &str) {
        let lines = self.lines.as_mut().expect("a reader");
        let found = lines.map_while(Result::ok).any(|line| line.contains(wanted));
        assert!(found, "it ended before `{wanted}`");
    }

    fn rest(&mut self) -> String {
        self.lines.take().expect("a reader").map_while(Result::ok).collect::<Vec<_>>().join("\n")
    }

    fn process(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a number")).expect("a process")
    }

    fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("`bgfetch run` has ended", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("it was waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(home: &Home, program: &Path) -> Command {
    let mut command = home.bgfetch(&["run", "--interval-min", "200ms"]);
    command.arg(program).env("XDG_RUNTIME_DIR", home.path("")).env_remove("BGFETCH_SOCKET");
    command
}

/// A command whose wake says that it began, and ends when it is asked to.
fn waiting_app(home: &Home) -> std::path::PathBuf {
    let folder = home.path("apps/waiting");
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = home.script("waiting.sh", "touch \"$HOME/begun\"; trap 'exit 0' TERM; sleep 60 & wait");
    let manifest = folder.join("bgfetch.toml");
    let text = format!(
        "id = 'me.waiting'\nmodes = ['fetch']\ncommand = ['{}']\nevery = '300ms'\n",
        script.display()
    );
    std::fs::write(&manifest, text).expect("written");
    manifest
}

/// Whether any process of this home's still runs.
fn anything_lives(home: &Home) -> bool {
    let mark = home.path("").display().to_string();
    let entries = std::fs::read_dir("/proc").expect("a process table").filter_map(Result::ok);
    let mut lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(&mark))
}

#[test]
fn ctrl_c_ends_the_wake_in_order_and_nothing_stays() {
    let home = Home::new(QUICK);
    let program = waiting_app(&home);
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let _ = std::fs::remove_file(home.path("begun"));
        let mut running = Running::start(&home, &program);
        running.until("woken for fetch");
        wait_until("the wake's program runs", || home.path("begun").exists());
        // Ctrl-C goes to the whole group of the terminal, a `kill` to the one process.
        if signal == Signal::INT {
            kill_process_group(running.process(), signal).expect("it runs");
        } else {
            kill_process(running.process(), signal).expect("it runs");
        }
        let shown = running.rest();
        assert_eq!(running.ended().code(), Some(status), "{shown}");
        assert!(shown.contains("ended: stopped") && shown.contains("host stopped"), "{shown}");
        assert!(!anything_lives(&home));
    }
    let mut again = Running::start(&home, &program);
    again.until("woken for fetch");
}

#[test]
fn an_app_in_the_foreground_ends_with_it() {
    let home = Home::new(QUICK);
    let program = home.node_app("com.example.staying", "staying.mjs");
    let mut running = Running::start(&home, &program);
    running.until("woken for");
    kill_process(running.process(), Signal::TERM).expect("it runs");
    running.rest();
    assert_eq!(running.ended().code(), Some(143));
    assert!(!anything_lives(&home));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_all() {
    let home = Home::new(QUICK);
    let program = home.node_app("com.example.staying", "staying.mjs");
    let mut running = Running::start(&home, &program);
    running.until("woken for");
    running.lines = None;
    assert_eq!(running.ended().code(), Some(0), "as for `cat`");
    assert!(!anything_lives(&home));
}

#[test]
fn the_same_app_is_not_run_twice() {
    let home = Home::new(QUICK);
    let program = waiting_app(&home);
    let mut running = Running::start(&home, &program);
    running.until("woken for fetch");
    let log = || {
        let folders = std::fs::read_dir(home.path(".local/state/bgfetch/run")).expect("a folder");
        let folder = folders.filter_map(Result::ok).map(|entry| entry.path()).next().expect("one");
        assert!(folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("bgfetch.toml-")));
        std::fs::read_to_string(folder.join("host.log")).expect("a log")
    };
    let before = log();
    let second = ran(&mut command(&home, &program));
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(second.stderr.contains("is run by another `bgfetch run` already"), "{second:?}");
    assert!(!second.stderr.contains("--stop"), "{second:?}");
    assert!(!before.is_empty());
    assert_eq!(before, log(), "the first one's log stays");
}

#[test]
fn a_host_that_is_told_twice_has_not_ended_in_order() {
    let home = Home::new("limit = '50s'\nwarning = '1s'\ngrace = '40s'\ninterval-min = '200ms'\n");
    let host = home.host();
    let mut journal = home.journal();
    let deaf = home.script("deaf.sh", "trap '' TERM; touch \"$HOME/begun\"; while :; do sleep 1; done");
    home.done(&["add", "me.deaf", "--every", "200ms", "--", &deaf.display().to_string()]);
    journal.event("me.deaf", "begun");
    wait_until("the wake's program runs", || home.path("begun").exists());
    let process = Pid::from_raw(i32::try_from(host.process()).expect("a number")).expect("a process");
    kill_process(process, Signal::TERM).expect("it runs");
    journal.event("me.deaf", "stopping");
    kill_process(process, Signal::TERM).expect("it runs");
    host.stop();
    let _host = home.host();
    let log = home.done(&["log"]);
    assert!(!log.contains("host stopped"), "{log}");
    assert!(log.contains("host started after it ended abruptly"), "{log}");
    assert!(log.contains("ended: lost"), "{log}");
}

//! A Rust app and the real host, end to end: this program is the app. It registers, is started by the host for a wake,
//! is called where it runs, hears that its wake is about to end, and outlives a host that is killed and comes back.

use background_fetch::{AppState, ConnectOptions, Event, FetchResult, Served, TaskManager};
use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const APP: &str = "com.example.rust-app";

/// How long a test waits for anything at most.
const BOUND: Duration = Duration::from_mins(1);

/// A host of the test's own; killed with it.
struct Host(Child);

impl Host {
    /// Starts it and waits until it serves.
    fn start(folder: &Path) -> Self {
        let mut child = bgfetch(folder)
            .args(["host", "--state-dir"])
            .arg(folder.join("state"))
            .arg("--config")
            .arg(folder.join("host.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
        assert!(line.contains(" serves on "), "{line}");
        Self(child)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("reaped");
    }
}

fn bgfetch(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgfetch"));
    command.arg("--socket").arg(folder.join("host.sock"));
    command
}

/// Wakes the app, and gives the journal of the wake.
fn fetch(folder: &Path) -> String {
    let Output { stdout, stderr, .. } = bgfetch(folder).args(["fetch", APP]).output().expect("it ran");
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    // The host's socket stands here, and the host takes no folder that others may open.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("private");
    let manifest = format!("id = '{APP}'\nmodes = ['fetch']\n");
    std::fs::write(folder.path().join("bgfetch.toml"), manifest).expect("written");
    std::fs::write(folder.path().join("host.toml"), "limit = '3s'\nwarning = '2s'\n").expect("written");
    folder
}

fn options(folder: &Path, wake: &str) -> ConnectOptions {
    let options = ConnectOptions::new().socket(folder.join("host.sock")).manifest(folder);
    options.arguments(["--exact", wake, "--nocapture"])
}

/// What this program does when the host starts it; nothing in a run of the tests.
#[test]
fn the_app_in_its_wake() {
    if std::env::var_os("BGFETCH_WAKE").is_none() {
        return;
    }
    let mut tasks = TaskManager::new();
    tasks
        .define_task("quick", |event: Event| async move {
            assert_eq!(event.app_state, AppState::Background);
            FetchResult::NewData
        })
        .expect("defined");
    tasks
        .define_task("slow", |event: Event| async move {
            let reason = event.expiring().await;
            Err::<FetchResult, _>(format!("half is saved, since {}", reason.text))
        })
        .expect("defined");
    let mut app = tasks.connect().expect("connected");
    assert_eq!(app.id(), APP);
    assert_eq!(app.serve_blocking().expect("in order"), Served::WakeOver);
}

fn registered(folder: &Path, names: &[&'static str]) {
    let mut tasks = TaskManager::new();
    for name in names {
        tasks.define_task(*name, |_| async {}).expect("defined");
    }
    let app = tasks.connect_with(&options(folder, "the_app_in_its_wake")).expect("connected");
    for name in names {
        app.background_fetch().register_task(*name).wait().expect("registered");
    }
    assert!(app.registrations().is_task_registered(names[0]).wait().expect("an answer"));
}

#[test]
fn a_program_that_does_not_run_is_started_and_ends_by_itself() {
    let folder = folder();
    let _host = Host::start(folder.path());
    registered(folder.path(), &["quick"]);
    let journal = fetch(folder.path());
    assert!(journal.contains("task `quick` answered: new data"), "{journal}");
    assert!(journal.contains("ended: new data"), "{journal}");
}

#[test]
fn a_task_that_is_slow_hears_of_the_limit_and_answers_before_it() {
    let folder = folder();
    let _host = Host::start(folder.path());
    registered(folder.path(), &["quick", "slow"]);
    let journal = fetch(folder.path());
    assert!(journal.contains("task `slow` said: half is saved, since the limit of 3 s is near"), "{journal}");
    assert!(journal.contains("task `slow` answered: failed"), "{journal}");
    assert!(journal.contains("ended: new data"), "{journal}");
}

#[test]
fn a_program_that_runs_is_called_there_also_by_the_next_host() {
    let folder = folder();
    let host = Host::start(folder.path());
    let mut tasks = TaskManager::new();
    let (tell, told) = mpsc::channel();
    tasks
        .define_task("here", move |event: Event| {
            tell.send(event.app_state).expect("the test waits");
            async { FetchResult::NoData }
        })
        .expect("defined");
    let mut app = tasks.connect_with(&options(folder.path(), "the_app_in_its_wake")).expect("connected");
    app.background_fetch().register_task("here").wait().expect("registered");
    let (shutdown, status) = (app.shutdown(), app.background_fetch());
    let asked = status.clone();
    let (ready, is_ready) = mpsc::channel();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut serve = std::pin::pin!(app.serve());
            // What is asked once `serve` has been polled is answered when the host knows that it may call here.
            tokio::select! {
                biased;
                ended = &mut serve => return ended,
                answer = asked.status() => ready.send(answer.expect("a status")).expect("the test waits"),
            }
            serve.await
        })
    });
    is_ready.recv_timeout(BOUND).expect("the tasks run");
    let journal = fetch(folder.path());
    assert!(journal.contains("task `here` answered: no data"), "{journal}");
    assert_eq!(told.recv_timeout(BOUND).expect("called"), AppState::Active);

    drop(host);
    let _host = Host::start(folder.path());
    let until = Instant::now() + BOUND;
    while status.status().wait().is_err() {
        assert!(Instant::now() < until, "the app finds the host again");
        std::thread::yield_now();
    }
    let journal = fetch(folder.path());
    assert!(journal.contains("ended: no data"), "{journal}");
    assert_eq!(told.recv_timeout(BOUND).expect("called"), AppState::Active);
    shutdown.shut_down();
    assert_eq!(serving.join().expect("a thread").expect("in order"), Served::ShutDown);
}

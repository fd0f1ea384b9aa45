//! The host is killed at a random moment, fifty times: every commit that returned is there, and no commit is there by
//! half.

use crate::support::{app_id, change, clock, ended, entry, full_task, open, wake};
use bgfetch_core::{AppRecord, Change, Elapsed, Event};
use bgfetch_host::store::{Query, Store, Write};
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const DIRECTORY: &str = "BGFETCH_TEST_KILLED_STORE";
const KILLS: u64 = 50;
const APP: &str = "com.example.reader";

/// Commit number `n`: a task that carries it, an entry, the clock, and by turns a wake that begins or ends.
fn batch(n: u64) -> Vec<Write> {
    let wake_id = n.div_ceil(2);
    let wake = if n % 2 == 1 {
        Change::WakeBegun(wake(wake_id, APP, n))
    } else {
        Change::WakeEnded(ended(wake_id, APP, n))
    };
    let task = bgfetch_core::TaskRecord { registered: Elapsed::from_millis(n), ..full_task("count") };
    vec![
        change(Change::App(AppRecord::new(app_id(APP), true))),
        change(Change::Task(app_id(APP), task)),
        change(wake),
        change(Change::Journal(entry(Some(APP), n, Event::Opened))),
        clock(n),
    ]
}

/// How many commits the store holds, after a look that all of them are whole.
fn commits(store: &Store) -> u64 {
    let Some(clock) = store.clock().expect("it reads") else {
        assert!(store.load().expect("it loads").apps.is_empty());
        return 0;
    };
    let n = clock.elapsed.as_millis();
    let snapshot = store.load().expect("it loads");
    assert_eq!(snapshot.apps[0].1[0].registered, clock.elapsed);
    assert_eq!(snapshot.next_wake.0, n.div_ceil(2) + 1);
    let begun: Vec<_> = snapshot.begun.iter().map(|wake| wake.id.0).collect();
    assert_eq!(begun, if n % 2 == 1 { vec![n.div_ceil(2)] } else { vec![] });
    let entries = store.journal(&Query::default()).expect("it reads");
    let times: Vec<_> = entries.iter().map(|row| row.entry.at.elapsed.as_millis()).collect();
    assert_eq!(times, (1..=n).collect::<Vec<_>>());
    n
}

#[test]
#[ignore = "is started, and killed, by the test below"]
fn child_that_commits_until_it_is_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let mut store = open(Path::new(&directory));
    let mut stdout = std::io::stdout();
    for n in commits(&store) + 1.. {
        store.commit(&batch(n)).expect("it commits");
        writeln!(stdout, "done {n}").and_then(|()| stdout.flush()).expect("the parent listens");
    }
}

/// Starts a child, kills it after `patience` commits and so many turns of an empty loop, and gives the last commit
/// that returned.
fn kill_after(directory: &Path, patience: u64, turns: u64) -> u64 {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "survives_kill::child_that_commits_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stdout = BufReader::new(child.stdout.take().expect("its output"));
    let mut done = stdout.lines().map(|line| line.expect("a line")).filter_map(|line| {
        // The first number may stand behind the test harness's own words.
        line.split_once("done ")?.1.parse::<u64>().ok()
    });
    let mut last = 0;
    for _ in 0..patience {
        last = done.next().expect("it commits for as long as it lives");
    }
    (0..turns).for_each(|turn| {
        std::hint::black_box(turn);
    });
    child.kill().expect("it is killed");
    last = done.last().unwrap_or(last);
    child.wait().expect("it is gone");
    last
}

#[test]
fn every_commit_that_returned_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let random = RandomState::new();
    let mut before = 0;
    for kill in 0..KILLS {
        let (patience, turns) = (1 + random.hash_one((kill, 0)) % 30, random.hash_one((kill, 1)) % 200_000);
        let returned = kill_after(directory.path(), patience, turns);
        let store = open(directory.path());
        let held = commits(&store);
        // The one that was under way when the child died may be there, too.
        assert!(
            held == returned || held == returned + 1,
            "kill {kill} after {patience} commits and {turns} turns: {returned} returned, {held} are there"
        );
        assert!(held >= before + patience, "kill {kill}: {held} after {before}");
        before = held;
        if kill % 10 == 9 {
            store.check().expect("it is sound");
        }
    }
}

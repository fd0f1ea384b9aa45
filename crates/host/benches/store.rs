//! What a durable registration costs, against the least that SQLite itself needs on the same disk.
//!
//! One registration is what the host commits for it: the task and a journal entry (and once a second the clocks, which
//! are left out). The raw commit is one row into one table, with the same settings (WAL, `synchronous=FULL`) and the same payload. The two take turns, so that
//! whatever else the machine does meets both alike. Run it with `cargo bench -p bgfetch-host --bench store`.

use bgfetch_core::{AppId, AppRecord, Change, Elapsed, Entry, Event, Now, Span, TaskName, TaskRecord, Wall};
use bgfetch_host::store::{Keep, Store, Write};
use rusqlite::{Connection, params};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

const APPS: usize = 100;
const TASKS_PER_APP: usize = 32;

/// Both logs have reached their full length by then: from there on they are written over, which is faster.
const WARM_UP: usize = 1_200;
const COMMITS: usize = APPS * TASKS_PER_APP - WARM_UP;
const OPTIONS: &str = r#"{"minimumInterval":900,"stopOnTerminate":false,"startOnBoot":true}"#;

/// At least this many registrations for one raw commit is what the project promises.
const RATIO_MIN: f64 = 0.8;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let apps =
        (0..APPS).map(|i| AppId::parse(&format!("com.example.app{i}"))).collect::<Result<Vec<_>, _>>()?;
    let tasks = (0..TASKS_PER_APP)
        .map(|i| TaskName::parse(&format!("background-fetch-{i}")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut store = Store::open(directory.path(), Keep::default())?;
    let known: Vec<_> =
        apps.iter().map(|app| Write::Change(Change::App(AppRecord::new(app.clone(), true)))).collect();
    store.commit(&known)?;
    let raw = open_raw(&directory.path().join("raw.sqlite"))?;

    let mut ours = Vec::with_capacity(WARM_UP + COMMITS);
    let mut theirs = Vec::with_capacity(WARM_UP + COMMITS);
    for i in 0..WARM_UP + COMMITS {
        // Apps take turns, so that neighbouring commits touch pages that are far apart.
        let (app, task) = (&apps[i % APPS], &tasks[i / APPS]);
        let batch = registration(app, task, u64::try_from(i)? * 1_000);
        let mut one = || timed(|| store.commit(&batch));
        let other = || timed(|| insert_raw(&raw, app, task));
        if i % 2 == 0 {
            ours.push(one()?);
            theirs.push(other()?);
        } else {
            theirs.push(other()?);
            ours.push(one()?);
        }
    }
    ours.drain(..WARM_UP);
    theirs.drain(..WARM_UP);
    assert_eq!(store.load()?.apps.iter().map(|(_, tasks)| tasks.len()).sum::<usize>(), WARM_UP + COMMITS);
    report(ours, theirs);
    Ok(())
}

fn open_raw(path: &Path) -> rusqlite::Result<Connection> {
    let raw = Connection::open(path)?;
    raw.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    raw.pragma_update(None, "synchronous", "FULL")?;
    raw.pragma_update(None, "fullfsync", true)?;
    raw.execute_batch("CREATE TABLE tasks (id INTEGER PRIMARY KEY, app TEXT, name TEXT, options TEXT)")?;
    Ok(raw)
}

fn insert_raw(raw: &Connection, app: &AppId, task: &TaskName) -> rusqlite::Result<usize> {
    let mut statement = raw.prepare_cached("INSERT INTO tasks (app, name, options) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![app.as_str(), task.as_str(), OPTIONS])
}

fn registration(app: &AppId, task: &TaskName, at_ms: u64) -> [Write; 2] {
    let now = Now {
        elapsed: Elapsed::from_millis(at_ms),
        wall: Wall::from_millis(1_700_000_000_000).plus(Span::from_millis(at_ms)),
    };
    let record = TaskRecord {
        name: task.clone(),
        options: OPTIONS.into(),
        floor: Some(Span::from_mins(15)),
        constraints: Vec::new(),
        registered: now.elapsed,
        last_begun: None,
        orphan: false,
    };
    let event = Event::Registered { task: task.clone() };
    [
        Write::Change(Change::Task(app.clone(), record)),
        Write::Change(Change::Journal(Entry { at: now, app: Some(app.clone()), wake: None, event })),
    ]
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<Duration, E> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

fn report(mut ours: Vec<Duration>, mut theirs: Vec<Duration>) {
    let sum = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64();
    let mean_ratio = sum(&theirs) / sum(&ours);
    ours.sort_unstable();
    theirs.sort_unstable();
    let at =
        |times: &[Duration], percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("{COMMITS} commits each, in turns, after {WARM_UP} to warm up; milliseconds");
    println!("{:<20} {:>8} {:>8} {:>8}", "", "p10", "median", "p90");
    for (name, times) in [("durable registration", &ours), ("raw SQLite commit", &theirs)] {
        println!("{name:<20} {:>8.3} {:>8.3} {:>8.3}", at(times, 10), at(times, 50), at(times, 90));
    }
    let ratio = at(&theirs, 50) / at(&ours, 50);
    let verdict = if ratio >= RATIO_MIN { "met" } else { "missed" };
    println!(
        "registrations for one raw commit: {ratio:.2} by medians (at least {RATIO_MIN}: {verdict}), {mean_ratio:.2} by sums"
    );
}

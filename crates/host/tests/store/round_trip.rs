//! The host writes everything it knows, ends, and begins again: what it reads is what it wrote, to the last member.

use crate::support::{app_id, change, ended, entry, full_app, full_task, now, open, task_name, wake};
use bgfetch_core::{AppRecord, Change, Device, Event, Snapshot, Span, UserRecord, WakeId, Wall};
use bgfetch_host::store::{
    ChangedBy, ClockRow, JournalRow, Kind, Launch, OUTPUT_BYTES_MAX, Program, Query, StoreError, WakeOutput,
    WakeRow, Write,
};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

const READER: &str = "com.example.reader";
const MAIL: &str = "me.mail";

#[test]
fn a_new_store_is_empty_and_for_its_user_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let inside = directory.path().join("made/by/the/store");
    let store = open(&inside);
    assert_eq!(store.load().expect("it loads"), Snapshot::default());
    assert_eq!(store.clock().expect("it reads"), None);
    assert_eq!(store.programs().expect("it reads"), []);
    assert_eq!(store.journal(&Query::default()).expect("it reads"), []);
    store.check().expect("it is sound");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&inside), 0o700);
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        assert_eq!(mode(&inside.join(name)), 0o600, "{name}");
    }
}

#[test]
fn the_seed_is_made_once_for_each_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let seed = open(directory.path()).seed();
    assert_eq!(open(directory.path()).seed(), seed);
    let other = tempfile::tempdir().expect("a directory");
    assert_ne!(open(other.path()).seed(), seed);
}

#[test]
fn what_a_scheduler_begins_from_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let user = UserRecord { switched_on: false, restricted: true, paused_until: Some(Wall::from_millis(9)) };
    let plain = AppRecord::new(app_id(MAIL), false);
    let batch = [
        change(Change::App(plain.clone())),
        change(Change::App(AppRecord::new(app_id(READER), true))),
        change(Change::Task(app_id(READER), full_task("sync"))),
        change(Change::Task(app_id(READER), full_task("ma tâche"))),
        change(Change::Task(app_id(MAIL), full_task("gone"))),
        change(Change::TaskRemoved(app_id(MAIL), task_name("gone"))),
        change(Change::User(user.clone())),
        change(Change::WakeBegun(wake(1, READER, 5))),
        change(Change::App(full_app(READER))),
    ];
    store.commit(&batch).expect("it commits");
    drop(store);
    let expected = Snapshot {
        apps: vec![(full_app(READER), vec![full_task("ma tâche"), full_task("sync")]), (plain, vec![])],
        user,
        begun: vec![wake(1, READER, 5)],
        next_wake: WakeId(2),
        device: Device::default(),
        store_writable: true,
    };
    assert_eq!(open(directory.path()).load().expect("it loads"), expected);
}

#[test]
fn a_removed_app_leaves_its_past_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let batch = [
        Write::Program(program(READER, Kind::Node)),
        change(Change::App(full_app(READER))),
        change(Change::Task(app_id(READER), full_task("sync"))),
        change(Change::WakeBegun(wake(1, READER, 5))),
        change(Change::Journal(entry(Some(READER), 6, Event::Opened))),
        change(Change::WakeEnded(ended(1, READER, 9))),
        change(Change::AppRemoved(app_id(READER))),
    ];
    store.commit(&batch).expect("it commits");
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.load().expect("it loads"), Snapshot { next_wake: WakeId(2), ..Snapshot::default() });
    assert_eq!(store.programs().expect("it reads"), []);
    let past = [WakeRow { begun: wake(1, READER, 5), ended: Some(ended(1, READER, 9)) }];
    assert_eq!(store.wakes(None, 10).expect("it reads"), past);
    assert_eq!(store.wakes(Some(&app_id(READER)), 10).expect("it reads"), past);
    assert_eq!(store.wakes(Some(&app_id(MAIL)), 10).expect("it reads"), []);
    assert_eq!(store.journal(&Query::default()).expect("it reads").len(), 1);
}

#[test]
fn the_clock_is_the_last_one_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let at = |boot_ms| ClockRow {
        boot_id: "3c1f".to_owned(),
        boot_ms,
        elapsed: now(boot_ms).elapsed,
        wall: now(boot_ms).wall,
    };
    store.commit(&[Write::Clock(at(1)), Write::Clock(at(2))]).expect("it commits");
    drop(store);
    assert_eq!(open(directory.path()).clock().expect("it reads"), Some(at(2)));
}

fn program(app: &str, kind: Kind) -> Program {
    Program {
        app: app_id(app),
        manifest: "/home/user/app.json".into(),
        // A file's name need not be text.
        program: OsStr::from_bytes(b"/home/user/\xff.mjs").into(),
        launch: None,
        kind,
        seen: Wall::from_millis(1_700_000_000_000),
    }
}

#[test]
fn every_kind_of_program_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let launch = Launch {
        program: "/usr/bin/node".into(),
        args: vec!["--x".to_owned(), String::new(), "a b".to_owned()],
        cwd: "/home/user".into(),
        env: BTreeMap::from([("LANG".to_owned(), "de_DE.UTF-8".to_owned())]),
    };
    let programs = [
        program("a.exit", Kind::Command(ChangedBy::ExitStatus)),
        program("a.first", Kind::Command(ChangedBy::Output { last_hash: None })),
        program("a.hash", Kind::Command(ChangedBy::Output { last_hash: Some([7; 32]) })),
        program("a.native", Kind::Native),
        Program { launch: Some(launch), ..program("a.node", Kind::Node) },
    ];
    let mut batch: Vec<_> = programs.iter().cloned().map(Write::Program).collect();
    let apps = programs.iter().map(|program| AppRecord::new(program.app.clone(), true));
    batch.extend(apps.map(|app| change(Change::App(app))));
    store.commit(&batch).expect("it commits");
    // A second writing of each is the same again.
    store.commit(&batch).expect("it commits");
    drop(store);
    assert_eq!(open(directory.path()).programs().expect("it reads"), programs);
}

#[test]
fn the_journal_answers_by_app_place_date_and_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let events = [
        (None, Event::HostStarted { away: Span::from_secs(9), in_order: true }),
        (Some(READER), Event::Registered { task: task_name("sync") }),
        (Some(MAIL), Event::Held { reason: bgfetch_core::Reason::NoInterval }),
        (Some(READER), Event::Opened),
    ];
    let mut entries: Vec<_> = (0..).zip(events).map(|(at, (app, event))| entry(app, at, event)).collect();
    entries[3].wake = Some(WakeId(7));
    for entry in &entries {
        store.commit(&[change(Change::Journal(entry.clone()))]).expect("it commits");
    }
    drop(store);

    let store = open(directory.path());
    let rows: Vec<_> =
        (1..).zip(&entries).map(|(sequence, entry)| JournalRow { sequence, entry: entry.clone() }).collect();
    let ask = |query| store.journal(&query).expect("it reads");
    assert_eq!(ask(Query::default()), rows);
    assert_eq!(ask(Query { last: Some(2), ..Query::default() }), rows[2..]);
    assert_eq!(ask(Query { after: Some(1), ..Query::default() }), rows[1..]);
    assert_eq!(ask(Query { since: Some(now(2).wall), ..Query::default() }), rows[2..]);
    assert_eq!(ask(Query { wake: Some(WakeId(7)), ..Query::default() }), rows[3..]);
    assert_eq!(ask(Query { wake: Some(WakeId(8)), ..Query::default() }), []);
    let of_reader = Query { app: Some(app_id(READER)), ..Query::default() };
    assert_eq!(ask(of_reader.clone()), [rows[1].clone(), rows[3].clone()]);
    assert_eq!(ask(Query { last: Some(1), ..of_reader }), rows[3..]);
    assert_eq!(ask(Query { last: Some(0), ..Query::default() }), []);
}

#[test]
fn the_output_of_a_wake_is_bounded_and_belongs_to_a_wake() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let batch = [change(Change::App(full_app(READER))), change(Change::WakeBegun(wake(1, READER, 5)))];
    store.commit(&batch).expect("it commits");
    let output = WakeOutput {
        wake: WakeId(1),
        stdout: format!("beginning{}", "x".repeat(OUTPUT_BYTES_MAX)),
        stderr: "warning: ü".to_owned(),
        dropped_bytes: 100,
        stdout_hash: Some([1; 32]),
        cpu_ms: Some(40),
        memory_bytes_max: None,
    };
    store.commit(&[Write::Output(output.clone())]).expect("it commits");
    let kept = WakeOutput { stdout: "x".repeat(OUTPUT_BYTES_MAX), dropped_bytes: 109, ..output.clone() };
    assert_eq!(store.wake_output(WakeId(1)).expect("it reads"), Some(kept));
    assert_eq!(store.wake_output(WakeId(2)).expect("it reads"), None);
    let stray = store.commit(&[Write::Output(WakeOutput { wake: WakeId(2), ..output })]);
    assert!(matches!(stray, Err(StoreError::NoSuchWake { wake: 2, .. })), "{stray:?}");
}

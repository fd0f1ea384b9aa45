//! A store of every version that ever was is taken over with all that it holds.

use crate::support::{app_id, full_task, open, task_name};
use bgfetch_core::{
    AppRecord, Constraint, Device, Elapsed, Event, Now, Outcome, Reason, Snapshot, Span, Stage, StopReason,
    TaskRecord, TaskResult, UserRecord, WakeEnded, WakeId, WakeReason, WakeRecord, Wall,
};
use bgfetch_host::store::{ChangedBy, ClockRow, Kind, Launch, Program, Query, Store, WakeOutput, WakeRow};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

const VERSION_1: &str = include_str!("version_1.sql");
const READER: &str = "com.example.reader";
const MAIL: &str = "me.mail";

/// The store that `sql` makes.
fn golden(directory: &Path, sql: &str) -> Store {
    let raw = Connection::open(directory.join("store.sqlite")).expect("it opens");
    raw.execute_batch(sql).expect("it is made");
    drop(raw);
    open(directory)
}

/// What tables, indexes and triggers a store has, without the white space.
fn schema(store: &Store) -> Vec<String> {
    let raw = Connection::open(store.path()).expect("it opens");
    let mut statement = raw
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .expect("it is prepared");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("it reads");
    rows.map(|sql| sql.expect("a text").split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn expected_snapshot() -> Snapshot {
    let reader = AppRecord {
        floor: Some(Span::from_mins(15)),
        failures: 2,
        overruns: 1,
        back_off_until: Some(Elapsed::from_millis(86_500_000)),
        last_begun: Some(Elapsed::from_millis(86_300_000)),
        last_outcome: Some(Outcome::NotStarted(Stage::Load)),
        ..AppRecord::new(app_id(READER), true)
    };
    let mail = AppRecord {
        switched_on: false,
        paused_until: Some(Wall::from_millis(-5)),
        force_quit: true,
        leaving: true,
        ..AppRecord::new(app_id(MAIL), false)
    };
    let sync = TaskRecord {
        name: task_name("sync"),
        options: r#"{"minimumInterval":900}"#.into(),
        floor: Some(Span::from_mins(15)),
        constraints: vec![
            Constraint::ExternalPower,
            Constraint::AnyNetwork,
            Constraint::UnmeteredNetwork,
            Constraint::Idle,
        ],
        registered: Elapsed::from_millis(1_000),
        last_begun: Some(Elapsed::from_millis(86_300_000)),
        orphan: false,
    };
    let orphan = TaskRecord {
        options: "{}".into(),
        floor: None,
        constraints: vec![],
        registered: Elapsed::from_millis(2_000),
        last_begun: None,
        ..full_task("ma tâche")
    };
    Snapshot {
        apps: vec![(reader, vec![orphan, sync]), (mail, vec![])],
        user: UserRecord {
            switched_on: false,
            restricted: true,
            paused_until: Some(Wall::from_millis(1_700_000_600_000)),
        },
        begun: vec![wake(4, WakeReason::Simulated, 0, 86_300_000, 1_700_086_300_000)],
        next_wake: WakeId(5),
        device: Device::default(),
        store_writable: true,
    }
}

fn wake(id: u64, reason: WakeReason, missed: u64, elapsed_ms: u64, wall_ms: i64) -> WakeRecord {
    let begun = Now { elapsed: Elapsed::from_millis(elapsed_ms), wall: Wall::from_millis(wall_ms) };
    WakeRecord { id: WakeId(id), app: app_id(READER), tasks: vec![task_name("sync")], reason, missed, begun }
}

fn expected_programs() -> Vec<Program> {
    let launch = Launch {
        program: "/usr/bin/node".into(),
        args: vec!["main.mjs".to_owned()],
        cwd: "/a".into(),
        env: BTreeMap::from([("LANG".to_owned(), "C".to_owned())]),
    };
    let reader = Program {
        app: app_id(READER),
        manifest: "/a/app.json".into(),
        program: "/a/main.mjs".into(),
        launch: Some(launch),
        kind: Kind::Node,
        seen: Wall::from_millis(1_700_000_000_000),
    };
    let mail = Program {
        app: app_id(MAIL),
        manifest: "/m.toml".into(),
        program: "/usr/bin/mbsync".into(),
        launch: None,
        kind: Kind::Command(ChangedBy::Output { last_hash: Some([0xab; 32]) }),
        seen: Wall::from_millis(1_700_000_000_001),
    };
    vec![reader, mail]
}

#[test]
fn a_store_of_version_1_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = golden(directory.path(), VERSION_1);
    store.check().expect("it is sound");
    assert_eq!(store.seed().cast_signed(), -2_401_053_088_876_216_593);
    assert_eq!(store.load().expect("it loads"), expected_snapshot());
    assert_eq!(store.programs().expect("it reads"), expected_programs());
    let clock = ClockRow {
        boot_id: "5a0c8f0e".to_owned(),
        boot_ms: 70_000,
        elapsed: Elapsed::from_millis(86_400_000),
        wall: Wall::from_millis(1_700_086_400_000),
    };
    assert_eq!(store.clock().expect("it reads"), Some(clock));
}

#[test]
fn the_past_of_a_store_of_version_1_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = golden(directory.path(), VERSION_1);
    let stop = Outcome::Stopped(StopReason::Constraint(Constraint::Idle));
    let ended = |id, outcome| {
        Some(WakeEnded {
            id: WakeId(id),
            app: app_id(READER),
            outcome,
            results: vec![(task_name("sync"), TaskResult::NewData)],
            ended: Elapsed::from_millis(1_000 * id + 500),
        })
    };
    let released = WakeReason::Released { held: bgfetch_core::Hold::Absence };
    let wakes = [
        (wake(1, WakeReason::Due, 0, 1_000, 1_700_000_000_000), ended(1, Outcome::NewData)),
        (
            wake(2, released, 1, 2_000, 1_700_000_000_001),
            ended(2, Outcome::Stopped(StopReason::HostStopping)),
        ),
        (wake(3, WakeReason::Retry { failures: 2 }, 2, 3_000, 1_700_000_000_002), ended(3, stop)),
        (expected_snapshot().begun.remove(0), None),
    ];
    let wakes = wakes.map(|(begun, ended)| WakeRow { begun, ended });
    assert_eq!(store.wakes(None, 10).expect("it reads"), wakes);
    let output = WakeOutput {
        wake: WakeId(3),
        stdout: "3 new".to_owned(),
        stderr: String::new(),
        dropped_bytes: 12,
        stdout_hash: Some([0xcd; 32]),
        cpu_ms: Some(40),
        memory_bytes_max: Some(1 << 20),
    };
    assert_eq!(store.wake_output(WakeId(3)).expect("it reads"), Some(output));
    let journal = store.journal(&Query::default()).expect("it reads");
    let numbers: Vec<_> = journal.iter().map(|row| row.sequence).collect();
    assert_eq!(numbers, [7, 8, 9, 10]);
    let events: Vec<_> = journal.iter().map(|row| row.entry.event.clone()).collect();
    let floor = Span::from_mins(15);
    assert_eq!(
        events,
        [
            Event::HostStarted { away: Span::from_secs(5), in_order: false },
            Event::Registered { task: task_name("sync") },
            Event::Held { reason: Reason::Floor { floor } },
            Event::Ended { outcome: stop, took: Span::from_millis(500) },
        ]
    );
    assert_eq!((journal[3].entry.wake, journal[0].entry.app.as_ref()), (Some(WakeId(3)), None));
}

#[test]
fn an_old_store_taken_over_is_built_like_a_new_one() {
    let old = tempfile::tempdir().expect("a directory");
    let new = tempfile::tempdir().expect("a directory");
    assert_eq!(schema(&golden(old.path(), VERSION_1)), schema(&open(new.path())));
}

#[test]
fn a_file_of_no_bytes_is_a_store_that_was_about_to_be_made() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("store.sqlite"), "").expect("written");
    assert_eq!(open(directory.path()).load().expect("it loads").next_wake, WakeId(1));
}

//! The schema knows the life cycle: whoever writes, a state that there is not is refused, with the whole batch.

use crate::support::{app_id, change, ended, entry, full_app, full_task, open, wake};
use bgfetch_core::{AppRecord, Change, Event, WakeId};
use bgfetch_host::store::{ChangedBy, Kind, Program, Query, StoreError, Write};
use rusqlite::Connection;

const READER: &str = "com.example.reader";
const MAIL: &str = "me.mail";

/// A sound store to be broken: an app with a task, an ended wake with output, and a begun one.
const SOUND: &str = "
    INSERT INTO apps VALUES ('a.b', 1, NULL, 1, NULL, 0, 0, 0, NULL, NULL, NULL, 0);
    INSERT INTO tasks VALUES ('a.b', 't', '{}', NULL, '[]', 0, NULL, 0);
    INSERT INTO wakes VALUES (1, 'a.b', 'begun', '[]', '{}', 0, 5, 0, NULL, NULL, NULL);
    UPDATE wakes SET state = 'ended', outcome = '\"lost\"', results = '[]', ended_elapsed_ms = 6 WHERE id = 1;
    INSERT INTO wakes VALUES (2, 'a.b', 'begun', '[]', '{}', 0, 7, 0, NULL, NULL, NULL);
    INSERT INTO outputs VALUES (1, 'a.b', '', '', 0, NULL, NULL, NULL);
    INSERT INTO journal VALUES (1, 'a.b', 1, 0, 0, '{}');
";

/// What must be refused, and what the refusal must say.
const BROKEN: &[(&str, &str)] = &[
    ("UPDATE host SET seed = seed + 1", "the seed is made once"),
    ("UPDATE host SET next_wake = next_wake - 1", "never goes back"),
    ("UPDATE host SET boot_id = 'x'", "CHECK"),
    ("UPDATE host SET switched_on = 2", "CHECK"),
    ("INSERT INTO host (id, seed, next_wake, switched_on, restricted) VALUES (2, 0, 1, 1, 0)", "CHECK"),
    ("UPDATE apps SET id = ''", "CHECK"),
    ("UPDATE apps SET id = printf('%.257c', 'x')", "CHECK"),
    ("UPDATE apps SET declared = 2", "CHECK"),
    ("UPDATE apps SET floor_ms = -1", "CHECK"),
    ("UPDATE apps SET failures = -1", "CHECK"),
    ("UPDATE apps SET failures = 'many'", "cannot store TEXT value in INTEGER column"),
    ("UPDATE apps SET last_outcome = 'lost'", "CHECK"),
    ("DELETE FROM apps", "an app with a begun wake is not removed"),
    ("UPDATE tasks SET app = 'no.app'", "FOREIGN KEY"),
    ("UPDATE tasks SET name = ''", "CHECK"),
    ("UPDATE tasks SET name = printf('%.257c', 'x')", "CHECK"),
    ("UPDATE tasks SET options = '[]'", "CHECK"),
    ("UPDATE tasks SET options = '{'", "CHECK"),
    ("UPDATE tasks SET constraints = '{}'", "CHECK"),
    ("INSERT INTO tasks VALUES ('a.b', 't', '{}', NULL, '[]', 0, NULL, 0)", "UNIQUE"),
    (
        "INSERT INTO programs VALUES ('no.app', x'2f', x'2f', NULL, NULL, NULL, NULL, 'node', NULL, NULL, 0)",
        "FOREIGN KEY",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', NULL, NULL, NULL, NULL, 'perl', NULL, NULL, 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', NULL, NULL, NULL, NULL, 'command', NULL, NULL, 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', NULL, NULL, NULL, NULL, 'node', 'output', NULL, 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', NULL, NULL, NULL, NULL, 'command', 'output', x'00', 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', NULL, NULL, NULL, NULL, 'command', 'exit_status', zeroblob(32), 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'2f', x'2f', x'2f', NULL, NULL, NULL, 'node', NULL, NULL, 0)",
        "CHECK",
    ),
    (
        "INSERT INTO programs VALUES ('a.b', x'', x'2f', NULL, NULL, NULL, NULL, 'node', NULL, NULL, 0)",
        "CHECK",
    ),
    ("INSERT INTO wakes VALUES (3, 'a.b', 'begun', '[]', '{}', 0, 8, 0, NULL, NULL, NULL)", "UNIQUE"),
    (
        "INSERT INTO wakes VALUES (1, 'a.b', 'begun', '[]', '{}', 0, 8, 0, NULL, NULL, NULL)",
        "a wake number is used once",
    ),
    (
        "INSERT INTO wakes VALUES (3, 'no.app', 'begun', '[]', '{}', 0, 8, 0, NULL, NULL, NULL)",
        "only a known app is woken",
    ),
    (
        "INSERT INTO wakes VALUES (3, 'a.b', 'ended', '[]', '{}', 0, 8, 0, '{}', '[]', 9)",
        "a wake begins before it ends",
    ),
    ("UPDATE wakes SET state = 'paused' WHERE id = 2", "CHECK"),
    ("UPDATE wakes SET state = 'ended' WHERE id = 2", "CHECK"),
    ("UPDATE wakes SET outcome = '{}' WHERE id = 2", "CHECK"),
    ("UPDATE wakes SET results = '[]' WHERE id = 2", "CHECK"),
    ("UPDATE wakes SET state = 'ended', outcome = '{}', results = '[]' WHERE id = 2", "CHECK"),
    (
        "UPDATE wakes SET state = 'ended', outcome = '{}', results = '[]', ended_elapsed_ms = 6 WHERE id = 2",
        "CHECK",
    ),
    (
        "UPDATE wakes SET state = 'ended', outcome = 'x', results = '[]', ended_elapsed_ms = 9 WHERE id = 2",
        "CHECK",
    ),
    ("UPDATE wakes SET outcome = '{}' WHERE id = 1", "a wake has one outcome"),
    ("UPDATE wakes SET app = 'c.d' WHERE id = 2", "how a wake began does not change"),
    ("UPDATE wakes SET missed = 9 WHERE id = 2", "how a wake began does not change"),
    ("DELETE FROM wakes WHERE id = 2", "ends before it is forgotten"),
    ("INSERT INTO outputs VALUES (9, 'a.b', '', '', 0, NULL, NULL, NULL)", "FOREIGN KEY"),
    ("UPDATE outputs SET stdout_hash = x'00'", "CHECK"),
    ("UPDATE outputs SET dropped_bytes = -1", "CHECK"),
    ("UPDATE outputs SET cpu_ms = -1", "CHECK"),
    ("UPDATE outputs SET memory_bytes_max = -1", "CHECK"),
    ("UPDATE journal SET event = 'x'", "CHECK"),
    ("UPDATE journal SET event = '[]'", "CHECK"),
    ("UPDATE journal SET app = ''", "CHECK"),
    ("UPDATE journal SET elapsed_ms = -1", "CHECK"),
];

#[test]
fn each_rule_of_the_schema_refuses() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = open(directory.path()).path().to_owned();
    let raw = Connection::open(path).expect("it opens");
    raw.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF").expect("it is set");
    raw.execute_batch(SOUND).expect("the sound rows are taken");
    for (sql, says) in BROKEN {
        let refusal = raw.execute(sql, []).expect_err(sql).to_string();
        assert!(refusal.contains(says), "`{sql}` was refused with `{refusal}`, not `{says}`");
    }
}

#[test]
fn a_refused_write_takes_its_whole_batch_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let batch = [
        change(Change::App(full_app(READER))),
        change(Change::App(AppRecord::new(app_id(MAIL), true))),
        change(Change::WakeBegun(wake(1, READER, 5))),
        change(Change::WakeBegun(wake(2, MAIL, 5))),
        change(Change::WakeEnded(ended(2, MAIL, 6))),
    ];
    store.commit(&batch).expect("it commits");
    let before = store.load().expect("it loads");
    let command = Program {
        app: app_id("no.app"),
        manifest: "/m".into(),
        program: "/p".into(),
        launch: None,
        kind: Kind::Command(ChangedBy::ExitStatus),
        seen: bgfetch_core::Wall::from_millis(0),
    };
    let refused = [
        (change(Change::WakeBegun(wake(3, READER, 9))), "UNIQUE constraint failed: wakes.app"),
        (change(Change::WakeBegun(wake(2, MAIL, 9))), "a wake number is used once"),
        (change(Change::WakeBegun(wake(3, "no.app", 9))), "only a known app is woken"),
        (change(Change::Task(app_id("no.app"), full_task("sync"))), "FOREIGN KEY constraint failed"),
        (change(Change::AppRemoved(app_id(READER))), "an app with a begun wake is not removed"),
        (Write::Program(command), "FOREIGN KEY constraint failed"),
    ];
    for (write, says) in refused {
        let batch = [
            change(Change::Task(app_id(MAIL), full_task("never"))),
            change(Change::Journal(entry(None, 7, Event::HostStopped))),
            write,
        ];
        match store.commit(&batch) {
            Err(StoreError::Refused { rule, path }) => {
                assert!(rule.contains(says), "{rule}");
                assert_eq!(path, directory.path().join("store.sqlite"));
            }
            other => panic!("{batch:?} gave {other:?}"),
        }
        assert_eq!(store.load().expect("it loads"), before);
        assert_eq!(store.journal(&Query::default()).expect("it reads"), []);
    }
}

#[test]
fn a_wake_ends_once_and_for_its_own_app() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let apps = [change(Change::App(full_app(READER))), change(Change::App(full_app(MAIL)))];
    store.commit(&apps).expect("it commits");
    store.commit(&[change(Change::WakeBegun(wake(1, READER, 5)))]).expect("it commits");
    let end = |store: &mut bgfetch_host::store::Store, id, app| {
        store.commit(&[change(Change::WakeEnded(ended(id, app, 6)))])
    };
    for (id, app) in [(2, READER), (1, MAIL)] {
        let stray = end(&mut store, id, app);
        assert!(matches!(stray, Err(StoreError::NoSuchWake { wake, .. }) if wake == id), "{stray:?}");
    }
    end(&mut store, 1, READER).expect("it ends");
    let second = end(&mut store, 1, READER).expect_err("it has ended");
    let path = directory.path().join("store.sqlite");
    let said = format!("the store `{}` knows no wake 1 that could end; nothing was changed", path.display());
    assert_eq!(second.to_string(), said);
    assert_eq!(store.load().expect("it loads").next_wake, WakeId(2));
}

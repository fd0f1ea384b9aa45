//! A store that can not be used says what is wrong with which file and what to do, and stays exactly as it is.

use crate::support::{KEEP, app_id, change, full_task, open};
use bgfetch_core::{AppRecord, Change};
use bgfetch_host::store::{OpenError, Store, StoreError};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// A store with a hundred tasks, closed in order.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let path = store.path().to_owned();
    let mut batch = vec![change(Change::App(AppRecord::new(app_id("a.b"), true)))];
    batch.extend((0..100).map(|i| change(Change::Task(app_id("a.b"), full_task(&format!("task {i}"))))));
    store.commit(&batch).expect("it commits");
    (directory, path)
}

/// The error of opening, after a look that nothing in the directory has changed.
fn refused(directory: &Path) -> OpenError {
    let contents = || {
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("a directory")
            .map(|file| file.expect("a file").path())
            .filter(|path| path.is_file() && !path.to_string_lossy().ends_with("-shm"))
            .map(|path| (path.clone(), fs::read(path).expect("it can be read")))
            .filter(|(_, bytes)| !bytes.is_empty())
            .collect();
        files.sort();
        files
    };
    let before = contents();
    let error = Store::open(directory, KEEP).expect_err("it does not open");
    assert!(before == contents(), "a file was changed by opening it: {error}");
    error
}

fn assert_damaged(directory: &Path, path: &Path) {
    let error = refused(directory);
    assert!(matches!(error, OpenError::Store(StoreError::Damaged { .. })), "{error:?}");
    let said = error.to_string();
    assert!(said.starts_with(&format!("the store `{}` is damaged (", path.display())), "{said}");
    assert!(said.contains("was left as it is: to begin anew, move it"), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.sqlite");
    fs::write(&path, "not a database, and longer than the hundred bytes of a header. ".repeat(40))
        .expect("written");
    assert_damaged(directory.path(), &path);
}

#[test]
fn a_torn_page_is_damage() {
    let (directory, path) = filled();
    let mut bytes = fs::read(&path).expect("it can be read");
    let pages = bytes.len() / 4096;
    for page in 1..pages {
        bytes[page * 4096..page * 4096 + 64].fill(0xA5);
    }
    fs::write(&path, bytes).expect("written");
    assert_damaged(directory.path(), &path);
}

#[test]
fn a_file_cut_short_is_damage() {
    let (directory, path) = filled();
    let bytes = fs::read(&path).expect("it can be read");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    assert_damaged(directory.path(), &path);
}

#[test]
fn damage_that_comes_later_is_found_by_the_check() {
    let (directory, path) = filled();
    let raw = Connection::open(&path).expect("it opens");
    // A reference to nothing is no damage to SQLite, so that opening does not see it.
    raw.execute_batch("PRAGMA foreign_keys = OFF; UPDATE tasks SET app = 'no.app' WHERE name = 'task 7'")
        .expect("it is written");
    drop(raw);
    let found = open(directory.path()).check().expect_err("it is not sound").to_string();
    assert!(found.contains("a row of `tasks` refers to an app or wake that is not there"), "{found}");
}

#[test]
fn a_row_that_can_not_be_read_names_its_table() {
    let (directory, path) = filled();
    let raw = Connection::open(&path).expect("it opens");
    raw.execute_batch(r#"UPDATE tasks SET constraints = '["moonlight"]' WHERE name = 'task 7'"#)
        .expect("written");
    drop(raw);
    let error = open(directory.path()).load().expect_err("it can not be read");
    assert!(matches!(&error, StoreError::Row { table: "tasks", .. }), "{error:?}");
    assert!(error.to_string().contains("moonlight"), "{error}");
}

#[test]
fn a_newer_store_names_both_versions() {
    let (directory, path) = filled();
    let raw = Connection::open(&path).expect("it opens");
    raw.execute_batch("PRAGMA user_version = 99; CREATE TABLE moons (name TEXT)").expect("it is set");
    drop(raw);
    let error = refused(directory.path());
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("has version 99 and this program knows versions up to 1"), "{said}");
}

#[test]
fn the_log_of_a_newer_store_is_not_touched_either() {
    let (directory, path) = filled();
    let raw = Connection::open(&path).expect("it opens");
    raw.execute_batch("PRAGMA user_version = 99").expect("it is set");
    // The newer program was killed: what it wrote last is in the log alone.
    let copy = tempfile::tempdir().expect("a directory");
    for name in ["store.sqlite", "store.sqlite-wal"] {
        fs::copy(directory.path().join(name), copy.path().join(name)).expect("copied");
    }
    assert!(fs::metadata(copy.path().join("store.sqlite-wal")).expect("it is there").len() > 0);
    let error = refused(copy.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
}

#[test]
fn another_programs_database_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.sqlite");
    let raw = Connection::open(&path).expect("it opens");
    raw.execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')")
        .expect("written");
    drop(raw);
    let error = refused(directory.path());
    assert!(matches!(&error, OpenError::Foreign(foreign) if *foreign == path), "{error:?}");
}

#[test]
fn a_path_that_is_something_else_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "mine").expect("written");
    for path in [file.clone(), file.join("deeper")] {
        let error = Store::open(&path, KEEP).expect_err("it is no directory");
        assert!(matches!(&error, OpenError::NotADirectory(named) if *named == path), "{error:?}");
    }
    let inside = directory.path().join("store.sqlite");
    fs::create_dir(&inside).expect("a directory");
    let error = refused(directory.path());
    assert!(matches!(&error, OpenError::NotAFile(named) if *named == inside), "{error:?}");
}

#[test]
fn a_store_that_another_program_writes_is_locked_and_then_is_not() {
    let (directory, path) = filled();
    let mut store = open(directory.path());
    let other = Connection::open(&path).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is locked");
    let app = [change(Change::App(AppRecord::new(app_id("c.d"), true)))];
    let error = store.commit(&app).expect_err("it is locked");
    assert!(matches!(&error, StoreError::Locked(locked) if *locked == path), "{error:?}");
    assert_eq!(store.load().expect("it can be read").apps.len(), 1);
    other.execute_batch("ROLLBACK").expect("it is free");
    store.commit(&app).expect("it commits");
}

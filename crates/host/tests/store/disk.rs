//! A full disk, a read-only one, and one of another user: the error says so, nothing is half written, and when the
//! person has mended it the store goes on.
//!
//! Each runs in a child with mounts or a user of its own. Where the system allows neither, the test says that it did
//! not look.

use crate::support::{KEEP, app_id, change, full_task, open};
use bgfetch_core::{AppRecord, Change};
use bgfetch_host::store::{OpenError, Store, StoreError, Write};
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DIRECTORY: &str = "BGFETCH_TEST_STORE_DISK";
const NOBODY: u32 = 65_534;

fn given() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// A task with 3,000 bytes of options, so that a small disk is soon full.
fn thick(n: usize) -> Write {
    let options = format!(r#"{{"text":"{}"}}"#, "x".repeat(3_000));
    let task = bgfetch_core::TaskRecord { options: options.into(), ..full_task(&format!("task {n}")) };
    change(Change::Task(app_id("a.b"), task))
}

fn tasks(store: &Store) -> usize {
    store.load().expect("it loads").apps.iter().map(|(_, tasks)| tasks.len()).sum()
}

fn known(store: &mut Store) {
    store.commit(&[change(Change::App(AppRecord::new(app_id("a.b"), true)))]).expect("it commits");
}

/// Runs `child` of this file after `mounts`, with mounts of its own; `None` where the system does not allow that.
fn in_mounts(child: &str, directory: &Path, mounts: &str) -> Option<Output> {
    let unshare = |command: &str| {
        let flags = ["--user", "--map-root-user", "--mount", "sh", "-ec", command];
        let mut unshare = Command::new("unshare");
        unshare
            .args(flags)
            .env(DIRECTORY, directory)
            .env("TEST_PROGRAM", env::current_exe().expect("this program"));
        unshare.output()
    };
    if !unshare(mounts).is_ok_and(|output| output.status.success()) {
        eprintln!("not looked at: this system lets no user mount (`unshare --user --mount`)");
        return None;
    }
    let command = format!(r#"{mounts}; exec "$TEST_PROGRAM" --exact disk::{child} --ignored --nocapture"#);
    Some(unshare(&command).expect("it ran a moment ago"))
}

fn assert_passed(output: &Output) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}

#[test]
#[ignore = "is started by a test below, on a disk of 600 KiB"]
fn child_on_a_small_disk() {
    let Some(directory) = given() else { return };
    let ballast = directory.join("ballast");
    fs::write(&ballast, vec![0; 100 << 10]).expect("there is room yet");
    let mut store = open(&directory);
    known(&mut store);
    let mut committed = 0;
    let error = loop {
        // Two in one batch: either both are there or none.
        match store.commit(&[thick(2 * committed), thick(2 * committed + 1)]) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
        assert!(committed < 1_000, "the disk does not get full");
    };
    assert!(matches!(&error, StoreError::Full(path) if *path == directory.join("store.sqlite")), "{error:?}");
    assert!(error.to_string().starts_with("no room is left for the store `"), "{error}");
    assert!(committed > 10, "{committed}");
    assert_eq!(tasks(&store), 2 * committed, "nothing is half written");
    fs::remove_file(ballast).expect("the person frees some room");
    store.commit(&[thick(2 * committed), thick(2 * committed + 1)]).expect("the same store goes on");
    drop(store);
    let store = open(&directory);
    assert_eq!(tasks(&store), 2 * committed + 2);
    store.check().expect("it is sound");
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mounts = format!(r#"mount -t tmpfs -o size=600k none "${DIRECTORY}""#);
    if let Some(output) = in_mounts("child_on_a_small_disk", directory.path(), &mounts) {
        assert_passed(&output);
    }
}

#[test]
#[ignore = "is started by a test below, on a disk of 600 KiB"]
fn child_that_opens_on_a_full_disk() {
    let Some(directory) = given() else { return };
    let ballast = directory.join("ballast");
    for room_kib in [0, 8, 40] {
        fs::write(&ballast, vec![0; (596 - room_kib) << 10]).expect("there is room yet");
        let error = Store::open(&directory, KEEP).expect_err("there is no room for a store");
        assert!(matches!(error, OpenError::Store(StoreError::Full(_))), "with {room_kib} KiB: {error:?}");
        fs::remove_file(&ballast).expect("the person frees some room");
    }
    known(&mut open(&directory));
    assert_eq!(open(&directory).load().expect("it loads").apps.len(), 1);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let mounts = format!(r#"mount -t tmpfs -o size=600k none "${DIRECTORY}""#);
    if let Some(output) = in_mounts("child_that_opens_on_a_full_disk", directory.path(), &mounts) {
        assert_passed(&output);
    }
}

#[test]
#[ignore = "is started by a test below, where its directory is read-only"]
fn child_on_a_read_only_disk() {
    let Some(directory) = given() else { return };
    let error = Store::open(&directory, KEEP).expect_err("it can not be written");
    let path = directory.join("store.sqlite");
    assert!(matches!(&error, OpenError::Store(StoreError::ReadOnly(named)) if *named == path), "{error:?}");
    assert!(error.to_string().contains("is read-only: make its directory and its disk writable"), "{error}");
}

#[test]
fn a_read_only_disk_is_said_with_and_without_a_store_on_it() {
    let mounts =
        format!(r#"mount --bind "${DIRECTORY}" "${DIRECTORY}"; mount -o remount,bind,ro "${DIRECTORY}""#);
    for was_there in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        if was_there {
            known(&mut open(directory.path()));
        }
        if let Some(output) = in_mounts("child_on_a_read_only_disk", directory.path(), &mounts) {
            assert_passed(&output);
        }
        let left = open(directory.path()).load().expect("it loads").apps.len();
        assert_eq!(left, usize::from(was_there));
    }
}

#[test]
#[ignore = "is started by a test below, as a user who may not"]
fn child_of_another_user() {
    let Some(directory) = given() else { return };
    let error = Store::open(&directory, KEEP).expect_err("it is another user's");
    assert!(matches!(&error, OpenError::Store(StoreError::NoPermission(_))), "{error:?}");
    assert!(error.to_string().contains("must belong to the user who runs the host"), "{error}");
}

#[test]
fn a_store_of_another_user_is_said() {
    // What the other user may do with the directory, and with the file.
    for (directory_mode, file_mode) in [(0o700, 0o600), (0o755, 0o600), (0o755, 0o644), (0o755, 0o666)] {
        let outer = tempfile::tempdir().expect("a directory");
        fs::set_permissions(outer.path(), Permissions::from_mode(0o755)).expect("it is set");
        let directory = outer.path().join("store");
        known(&mut open(&directory));
        let mode =
            |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is set");
        mode(&directory.join("store.sqlite"), file_mode);
        mode(&directory, directory_mode);
        // The test program may stand where only its user can read.
        let program = outer.path().join("program");
        fs::copy(env::current_exe().expect("this program"), &program).expect("copied");
        let mut child = Command::new(&program);
        child.args(["--exact", "disk::child_of_another_user", "--ignored", "--nocapture"]);
        match child.env(DIRECTORY, &directory).current_dir("/").uid(NOBODY).gid(NOBODY).output() {
            Ok(output) => assert_passed(&output),
            Err(error) => eprintln!("not looked at: this user can not become another ({error})"),
        }
        mode(&directory, 0o700);
        assert_eq!(open(&directory).load().expect("it loads").apps.len(), 1);
    }
}

//! Opening: the directory, the file, its settings, its health, its version.

use super::error::{OpenError, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name in its directory.
pub(super) const FILE_NAME: &str = "store.sqlite";

/// Marks the file as ours (`bgfe`), so that another program's database is never taken for a store.
const APPLICATION_ID: i64 = 0x6267_6665;

/// How each version is made from the one before it.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_initial.sql")];

/// The newest version of a store that this program knows.
const VERSION: usize = MIGRATIONS.len();

/// How long another program's transaction may take before the store counts as locked.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// Every statement of this room stays prepared.
const STATEMENTS_MAX: usize = 64;

/// The log grows to this many pages (4 MiB) before it is folded into the file and written from its start again. Writing
/// over what is there is cheaper to sync than making the log longer, so a longer log makes slower commits.
const CHECKPOINT_PAGES: i64 = 1_000;

pub(super) fn open(directory: &Path) -> Result<(PathBuf, Connection), OpenError> {
    make_directory(directory)?;
    let path = directory.join(FILE_NAME);
    make_file(directory, &path)?;
    let fail = |error| StoreError::of(&path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(|error| unopened(&path, error))?;
    // SQLite opens what it may not write for reading; a store that can only be read keeps nothing.
    if connection.is_readonly("main").map_err(fail)? {
        return Err(StoreError::ReadOnly(path).into());
    }
    // Until it is known to be ours and of a version we know, not even the log may be folded into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    // The first read opens the log beside the file, or makes it.
    connection.query_row("PRAGMA user_version", [], |_| Ok(())).map_err(|error| unopened(&path, error))?;
    let found = version(&connection, &path)?;
    check(&connection, &path)?;
    settle(&connection, &path)?;
    if found < VERSION {
        migrate(&mut connection, &path)?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok((path, connection))
}

/// Makes the directory, open to its user alone, unless it is there.
fn make_directory(directory: &Path) -> Result<(), OpenError> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => return Err(OpenError::NotADirectory(directory.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(OpenError::NotADirectory(directory.to_owned()));
        }
        Err(error) => return Err(StoreError::of_io(directory, error).into()),
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    let synced = made.and_then(|()| directory.parent().map_or(Ok(()), sync_directory));
    synced.map_err(|error| StoreError::of_io(directory, error).into())
}

/// Makes the file, readable by its user alone. SQLite gives the files beside it the same mode.
fn make_file(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let fail = |error| StoreError::of_io(path, error);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.sync_all().and_then(|()| sync_directory(directory)).map_err(fail)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata = fs::metadata(path).map_err(fail)?;
            if !metadata.is_file() {
                return Err(OpenError::NotAFile(path.to_owned()));
            }
            // A task's options may hold what others must not read: a copy put back with a loose mode is tightened.
            if metadata.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(fail)?;
            }
        }
        Err(error) => return Err(fail(error).into()),
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    // The parent of a relative path of one part is the empty path.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}

/// Finds out what SQLite does not say: why it could not open the store's file, or make those beside it.
fn unopened(path: &Path, error: rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return StoreError::of(path, error);
    }
    let probe = path.with_extension("probe");
    let beside = || {
        OpenOptions::new().write(true).create_new(true).open(&probe)?;
        fs::remove_file(&probe)
    };
    match OpenOptions::new().read(true).write(true).open(path).map(drop).and_then(|()| beside()) {
        Err(found) => StoreError::of_io(path, found),
        Ok(()) => StoreError::of(path, error),
    }
}

/// The store's version; 0 for a file without anything in it.
fn version(connection: &Connection, path: &Path) -> Result<usize, OpenError> {
    // One statement, so that it is one moment, should another host be making the store just now.
    let sql = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) \
         FROM pragma_user_version, pragma_application_id";
    let row = connection.query_row(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)? == 0))
    });
    let (found, application, is_empty) = row.map_err(|error| StoreError::of(path, error))?;
    if found == 0 && application == 0 && is_empty {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    match usize::try_from(found) {
        Ok(version @ 1..=VERSION) => Ok(version),
        Ok(1..) => Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION }),
        // Versions begin at 1: one below was written by no program.
        _ => Err(damaged(path, format!("its version is {found}")).into()),
    }
}

/// Reads every page, so that damage is found now and not when a wake is due.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict.map_err(|error| StoreError::of(path, error))? {
        fine if fine == "ok" => Ok(()),
        detail => Err(damaged(path, detail)),
    }
}

/// As [`check`], and every index against its table, and every reference against what it refers to.
pub(super) fn check_thoroughly(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |error| StoreError::of(path, error);
    let mut statement = connection.prepare("PRAGMA integrity_check(10)").map_err(fail)?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
    let lines: Vec<_> = lines.collect::<Result<_, _>>().map_err(fail)?;
    if lines != ["ok"] {
        return Err(damaged(path, lines.join("; ")));
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check").map_err(fail)?;
    let mut rows = statement.query([]).map_err(fail)?;
    match rows.next().map_err(fail)? {
        None => Ok(()),
        Some(row) => {
            let table: String = row.get(0).map_err(fail)?;
            Err(damaged(path, format!("a row of `{table}` refers to an app or wake that is not there")))
        }
    }
}

fn damaged(path: &Path, detail: String) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), detail }
}

/// The settings of every connection: what is committed is on the disk, and what is read is not trusted.
fn settle(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let fail = |error| StoreError::of(path, error);
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    let mode = mode.map_err(fail)?;
    if mode != "wal" {
        return Err(OpenError::Unsuitable { path: path.to_owned(), mode });
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    // Where a plain sync does not reach the disk (macOS), ask for the one that does.
    connection.pragma_update(None, "fullfsync", true).map_err(fail)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(fail)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(fail)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(fail)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(fail)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(fail)?;
    Ok(())
}

/// Brings the store to [`VERSION`], each step in a transaction of its own.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let fail = |error| StoreError::of(path, error);
    // A step may rebuild a table that others refer to.
    connection.pragma_update(None, "foreign_keys", false).map_err(fail)?;
    loop {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        // Read again inside the transaction: another host may have begun at the same moment.
        let found = version(&transaction, path)?;
        let Some(step) = MIGRATIONS.get(found) else {
            return Ok(());
        };
        transaction.execute_batch(step).map_err(fail)?;
        if found == 0 {
            transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
            let seed =
                getrandom::u64().map_err(|source| OpenError::Seed { path: path.to_owned(), source })?;
            let sql =
                "INSERT INTO host (id, seed, next_wake, switched_on, restricted) VALUES (1, ?1, 1, 1, 0)";
            transaction.execute(sql, [seed.cast_signed()]).map_err(fail)?;
        }
        transaction.execute_batch(&format!("PRAGMA user_version = {}", found + 1)).map_err(fail)?;
        transaction.commit().map_err(fail)?;
    }
}

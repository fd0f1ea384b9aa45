//! Reading: what a scheduler begins from, and what people ask of the past.

use super::Store;
use super::error::StoreError;
use super::program::{self, Program};
use super::rows::{self, APP_COLUMNS, JOURNAL_COLUMNS, TASK_COLUMNS, WAKE_COLUMNS};
use super::write::{ClockRow, WakeOutput};
use bgfetch_core::{
    AppId, AppRecord, Device, Elapsed, Entry, Snapshot, TaskRecord, UserRecord, WakeEnded, WakeId,
    WakeRecord, Wall,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::path::Path;

/// Which entries of the journal; every one, unless a member says less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Those of this app alone.
    pub app: Option<AppId>,
    /// Those of this wake alone.
    pub wake: Option<WakeId>,
    /// Those after the one with this sequence number.
    pub after: Option<i64>,
    /// Those dated since then.
    pub since: Option<Wall>,
    /// The newest so many of them.
    pub last: Option<u32>,
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number: from 1, rising, never used twice.
    pub sequence: i64,
    /// The entry.
    pub entry: Entry,
}

/// A wake, running or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeRow {
    /// How it began.
    pub begun: WakeRecord,
    /// How it ended, once it has.
    pub ended: Option<WakeEnded>,
}

impl Store {
    /// Everything a scheduler begins from, sorted by name. The device is unknown until a sensor speaks.
    pub fn load(&self) -> Result<Snapshot, StoreError> {
        let (connection, path) = (&self.connection, &self.path);
        let fail = |error| StoreError::of(path, error);
        // One view of it all, should another program write meanwhile.
        let transaction = connection.unchecked_transaction().map_err(fail)?;
        let apps =
            self.rows("apps", &format!("SELECT {APP_COLUMNS} FROM apps ORDER BY id"), [], rows::app)?;
        let apps = with_tasks(&transaction, path, apps)?;
        let begun = format!("SELECT {WAKE_COLUMNS} FROM wakes WHERE state = 'begun' ORDER BY +id");
        // The plus keeps SQLite from walking through every ended wake only because they are sorted already.
        let begun = self.rows("wakes", &begun, [], |row| Ok(rows::wake(row)?.0))?;
        let host = "SELECT switched_on, restricted, paused_until_wall_ms, next_wake FROM host";
        let host = transaction.query_row(host, [], |row| {
            let user = UserRecord {
                switched_on: row.get(0)?,
                restricted: row.get(1)?,
                paused_until: rows::optional_wall(row, 2)?,
            };
            Ok((user, WakeId(rows::unsigned(row, 3)?)))
        });
        let (user, next_wake) = host.map_err(|error| StoreError::of_row(path, "host", error))?;
        Ok(Snapshot { apps, user, begun, next_wake, device: Device::default(), store_writable: true })
    }

    /// Where the clocks stood at the last commit that said so; none before the first.
    pub fn clock(&self) -> Result<Option<ClockRow>, StoreError> {
        let sql = "SELECT boot_id, boot_ms, elapsed_ms, wall_ms FROM host WHERE boot_id IS NOT NULL";
        let clock = self.connection.query_row(sql, [], |row| {
            Ok(ClockRow {
                boot_id: row.get(0)?,
                boot_ms: rows::unsigned(row, 1)?,
                elapsed: Elapsed::from_millis(rows::unsigned(row, 2)?),
                wall: Wall::from_millis(row.get(3)?),
            })
        });
        clock.optional().map_err(|error| StoreError::of_row(&self.path, "host", error))
    }

    /// The program of every app that has one, sorted by the app's id.
    pub fn programs(&self) -> Result<Vec<Program>, StoreError> {
        self.rows("programs", program::SELECT, [], program::from_row)
    }

    /// The entries that `query` asks for, in the order in which they were written.
    pub fn journal(&self, query: &Query) -> Result<Vec<JournalRow>, StoreError> {
        let of_app = if query.app.is_some() { "app = ?1" } else { "?1 IS NULL" };
        let dated = if query.since.is_some() { "wall_ms >= ?3" } else { "?3 IS NULL" };
        let of_wake = if query.wake.is_some() { "wake = ?5" } else { "?5 IS NULL" };
        let sql = format!(
            "SELECT * FROM (SELECT {JOURNAL_COLUMNS} FROM journal WHERE {of_app} AND {of_wake} AND sequence > ?2 \
             AND {dated} ORDER BY sequence DESC LIMIT ?4) ORDER BY sequence"
        );
        let app = query.app.as_ref().map(AppId::as_str);
        let since = query.since.map(Wall::as_millis);
        let wake = query.wake.map(|wake| rows::signed(wake.0));
        let wanted = params![app, query.after.unwrap_or(0), since, limit(query.last), wake];
        self.rows("journal", &sql, wanted, |row| {
            Ok(JournalRow { sequence: row.get(0)?, entry: rows::entry(row)? })
        })
    }

    /// The last so many wakes, of one app or of all, in the order in which they began.
    pub fn wakes(&self, app: Option<&AppId>, last: u32) -> Result<Vec<WakeRow>, StoreError> {
        let of_app = if app.is_some() { "app = ?1" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT * FROM (SELECT {WAKE_COLUMNS} FROM wakes WHERE {of_app} ORDER BY id DESC LIMIT ?2) ORDER BY id"
        );
        self.rows("wakes", &sql, params![app.map(AppId::as_str), last], |row| {
            let (begun, ended) = rows::wake(row)?;
            Ok(WakeRow { begun, ended })
        })
    }

    /// What a wake printed and cost; none if it had no output yet, or has it no longer.
    pub fn wake_output(&self, wake: WakeId) -> Result<Option<WakeOutput>, StoreError> {
        let sql = "SELECT stdout, stderr, dropped_bytes, stdout_hash, cpu_ms, memory_bytes_max FROM outputs \
             WHERE wake = ?1";
        let output = self.connection.query_row(sql, [rows::signed(wake.0)], |row| {
            Ok(WakeOutput {
                wake,
                stdout: row.get(0)?,
                stderr: row.get(1)?,
                dropped_bytes: rows::unsigned(row, 2)?,
                stdout_hash: row.get(3)?,
                cpu_ms: rows::optional_unsigned(row, 4)?,
                memory_bytes_max: rows::optional_unsigned(row, 5)?,
            })
        });
        output.optional().map_err(|error| StoreError::of_row(&self.path, "outputs", error))
    }

    fn rows<T>(
        &self,
        table: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let all = || -> rusqlite::Result<Vec<T>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(parameters, read)?.collect()
        };
        all().map_err(|error| StoreError::of_row(&self.path, table, error))
    }
}

/// Gives each of `apps` its tasks, in one pass over both: they are sorted alike.
fn with_tasks(
    connection: &Connection,
    path: &Path,
    apps: Vec<AppRecord>,
) -> Result<Vec<(AppRecord, Vec<TaskRecord>)>, StoreError> {
    let read = || -> rusqlite::Result<_> {
        let sql = format!("SELECT {TASK_COLUMNS} FROM tasks ORDER BY app, name");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut next = rows.next()?;
        let mut joined = Vec::with_capacity(apps.len());
        for app in apps {
            let mut tasks = Vec::new();
            while let Some(row) =
                next.filter(|row| row.get_ref(7).is_ok_and(|id| id.as_str() == Ok(app.id.as_str())))
            {
                tasks.push(rows::task(row)?);
                next = rows.next()?;
            }
            joined.push((app, tasks));
        }
        Ok(joined)
    };
    read().map_err(|error| StoreError::of_row(path, "tasks", error))
}

/// SQLite's word for "no limit" is −1.
fn limit(last: Option<u32>) -> i64 {
    last.map_or(-1, i64::from)
}

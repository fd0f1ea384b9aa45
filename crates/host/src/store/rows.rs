//! The terms of core as columns, and back.

use bgfetch_core::{AppRecord, Elapsed, Entry, Now, Span, TaskRecord, WakeEnded, WakeId, WakeRecord, Wall};
use rusqlite::types::Type;
use rusqlite::{Error, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// `number` as SQLite keeps it, at most its largest.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn span_ms(span: Span) -> i64 {
    signed(span.as_millis())
}

pub(super) fn elapsed_ms(elapsed: Elapsed) -> i64 {
    signed(elapsed.as_millis())
}

pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(super) fn path_of(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn optional_unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => unsigned(row, column).map(Some),
    }
}

fn elapsed(row: &Row<'_>, column: usize) -> rusqlite::Result<Elapsed> {
    unsigned(row, column).map(Elapsed::from_millis)
}

fn optional_elapsed(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Elapsed>> {
    Ok(optional_unsigned(row, column)?.map(Elapsed::from_millis))
}

fn optional_span(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Span>> {
    Ok(optional_unsigned(row, column)?.map(Span::from_millis))
}

pub(super) fn optional_wall(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Wall>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Wall::from_millis))
}

pub(super) fn now(row: &Row<'_>, elapsed_column: usize, wall_column: usize) -> rusqlite::Result<Now> {
    Ok(Now { elapsed: elapsed(row, elapsed_column)?, wall: Wall::from_millis(row.get(wall_column)?) })
}

/// A text column as a name.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let parsed = row.get_ref(column)?.as_str()?.parse();
    parsed.map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// A JSON column as what it stands for.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}

pub(super) const APP_COLUMNS: &str = "id, declared, floor_ms, switched_on, paused_until_wall_ms, force_quit, \
     failures, overruns, back_off_until_elapsed_ms, last_begun_elapsed_ms, last_outcome, leaving";

pub(super) fn app(row: &Row<'_>) -> rusqlite::Result<AppRecord> {
    Ok(AppRecord {
        id: parsed(row, 0)?,
        declared: row.get(1)?,
        floor: optional_span(row, 2)?,
        switched_on: row.get(3)?,
        paused_until: optional_wall(row, 4)?,
        force_quit: row.get(5)?,
        failures: row.get(6)?,
        overruns: row.get(7)?,
        back_off_until: optional_elapsed(row, 8)?,
        last_begun: optional_elapsed(row, 9)?,
        last_outcome: optional_json(row, 10)?,
        leaving: row.get(11)?,
    })
}

pub(super) const TASK_COLUMNS: &str =
    "name, options, floor_ms, constraints, registered_elapsed_ms, last_begun_elapsed_ms, orphan, app";

pub(super) fn task(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    Ok(TaskRecord {
        name: parsed(row, 0)?,
        options: row.get_ref(1)?.as_str()?.into(),
        floor: optional_span(row, 2)?,
        constraints: json(row, 3)?,
        registered: elapsed(row, 4)?,
        last_begun: optional_elapsed(row, 5)?,
        orphan: row.get(6)?,
    })
}

pub(super) const WAKE_COLUMNS: &str = "id, app, tasks, reason, missed, begun_elapsed_ms, begun_wall_ms, outcome, \
     results, ended_elapsed_ms";

pub(super) fn wake(row: &Row<'_>) -> rusqlite::Result<(WakeRecord, Option<WakeEnded>)> {
    let begun = WakeRecord {
        id: WakeId(unsigned(row, 0)?),
        app: parsed(row, 1)?,
        tasks: json(row, 2)?,
        reason: json(row, 3)?,
        missed: unsigned(row, 4)?,
        begun: now(row, 5, 6)?,
    };
    let ended = match optional_json(row, 7)? {
        None => None,
        Some(outcome) => Some(WakeEnded {
            id: begun.id,
            app: begun.app.clone(),
            outcome,
            results: json(row, 8)?,
            ended: elapsed(row, 9)?,
        }),
    };
    Ok((begun, ended))
}

pub(super) const JOURNAL_COLUMNS: &str = "sequence, app, wake, elapsed_ms, wall_ms, event";

pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let app = match row.get_ref(1)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(parsed(row, 1)?),
    };
    let wake = optional_unsigned(row, 2)?.map(WakeId);
    Ok(Entry { at: now(row, 3, 4)?, app, wake, event: json(row, 5)? })
}

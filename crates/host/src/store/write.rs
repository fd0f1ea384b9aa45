//! Writing: a batch of changes in one transaction.

use super::error::StoreError;
use super::program::{self, Program};
use super::rows::{elapsed_ms, signed, span_ms, to_json};
use super::{Store, trim::Trim};
use bgfetch_core::{
    AppId, AppRecord, Change, Elapsed, Entry, TaskName, TaskRecord, UserRecord, WakeEnded, WakeId,
    WakeRecord, Wall,
};
use rusqlite::{Connection, TransactionBehavior, named_params, params};
use std::path::Path;

/// The most of one stream of a wake's output that is kept, in bytes; the beginning of a longer one is dropped.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Something to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A change that the scheduler asked for.
    Change(Change),
    /// Where the clocks stand.
    Clock(ClockRow),
    /// An app's program is so now. The app is known, or becomes known in the same batch.
    Program(Program),
    /// What a wake printed and cost. A second one for the same wake takes the place of the first.
    Output(WakeOutput),
}

/// Where the clocks stood at the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockRow {
    /// Which start of the machine this was.
    pub boot_id: String,
    /// Milliseconds since that start, suspend included.
    pub boot_ms: u64,
    /// The elapsed line at that moment.
    pub elapsed: Elapsed,
    /// The wall clock at that moment.
    pub wall: Wall,
}

/// What a wake printed and cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeOutput {
    /// The wake.
    pub wake: WakeId,
    /// The last of what it printed, at most [`OUTPUT_BYTES_MAX`].
    pub stdout: String,
    /// The last of what it complained about, at most [`OUTPUT_BYTES_MAX`].
    pub stderr: String,
    /// How many bytes before that were dropped, of both.
    pub dropped_bytes: u64,
    /// The SHA-256 of all that it printed.
    pub stdout_hash: Option<[u8; 32]>,
    /// Processor time of all its processes, in milliseconds, if known.
    pub cpu_ms: Option<u64>,
    /// The most memory that one of its processes held, in bytes, if known.
    pub memory_bytes_max: Option<u64>,
}

impl Store {
    /// Applies `batch` in order and in one transaction. When this returns, all of it is on the disk; when it fails,
    /// none of it is there.
    pub fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let Self { path, connection, trim, .. } = self;
        let applied = apply_all(connection, path, trim, batch);
        if applied.is_err() {
            // Some of what was counted, or removed, is not in the store.
            trim.forget();
        }
        applied
    }
}

fn apply_all(
    connection: &mut Connection,
    path: &Path,
    trim: &mut Trim,
    batch: &[Write],
) -> Result<(), StoreError> {
    let fail = |error| StoreError::of(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    for write in batch {
        apply(&transaction, path, trim, write)?;
    }
    trim.run(&transaction).map_err(fail)?;
    transaction.commit().map_err(fail)
}

fn apply(connection: &Connection, path: &Path, trim: &mut Trim, write: &Write) -> Result<(), StoreError> {
    let done = match write {
        Write::Change(Change::App(app)) => save_app(connection, app),
        Write::Change(Change::AppRemoved(app)) => remove_app(connection, app),
        Write::Change(Change::Task(app, task)) => save_task(connection, app, task),
        Write::Change(Change::TaskRemoved(app, task)) => remove_task(connection, app, task),
        Write::Change(Change::User(user)) => save_user(connection, user),
        Write::Change(Change::WakeBegun(wake)) => begin_wake(connection, wake),
        Write::Change(Change::WakeEnded(wake)) => return end_wake(connection, path, wake),
        Write::Change(Change::Journal(entry)) => append(connection, trim, entry),
        Write::Clock(clock) => save_clock(connection, clock),
        Write::Program(program) => program::upsert(connection, program),
        Write::Output(output) => return save_output(connection, path, trim, output),
    };
    done.map_err(|error| StoreError::of(path, error))
}

fn save_app(connection: &Connection, app: &AppRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO apps (id, declared, floor_ms, switched_on, paused_until_wall_ms, force_quit, \
         failures, overruns, back_off_until_elapsed_ms, last_begun_elapsed_ms, last_outcome, leaving) VALUES (:id, \
         :declared, :floor, :switched_on, :paused_until, :force_quit, :failures, :overruns, :back_off_until, \
         :last_begun, :last_outcome, :leaving) ON CONFLICT (id) DO UPDATE SET declared = excluded.declared, \
         floor_ms = excluded.floor_ms, switched_on = excluded.switched_on, \
         paused_until_wall_ms = excluded.paused_until_wall_ms, force_quit = excluded.force_quit, \
         failures = excluded.failures, overruns = excluded.overruns, \
         back_off_until_elapsed_ms = excluded.back_off_until_elapsed_ms, \
         last_begun_elapsed_ms = excluded.last_begun_elapsed_ms, last_outcome = excluded.last_outcome, \
         leaving = excluded.leaving";
    connection.prepare_cached(SQL)?.execute(named_params! {
        ":id": app.id.as_str(),
        ":declared": app.declared,
        ":floor": app.floor.map(span_ms),
        ":switched_on": app.switched_on,
        ":paused_until": app.paused_until.map(Wall::as_millis),
        ":force_quit": app.force_quit,
        ":failures": app.failures,
        ":overruns": app.overruns,
        ":back_off_until": app.back_off_until.map(elapsed_ms),
        ":last_begun": app.last_begun.map(elapsed_ms),
        ":last_outcome": app.last_outcome.as_ref().map(to_json).transpose()?,
        ":leaving": app.leaving,
    })?;
    Ok(())
}

fn remove_app(connection: &Connection, app: &AppId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM apps WHERE id = ?1")?.execute([app.as_str()])?;
    Ok(())
}

fn save_task(connection: &Connection, app: &AppId, task: &TaskRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO tasks (app, name, options, floor_ms, constraints, registered_elapsed_ms, \
         last_begun_elapsed_ms, orphan) VALUES (:app, :name, :options, :floor, :constraints, :registered, \
         :last_begun, :orphan) ON CONFLICT (app, name) DO UPDATE SET options = excluded.options, \
         floor_ms = excluded.floor_ms, constraints = excluded.constraints, \
         registered_elapsed_ms = excluded.registered_elapsed_ms, \
         last_begun_elapsed_ms = excluded.last_begun_elapsed_ms, orphan = excluded.orphan";
    connection.prepare_cached(SQL)?.execute(named_params! {
        ":app": app.as_str(),
        ":name": task.name.as_str(),
        ":options": &*task.options,
        ":floor": task.floor.map(span_ms),
        ":constraints": to_json(&task.constraints)?,
        ":registered": elapsed_ms(task.registered),
        ":last_begun": task.last_begun.map(elapsed_ms),
        ":orphan": task.orphan,
    })?;
    Ok(())
}

fn remove_task(connection: &Connection, app: &AppId, task: &TaskName) -> rusqlite::Result<()> {
    const SQL: &str = "DELETE FROM tasks WHERE app = ?1 AND name = ?2";
    connection.prepare_cached(SQL)?.execute([app.as_str(), task.as_str()])?;
    Ok(())
}

fn save_user(connection: &Connection, user: &UserRecord) -> rusqlite::Result<()> {
    const SQL: &str = "UPDATE host SET switched_on = ?1, restricted = ?2, paused_until_wall_ms = ?3";
    let paused_until = user.paused_until.map(Wall::as_millis);
    connection.prepare_cached(SQL)?.execute(params![user.switched_on, user.restricted, paused_until])?;
    Ok(())
}

fn save_clock(connection: &Connection, clock: &ClockRow) -> rusqlite::Result<()> {
    const SQL: &str = "UPDATE host SET boot_id = ?1, boot_ms = ?2, elapsed_ms = ?3, wall_ms = ?4";
    connection.prepare_cached(SQL)?.execute(params![
        clock.boot_id,
        signed(clock.boot_ms),
        elapsed_ms(clock.elapsed),
        clock.wall.as_millis(),
    ])?;
    Ok(())
}

fn begin_wake(connection: &Connection, wake: &WakeRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO wakes (id, app, state, tasks, reason, missed, begun_elapsed_ms, begun_wall_ms) \
         VALUES (?1, ?2, 'begun', ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(SQL)?.execute(params![
        signed(wake.id.0),
        wake.app.as_str(),
        to_json(&wake.tasks)?,
        to_json(&wake.reason)?,
        signed(wake.missed),
        elapsed_ms(wake.begun.elapsed),
        wake.begun.wall.as_millis(),
    ])?;
    Ok(())
}

fn end_wake(connection: &Connection, path: &Path, wake: &WakeEnded) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE wakes SET state = 'ended', outcome = ?3, results = ?4, ended_elapsed_ms = ?5 \
         WHERE id = ?1 AND app = ?2 AND state = 'begun'";
    let ended = || -> rusqlite::Result<usize> {
        connection.prepare_cached(SQL)?.execute(params![
            signed(wake.id.0),
            wake.app.as_str(),
            to_json(&wake.outcome)?,
            to_json(&wake.results)?,
            elapsed_ms(wake.ended),
        ])
    };
    match ended().map_err(|error| StoreError::of(path, error))? {
        0 => Err(StoreError::NoSuchWake { path: path.to_owned(), wake: wake.id.0, what: "end" }),
        _ => Ok(()),
    }
}

fn append(connection: &Connection, trim: &mut Trim, entry: &Entry) -> rusqlite::Result<()> {
    const SQL: &str =
        "INSERT INTO journal (app, wake, elapsed_ms, wall_ms, event) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(SQL)?.execute(params![
        entry.app.as_ref().map(AppId::as_str),
        entry.wake.map(|wake| signed(wake.0)),
        elapsed_ms(entry.at.elapsed),
        entry.at.wall.as_millis(),
        to_json(&entry.event)?,
    ])?;
    trim.appended(entry);
    Ok(())
}

fn save_output(
    connection: &Connection,
    path: &Path,
    trim: &Trim,
    output: &WakeOutput,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO outputs (wake, app, stdout, stderr, dropped_bytes, stdout_hash, cpu_ms, \
         memory_bytes_max) SELECT id, app, ?2, ?3, ?4, ?5, ?6, ?7 FROM wakes WHERE id = ?1 \
         ON CONFLICT (wake) DO UPDATE SET stdout = excluded.stdout, stderr = excluded.stderr, \
         dropped_bytes = excluded.dropped_bytes, stdout_hash = excluded.stdout_hash, cpu_ms = excluded.cpu_ms, \
         memory_bytes_max = excluded.memory_bytes_max";
    let (stdout, stderr) = (tail(&output.stdout, OUTPUT_BYTES_MAX), tail(&output.stderr, OUTPUT_BYTES_MAX));
    let cut = output.stdout.len() - stdout.len() + output.stderr.len() - stderr.len();
    let dropped = output.dropped_bytes.saturating_add(u64::try_from(cut).unwrap_or(u64::MAX));
    let saved = || -> rusqlite::Result<usize> {
        let saved = connection.prepare_cached(SQL)?.execute(params![
            signed(output.wake.0),
            stdout,
            stderr,
            signed(dropped),
            output.stdout_hash,
            output.cpu_ms.map(signed),
            output.memory_bytes_max.map(signed),
        ])?;
        trim.outputs(connection, output.wake)?;
        Ok(saved)
    };
    match saved().map_err(|error| StoreError::of(path, error))? {
        0 => Err(StoreError::NoSuchWake { path: path.to_owned(), wake: output.wake.0, what: "have output" }),
        _ => Ok(()),
    }
}

/// The last bytes of `text`, at most `bytes_max`, in whole characters.
fn tail(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(tail("aéb", 2), "b");
        assert_eq!(tail("aéb", 3), "éb");
        assert_eq!(tail("aéb", 9), "aéb");
    }
}

//! The past is bounded: what is too old or too much goes, a little with each commit.
//!
//! Nothing here looks through the whole journal. An app's entries are counted as they come, and the oldest of them go
//! by an index when an eighth of what it may have has come; what is too old is looked for at the old end alone.

use super::Keep;
use super::rows::elapsed_ms;
use super::rows::signed;
use bgfetch_core::{AppId, Elapsed, Entry, Span, WakeId};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// How many entries come between two looks at the old end.
const ENTRIES_BETWEEN_LOOKS: u32 = 32;

/// How many of the oldest rows one look takes: more than came since, so that a long absence is caught up with.
const ROWS_PER_LOOK: u32 = 256;

/// What must be counted to know when something has to go.
#[derive(Debug)]
pub(super) struct Trim {
    keep: Keep,
    /// How many entries came since the app's were last trimmed. An app that is not here was not looked at since the
    /// store was opened.
    counts: BTreeMap<Option<AppId>, u32>,
    /// The apps of this batch that have as many new entries as they may, or were not looked at yet.
    full: Vec<Option<AppId>>,
    until_look: u32,
    newest: Elapsed,
}

impl Trim {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, counts: BTreeMap::new(), full: Vec::new(), until_look: 0, newest: Elapsed::ZERO }
    }

    /// Counts from the beginning, as after opening.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.keep);
    }

    pub(super) fn appended(&mut self, entry: &Entry) {
        self.newest = self.newest.max(entry.at.elapsed);
        self.until_look = self.until_look.saturating_sub(1);
        let slack = self.slack();
        let count = self.counts.entry(entry.app.clone()).or_insert(slack - 1);
        *count = count.saturating_add(1);
        if *count == slack {
            self.full.push(entry.app.clone());
        }
    }

    /// Removes what is too much, at the end of a batch.
    pub(super) fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for app in std::mem::take(&mut self.full) {
            self.rows(connection, app.as_ref())?;
            self.counts.insert(app, 0);
        }
        if self.until_look == 0 && self.newest > Elapsed::ZERO {
            self.age(connection)?;
            self.until_look = ENTRIES_BETWEEN_LOOKS;
        }
        Ok(())
    }

    /// How many entries an app may gain before its oldest go.
    fn slack(&self) -> u32 {
        (self.keep.journal_rows_per_app / 8).max(1)
    }

    /// Leaves so many of an app's entries that it stays within its bound until it is full again.
    fn rows(&self, connection: &Connection, app: Option<&AppId>) -> rusqlite::Result<()> {
        const ENTRIES: &str = "DELETE FROM journal WHERE app IS ?1 AND sequence <= (SELECT sequence FROM journal \
             WHERE app IS ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)";
        const WAKES: &str = "DELETE FROM wakes WHERE app = ?1 AND state = 'ended' AND ended_elapsed_ms < (SELECT \
             elapsed_ms FROM journal WHERE app = ?1 ORDER BY sequence LIMIT 1)";
        let left = self.keep.journal_rows_per_app.max(1) - self.slack() + 1;
        let app = app.map(AppId::as_str);
        if connection.prepare_cached(ENTRIES)?.execute(params![app, left])? > 0 {
            connection.prepare_cached(WAKES)?.execute([app])?;
        }
        Ok(())
    }

    fn age(&self, connection: &Connection) -> rusqlite::Result<()> {
        const ENTRIES: &str = "DELETE FROM journal WHERE sequence IN (SELECT sequence FROM journal ORDER BY sequence \
             LIMIT ?2) AND elapsed_ms < ?1 AND sequence < (SELECT max(sequence) FROM journal)";
        const WAKES: &str = "DELETE FROM wakes WHERE id IN (SELECT id FROM wakes ORDER BY id LIMIT ?2) \
             AND state = 'ended' AND ended_elapsed_ms < ?1";
        let oldest = Elapsed::ZERO.plus(Span::from_millis(
            self.newest.as_millis().saturating_sub(self.keep.journal_age.as_millis()),
        ));
        for sql in [ENTRIES, WAKES] {
            connection.prepare_cached(sql)?.execute(params![elapsed_ms(oldest), ROWS_PER_LOOK])?;
        }
        Ok(())
    }

    /// Removes the oldest outputs of the app of `wake`.
    pub(super) fn outputs(&self, connection: &Connection, wake: WakeId) -> rusqlite::Result<()> {
        const SQL: &str = "DELETE FROM outputs WHERE app = (SELECT app FROM wakes WHERE id = ?1) AND wake <= (SELECT \
             wake FROM outputs WHERE app = (SELECT app FROM wakes WHERE id = ?1) ORDER BY wake DESC LIMIT 1 OFFSET ?2)";
        connection.prepare_cached(SQL)?.execute(params![signed(wake.0), self.keep.outputs_per_app])?;
        Ok(())
    }
}

//! The store: what the host knows, in one SQLite file that survives a `kill -9` at any moment.
//!
//! [`Store::commit`] applies a batch of writes in one transaction that is on the disk when it returns: all of it, or
//! nothing. [`Store::load`] gives back what a scheduler begins from. The schema draws the life cycle of a wake once
//! and refuses a state that there is not; see `migrations/`.
//!
//! Lengths of time and points on the elapsed line are kept as signed 64-bit milliseconds: what is longer than
//! 292 million years comes back as just that.

mod error;
mod open;
mod program;
mod read;
mod rows;
mod trim;
mod write;

pub use error::{OpenError, StoreError};
pub use program::{ChangedBy, Kind, Launch, Program};
pub use read::{JournalRow, Query, WakeRow};
pub use write::{ClockRow, OUTPUT_BYTES_MAX, WakeOutput, Write};

use bgfetch_core::Span;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use trim::Trim;

/// The store, open. Its file is `store.sqlite` in the directory it was opened with.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
    seed: u64,
    trim: Trim,
}

/// How much of the past is kept. What goes is removed a little with each commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// A journal entry, or an ended wake, older than this goes.
    pub journal_age: Span,
    /// An app has at most this many journal entries, and so have those that concern every app; at least one. When
    /// they are full, the oldest eighth goes at once, and the wakes that ended before what is left.
    pub journal_rows_per_app: u32,
    /// An app has the output of at most this many wakes.
    pub outputs_per_app: u32,
}

impl Store {
    /// Opens the store in `directory`; makes both if they are not there, and brings an older store up to date.
    ///
    /// Every page is read to find damage now. A store that is damaged, newer or not ours stays exactly as it is.
    pub fn open(directory: &Path, keep: Keep) -> Result<Self, OpenError> {
        let (path, connection) = open::open(directory)?;
        let seed = connection.query_row("SELECT seed FROM host", [], |row| row.get::<_, i64>(0));
        let seed = seed.map_err(|error| StoreError::of_row(&path, "host", error))?.cast_unsigned();
        Ok(Self { path, connection, seed, trim: Trim::new(keep) })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The seed of everything that looks random in this store's schedule, made once from the system's randomness.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Reads everything and compares it with itself: every page, every index, every reference, every rule.
    pub fn check(&self) -> Result<(), StoreError> {
        open::check_thoroughly(&self.connection, &self.path)
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { journal_age: Span::from_hours(90 * 24), journal_rows_per_app: 2_000, outputs_per_app: 20 }
    }
}

//! What can go wrong with the store, told so that a person can act on it.

use rusqlite::ErrorCode;
use rusqlite::ffi;
use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened. Nothing was lost: what was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory's path belongs to something else.
    #[error("`{0}` is not a directory: the store needs one of its own")]
    NotADirectory(PathBuf),
    /// The store's path belongs to something else.
    #[error("`{0}` is not a file: move it aside, the store is kept in a file of that name")]
    NotAFile(PathBuf),
    /// The file is an SQLite database of another program.
    #[error("`{0}` belongs to another program: move it aside, or choose another directory")]
    Foreign(PathBuf),
    /// The store was written by a newer version.
    #[error(
        "the store `{path}` has version {found} and this program knows versions up to {known}: use the newer program, \
         or another directory; nothing was changed"
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: usize,
    },
    /// The file system cannot hold a store.
    #[error(
        "the store `{path}` can not be kept there (its journal mode stays `{mode}`): choose a directory on a local disk"
    )]
    Unsuitable {
        /// The store.
        path: PathBuf,
        /// The mode in which SQLite insists to run.
        mode: String,
    },
    /// The operating system gave no random numbers for the seed.
    #[error("no seed for the store `{path}`: the operating system gives no random numbers")]
    Seed {
        /// The store.
        path: PathBuf,
        /// What it said.
        source: getrandom::Error,
    },
    /// What can go wrong at any time did.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the store could not be read or written. A batch that failed has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, or the quota, is full.
    #[error("no room is left for the store `{0}`: free some on its disk; nothing was changed")]
    Full(PathBuf),
    /// It may be read but not written.
    #[error(
        "the store `{0}` is read-only: make its directory and its disk writable, or choose another directory"
    )]
    ReadOnly(PathBuf),
    /// It may not be opened.
    #[error(
        "no permission for the store `{0}`: it and its directory must belong to the user who runs the host"
    )]
    NoPermission(PathBuf),
    /// Another program holds it.
    #[error("the store `{0}` is locked by another program: end that program, and try again")]
    Locked(PathBuf),
    /// It is not what was written.
    #[error(
        "the store `{path}` is damaged ({detail}) and was left as it is: to begin anew, move it, and the files \
         `-wal` and `-shm` beside it, out of its directory"
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A row can not be read back.
    #[error("the store `{path}` has a row in `{table}` that this program can not read: {detail}")]
    Row {
        /// The store.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A change would make a state that there is not.
    #[error("the store `{path}` refuses a change: {rule}; nothing was changed")]
    Refused {
        /// The store.
        path: PathBuf,
        /// The rule that it breaks.
        rule: String,
    },
    /// A wake was to end, or to have output, that has not begun or has ended before.
    #[error("the store `{path}` knows no wake {wake} that could {what}; nothing was changed")]
    NoSuchWake {
        /// The store.
        path: PathBuf,
        /// The wake.
        wake: u64,
        /// What it was to do.
        what: &'static str,
    },
    /// The disk or the operating system failed.
    #[error("the store `{path}` can not be used")]
    Disk {
        /// The store.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// SQLite failed in a way that has no better name here.
    #[error("the store `{path}` can not be used")]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Whether the same write may succeed later: the disk may be mended. A rule that it breaks stays broken.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Full(_)
            | Self::ReadOnly(_)
            | Self::NoPermission(_)
            | Self::Locked(_)
            | Self::Disk { .. }
            | Self::Sqlite { .. } => true,
            Self::Damaged { .. } | Self::Row { .. } | Self::Refused { .. } | Self::NoSuchWake { .. } => false,
        }
    }

    /// `source`, in words about the store at `path`.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let rusqlite::Error::SqliteFailure(failure, message) = &source else {
            return Self::Sqlite { path, source };
        };
        let detail = || message.clone().unwrap_or_else(|| failure.to_string());
        match failure.code {
            // The index beside the log could not be made as long as it must be: there is no room for it.
            _ if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Self::Full(path),
            ErrorCode::DiskFull => Self::Full(path),
            ErrorCode::ReadOnly => Self::ReadOnly(path),
            ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
                Self::NoPermission(path)
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::Locked(path)
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                let detail = detail();
                Self::Damaged { path, detail }
            }
            ErrorCode::ConstraintViolation => {
                let rule = detail();
                Self::Refused { path, rule }
            }
            _ => Self::Sqlite { path, source },
        }
    }

    /// `source`, which came up while reading `table`: a value that is not what belongs there is told as such.
    pub(super) fn of_row(path: &Path, table: &'static str, source: rusqlite::Error) -> Self {
        match source {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows => {
                Self::Row { path: path.to_owned(), table, detail: source.to_string() }
            }
            source => Self::of(path, source),
        }
    }

    /// `source`, which the operating system said of the store at `path`.
    pub(super) fn of_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            io::ErrorKind::PermissionDenied => Self::NoPermission(path),
            _ => Self::Disk { path, source },
        }
    }
}

//! Why a verb failed, and the exit status that says so to scripts.

use bgfetch_wire::error::{ErrorCode, ErrorObject};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the exit statuses mean; shown by `bgfetch help exit-status` and in the man page.
pub(crate) const EXIT_STATUSES: &str = "Exit status:
  0  done
  1  failed, for the reason said on standard error
  2  the command line was wrong
  3  no host is running
  4  the app, task or program named is not known
  5  not possible now: held, busy or switched off
  6  the wake that was waited for ended in a failure";

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nobody listens.
    #[error(
        "no host is running: nothing listens on `{}`; start one with `bgfetch host --detach`", .0.display()
    )]
    NoHost(PathBuf),
    /// The connection failed.
    #[error("the connection to the host on `{}` failed: {source}", socket.display())]
    Connection {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The host said something that is not an answer.
    #[error("the host's answer can not be read: {0}")]
    Answer(String),
    /// The host refused.
    #[error("{}", .0.message)]
    Refused(ErrorObject),
    /// A wake that was waited for ended in a failure.
    #[error("wake {wake} ended: {outcome}")]
    Wake {
        /// The wake.
        wake: u64,
        /// How it ended.
        outcome: String,
    },
    /// Something on the command line is wrong in a way that only looking at it tells.
    #[error("{0}")]
    Usage(String),
    /// Anything else, in its own words.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Wraps an error that says all there is to say.
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }

    /// The exit status, as [`EXIT_STATUSES`] has it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::NoHost(_) => 3,
            Self::Refused(error) => match error.known_code() {
                Some(ErrorCode::UnknownApp | ErrorCode::TaskNotFound) => 4,
                Some(ErrorCode::Busy) => 5,
                _ => 1,
            },
            Self::Wake { .. } => 6,
            Self::Connection { .. } | Self::Answer(_) | Self::Other(_) => 1,
        })
    }
}

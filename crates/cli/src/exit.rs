//! Why a verb failed, and the exit status that says so to scripts.

use bgfetch_wire::error::{ErrorCode, ErrorObject};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What the exit statuses mean; shown by `bgfetch --help` and in the man page.
pub(crate) const EXIT_STATUSES: &str = "Exit status:
  0  done
  1  failed, for the reason said on standard error
  2  the command line was wrong
  3  no host is running
  4  the app, task or program named is not known
  5  not possible now: held, busy or switched off
  6  the wake that was waited for ended in a failure
  128 and the signal's number  ended by that signal, in order: 130 for Ctrl-C";

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
    /// Whoever listens is not this user's host.
    #[error(
        "user {listener} listens on `{}`, and not this user ({own}): nothing was sent; name this user's socket with \
         `--socket` or `BGFETCH_SOCKET`",
        socket.display()
    )]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Who listens, by number.
        listener: u32,
        /// Who asks, by number.
        own: u32,
    },
    /// The host took too long.
    #[error("the host on `{}` did not answer within {} s", socket.display(), wait.as_secs())]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// How long was waited.
        wait: Duration,
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
    /// What is named is not there.
    #[error("{0}")]
    Unknown(String),
    /// Whoever read standard output has gone away.
    #[error("standard output is closed")]
    ReaderGone,
    /// A signal ended the verb.
    #[error("ended by signal {0}")]
    Signal(u8),
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

    /// Whether there is something to say: who stops listening, or ends the verb by hand, knows why.
    pub(crate) fn is_news(&self) -> bool {
        !matches!(self, Self::ReaderGone | Self::Signal(_))
    }

    /// Whether the host has ended the connection.
    pub(crate) fn is_end(&self) -> bool {
        let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        matches!(self, Self::Connection { source, .. } if ends.contains(&source.kind()))
    }

    /// The exit status, as [`EXIT_STATUSES`] has it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            // As for `cat`, whose reader may have seen enough.
            Self::ReaderGone => 0,
            Self::Usage(_) => 2,
            Self::NoHost(_) => 3,
            Self::Refused(error) => match error.known_code() {
                Some(ErrorCode::UnknownApp | ErrorCode::TaskNotFound) => 4,
                Some(ErrorCode::Busy) => 5,
                _ => 1,
            },
            Self::Unknown(_) => 4,
            Self::Wake { .. } => 6,
            Self::Signal(number) => 128 + number,
            Self::Connection { .. }
            | Self::Foreign { .. }
            | Self::Silent { .. }
            | Self::Answer(_)
            | Self::Other(_) => 1,
        })
    }
}

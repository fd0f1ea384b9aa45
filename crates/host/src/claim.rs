//! One host per user: a lock that the kernel gives back when its holder ends, however it ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A claim on a store or a socket. It ends with the process that made it.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Held open for its lock alone.
    _file: File,
}

/// Why a claim can not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another host has it.
    #[error("another host is running: process {holder} holds `{}`; end it with `bgfetch host --stop`", path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// What the other host wrote of itself.
        holder: String,
    },
    /// The lock's file can not be used.
    #[error("the lock `{}` can not be used: {source}", path.display())]
    Unusable {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Claim {
    /// Claims `path`, a file that is made if it is not there and stays afterwards.
    pub(crate) fn take(path: &Path) -> Result<Self, ClaimError> {
        let unusable = |source| ClaimError::Unusable { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(unusable)?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(unusable(error.into()));
            }
            let mut holder = String::new();
            let _ = (&mut file).take(64).read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "unknown".to_owned(),
                known => known.to_owned(),
            };
            return Err(ClaimError::Held { path: path.to_owned(), holder });
        }
        file.set_len(0).map_err(unusable)?;
        file.rewind().map_err(unusable)?;
        writeln!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_is_told_who_has_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("host.lock");
        let first = Claim::take(&path).expect("free");
        let error = Claim::take(&path).expect_err("held").to_string();
        assert!(error.contains(&format!("process {} holds", std::process::id())), "{error}");
        drop(first);
        Claim::take(&path).expect("free again");
    }
}

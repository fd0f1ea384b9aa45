//! One host per user: a lock that the kernel gives back when its holder ends, however it ends.

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A host that was killed while it started another program leaves its locks to that one until it is executed, a moment
/// later. How often they are asked for again, and how long it waits between.
const DEAD_HOLDER_TRIES: u32 = 200;
const DEAD_HOLDER_WAIT: Duration = Duration::from_millis(10);

/// A claim on a store or a socket. It ends with the process that made it.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Held open for its lock alone.
    file: File,
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
        source: io::Error,
    },
}

impl Claim {
    /// Claims `path`, a file that is made if it is not there and stays afterwards.
    pub(crate) fn take(path: &Path) -> Result<Self, ClaimError> {
        let unusable = |source| ClaimError::Unusable { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(unusable)?;
        for tries_left in (0..DEAD_HOLDER_TRIES).rev() {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(unusable(error.into())),
            }
            let holder = holder(&mut file).map_err(unusable)?;
            if tries_left == 0 || is_alive(&holder) {
                return Err(ClaimError::Held { path: path.to_owned(), holder });
            }
            std::thread::sleep(DEAD_HOLDER_WAIT);
        }
        file.set_len(0).map_err(unusable)?;
        file.rewind().map_err(unusable)?;
        writeln!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { file })
    }
}

/// What the holder of a lock wrote of itself.
fn holder(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    // What is no text names nobody.
    let _ = file.take(64).read_to_string(&mut text);
    Ok(match text.trim() {
        "" => "unknown".to_owned(),
        known => known.to_owned(),
    })
}

fn is_alive(holder: &str) -> bool {
    let process = holder.parse().ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

impl Drop for Claim {
    /// Given back by name: a child that is just being started may hold a copy of the file for a moment longer.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
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

    #[test]
    fn what_a_dead_holder_left_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("host.lock");
        let mut left = File::create(&path).expect("a file");
        let mut dead = std::process::Command::new("true").spawn().expect("a process");
        dead.wait().expect("its end");
        writeln!(left, "{}", dead.id()).expect("written");
        flock(&left, FlockOperation::LockExclusive).expect("free");
        let (asks, asked) = std::sync::mpsc::channel();
        let next = std::thread::spawn(move || {
            asks.send(()).expect("heard");
            Claim::take(&path).map(drop).map_err(|error| error.to_string())
        });
        asked.recv().expect("it asks");
        drop(left);
        assert_eq!(next.join().expect("no panic"), Ok(()));
    }
}

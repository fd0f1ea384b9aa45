//! A host of its own for one verb: this very binary, as a child that ends with its parent.

use crate::client::Client;
use crate::exit::Failure;
use crate::verbs::host::SAY_WHEN_SERVING;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A host that is a child of this process. It ends when this process does, however that ends.
pub(crate) struct PrivateHost {
    child: Child,
    socket: PathBuf,
    order: Order,
    /// The log, under a lock: as long as this is held, nobody else empties it or starts a host here.
    claim: File,
}

/// The host's standard input, whose end is the one order to end that it gets.
///
/// It is a process group of its own, so that Ctrl-C, which goes to all of a terminal's, is not a first order, and this
/// a second one that cuts its wakes off.
#[derive(Clone)]
pub(crate) struct Order(Arc<Mutex<Option<ChildStdin>>>);

/// Why a private host does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateHostError {
    /// Another one has the folder.
    #[error("another host has `{}`", .0.display())]
    Held(PathBuf),
    /// A file can not be used.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// This program can not be started again.
    #[error("the host can not be started: {0}")]
    Spawn(std::io::Error),
    /// It ended at once.
    #[error("the host did not start: {0}")]
    Ended(String),
}

impl From<PrivateHostError> for Failure {
    fn from(error: PrivateHostError) -> Self {
        Self::other(error)
    }
}

impl PrivateHost {
    /// Starts a host with its store in `folder` and `config` as its configuration.
    pub(crate) fn start(folder: &Path, socket: &Path, config: &str) -> Result<Self, PrivateHostError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| PrivateHostError::File { path, source }
        };
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(file(folder))?;
        let log_path = folder.join("host.log");
        let log = claimed(&log_path).map_err(file(&log_path))?.ok_or_else(|| held(folder))?;
        let store_lock = folder.join("state/store.lock");
        if is_held(&store_lock).map_err(file(&store_lock))? {
            return Err(held(folder));
        }
        log.set_len(0).map_err(file(&log_path))?;
        let config_path = folder.join("host.toml");
        std::fs::write(&config_path, config).map_err(file(&config_path))?;
        let mut command = Command::new(std::env::current_exe().map_err(PrivateHostError::Spawn)?);
        command.arg("host").arg("--until-stdin-closes").arg("--state-dir").arg(folder.join("state"));
        command.arg("--config").arg(config_path).arg("--socket").arg(socket).env(SAY_WHEN_SERVING, "1");
        // Opened anew: what outlives a host for a moment would hold a lock that it inherits.
        let errors = OpenOptions::new().append(true).open(&log_path).map_err(file(&log_path))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut child = command.spawn().map_err(PrivateHostError::Spawn)?;
        let order = Order(Arc::new(Mutex::new(child.stdin.take())));
        let mut said = [0; 1];
        let serves = child.stdout.as_mut().is_some_and(|stdout| stdout.read_exact(&mut said).is_ok());
        let mut host = Self { child, socket: socket.to_owned(), order, claim: log };
        if serves {
            return Ok(host);
        }
        let mut why = String::new();
        let _ = host.claim.seek(SeekFrom::Start(0)).and_then(|_| host.claim.read_to_string(&mut why));
        Err(PrivateHostError::Ended(why.trim_start_matches("bgfetch: ").trim_end().to_owned()))
    }

    /// A new connection to it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.socket)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The order to end, for whoever may have to give it while this is in use.
    pub(crate) fn order(&self) -> Order {
        self.order.clone()
    }

    /// Kills it with `SIGKILL`, as a crash would.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(Failure::other)
    }
}

impl Order {
    /// Tells the host to end in order.
    pub(crate) fn give(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for PrivateHost {
    fn drop(&mut self) {
        // Ends in order, within the grace of a wake; nothing here depends on how.
        self.order.give();
        let _ = self.child.wait();
    }
}

fn held(folder: &Path) -> PrivateHostError {
    PrivateHostError::Held(folder.to_owned())
}

/// The log, locked; none if another has the lock.
fn claimed(path: &Path) -> std::io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let log = options.read(true).append(true).create(true).mode(0o600).open(path)?;
    Ok(lock(&log)?.then_some(log))
}

/// Whether a living host has that store: one whose parent was killed may still be ending. What a dead one left to a
/// child that is just starting, the next host waits for.
fn is_held(store_lock: &Path) -> std::io::Result<bool> {
    let mut file = match File::open(store_lock) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut holder = String::new();
    file.read_to_string(&mut holder)?;
    let holder = holder.trim().parse().ok().and_then(Pid::from_raw);
    let lives = holder.is_some_and(|holder| test_kill_process(holder) != Err(rustix::io::Errno::SRCH));
    Ok(lives && !lock(&file)?)
}

fn lock(file: &File) -> std::io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

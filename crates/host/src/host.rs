//! A host's life: claim, open, listen, run, end.

use crate::claim::{Claim, ClaimError};
use crate::config::Config;
use crate::engine::{Engine, EngineError, Ground};
use crate::launch::{Nursery, NurseryError};
use crate::policy::{PolicyError, PolicyFile};
use crate::socket::{Listening, SocketError};
use crate::store::{OpenError, Store};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How many events wait for the loop before whoever sends more has to wait.
const EVENTS_WAITING_MAX: usize = 256;

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of its store.
    pub state_directory: PathBuf,
    /// Its socket.
    pub socket: PathBuf,
    /// How it runs.
    pub config: Config,
    /// What the machine's administrator forbids.
    pub policy: PolicyFile,
    /// The program that it is, to start the nursery from.
    pub own_program: PathBuf,
}

/// Why a host can not run, or ended otherwise than in order.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its folder can not be made.
    #[error("the folder `{}` can not be made: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is forbidden can not be told.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Another host has its store.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Its store can not be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its socket can not be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// No wake could be started.
    #[error(transparent)]
    Nursery(#[from] NurseryError),
    /// It can not hear signals.
    #[error("signals can not be heard: {0}")]
    Signals(std::io::Error),
    /// It failed while it ran.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs a host until it is told to end: by `SIGTERM`, `SIGINT`, or a client. Calls `began` once clients are served.
///
/// It wants a current-thread runtime and a [`tokio::task::LocalSet`].
pub async fn run(options: Options, began: impl FnOnce()) -> Result<(), HostError> {
    let Options { state_directory, socket, config, policy, own_program } = options;
    let policy = policy.read()?;
    make_folder(&state_directory)?;
    // Not the name of the socket's lock, which may lie in the same folder.
    let claim = Claim::take(&state_directory.join("store.lock"))?;
    let listening = Listening::open(&socket)?;
    let store = Store::open(&state_directory, config.keep)?;
    let nursery = Nursery::start(&own_program, config.containment)?;
    // Behind the nursery: what apps may have is not the host's to change.
    let descriptors = raise_descriptors();
    let (events, inbox) = mpsc::channel(EVENTS_WAITING_MAX);
    let stop = stop_signals()?;
    let ground = Ground { config, policy, store, nursery, state_directory, socket, descriptors };
    let engine = Engine::new(ground, events)?;
    let peers = engine.run(&listening.listener, inbox, stop, began).await?;
    drop((listening, claim));
    peers.end().await;
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), HostError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| HostError::Folder { path: path.to_owned(), source })
}

/// Lets this process have as many descriptors as it may ask for, and tells how many those are. The usual 1024 would be
/// used up by connections alone.
fn raise_descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, wanted).is_ok() {
        limit.current = limit.maximum;
    }
    limit.current.unwrap_or(u64::MAX)
}

fn stop_signals() -> Result<mpsc::Receiver<()>, HostError> {
    let (send, receive) = mpsc::channel(2);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).map_err(HostError::Signals)?;
        let send = send.clone();
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                // Two waiting say all there is to say.
                let _ = send.try_send(());
            }
        });
    }
    Ok(receive)
}

//! The host behind the app: one connection, kept by one thread.
//!
//! [`link`] is what is known on both sides of that thread, behind one lock; [`carrier`] is the thread: it waits for the
//! socket and for a bell, moves bytes, and finds a lost host again. Nothing here runs a task.

mod carrier;
mod link;

pub(crate) use link::{End, Link, Work};

use crate::connect::ConnectError;
use bgfetch_wire::app::{HelloAnswer, HelloApp};
use bgfetch_wire::error::ErrorObject;
use carrier::Carrier;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How the host is reached.
pub(crate) enum Route {
    /// Over the socket that a wake inherits: once it has ended, the wake is over.
    Inherited(UnixStream),
    /// Over the host's own socket, again if need be.
    Socket {
        /// Where it is.
        path: PathBuf,
        /// How long a lost host is looked for.
        reconnect_for: Duration,
    },
}

/// What the program says of itself on every connection.
pub(crate) struct Greeting {
    /// Which app it is; nothing in a wake, whose app the host knows.
    pub(crate) app: Option<HelloApp>,
    /// The names of its tasks.
    pub(crate) defined: Vec<String>,
}

/// A connection that the host has answered.
pub(crate) struct Connection {
    pub(crate) link: Arc<Link>,
    pub(crate) hello: HelloAnswer,
    pub(crate) keeper: Keeper,
}

/// The connection's thread. Dropping it closes the connection, once what is to be sent is sent.
pub(crate) struct Keeper {
    link: Arc<Link>,
    thread: Option<JoinHandle<()>>,
}

/// Why the first `hello` came to nothing.
#[derive(Debug)]
enum Unanswered {
    Refused(ErrorObject),
    Closed(String),
}

/// Connects, says `hello` and waits for its answer.
pub(crate) fn connect(route: Route, greeting: Greeting) -> Result<Connection, ConnectError> {
    let (stream, again) = match route {
        Route::Inherited(stream) => (stream, None),
        Route::Socket { path, reconnect_for } => {
            let stream = open(&path).map_err(|source| match source.kind() {
                ErrorKind::PermissionDenied => ConnectError::Foreign(path.clone()),
                _ => ConnectError::NoHost { socket: path.clone(), source },
            })?;
            (stream, Some((path, reconnect_for)))
        }
    };
    let (bell, rings) = UnixStream::pair().map_err(ConnectError::SetUp)?;
    for socket in [&bell, &rings] {
        socket.set_nonblocking(true).map_err(ConnectError::SetUp)?;
    }
    let (answered, answer) = mpsc::sync_channel(1);
    let link = Arc::new(Link::new(greeting, bell, answered));
    let carrier = Carrier::new(Arc::clone(&link), rings, again);
    let thread = thread::Builder::new().name("background-fetch".into()).spawn(move || carrier.keep(stream));
    let thread = Some(thread.map_err(ConnectError::SetUp)?);
    let keeper = Keeper { link: Arc::clone(&link), thread };
    match answer.recv() {
        Ok(Ok(hello)) => Ok(Connection { link, hello, keeper }),
        Ok(Err(Unanswered::Refused(error))) => Err(ConnectError::Refused(error)),
        Ok(Err(Unanswered::Closed(why))) => Err(ConnectError::Silent(why)),
        Err(mpsc::RecvError) => Err(ConnectError::Silent("the connection's thread ended".to_owned())),
    }
}

/// Connects to this user's host. Another user's listener hears nothing: what a program says of itself is not for others.
fn open(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    let (listener, own) = (listener(&stream, path)?, rustix::process::geteuid().as_raw());
    if listener == own {
        return Ok(stream);
    }
    let what = format!("user {listener} listens there, and not this user ({own})");
    Err(io::Error::new(ErrorKind::PermissionDenied, what))
}

/// The user who listens, as the kernel tells. In a process namespace, as in a wake, it names no process outside, and the
/// answer is of no use; nor is there one elsewhere than on Linux. There it is the owner of the socket, which nobody can
/// give to somebody else.
fn listener(stream: &UnixStream, path: &Path) -> io::Result<u32> {
    #[cfg(target_os = "linux")]
    if let Ok(credentials) = rustix::net::sockopt::socket_peercred(stream) {
        return Ok(credentials.uid.as_raw());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
    std::fs::symlink_metadata(path).map(|found| found.uid())
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.link.close(End::ShutDown);
        if let Some(thread) = self.thread.take() {
            // It ends at once: it never waits but for the socket and the bell. A panic of it has been shown already.
            let _ = thread.join();
        }
    }
}

//! Connections: bytes to messages on the way in, messages to bytes on the way out, both bounded.

use super::Event;
use bgfetch_core::{AppId, TaskName, WakeId};
use bgfetch_wire::app::Role;
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::{EncodeError, FrameError, LineDecoder, to_line};
use bgfetch_wire::rpc::{Id, Message, MessageError, Response};
use serde::Serialize;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How many connections a host serves at a time, if it may have as many descriptors.
const PEERS_MAX: usize = 1_024;

/// How many descriptors are kept from connections, for the store and for wakes.
const DESCRIPTORS_KEPT: usize = 256;

/// How many bytes may wait for a peer that does not read; then it is cut off.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// How long all connections together may take to read their last answers when the host ends.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// How long a connection that is over may take to read what it was still to be told.
const LAST_WORDS_MAX: Duration = Duration::from_secs(5);

/// A connection's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PeerId(u64);

/// What a connection says.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message, or a line that is none.
    Line(Result<Message, MessageError>),
    /// A line that is too long; nothing more is read.
    Broken(FrameError),
    /// Its end.
    Closed,
}

/// What the host knows of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    waiting_bytes: Rc<Cell<usize>>,
    /// Dropped to cut the connection off.
    _open: watch::Sender<()>,
    /// The process at the other end, as the kernel tells; none for a socket that a wake inherited.
    pub(crate) process: Option<i32>,
    /// The wake that inherited this socket.
    pub(crate) wake: Option<WakeId>,
    /// What it said in `hello`.
    pub(crate) role: Option<Role>,
    /// The app it speaks for.
    pub(crate) app: Option<AppId>,
    /// The tasks that it defines, once they may be called.
    pub(crate) defined: Option<Vec<TaskName>>,
    /// The status it was told last.
    pub(crate) status: Option<bgfetch_core::Status>,
    /// What it wants to hear of the journal: entries behind this number, of this app.
    pub(crate) follows: Option<Follow>,
}

/// A wish to hear of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    /// Entries after this one.
    pub(crate) after: i64,
    /// Of this app only.
    pub(crate) app: Option<AppId>,
}

/// Every connection.
#[derive(Debug)]
pub(crate) struct Peers {
    known: BTreeMap<PeerId, Peer>,
    next: u64,
    most: usize,
    events: mpsc::Sender<Event>,
    writers: JoinSet<()>,
}

impl Peers {
    /// No connection yet, and never more than this process's `descriptors` leave room for.
    pub(crate) fn new(descriptors: u64, events: mpsc::Sender<Event>) -> Self {
        let room = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_KEPT);
        Self {
            known: BTreeMap::new(),
            next: 1,
            most: room.clamp(DESCRIPTORS_KEPT, PEERS_MAX),
            events,
            writers: JoinSet::new(),
        }
    }

    /// Takes a connection that came over the host's socket. Another user's is dropped without a word.
    pub(crate) fn accept(&mut self, stream: UnixStream) {
        let Ok(credentials) = stream.peer_cred() else { return };
        if credentials.uid() != rustix::process::geteuid().as_raw() {
            return;
        }
        if self.known.len() >= self.most {
            let error = ErrorObject::new(
                ErrorCode::Busy,
                format!("{} connections are open, as many as this host serves", self.most),
            );
            if let Ok(line) = to_line(&Response::<()>::failed(None, error)) {
                let _ = stream.try_write(&line);
            }
            return;
        }
        self.add(stream, credentials.pid(), None);
    }

    /// Takes the host's end of the socket that a wake inherits.
    pub(crate) fn inherit(&mut self, stream: UnixStream, wake: WakeId) -> PeerId {
        self.add(stream, None, Some(wake))
    }

    fn add(&mut self, stream: UnixStream, process: Option<i32>, wake: Option<WakeId>) -> PeerId {
        let id = PeerId(self.next);
        self.next += 1;
        let (reading, writing) = stream.into_split();
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (open, cut) = watch::channel(());
        let waiting_bytes = Rc::new(Cell::new(0));
        while self.writers.try_join_next().is_some() {}
        self.writers.spawn_local(write(writing, queue, Rc::clone(&waiting_bytes), cut.clone()));
        tokio::task::spawn_local(read(id, reading, self.events.clone(), cut));
        self.known.insert(
            id,
            Peer {
                outgoing,
                waiting_bytes,
                _open: open,
                process,
                wake,
                role: None,
                app: None,
                defined: None,
                status: None,
                follows: None,
            },
        );
        id
    }

    /// Ends every connection, once it has read what it was still to be told, or a second later.
    pub(crate) async fn end(mut self) {
        self.known.clear();
        let all = async { while self.writers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOODBYE_MAX, all).await;
    }

    /// Ends a connection, once what waits for the peer is written.
    pub(crate) fn drop_peer(&mut self, id: PeerId) -> Option<Peer> {
        self.known.remove(&id)
    }

    pub(crate) fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.known.get(&id)
    }

    pub(crate) fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.known.get_mut(&id)
    }

    /// Takes back that a connection said who it is: the host could not write it down.
    pub(crate) fn unknown_again(&mut self, id: PeerId) {
        if let Some(peer) = self.known.get_mut(&id) {
            (peer.role, peer.app, peer.defined) = (None, None, None);
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerId, &mut Peer)> {
        self.known.iter_mut().map(|(id, peer)| (*id, peer))
    }

    pub(crate) fn is_connected(&self, app: &AppId) -> bool {
        self.known.values().any(|peer| peer.app.as_ref() == Some(app))
    }

    /// The app's own running program, where `tasks` can be called: of those that connected by themselves the one that
    /// defines most of them, and the latest of several. One that defines none, as a second window may, is not called.
    pub(crate) fn callable(&self, app: &AppId, tasks: &[TaskName]) -> Option<PeerId> {
        let own = self.known.iter().filter(|(_, peer)| peer.app.as_ref() == Some(app) && peer.wake.is_none());
        let defined = own.filter_map(|(id, peer)| {
            let defined = peer.defined.as_ref()?;
            Some((tasks.iter().filter(|task| defined.contains(task)).count(), *id))
        });
        defined.filter(|(count, _)| *count > 0).max().map(|(_, id)| id)
    }

    /// Everybody who speaks for `app`.
    pub(crate) fn of_app(&self, app: &AppId) -> Vec<PeerId> {
        let of_app = self.known.iter().filter(|(_, peer)| peer.app.as_ref() == Some(app));
        of_app.map(|(id, _)| *id).collect()
    }

    /// The connection that `wake` inherited.
    pub(crate) fn of_wake(&self, wake: WakeId) -> Option<PeerId> {
        self.known.iter().find(|(_, peer)| peer.wake == Some(wake)).map(|(id, _)| *id)
    }

    /// Answers a request, in any case: an answer that is too large for the wire is replaced by an error.
    pub(crate) fn answer(&mut self, peer: PeerId, id: Id, result: Result<Value, ErrorObject>) {
        let response = Response { id: Some(id.clone()), outcome: result };
        if let Err(error) = self.try_send(peer, &response) {
            let error = ErrorObject::new(ErrorCode::Internal, format!("the answer is too large: {error}"));
            self.send(peer, &Response::<()>::failed(id, error));
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, id: PeerId, message: &impl Serialize) {
        // What the host says by itself is bounded far below what a line holds.
        let _ = self.try_send(id, message);
    }

    /// Sends a message, if the wire can carry it. A peer that does not read what it is sent is cut off.
    fn try_send(&mut self, id: PeerId, message: &impl Serialize) -> Result<(), EncodeError> {
        let Some(peer) = self.known.get(&id) else { return Ok(()) };
        let line = to_line(message)?;
        let waiting = peer.waiting_bytes.get() + line.len();
        peer.waiting_bytes.set(waiting);
        if waiting > WAITING_BYTES_MAX || peer.outgoing.send(line).is_err() {
            // Its reader hears of the end and reports it.
            self.known.remove(&id);
        }
        Ok(())
    }
}

async fn write(
    mut writing: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting_bytes: Rc<Cell<usize>>,
    mut cut: watch::Receiver<()>,
) {
    let lines = async {
        while let Some(line) = queue.recv().await {
            if writing.write_all(&line).await.is_err() {
                return;
            }
            waiting_bytes.set(waiting_bytes.get() - line.len());
        }
    };
    tokio::pin!(lines);
    tokio::select! {
        biased;
        () = &mut lines => return,
        // The peer is dropped, and with it the sender: this is never told anything.
        _ = cut.changed() => {}
    }
    // Who does not read even now would hold the connection for ever.
    let _ = tokio::time::timeout(LAST_WORDS_MAX, lines).await;
}

async fn read(
    id: PeerId,
    mut reading: OwnedReadHalf,
    events: mpsc::Sender<Event>,
    mut cut: watch::Receiver<()>,
) {
    tokio::select! {
        () = read_lines(id, &mut reading, &events) => {}
        _ = cut.changed() => {}
    }
    let _ = events.send(Event::Peer(id, Heard::Closed)).await;
}

async fn read_lines(id: PeerId, reading: &mut OwnedReadHalf, events: &mpsc::Sender<Event>) {
    let mut decoder = LineDecoder::new();
    let mut buffer = vec![0; 8 << 10];
    loop {
        let Ok(count @ 1..) = reading.read(&mut buffer).await else { return };
        let mut input = &buffer[..count];
        loop {
            let heard = match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(line)) => Heard::Line(Message::parse(&line)),
                Err(error) => Heard::Broken(error),
            };
            let broken = matches!(heard, Heard::Broken(_));
            if events.send(Event::Peer(id, heard)).await.is_err() || broken {
                return;
            }
        }
    }
}

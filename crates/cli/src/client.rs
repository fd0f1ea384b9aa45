//! A connection to the host, for one verb.

use crate::exit::Failure;
use bgfetch_wire::app::{Call, Event, Hello, Peer, Role};
use bgfetch_wire::control::LogEntry;
use bgfetch_wire::frame::{LineDecoder, to_line};
use bgfetch_wire::rpc::{Id, Message, Request};
use rustix::process::geteuid;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a host may take to answer; one that takes longer hangs.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// The least that is waited for.
const MOMENT: Duration = Duration::from_millis(1);

/// A connection with the role `control`.
pub(crate) struct Client {
    stream: UnixStream,
    socket: PathBuf,
    decoder: LineDecoder,
    lines: VecDeque<Vec<u8>>,
    entries: VecDeque<LogEntry>,
    next_id: i64,
}

impl Client {
    /// Connects to the host that listens on `socket`.
    pub(crate) fn connect(socket: &Path) -> Result<Self, Failure> {
        let stream = UnixStream::connect(socket).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Failure::NoHost(socket.to_owned()),
            _ => Failure::Connection { socket: socket.to_owned(), source },
        })?;
        refuse_foreign(&stream, socket)?;
        let mut client = Self {
            stream,
            socket: socket.to_owned(),
            decoder: LineDecoder::new(),
            lines: VecDeque::new(),
            entries: VecDeque::new(),
            next_id: 1,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        client.call(Hello {
            protocol: bgfetch_wire::PROTOCOL,
            client: Peer { name: "bgfetch".to_owned(), version },
            role: Role::Control,
            app: None,
        })?;
        Ok(client)
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call<C: Call>(&mut self, request: C) -> Result<C::Answer, Failure> {
        let id = Id::Number(self.next_id);
        self.next_id += 1;
        let line = to_line(&Request::call(id.clone(), request)).map_err(Failure::other)?;
        self.stream.set_write_timeout(Some(ANSWER_MAX)).map_err(|source| self.failed(source))?;
        self.stream.write_all(&line).map_err(|source| self.failed(source))?;
        let until = Some(Instant::now() + ANSWER_MAX);
        loop {
            match self.message(until)? {
                Message::Response(response) if response.id.as_ref() == Some(&id) => {
                    let value = response.outcome.map_err(Failure::Refused)?;
                    return serde_json::from_value(value).map_err(|error| Failure::Answer(error.to_string()));
                }
                Message::Response(response) => {
                    // An answer without an id is about the line as a whole.
                    response.outcome.map_err(Failure::Refused)?;
                }
                Message::Notification(heard) => self.notified(&heard.method, heard.params),
                Message::Request(_) => {}
            }
        }
    }

    /// The next entry of the journal that is followed, if it comes before `until`.
    pub(crate) fn next_entry(&mut self, until: Option<Instant>) -> Result<LogEntry, Failure> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Ok(entry);
            }
            if let Message::Notification(heard) = self.message(until)? {
                self.notified(&heard.method, heard.params);
            }
        }
    }

    fn notified(&mut self, method: &str, params: serde_json::Map<String, Value>) {
        // What a newer host tells beside the journal is nothing to this verb.
        if method == LogEntry::METHOD
            && let Ok(entry) = serde_json::from_value(Value::Object(params))
        {
            self.entries.push_back(entry);
        }
    }

    fn message(&mut self, until: Option<Instant>) -> Result<Message, Failure> {
        let mut buffer = [0; 8 << 10];
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Message::parse(&line).map_err(|error| Failure::Answer(error.kind.to_string()));
            }
            // A timeout of nothing would mean none.
            let left = |until: Instant| until.saturating_duration_since(Instant::now()).max(MOMENT);
            self.stream.set_read_timeout(until.map(left)).map_err(|source| self.failed(source))?;
            let count = match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.failed(ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(self.failed(source)),
            };
            let mut input = &buffer[..count];
            while let Some(line) = self.decoder.decode(&mut input).map_err(Failure::other)? {
                self.lines.push_back(line);
            }
        }
    }

    fn failed(&self, source: std::io::Error) -> Failure {
        let socket = self.socket.clone();
        match source.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::Silent { socket, wait: ANSWER_MAX },
            _ => Failure::Connection { socket, source },
        }
    }
}

/// Refuses a listener of another user's before a word is said: a request may carry the whole environment, and the
/// socket's folder may be one that anybody can make.
fn refuse_foreign(stream: &UnixStream, socket: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::Connection { socket: socket.to_owned(), source };
    let (listener, own) = (listener(stream, socket).map_err(failed)?, geteuid().as_raw());
    if listener == own {
        return Ok(());
    }
    Err(Failure::Foreign { socket: socket.to_owned(), listener, own })
}

/// The user who listens, as the kernel tells. In a process namespace, as in a wake, it names no process outside, and the
/// answer is of no use; nor is there one elsewhere than on Linux. There it is the owner of the socket, which nobody can
/// give to somebody else.
fn listener(stream: &UnixStream, socket: &Path) -> std::io::Result<u32> {
    #[cfg(target_os = "linux")]
    if let Ok(credentials) = rustix::net::sockopt::socket_peercred(stream) {
        return Ok(credentials.uid.as_raw());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
    std::fs::symlink_metadata(socket).map(|found| found.uid())
}

//! A connection to the host, for one verb.

use crate::exit::Failure;
use bgfetch_wire::app::{Call, Event, Hello, Peer, Role};
use bgfetch_wire::control::LogEntry;
use bgfetch_wire::frame::{LineDecoder, to_line};
use bgfetch_wire::rpc::{Id, Message, Request};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a host may take to answer; one that takes longer hangs.
const ANSWER_MAX: Duration = Duration::from_mins(1);

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
        self.stream.write_all(&line).map_err(|source| self.failed(source))?;
        self.stream.set_read_timeout(Some(ANSWER_MAX)).map_err(|source| self.failed(source))?;
        loop {
            match self.message()? {
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

    /// The next entry of the journal that is followed; at most `wait` lies between two messages of the host.
    pub(crate) fn next_entry(&mut self, wait: Option<Duration>) -> Result<LogEntry, Failure> {
        self.stream.set_read_timeout(wait).map_err(|source| self.failed(source))?;
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Ok(entry);
            }
            if let Message::Notification(heard) = self.message()? {
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

    fn message(&mut self) -> Result<Message, Failure> {
        let mut buffer = [0; 8 << 10];
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Message::parse(&line).map_err(|error| Failure::Answer(error.kind.to_string()));
            }
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
        Failure::Connection { socket: self.socket.clone(), source }
    }
}

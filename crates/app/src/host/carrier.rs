//! The connection's thread: waits for the socket and the bell, moves bytes, and finds a lost host again.

use super::link::{End, Link};
use bgfetch_wire::frame::LineDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the host may take to answer `hello`.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// How long the first pause is before a lost host is looked for again; each one is twice as long as the last.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest of these pauses.
const PAUSE_LAST: Duration = Duration::from_secs(5);

/// A host that is gone must not end the app with a signal. Where there is no such flag, the socket itself is set so.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// The connection's thread.
pub(super) struct Carrier {
    link: Arc<Link>,
    rings: UnixStream,
    /// Where the host is looked for when it is lost, and for how long; nowhere in a wake.
    again: Option<(PathBuf, Duration)>,
}

impl Carrier {
    pub(super) fn new(link: Arc<Link>, rings: UnixStream, again: Option<(PathBuf, Duration)>) -> Self {
        Self { link, rings, again }
    }

    /// Speaks over `stream`, and over others after it, until there is nothing more to say or nobody to say it to.
    pub(super) fn keep(mut self, stream: UnixStream) {
        let mut search = Search::new();
        let mut stream = Some(stream);
        loop {
            if let Some(stream) = stream.take() {
                let why =
                    self.talk(stream).map_or_else(|error| error.to_string(), |()| "it closed".to_owned());
                if self.link.is_known() {
                    search = Search::new();
                }
                self.link.parted(&why);
                search.last_words = why;
            }
            if self.link.end().is_some() {
                return;
            }
            let Some((path, reconnect_for)) = self.again.as_ref() else {
                return self.link.close(End::HostGone(search.last_words));
            };
            let Some(pause) = search.next_pause(*reconnect_for) else {
                return self.link.close(End::HostGone(search.last_words));
            };
            let path = path.clone();
            self.rest(pause);
            if self.link.end().is_some() {
                return;
            }
            match super::open(&path) {
                Ok(found) => stream = Some(found),
                Err(error) => search.last_words = format!("`{}`: {error}", path.display()),
            }
        }
    }

    /// Speaks over one connection until it ends.
    fn talk(&mut self, mut stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        #[cfg(target_vendor = "apple")]
        rustix::net::sockopt::set_socket_nosigpipe(&stream, true)?;
        self.link.greet();
        let greeted = Instant::now();
        let mut decoder = LineDecoder::new();
        let mut outgoing = Outgoing::default();
        loop {
            let is_sent = match outgoing.send(&stream, &self.link) {
                Ok(is_sent) => is_sent,
                Err(error) => return self.last_words(&mut stream, &mut decoder, error),
            };
            if self.link.end().is_some() {
                return Ok(());
            }
            let wanted = if is_sent { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            let mut sources = [PollFd::new(&stream, wanted), PollFd::new(&self.rings, PollFlags::IN)];
            let patience = (!self.link.is_known()).then(|| HELLO_WITHIN.saturating_sub(greeted.elapsed()));
            if patience.is_some_and(|left| left.is_zero()) {
                return Err(io::Error::other(format!("nothing came within {HELLO_WITHIN:?}")));
            }
            wait(&mut sources, patience)?;
            let [heard, rung] = sources.map(|source| !source.revents().is_empty());
            if rung {
                self.hear_bell();
            }
            if heard && self.read(&mut stream, &mut decoder)? == Heard::End {
                return Ok(());
            }
        }
    }

    /// The host takes nothing more. Why may be among what it said before.
    fn last_words(
        &self,
        stream: &mut UnixStream,
        decoder: &mut LineDecoder,
        error: io::Error,
    ) -> io::Result<()> {
        loop {
            match self.read(stream, decoder)? {
                Heard::Something => {}
                Heard::Nothing => return Err(error),
                Heard::End => return Ok(()),
            }
        }
    }

    /// Takes in what has come.
    fn read(&self, stream: &mut UnixStream, decoder: &mut LineDecoder) -> io::Result<Heard> {
        let mut buffer = [0; 8 << 10];
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Ok(Heard::End),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Heard::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Heard::Something),
            Err(error) => return Err(error),
        };
        let mut input = &buffer[..count];
        while let Some(line) = decoder.decode(&mut input).map_err(io::Error::other)? {
            self.link.hear(&line);
        }
        Ok(Heard::Something)
    }

    /// Waits for `pause` to pass, or for the end.
    fn rest(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while self.link.end().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            let mut sources = [PollFd::new(&self.rings, PollFlags::IN)];
            if left.is_zero() || wait(&mut sources, Some(left)).is_err() {
                return;
            }
            self.hear_bell();
        }
    }

    fn hear_bell(&mut self) {
        let mut rings = [0; 64];
        while self.rings.read(&mut rings).is_ok_and(|count| count == rings.len()) {}
    }
}

/// What a look at the socket gave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Something,
    Nothing,
    End,
}

/// Bytes on their way out.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// Sends what the socket takes; `true` if nothing is left.
    fn send(&mut self, stream: &UnixStream, link: &Link) -> io::Result<bool> {
        loop {
            if self.sent == self.bytes.len() {
                self.bytes.clear();
                self.sent = 0;
                link.take_outgoing(&mut self.bytes);
                if self.bytes.is_empty() {
                    return Ok(true);
                }
            }
            match send(stream, &self.bytes[self.sent..], SEND_FLAGS) {
                Ok(count) => self.sent += count,
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A lost host being looked for.
struct Search {
    lost: Instant,
    pause: Duration,
    last_words: String,
}

impl Search {
    fn new() -> Self {
        Self { lost: Instant::now(), pause: PAUSE_FIRST, last_words: String::new() }
    }

    /// How long to rest before the next try; `None` once it has been looked for long enough.
    fn next_pause(&mut self, reconnect_for: Duration) -> Option<Duration> {
        let left = reconnect_for.checked_sub(self.lost.elapsed()).filter(|left| !left.is_zero())?;
        let pause = self.pause.min(left);
        self.pause = (self.pause * 2).min(PAUSE_LAST);
        Some(pause)
    }
}

fn wait(sources: &mut [PollFd<'_>], at_most: Option<Duration>) -> io::Result<()> {
    let timeout = at_most.and_then(|duration| Timespec::try_from(duration).ok());
    match poll(sources, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! The shepherd's end of a wake's control socket: what it hears, and what it says without ever blocking.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Serialize;

use super::frame::{FrameReader, Kind, write_frame, write_json};
use super::output::Capture;
use super::passing;
use super::terms::{Command, Ready, Report, Spec, Started, Stream};

/// What came from the host.
pub(super) enum Heard {
    /// Nothing new.
    Nothing,
    /// Orders, in their order.
    Orders(Vec<Command>),
    /// The host is gone, or speaks nonsense: there is nobody to run for.
    Gone,
}

/// A spec that arrived (or why it could not be read) and the app's socket, if one came with it.
pub(super) type Arrival = (Result<Spec, String>, Option<OwnedFd>);

/// The socket, with what is still to be read and written.
///
/// What is said is bounded by what a wake may say: the live output, the tail and a handful of small frames.
pub(super) struct Control {
    socket: OwnedFd,
    reader: FrameReader,
    outbox: Vec<u8>,
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Control {
    pub(super) fn new(socket: OwnedFd) -> std::io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self { socket, reader: FrameReader::default(), outbox: Vec::new() })
    }

    /// What to poll the socket for.
    pub(super) fn interest(&self) -> PollFlags {
        if self.outbox.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    /// Waits for the spec. `None` is the end of the host's side: nothing is to be started.
    pub(super) fn await_spec(&mut self) -> std::io::Result<Option<Arrival>> {
        let mut app_socket = None;
        let mut buffer = vec![0_u8; 64 * 1024];
        loop {
            self.wait_for(PollFlags::IN)?;
            self.flush();
            match passing::receive(&self.socket, &mut buffer) {
                Ok((0, _)) => return Ok(None),
                Ok((count, passed)) => {
                    self.reader.push(&buffer[..count]);
                    app_socket = app_socket.or(passed.into_iter().next());
                }
                Err(Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            }
            match self.reader.next_frame() {
                Ok(None) => {}
                Ok(Some((Kind::Spec, payload))) => {
                    let spec = serde_json::from_slice(&payload).map_err(|error| error.to_string());
                    return Ok(Some((spec, app_socket)));
                }
                Ok(Some(_)) | Err(_) => return Ok(None),
            }
        }
    }

    /// Reads what is there.
    pub(super) fn hear(&mut self) -> Heard {
        let mut buffer = [0_u8; 1024];
        loop {
            match rustix::io::read(&self.socket, &mut buffer) {
                Ok(0) => return Heard::Gone,
                Ok(count) => self.reader.push(&buffer[..count]),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(_) => return Heard::Gone,
            }
        }
        let mut orders = Vec::new();
        loop {
            match self.reader.next_frame() {
                Ok(None) if orders.is_empty() => return Heard::Nothing,
                Ok(None) => return Heard::Orders(orders),
                Ok(Some((Kind::Command, payload))) => match serde_json::from_slice(&payload) {
                    Ok(command) => orders.push(command),
                    Err(_) => return Heard::Gone,
                },
                Ok(Some(_)) | Err(_) => return Heard::Gone,
            }
        }
    }

    pub(super) fn say_ready(&mut self, ready: &Ready) {
        self.say(Kind::Ready, ready);
    }

    pub(super) fn say_started(&mut self, started: &Started) {
        self.say(Kind::Started, started);
    }

    pub(super) fn say_output(&mut self, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.say_bytes(if stream == Stream::Stdout { Kind::Stdout } else { Kind::Stderr }, bytes);
        }
    }

    /// Says the last word, and waits until it is on its way or nobody listens.
    pub(super) fn say_ended(&mut self, capture: &Capture, report: &Report) {
        for (stream, bytes) in capture.tail() {
            let stdout = stream == Stream::Stdout;
            self.say_bytes(if stdout { Kind::StdoutTail } else { Kind::StderrTail }, bytes);
        }
        self.say(Kind::Ended, report);
        while !self.outbox.is_empty() && self.wait_for(PollFlags::OUT).is_ok() {
            self.flush();
        }
    }

    /// Writes as much as the socket takes now. What cannot be written to a host that is gone is forgotten.
    pub(super) fn flush(&mut self) {
        while !self.outbox.is_empty() {
            match passing::send(&self.socket, &self.outbox, &[]) {
                Ok(count) => drop(self.outbox.drain(..count)),
                Err(Errno::AGAIN) => return,
                Err(_) => self.outbox.clear(),
            }
        }
    }

    fn say(&mut self, kind: Kind, message: &impl Serialize) {
        // Every message of a shepherd is far below the frame's limit.
        let _ = write_json(&mut self.outbox, kind, message);
        self.flush();
    }

    fn say_bytes(&mut self, kind: Kind, bytes: &[u8]) {
        let _ = write_frame(&mut self.outbox, kind, bytes);
        self.flush();
    }

    fn wait_for(&self, flags: PollFlags) -> std::io::Result<()> {
        let mut waits = [PollFd::from_borrowed_fd(self.socket.as_fd(), flags)];
        match poll(&mut waits, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

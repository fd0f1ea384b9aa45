//! A wake under way, as the host sees it.

use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::frame::{FrameReader, Kind, write_json};
use super::launcher::Link;
use super::leaf::Leaf;
use super::terms::{Command, Ending, Event, Ready, Report, Started, Stream, Sweep, Usage, whole_ms};

/// How long the nursery may take to end what a lost shepherd left.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(5);

/// A wake under way. Dropping it kills the wake's tree.
pub struct Launched {
    control: UnixStream,
    reader: FrameReader,
    outbox: Mutex<Vec<u8>>,
    output_tail: Vec<(Stream, Vec<u8>)>,
    leaf: Option<Leaf>,
    link: Arc<Link>,
    shepherd: i32,
    begun_at: Instant,
    state: State,
}

/// How far a wake has come, to this side's knowledge.
enum State {
    /// Its shepherd speaks.
    Tended,
    /// Its shepherd is gone without a word; the nursery has been asked to sweep until the time given.
    Lost { swept: Option<UnixStream>, until: Instant },
    /// It has been reported.
    Ended,
}

impl Launched {
    pub(super) fn new(control: UnixStream, rest: Vec<u8>, leaf: Option<Leaf>, link: Arc<Link>) -> Self {
        Self {
            control,
            reader: FrameReader::default(),
            outbox: Mutex::new(rest),
            output_tail: Vec::new(),
            leaf,
            link,
            shepherd: 0,
            begun_at: Instant::now(),
            state: State::Tended,
        }
    }

    /// Waits for the next event. Exactly one is [`Event::Ended`], it is the last, and when it comes nothing of
    /// the wake's tree is left; after it, this never returns. Safe to cancel.
    pub async fn event(&mut self) -> Event {
        loop {
            match &mut self.state {
                State::Ended => std::future::pending::<()>().await,
                State::Lost { swept, until } => {
                    let sweep = await_sweep(swept.as_ref(), *until).await;
                    return self.end(self.lost_report(sweep));
                }
                State::Tended => {}
            }
            if let Some(event) = self.take_frame() {
                return event;
            }
            if let State::Tended = self.state {
                self.exchange().await;
            }
        }
    }

    /// Asks the tree to end, and has what is left of it killed after `grace`.
    pub fn stop(&self, grace: Duration) {
        self.order(Command::Stop { grace_ms: whole_ms(grace) });
    }

    /// Has the tree killed.
    pub fn kill(&self) {
        self.order(Command::Kill);
    }

    fn order(&self, command: Command) {
        {
            let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
            // An order is far below a frame's limit.
            let _ = write_json(&mut outbox, Kind::Command, &command);
        }
        self.flush();
    }

    /// Writes what the socket takes now; the rest goes when it is next awaited. A shepherd that does not
    /// listen any more is noticed by reading.
    fn flush(&self) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        while !outbox.is_empty() {
            match self.control.try_write(&outbox) {
                Ok(count) => drop(outbox.drain(..count)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => outbox.clear(),
            }
        }
    }

    /// Turns what has arrived into an event, if there is one.
    fn take_frame(&mut self) -> Option<Event> {
        loop {
            let Ok(frame) = self.reader.next_frame() else {
                self.lose();
                return None;
            };
            let (kind, payload) = frame?;
            match kind {
                Kind::Stdout => return Some(Event::Output { stream: Stream::Stdout, bytes: payload }),
                Kind::Stderr => return Some(Event::Output { stream: Stream::Stderr, bytes: payload }),
                Kind::StdoutTail => self.output_tail.push((Stream::Stdout, payload)),
                Kind::StderrTail => self.output_tail.push((Stream::Stderr, payload)),
                Kind::Ready => {
                    self.shepherd =
                        serde_json::from_slice::<Ready>(&payload).map_or(0, |ready| ready.shepherd);
                }
                Kind::Started => match serde_json::from_slice::<Started>(&payload) {
                    Ok(started) => return Some(Event::Started(started)),
                    Err(_) => self.lose(),
                },
                Kind::Ended => match serde_json::from_slice::<Report>(&payload) {
                    Ok(report) => return Some(self.end(report)),
                    Err(_) => self.lose(),
                },
                Kind::Spec | Kind::Command => self.lose(),
            }
            if !matches!(self.state, State::Tended) {
                return None;
            }
        }
    }

    async fn exchange(&mut self) {
        let pending = !self.outbox.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let interest = if pending { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if self.control.ready(interest).await.is_err() {
            self.lose();
            return;
        }
        self.flush();
        let mut buffer = [0_u8; 16 * 1024];
        match self.control.try_read(&mut buffer) {
            Ok(0) => self.lose(),
            Ok(count) => self.reader.push(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.lose(),
        }
    }

    /// The shepherd is gone: ends what can be reached at once, and asks the nursery to end the rest.
    fn lose(&mut self) {
        if let Some(leaf) = &self.leaf {
            leaf.kill();
        }
        let swept = self.link.sweep(self.shepherd).and_then(into_async).ok();
        self.state = State::Lost { swept, until: Instant::now() + SWEEP_TIMEOUT };
    }

    fn lost_report(&self, sweep: Sweep) -> Report {
        Report {
            ending: Ending::ShepherdLost { sweep },
            stdout_sha256: None,
            output_tail: Vec::new(),
            output_dropped_bytes: 0,
            usage: Usage::default(),
            elapsed_ms: whole_ms(self.begun_at.elapsed()),
        }
    }

    fn end(&mut self, mut report: Report) -> Event {
        report.output_tail = std::mem::take(&mut self.output_tail);
        self.state = State::Ended;
        self.leaf = None;
        Event::Ended(report)
    }
}

fn into_async(stream: BlockingStream) -> std::io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Waits until the nursery has closed its end of `swept`. Where orphans do not come to the nursery, its word
/// is worth nothing.
async fn await_sweep(swept: Option<&UnixStream>, until: Instant) -> Sweep {
    let Some(swept) = swept.filter(|_| cfg!(target_os = "linux")) else { return Sweep::Unconfirmed };
    match tokio::time::timeout_at(until, swept.readable()).await {
        Ok(Ok(())) => Sweep::Confirmed,
        Ok(Err(_)) | Err(_) => Sweep::Unconfirmed,
    }
}

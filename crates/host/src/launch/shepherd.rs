//! The shepherd: one process per wake, with one thread, between the host and the app's tree.
//!
//! It holds the containment, starts the app when the spec arrives, reads its output, keeps its deadlines on
//! the clock of awake time, and reports one ending when nothing of the tree is left. The limit holds when the
//! host stalls, and the end of the host's socket is the end of the tree.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::control::{Control, Heard};
use super::output::Capture;
use super::pen::Pen;
use super::start::{self, Progress, StartError};
use super::sys;
use super::terms::{
    Command, Compliance, Ending, Method, Ready, Report, Spec, Stage, Started, Stream, Usage, whole_ms,
};

/// How often a tree whose first process has ended is looked at while the rest of it has its grace.
const REMAINDER_LOOK: Duration = Duration::from_millis(10);

/// The most that is read from one stream before deadlines are looked at again.
const READ_BYTES: usize = 64 * 1024;

/// The most that is read from one stream once its writers are dead: more than a pipe holds by default, and a
/// bound on one whose end was passed to a stranger.
const DRAIN_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Lives a shepherd's life on `control` and ends the process.
pub(super) fn run(control: OwnedFd, leaf: Option<OwnedFd>, method: Method) -> ! {
    let lived = live(control, leaf, method);
    sys::exit_now(i32::from(lived.is_err()))
}

/// An `Err` is the end of a shepherd that could not even report: the host learns it by the end of the socket.
fn live(control: OwnedFd, leaf: Option<OwnedFd>, method: Method) -> std::io::Result<()> {
    // The nursery leads a session already, so its fork never does.
    rustix::process::setsid()?;
    #[cfg(target_os = "linux")]
    rustix::thread::set_name(c"bgfetch-shepherd")?;
    let bell = sys::child_bell()?;
    let mut control = Control::new(control)?;
    let pen = Pen::set_up(method, leaf);
    let refusal = pen.as_ref().err().cloned();
    let lacking = pen.as_ref().ok().and_then(|(_, lacking)| lacking.clone());
    control.say_ready(&Ready { shepherd: rustix::process::getpid().as_raw_pid(), refusal, lacking });
    let Some((spec, app_socket)) = control.await_spec()? else {
        if let Ok((pen, _)) = pen {
            Flock::new(control, pen, bell, None).end_all();
        }
        return Ok(());
    };
    let arrived = Instant::now();
    let report = match (pen, spec) {
        (Err(detail), _) => not_started(Stage::Contain, detail),
        (Ok((pen, _)), spec) => {
            let mut flock = Flock::new(control, pen, bell, Some(arrived));
            let report = match spec {
                Ok(spec) => flock.tend(&spec, app_socket),
                Err(detail) => flock.refuse(StartError { stage: Stage::Spec, detail }),
            };
            flock.say_ended(&report);
            return Ok(());
        }
    };
    control.say_ended(&Capture::new(), &report);
    Ok(())
}

/// The report of a wake whose program never ran.
pub(super) fn not_started(stage: Stage, detail: String) -> Report {
    Report {
        ending: Ending::NotStarted { stage, detail },
        stdout_sha256: Some(Capture::new().stdout_sha256()),
        output_tail: Vec::new(),
        output_dropped_bytes: 0,
        usage: Usage::default(),
        elapsed_ms: 0,
    }
}

/// Why a tree was asked to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Limit,
    Stop,
}

/// Where a tree stands between its start and its end.
#[derive(Clone, Copy)]
enum Phase {
    /// It runs until `ask_at`.
    Running { ask_at: Instant },
    /// It was asked to end and is killed at `kill_at`.
    Asked { cause: Cause, kill_at: Instant },
    /// It ended in this way; what is left is killed.
    Over(Over),
}

/// How a tree came to its end.
#[derive(Clone, Copy)]
enum Over {
    ByItself(WaitStatus),
    NotStarted,
    Asked(Cause, Compliance),
    HostGone,
}

/// The tree being tended.
struct Flock {
    control: Control,
    pen: Pen,
    bell: OwnedFd,
    arrived: Instant,
    capture: Capture,
    main: Option<Pid>,
    failure: Option<OwnedFd>,
    start_error: Option<StartError>,
    outputs: VecDeque<(Stream, OwnedFd)>,
    grace: Duration,
    phase: Phase,
}

impl Flock {
    fn new(control: Control, pen: Pen, bell: OwnedFd, arrived: Option<Instant>) -> Self {
        let arrived = arrived.unwrap_or_else(Instant::now);
        Self {
            control,
            pen,
            bell,
            arrived,
            capture: Capture::new(),
            main: None,
            failure: None,
            start_error: None,
            outputs: VecDeque::new(),
            grace: Duration::ZERO,
            phase: Phase::Over(Over::HostGone),
        }
    }

    /// Starts the app and sees it through to the end of its tree.
    fn tend(&mut self, spec: &Spec, app_socket: Option<OwnedFd>) -> Report {
        match start::start(spec, app_socket, &self.pen) {
            Ok(starting) => {
                self.main = Some(starting.process);
                #[cfg(not(target_os = "linux"))]
                self.pen.started(starting.process);
                self.failure = Some(starting.failure);
                self.outputs = [(Stream::Stdout, starting.stdout), (Stream::Stderr, starting.stderr)].into();
            }
            Err(error) => return self.refuse(error),
        }
        self.grace = Duration::from_millis(spec.grace_ms);
        self.phase = Phase::Running { ask_at: later(self.arrived, Duration::from_millis(spec.limit_ms)) };
        let over = loop {
            if let Phase::Over(over) = self.phase {
                break over;
            }
            self.turn(spec);
        };
        self.end_all();
        self.drain();
        self.report(over)
    }

    /// Ends what the containment holds by itself, and reports that nothing was started.
    fn refuse(&mut self, error: StartError) -> Report {
        self.end_all();
        not_started(error.stage, error.detail)
    }

    /// Waits for whatever comes first and deals with it.
    fn turn(&mut self, spec: &Spec) {
        let timeout = self.next_look().saturating_duration_since(Instant::now());
        self.wait_for_something(timeout);
        // A start is learned of before the end of what was started.
        self.look_at_start(spec);
        self.reap(spec);
        self.listen();
        self.read_outputs();
        self.control.flush();
        self.keep_deadlines(Instant::now());
    }

    fn next_look(&self) -> Instant {
        match self.phase {
            Phase::Running { ask_at } => ask_at,
            Phase::Asked { kill_at, .. } if self.main.is_some() => kill_at,
            Phase::Asked { kill_at, .. } => kill_at.min(Instant::now() + REMAINDER_LOOK),
            Phase::Over(_) => Instant::now(),
        }
    }

    fn wait_for_something(&self, timeout: Duration) {
        let mut waits = vec![
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.control.as_fd(), self.control.interest()),
        ];
        let pipes = self.outputs.iter().map(|(_, pipe)| pipe).chain(&self.failure);
        waits.extend(pipes.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
        // An error here (an interruption, memory) only makes the turn come early.
        let _ = poll(&mut waits, Some(&timespec(timeout)));
        let _ = rustix::io::read(&self.bell, &mut [0_u8; 256]);
    }

    fn look_at_start(&mut self, spec: &Spec) {
        let Some(failure) = &self.failure else { return };
        match start::progress(spec, failure) {
            Progress::Underway => return,
            Progress::Running => {
                let process = self.main.map_or(0, Pid::as_raw_pid);
                let spec_to_exec_us = u64::try_from(self.arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.control.say_started(&Started { process, spec_to_exec_us });
            }
            Progress::Failed(error) => self.start_error = Some(error),
        }
        self.failure = None;
    }

    /// Waits for every child that has ended, without blocking. Returns whether any is left.
    fn reap(&mut self, spec: &Spec) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((process, status))) => {
                    self.pen.reaped(process);
                    if Some(process) == self.main {
                        self.main = None;
                        self.look_at_start(spec);
                        self.main_ended(status);
                    }
                }
                Err(Errno::CHILD) => return false,
                Ok(None) | Err(_) => return true,
            }
        }
    }

    fn main_ended(&mut self, status: WaitStatus) {
        if let Phase::Running { .. } = self.phase {
            let failed = self.start_error.is_some();
            self.phase = Phase::Over(if failed { Over::NotStarted } else { Over::ByItself(status) });
        }
    }

    fn listen(&mut self) {
        match self.control.hear() {
            Heard::Nothing => {}
            Heard::Gone => self.phase = Phase::Over(Over::HostGone),
            Heard::Orders(commands) => commands.into_iter().for_each(|command| self.obey(command)),
        }
    }

    fn obey(&mut self, command: Command) {
        let cause = match self.phase {
            Phase::Running { .. } => Cause::Stop,
            Phase::Asked { cause, .. } => cause,
            Phase::Over(_) => return,
        };
        match (command, self.phase) {
            (Command::Kill, _) => self.phase = Phase::Over(Over::Asked(cause, Compliance::Forced)),
            (Command::Stop { grace_ms }, Phase::Asked { kill_at, .. }) => {
                let kill_at = kill_at.min(later(Instant::now(), Duration::from_millis(grace_ms)));
                self.phase = Phase::Asked { cause, kill_at };
            }
            (Command::Stop { grace_ms }, _) => self.ask(cause, Duration::from_millis(grace_ms)),
        }
    }

    fn ask(&mut self, cause: Cause, grace: Duration) {
        self.pen.ask();
        self.phase = Phase::Asked { cause, kill_at: later(Instant::now(), grace) };
    }

    fn keep_deadlines(&mut self, now: Instant) {
        match self.phase {
            Phase::Running { ask_at } if now >= ask_at => self.ask(Cause::Limit, self.grace),
            Phase::Asked { cause, .. } if self.main.is_none() && self.pen.is_empty() => {
                self.phase = Phase::Over(Over::Asked(cause, Compliance::Obeyed));
            }
            Phase::Asked { cause, kill_at } if now >= kill_at => {
                self.phase = Phase::Over(Over::Asked(cause, Compliance::Forced));
            }
            Phase::Running { .. } | Phase::Asked { .. } | Phase::Over(_) => {}
        }
    }

    /// Kills and reaps until no child is left.
    fn end_all(&mut self) {
        self.pen.hurry();
        loop {
            self.pen.strike();
            let struck = Instant::now();
            let again = self.pen.strike_again_after();
            while struck.elapsed() < again {
                match wait(WaitOptions::NOHANG) {
                    Ok(Some((process, _))) => self.pen.reaped(process),
                    Err(Errno::CHILD) => return,
                    Ok(None) | Err(_) => self.await_bell(again.saturating_sub(struck.elapsed())),
                }
            }
        }
    }

    fn await_bell(&self, timeout: Duration) {
        let mut waits = [PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN)];
        let _ = poll(&mut waits, Some(&timespec(timeout)));
        let _ = rustix::io::read(&self.bell, &mut [0_u8; 256]);
    }

    /// Reads a bounded part of what the app wrote. A stream that has ended is let go of.
    fn read_outputs(&mut self) -> usize {
        let mut buffer = vec![0_u8; READ_BYTES];
        let mut read_bytes = 0;
        let (control, capture) = (&mut self.control, &mut self.capture);
        self.outputs.retain(|(stream, pipe)| match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                read_bytes += count;
                control.say_output(*stream, capture.take(*stream, &buffer[..count]));
                true
            }
            Err(Errno::AGAIN | Errno::INTR) => true,
            Err(_) => false,
        });
        read_bytes
    }

    /// Reads what dead writers left in the pipes.
    fn drain(&mut self) {
        let mut left_bytes = 2 * DRAIN_BYTES_MAX;
        while left_bytes > 0 && !self.outputs.is_empty() {
            let read_bytes = self.read_outputs();
            if read_bytes == 0 {
                return;
            }
            left_bytes = left_bytes.saturating_sub(read_bytes);
        }
    }

    fn report(&mut self, over: Over) -> Report {
        let used = sys::child_usage();
        let usage = Usage {
            user_ms: whole_ms(used.user),
            system_ms: whole_ms(used.system),
            resident_kib_max: used.resident_kib_max,
        };
        Report {
            ending: self.ending(over),
            stdout_sha256: Some(self.capture.stdout_sha256()),
            output_tail: Vec::new(),
            output_dropped_bytes: self.capture.dropped_bytes(),
            usage,
            elapsed_ms: whole_ms(self.arrived.elapsed()),
        }
    }

    fn ending(&mut self, over: Over) -> Ending {
        match over {
            Over::ByItself(status) => match status.terminating_signal() {
                Some(signal) => Ending::Signalled { signal },
                None => Ending::Exited { code: status.exit_status().unwrap_or(0) },
            },
            Over::NotStarted => {
                let error = self.start_error.take();
                let fallback =
                    || StartError { stage: Stage::SetUp, detail: "the process ended early".into() };
                let StartError { stage, detail } = error.unwrap_or_else(fallback);
                Ending::NotStarted { stage, detail }
            }
            Over::Asked(Cause::Limit, compliance) => Ending::Limit { compliance },
            Over::Asked(Cause::Stop, compliance) => Ending::Stopped { compliance },
            // Nobody is left to read it; the host that comes next knows the wake as begun and lost.
            Over::HostGone => Ending::Stopped { compliance: Compliance::Forced },
        }
    }

    fn say_ended(mut self, report: &Report) {
        self.control.say_ended(&self.capture, report);
    }
}

/// `from + duration`, or a year on where that is beyond what the clock can say.
fn later(from: Instant, duration: Duration) -> Instant {
    from.checked_add(duration).unwrap_or(from + Duration::from_hours(24 * 365))
}

fn timespec(duration: Duration) -> Timespec {
    // Rounded up by a microsecond, so that a wait does not end just before its deadline and spin.
    let duration = duration.saturating_add(Duration::from_micros(1));
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

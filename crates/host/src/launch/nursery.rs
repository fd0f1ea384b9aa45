//! The nursery: one small process of the host's own program, from which shepherds are forked.
//!
//! A wake must begin within a few times the cost of an empty process, which leaves no room to execute a
//! program of the host's size; and a host with threads must not fork. So the host executes itself once, early,
//! and this process forks on demand. It is a child subreaper as well: when an app kills its shepherd, what
//! that leaves behind comes here and is killed.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, wait};

use super::control::Control;
use super::output::Capture;
use super::passing;
use super::pen::Orphans;
use super::shepherd;
use super::sys::{self, Forked};
use super::terms::{Method, Stage};

/// The hidden verb under which the host's program is its nursery.
pub const NURSERY_VERB: &str = "__nursery";

/// The argument with which the nursery's program is the app of a trial wake: it waits to be killed.
pub(super) const TRIAL_ARGUMENT: &str = "trial";

/// The exit status of a nursery that was not started by a host.
const EXIT_USAGE: u8 = 64;

/// Where the nursery keeps its socket to the host, and a shepherd its own: above the standard ones and the
/// one that apps know.
const SOCKET: i32 = 4;

/// Where a shepherd keeps its cgroup leaf.
const LEAF: i32 = 5;

/// What the host asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A shepherd for the socket that comes along (and the cgroup leaf beside it).
    Shepherd(Method),
    /// The socket that comes along is to be closed once this shepherd is gone and no orphan is left.
    Sweep {
        /// The shepherd's process.
        shepherd: i32,
    },
}

/// Every request has this length, so that the descriptors of two are never taken for one's.
pub(super) const REQUEST_BYTES: usize = 5;

impl Request {
    pub(super) fn to_bytes(self) -> [u8; REQUEST_BYTES] {
        let (kind, process) = match self {
            Request::Shepherd(Method::Namespace) => (b'n', 0),
            Request::Shepherd(Method::Cgroup) => (b'c', 0),
            Request::Shepherd(Method::Shepherd) => (b's', 0),
            Request::Sweep { shepherd } => (b'w', shepherd),
        };
        let [a, b, c, d] = process.to_le_bytes();
        [kind, a, b, c, d]
    }

    fn parse([kind, a, b, c, d]: [u8; REQUEST_BYTES]) -> Option<Self> {
        match kind {
            b'n' => Some(Request::Shepherd(Method::Namespace)),
            b'c' => Some(Request::Shepherd(Method::Cgroup)),
            b's' => Some(Request::Shepherd(Method::Shepherd)),
            b'w' => Some(Request::Sweep { shepherd: i32::from_le_bytes([a, b, c, d]) }),
            _ => None,
        }
    }
}

/// Lives the nursery's life. To be called by the program that the host starts under [`NURSERY_VERB`], before
/// it has made any thread.
pub fn nursery_main() -> ExitCode {
    if std::env::args().nth(2).as_deref() == Some(TRIAL_ARGUMENT) {
        return wait_to_be_killed();
    }
    let standard_input = std::io::stdin();
    let socket = match rustix::net::getpeername(standard_input.as_fd()) {
        Ok(_) if sys::has_one_thread() => standard_input.as_fd().try_clone_to_owned(),
        Ok(_) => Err(std::io::Error::other("it has more than one thread")),
        Err(_) => Err(std::io::Error::other("it is started by the host, not by hand")),
    };
    let served = socket.and_then(|socket| {
        settle(socket).and_then(|socket| Nursery::new(socket).and_then(|mut nursery| nursery.serve()))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bgfetch: the nursery cannot run: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// The app of a trial wake: it ignores what can be ignored and sleeps.
fn wait_to_be_killed() -> ExitCode {
    sys::calm_signals();
    loop {
        let _ = poll(&mut [], None);
    }
}

/// Takes the surroundings that every shepherd and app inherits: no terminal, no signal of others, no
/// descriptor but the known ones.
fn settle(socket: OwnedFd) -> std::io::Result<OwnedFd> {
    let socket = sys::move_to(socket, SOCKET)?;
    sys::close_from(SOCKET + 1);
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    // The number that apps know as their socket is never one of ours.
    std::mem::forget(sys::move_to(null.into(), super::APP_SOCKET_DESCRIPTOR)?);
    sys::calm_signals();
    // Fails only for a process that leads its session already, which is as good.
    let _ = rustix::process::setsid();
    name_process(c"bgfetch-nursery");
    Ok(socket)
}

fn name_process(name: &CStr) {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(name);
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

struct Nursery {
    socket: OwnedFd,
    bell: OwnedFd,
    orphans: Orphans,
    shepherds: BTreeSet<i32>,
    /// Sockets to be closed once the shepherd beside them is gone and no orphan is left.
    sweepers: Vec<(i32, OwnedFd)>,
    /// Whether there may be an orphan.
    unswept: bool,
}

impl Nursery {
    fn new(socket: OwnedFd) -> std::io::Result<Self> {
        let orphans = Orphans::adopt()?;
        let bell = sys::child_bell()?;
        let shepherds = BTreeSet::new();
        Ok(Self { socket, bell, orphans, shepherds, sweepers: Vec::new(), unswept: false })
    }

    fn serve(&mut self) -> std::io::Result<()> {
        let soon = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        loop {
            let timeout = self.unswept.then_some(&soon);
            let mut waits = [
                PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
            ];
            match poll(&mut waits, timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let asked = !waits[0].revents().is_empty();
            self.reap();
            self.sweep();
            if asked && !self.answer()? {
                return Ok(());
            }
        }
    }

    fn reap(&mut self) {
        let _ = rustix::io::read(&self.bell, &mut [0_u8; 256]);
        while let Ok(Some((process, _))) = wait(WaitOptions::NOHANG) {
            // A shepherd that ended well leaves nothing; looking costs little.
            self.unswept |= self.shepherds.remove(&process.as_raw_pid());
        }
    }

    fn sweep(&mut self) {
        if !self.unswept && self.sweepers.is_empty() {
            return;
        }
        let shepherds = &self.shepherds;
        self.unswept = self.orphans.kill(|process: Pid| shepherds.contains(&process.as_raw_pid())) > 0;
        if !self.unswept {
            // A shepherd's end is seen on its socket before its children come here.
            self.sweepers.retain(|(shepherd, _)| shepherds.contains(shepherd));
        }
    }

    /// Answers one request. Returns whether the host is still there.
    fn answer(&mut self) -> std::io::Result<bool> {
        let mut bytes = [0_u8; REQUEST_BYTES];
        let (count, passed) = passing::receive(&self.socket, &mut bytes)?;
        if count == 0 {
            return Ok(false);
        }
        let mut passed = passed.into_iter();
        match (Request::parse(bytes), passed.next()) {
            (Some(Request::Shepherd(method)), Some(control)) => self.fork(method, control, passed.next())?,
            (Some(Request::Sweep { shepherd }), Some(sweeper)) => {
                self.sweepers.push((shepherd, sweeper));
                self.sweep();
            }
            // The host speaks this format, being the same program; a request without its socket has nobody
            // who waits for it.
            (None, _) | (_, None) => {}
        }
        Ok(true)
    }

    fn fork(&mut self, method: Method, control: OwnedFd, leaf: Option<OwnedFd>) -> std::io::Result<()> {
        match sys::fork() {
            Ok(Forked::Parent(process)) => {
                self.shepherds.insert(process.as_raw_pid());
                Ok(())
            }
            Ok(Forked::Child) => {
                let (control, leaf) = keep_own(control, leaf)?;
                shepherd::run(control, leaf, method)
            }
            Err(error) => {
                let detail = format!("cannot fork a shepherd: {error}");
                Control::new(control)?
                    .say_ended(&Capture::new(), &shepherd::not_started(Stage::SetUp, detail));
                Ok(())
            }
        }
    }
}

/// Leaves a fresh shepherd with its own descriptors only: the nursery's, held here, would keep the nursery's
/// host from being missed.
fn keep_own(control: OwnedFd, leaf: Option<OwnedFd>) -> std::io::Result<(OwnedFd, Option<OwnedFd>)> {
    let control = sys::move_to(control, SOCKET)?;
    let leaf = leaf.map(|leaf| sys::move_to(leaf, LEAF)).transpose()?;
    sys::close_from(if leaf.is_some() { LEAF + 1 } else { LEAF });
    Ok((control, leaf))
}

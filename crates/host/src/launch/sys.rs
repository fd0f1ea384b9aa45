//! The system calls of launching that need `unsafe`, each behind a door that cannot be used wrongly.
//!
//! Everything here runs in the nursery and in what it forks: processes with one thread, so that a forked
//! child may allocate and lock as it likes.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rustix::process::Pid;

/// Which side of a fork this is.
pub(super) enum Forked {
    /// The process that forked, with its child.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks the calling process, which must have one thread only: the nursery checks that at its start.
pub(super) fn fork() -> io::Result<Forked> {
    // SAFETY: the process has one thread, so no lock is held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid).map(Forked::Parent).ok_or_else(|| io::ErrorKind::InvalidData.into()),
    }
}

/// As [`fork`], with the child born into the cgroup whose directory is `cgroup`: moving it there afterwards
/// would wait for the kernel to quiesce, several milliseconds on an idle machine.
#[cfg(target_os = "linux")]
pub(super) fn fork_into(cgroup: BorrowedFd<'_>) -> io::Result<Forked> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let signal = u64::try_from(libc::SIGCHLD).unwrap_or_default();
    let directory = u64::try_from(cgroup.as_raw_fd()).unwrap_or_default();
    // The kernel's `struct clone_args`: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
    // tls, set_tid, set_tid_size, cgroup.
    let arguments: [u64; 11] = [CLONE_INTO_CGROUP, 0, 0, 0, signal, 0, 0, 0, 0, 0, directory];
    // SAFETY: as in `fork`; without a stack or shared memory, `clone3` returns twice as `fork` does.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            pid.map(Forked::Parent).ok_or_else(|| io::ErrorKind::InvalidData.into())
        }
    }
}

/// Ends this process at once, without the exit handlers that belong to the process it was forked from.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// A program's file names to try, its arguments and its environment, ready for `execve`.
pub(super) struct Image {
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Image {
    /// `candidates` are tried in order; `arguments` include the program's own name.
    pub(super) fn new(candidates: Vec<CString>, arguments: Vec<CString>, environment: Vec<CString>) -> Self {
        Self { candidates, arguments, environment }
    }

    /// Becomes the first candidate that can be executed. Returns only when none can, with the most telling
    /// error: a file that is there and refused says more than one that is not there.
    pub(super) fn execute(&self) -> io::Error {
        let arguments = pointers(&self.arguments);
        let environment = pointers(&self.environment);
        let mut telling = io::Error::from_raw_os_error(libc::ENOENT);
        for candidate in &self.candidates {
            // SAFETY: every pointer is to a C string that `self` keeps alive; both arrays end with null.
            unsafe { libc::execve(candidate.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR) => {}
                Some(libc::EACCES) => telling = error,
                _ => return error,
            }
        }
        telling
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
}

/// Puts `source` at the fixed number `target` (closing what was there), inherited by a later `execve`.
pub(super) fn place_at(source: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    if source.as_raw_fd() == target {
        rustix::io::fcntl_setfd(source, rustix::io::FdFlags::empty())?;
        return Ok(());
    }
    // SAFETY: `dup2` acts on descriptor numbers alone; `target` is a number that this process reserves.
    if unsafe { libc::dup2(source.as_raw_fd(), target) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Puts `source` at `target` as a descriptor that an `execve` closes, and owns it there.
pub(super) fn move_to(source: OwnedFd, target: RawFd) -> io::Result<OwnedFd> {
    if source.as_raw_fd() == target {
        // Already in its place, and taken over by its number below.
        let _ = source.into_raw_fd();
    } else {
        place_at(source.as_fd(), target)?;
        drop(source);
    }
    // SAFETY: `target` was just opened (or released) above and nothing else owns it.
    let moved = unsafe { OwnedFd::from_raw_fd(target) };
    rustix::io::fcntl_setfd(&moved, rustix::io::FdFlags::CLOEXEC)?;
    Ok(moved)
}

/// Closes every descriptor from number `first` on. What owned them must not be used again: this is for a
/// process that has just been forked, where the owners are its parent's.
pub(super) fn close_from(first: RawFd) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: closes numbers only; the caller gives up everything from `first` on.
        let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
        if done == 0 {
            return;
        }
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(65_536);
    for number in first..i32::try_from(limit.min(65_536)).unwrap_or(65_536) {
        // SAFETY: as above.
        unsafe { libc::close(number) };
    }
}

/// Sets every signal to its default and blocks all but `SIGCHLD`: the nursery and its shepherds end when
/// the host's socket does, not by a signal meant for a terminal or a service.
pub(super) fn calm_signals() {
    // SAFETY: plain calls on a zeroed, then initialised, signal set; `signal` refuses what it cannot set.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        libc::sigdelset(&raw mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Lets every signal through again, for a process that is about to become the app.
pub(super) fn unblock_signals() {
    // SAFETY: as in `calm_signals`.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

static CHILD_BELL: AtomicI32 = AtomicI32::new(-1);

extern "C" fn ring_child_bell(_signal: libc::c_int) {
    let errno = errno_pointer();
    // SAFETY: `write` is async-signal-safe and errno is restored; the byte is a static.
    unsafe {
        let before = *errno;
        libc::write(CHILD_BELL.load(Ordering::Relaxed), c"!".as_ptr().cast(), 1);
        *errno = before;
    }
}

#[cfg(target_os = "linux")]
fn errno_pointer() -> *mut libc::c_int {
    // SAFETY: no preconditions.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
fn errno_pointer() -> *mut libc::c_int {
    // SAFETY: no preconditions.
    unsafe { libc::__error() }
}

/// A pipe whose reading end becomes readable when a child of this process has ended.
///
/// The number given out replaces the one of an earlier call, as in a fork of a process that had its own.
pub(super) fn child_bell() -> io::Result<OwnedFd> {
    let (reader, writer) = std::io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    let writer: OwnedFd = writer.into();
    // The handler keeps the writing end for the life of the process.
    CHILD_BELL.store(writer.into_raw_fd(), Ordering::Relaxed);
    // SAFETY: the handler does nothing but an async-signal-safe write.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ring_child_bell as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_NOCLDSTOP | libc::SA_RESTART;
        if libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut()) == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(reader.into())
}

/// Takes the process out of the namespaces named by `flags`.
#[cfg(target_os = "linux")]
pub(super) fn unshare(flags: rustix::thread::UnshareFlags) -> io::Result<()> {
    // SAFETY: the process has one thread and does not unshare its descriptors or memory.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    Ok(())
}

/// What all reaped descendants of this process used.
pub(super) struct ChildUsage {
    /// Time in user mode.
    pub(super) user: Duration,
    /// Time in the kernel.
    pub(super) system: Duration,
    /// The largest resident set of any one of them, in KiB.
    pub(super) resident_kib_max: u64,
}

/// Reads what the reaped descendants used so far.
pub(super) fn child_usage() -> ChildUsage {
    // SAFETY: `getrusage` fills the zeroed struct; it cannot fail with these arguments.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let resident = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    ChildUsage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        resident_kib_max: if cfg!(target_os = "linux") { resident } else { resident / 1024 },
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// The words of the system for an error number, without the number.
pub(super) fn error_text(errno: i32) -> String {
    // SAFETY: `strerror` returns a C string that lives until the next call; this process has one thread
    // wherever an app is started, and the text is copied at once.
    let text = unsafe { CStr::from_ptr(libc::strerror(errno)) };
    text.to_string_lossy().to_lowercase()
}

/// Whether this process has one thread only, as far as the system tells.
#[cfg(target_os = "linux")]
pub(super) fn has_one_thread() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(true, |threads| threads.count() == 1)
}

/// As on Linux, where the system tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn has_one_thread() -> bool {
    true
}

/// Sends `signal` to every process this one may signal, except itself. Only for a PID namespace's first
/// process, where that is the namespace.
#[cfg(target_os = "linux")]
pub(super) fn signal_all_others(signal: rustix::process::Signal) -> io::Result<()> {
    if rustix::process::getpid() != Pid::INIT {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: `kill` has no preconditions; the check above keeps it inside the namespace.
    if unsafe { libc::kill(-1, signal.as_raw()) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

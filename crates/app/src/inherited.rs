//! The socket that a wake inherits: the one place where a number from the environment becomes a descriptor.

#![allow(unsafe_code)]

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::sockopt::socket_type;
use rustix::net::{SocketType, getpeername};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// A descriptor has one owner, so it is handed out once in a process.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Keeps the socket from the programs that this one starts, before it starts any.
pub(crate) fn guard() {
    if !TAKEN.load(Ordering::Acquire)
        && let Some(number) = number()
    {
        let _ = guarded(number);
    }
}

/// The connection of this process's wake, if the host started it for one and it was not taken before.
///
/// A program that was started by an app within its wake sees the app's variable and not its socket. Whatever the
/// number stands for in such a program, it is left alone unless it is a connected socket that waits for its owner.
pub(crate) fn take() -> Option<UnixStream> {
    let number = number().filter(|number| guarded(*number))?;
    if TAKEN.swap(true, Ordering::AcqRel) {
        return None;
    }
    // SAFETY: `guarded` has seen an open, connected stream socket under the number that the host's variable names;
    // the host made it for this library alone, and `TAKEN` lets it be owned once.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    Some(UnixStream::from(socket))
}

/// Numbers up to 2 are the standard streams of every program and never the host's.
fn number() -> Option<RawFd> {
    std::env::var(bgfetch_wire::FD_VARIABLE).ok()?.parse().ok().filter(|number| *number > 2)
}

/// Whether the number stands for a connected stream socket, which then closes when another program is executed.
fn guarded(number: RawFd) -> bool {
    // SAFETY: the number is not -1; it is only asked about and marked while it is borrowed, and the system calls
    // answer with an error if it stands for nothing.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let is_stream = socket_type(borrowed).is_ok_and(|kind| kind == SocketType::STREAM);
    if !is_stream || getpeername(borrowed).is_err() {
        return false;
    }
    let flags = fcntl_getfd(borrowed).unwrap_or(FdFlags::empty());
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC).is_ok()
}

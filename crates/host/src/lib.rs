//! The system's part: clock, store, sockets, launching. One loop.

#[cfg(unix)]
pub mod launch;
#[cfg(not(unix))]
compile_error!("bgfetch runs on Linux and macOS; this system is not supported yet");

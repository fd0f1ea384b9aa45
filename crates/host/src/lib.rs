//! The system's part: clock, store, sockets, launching. One loop.

pub mod store;

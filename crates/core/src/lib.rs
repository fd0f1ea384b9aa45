//! The scheduler of bgfetch.
//!
//! Pure: no I/O, no clock, no threads, and no randomness but its seed.

pub mod name;
pub mod time;

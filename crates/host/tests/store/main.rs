//! The store's behaviour, one file each.

mod bounds;
mod disk;
mod impossible_states;
mod model;
mod round_trip;
mod support;
mod survives_kill;
mod unusable;
mod versions;

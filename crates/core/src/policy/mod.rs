//! What outcomes teach: how long to stay away after failures, and whether a wake that is allowed is worth it now.

pub(crate) mod back_off;
pub(crate) mod worth;

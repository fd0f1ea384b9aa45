//! There are no cgroups on this system, and so no leaves.

use std::os::fd::OwnedFd;
use std::path::Path;

/// A place for leaves, of which there is none.
#[derive(Debug)]
pub(super) enum Leaves {}

/// A leaf, of which there is none.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The directory, for a shepherd.
    pub(super) directory: OwnedFd,
}

impl Leaf {
    /// Never called: there is no leaf.
    #[expect(clippy::unused_self, reason = "other systems have leaves")]
    pub(super) fn kill(&self) {}
}

impl Leaves {
    /// Says why not.
    pub(super) fn find() -> Result<Self, String> {
        Err("there are no cgroups on this system".to_owned())
    }

    /// Never called: there is no value of this type.
    pub(super) fn make(&self) -> std::io::Result<Leaf> {
        match *self {}
    }

    /// Never called: there is no value of this type.
    pub(super) fn parent(&self) -> &Path {
        match *self {}
    }
}

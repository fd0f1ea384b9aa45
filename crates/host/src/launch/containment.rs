//! Which containment is in force here, found out by trying.

use super::terms::Method;

/// Which method of containment the host is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The strongest that works here.
    #[default]
    Auto,
    /// A PID namespace, or nothing.
    Namespace,
    /// A cgroup v2 leaf, or nothing.
    Cgroup,
    /// The shepherd alone.
    Shepherd,
}

impl Wanted {
    /// The methods to try, in order.
    pub(super) fn candidates(self) -> &'static [Method] {
        match self {
            Wanted::Auto => &[Method::Namespace, Method::Cgroup, Method::Shepherd],
            Wanted::Namespace => &[Method::Namespace],
            Wanted::Cgroup => &[Method::Cgroup],
            Wanted::Shepherd => &[Method::Shepherd],
        }
    }
}

/// The containment in force, and why it is not a stronger one. Decided by a trial wake per method, whose app
/// does not go when asked and has to be killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containment {
    /// The method in force.
    pub in_force: Method,
    /// What it lacks, as a fragment; nothing where it is whole.
    pub lacking: Option<String>,
    /// The stronger methods that were tried and did not work, each with why.
    pub refused: Vec<Refusal>,
}

/// A method that does not work here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The method.
    pub method: Method,
    /// Why, as a fragment.
    pub detail: String,
}

//! Is now a good time? The last gate, behind every rule that must hold.
//!
//! The rule in force is the plainest there is: a wake is worth it as soon as it is allowed. A rule that learns from
//! outcomes and openings takes its place here; it may only delay, never allow what another gate holds.

use crate::record::{AppRecord, TaskRecord};
use crate::time::Elapsed;

/// The first point, at `due` or later, at which waking `app` for `task` is worth it.
pub(crate) fn not_before(_app: &AppRecord, _task: &TaskRecord, due: Elapsed) -> Elapsed {
    due
}

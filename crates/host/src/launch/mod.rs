//! Launching: a wake's process tree, started with no way out, limited, and ended with exactly one report.
//!
//! Three kinds of process, all of them the host's own program:
//!
//! - the **nursery**, executed once by the host, from which everything else is forked;
//! - a **shepherd** per wake, which holds the containment, starts the app, reads its output, keeps the
//!   deadlines, and reports; forked early, so that its setting up costs no time at the wake;
//! - in a namespace, a **keeper**, its first process, with which the kernel ends all others.
//!
//! The host holds one socket to each shepherd. Its end is the end of the tree, so nothing outlives a host
//! that is killed; and a shepherd that is killed is missed at the socket, its orphans come to the nursery, and
//! the nursery kills them.
//!
//! With the shepherd alone, an app of the same user that kills both its shepherd and the nursery can leave
//! something behind; its wake then ends as [`Sweep::Unconfirmed`]. In a namespace it can see neither, and a
//! cgroup leaf is killed by the host itself.
//!
//! *Invariant:* when [`Event::Ended`] arrives, no process of the wake's tree is left.

mod containment;
mod control;
mod frame;
mod launched;
mod launcher;
mod native;
mod nursery;
mod output;
mod passing;
mod shepherd;
mod start;
mod sys;
mod terms;

#[cfg(target_os = "linux")]
mod family;
#[cfg(target_os = "linux")]
#[path = "leaf_linux.rs"]
mod leaf;
#[cfg(not(target_os = "linux"))]
#[path = "leaf_other.rs"]
mod leaf;
#[cfg(target_os = "linux")]
#[path = "pen_linux.rs"]
mod pen;
#[cfg(not(target_os = "linux"))]
#[path = "pen_other.rs"]
mod pen;

pub use containment::{Containment, Refusal, Wanted};
pub use launched::Launched;
pub use launcher::{LaunchError, Nursery, NurseryError, Prepared};
pub use nursery::{NURSERY_VERB, nursery_main};
pub use output::{OUTPUT_LIVE_BYTES, OUTPUT_TAIL_BYTES};
pub use start::{APP_SOCKET_DESCRIPTOR, APP_SOCKET_VARIABLE};
pub use terms::{
    Compliance, Ending, Event, Method, Privileges, Report, Spec, Stage, Started, Stream, Sweep, Usage,
};

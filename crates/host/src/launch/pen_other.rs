//! What holds a wake's tree together where neither namespaces, cgroups nor subreapers exist: the process
//! group of the app, and a shepherd that ends it with the host. A descendant that leaves the group escapes;
//! the containment says so.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::sys::{self, Forked};
use super::terms::Method;

/// The containment of one wake, held by its shepherd.
pub(super) struct Pen {
    group: Option<Pid>,
}

impl Pen {
    /// Sets up what there is. Returns what it lacks.
    pub(super) fn set_up(method: Method, _leaf: Option<OwnedFd>) -> Result<(Self, Option<String>), String> {
        match method {
            Method::Shepherd => {
                let lacking = "a descendant that leaves the app's process group outlives its wake";
                Ok((Self { group: None }, Some(lacking.to_owned())))
            }
            Method::Namespace => Err("there are no PID namespaces on this system".to_owned()),
            Method::Cgroup => Err("there are no cgroups on this system".to_owned()),
        }
    }

    /// To be told of the app's process, which leads a group of its own.
    pub(super) fn started(&mut self, app: Pid) {
        self.group = Some(app);
    }

    /// Forks a process, which makes the group with its own session.
    #[expect(clippy::unused_self, reason = "other systems have something to be born into")]
    pub(super) fn fork(&self) -> std::io::Result<Forked> {
        sys::fork()
    }

    /// Nothing to be done: shares do not go by session here.
    #[expect(clippy::unused_self, reason = "other systems know the tree's sessions")]
    pub(super) fn hurry(&self) {}

    /// Sends `SIGTERM` to the group.
    pub(super) fn ask(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Kills the group.
    pub(super) fn strike(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // A group that is gone needs no signal.
            let _ = kill_process_group(group, signal);
        }
    }

    /// How long to wait for deaths before striking again.
    #[expect(clippy::unused_self, reason = "other systems tell their methods apart")]
    pub(super) fn strike_again_after(&self) -> Duration {
        Duration::from_millis(10)
    }

    /// To be told of every child that has been waited for.
    #[expect(clippy::unused_self, reason = "other systems keep a process of their own")]
    pub(super) fn reaped(&mut self, _process: Pid) {}

    /// Whether no process of the group is left.
    pub(super) fn is_empty(&self) -> bool {
        self.group.is_none_or(|group| test_kill_process_group(group).is_err())
    }
}

/// The orphans of lost shepherds go to the system's first process here, out of reach.
pub(super) struct Orphans {}

impl Orphans {
    /// Nothing to be done.
    #[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
    pub(super) fn adopt() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Nothing can be reached.
    #[expect(clippy::unused_self, reason = "other systems look among their children")]
    pub(super) fn kill(&self, _spare: impl Fn(Pid) -> bool) -> usize {
        0
    }
}

//! Who is whose child, as `/proc` tells.
//!
//! The directory is held open from before any namespace is entered, so that a shepherd still sees its
//! children by the numbers that it knows them by.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, Mode, OFlags, openat};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal};

/// How often a tree that goes on growing is looked through for processes not told yet; what is left is killed after
/// the grace.
const LOOKS_MAX: u32 = 16;

/// The processes below this one.
pub(super) struct Family {
    proc: OwnedFd,
}

impl Family {
    /// Opens `/proc`.
    pub(super) fn open() -> rustix::io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let proc = rustix::fs::open("/proc", flags, Mode::empty())?;
        Ok(Self { proc })
    }

    /// The direct children of this process: living ones and ones not yet waited for.
    pub(super) fn own_children(&self) -> Vec<Pid> {
        self.children_of(getpid())
    }

    /// Kills every direct child for which `spare` is false. A child's number cannot have passed to another
    /// process, because only this process waits for it.
    pub(super) fn kill_own_children(&self, spare: impl Fn(Pid) -> bool) -> usize {
        let mut found = 0;
        for child in self.own_children().into_iter().filter(|child| !spare(*child)) {
            // One that is already dead is still to be waited for, and not an error.
            let _ = kill_process(child, Signal::KILL);
            found += 1;
        }
        found
    }

    /// Gives the session of `process` its full share of the processor again, where the kernel shares by session.
    pub(super) fn hurry(&self, process: Pid) {
        let path = format!("{}/autogroup", process.as_raw_pid());
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let Ok(share) = openat(&self.proc, path, flags, Mode::empty()) else { return };
        // The kernel takes a few such requests a second from the unprivileged, and the rest is only slower.
        let _ = rustix::io::write(&share, b"0");
    }

    /// The direct children of `parent`.
    pub(super) fn children_of(&self, parent: Pid) -> Vec<Pid> {
        let number = parent.as_raw_pid();
        let Some(threads) = self.numbers_in(&format!("{number}/task")) else { return Vec::new() };
        let mut children = Vec::new();
        for thread in threads {
            match self.read(&format!("{number}/task/{thread}/children")) {
                Some(list) => children.extend(list.split_ascii_whitespace().filter_map(parse_pid)),
                // A thread that just ended, or a kernel without these lists.
                None if self.read(&format!("{number}/stat")).is_some() => {
                    return self.scan_children_of(parent);
                }
                None => {}
            }
        }
        children
    }

    fn scan_children_of(&self, parent: Pid) -> Vec<Pid> {
        let everyone = self.numbers_in(".").unwrap_or_default();
        let pids = everyone.into_iter().filter_map(Pid::from_raw);
        pids.filter(|pid| self.parent_of(*pid) == Some(parent)).collect()
    }

    /// Sends `signal` to everything below this process, to each process once.
    ///
    /// A parent that goes at once leaves its children to this process while they are still being looked for below the
    /// parent; so everyone is looked for again until nobody new is found.
    pub(super) fn signal_descendants(&self, signal: Signal) {
        let mut told = BTreeSet::new();
        for _ in 0..LOOKS_MAX {
            let before = told.len();
            let mut parents = vec![getpid()];
            while let Some(parent) = parents.pop() {
                for child in self.children_of(parent) {
                    let number = child.as_raw_pid();
                    if told.contains(&number) {
                        parents.push(child);
                    } else if self.signal_child(parent, child, signal) {
                        told.insert(number);
                        parents.push(child);
                    }
                }
            }
            if told.len() == before {
                return;
            }
        }
    }

    /// Signals `child` if it is still `parent`'s (or has come to this process since). The handle is taken
    /// first: if the number passes to another process between the two looks, the handle is of the dead one.
    fn signal_child(&self, parent: Pid, child: Pid, signal: Signal) -> bool {
        let Ok(handle) = pidfd_open(child, PidfdFlags::empty()) else { return false };
        let parent_now = self.parent_of(child);
        if parent_now != Some(parent) && parent_now != Some(getpid()) {
            return false;
        }
        // One that ended meanwhile needs no signal.
        let _ = pidfd_send_signal(&handle, signal);
        true
    }

    fn parent_of(&self, process: Pid) -> Option<Pid> {
        let stat = self.read(&format!("{}/stat", process.as_raw_pid()))?;
        // The name may hold spaces and brackets; the fields after its last bracket are plain.
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1).and_then(parse_pid)
    }

    fn read(&self, path: &str) -> Option<String> {
        let file = openat(&self.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        std::fs::File::from(file).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn numbers_in(&self, path: &str) -> Option<Vec<i32>> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = Dir::new(openat(&self.proc, path, flags, Mode::empty()).ok()?).ok()?;
        let names = directory.filter_map(Result::ok);
        Some(names.filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok()).collect())
    }
}

fn parse_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_both_ways() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("`cat` starts");
        let family = Family::open().expect("there is a `/proc`");
        let pid = parse_pid(&child.id().to_string()).expect("a process number");
        assert!(family.own_children().contains(&pid));
        assert!(family.scan_children_of(getpid()).contains(&pid));
        assert_eq!(family.parent_of(pid), Some(getpid()));
        drop(child.stdin.take());
        child.wait().expect("`cat` ends with its input");
        assert!(!family.own_children().contains(&pid));
    }
}

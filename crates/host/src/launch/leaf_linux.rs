//! The host's cgroup v2 leaves: one per wake, made below the host's own cgroup, removed after the wake, and
//! swept at the next start when a host died before it could.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every leaf's name begins so, followed by the host's process, its start time and a number.
const NAME_START: &str = "bgfetch-";

static LEAVES_MADE: AtomicU64 = AtomicU64::new(0);

/// Leaves of this host that were still busy when they were let go of.
static LEAVES_BUSY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The place where leaves are made.
#[derive(Debug)]
pub(super) struct Leaves {
    parent: PathBuf,
    owner: String,
}

/// One leaf. Dropping it kills what is in it and removes it.
#[derive(Debug)]
pub(super) struct Leaf {
    path: PathBuf,
    /// The directory, for a shepherd.
    pub(super) directory: OwnedFd,
}

impl Leaves {
    /// Finds the host's own cgroup and sweeps what dead hosts left below it.
    pub(super) fn find() -> Result<Self, String> {
        let mounts = read("/proc/self/mountinfo")?;
        let mount = cgroup2_mount(&mounts).ok_or("no cgroup v2 hierarchy is mounted")?;
        let own = read("/proc/self/cgroup")?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = own.ok_or("this process is in no cgroup v2 group")?;
        if Path::new(own).components().any(|part| part == std::path::Component::ParentDir) {
            return Err(format!("this process's cgroup `/{own}` is outside of the mounted hierarchy"));
        }
        let process = std::process::id();
        let start = start_time(process).ok_or("cannot read this process's start time")?;
        let leaves = Self { parent: mount.join(own), owner: format!("{process}-{start}") };
        leaves.sweep();
        Ok(leaves)
    }

    /// Makes a leaf.
    pub(super) fn make(&self) -> io::Result<Leaf> {
        busy_leaves().retain(|path| !kill_and_remove(path));
        let number = LEAVES_MADE.fetch_add(1, Ordering::Relaxed);
        let path = self.parent.join(format!("{NAME_START}{}-{number}", self.owner));
        std::fs::create_dir(&path)?;
        match std::fs::File::open(&path) {
            Ok(directory) => Ok(Leaf { path, directory: directory.into() }),
            Err(error) => {
                // The error that matters is the one that is returned.
                let _ = std::fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    /// Where leaves are made.
    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }

    /// Kills and removes the leaves of hosts that are no more.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.parent) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().and_then(owner_of).is_some_and(|owner| !is_alive(owner)) {
                // What stays is swept by the next host.
                kill_and_remove(&entry.path());
            }
        }
    }
}

impl Leaf {
    /// Kills what is in it.
    pub(super) fn kill(&self) {
        // A shepherd found this file writable before it let anything in.
        let _ = std::fs::write(self.path.join("cgroup.kill"), "1");
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        if !kill_and_remove(&self.path) {
            busy_leaves().push(std::mem::take(&mut self.path));
        }
    }
}

/// Returns whether the leaf is gone. It stays while those killed in it have yet to be waited for.
fn kill_and_remove(leaf: &Path) -> bool {
    let is_gone = |removed: io::Result<()>| match removed {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    is_gone(std::fs::remove_dir(leaf))
        || (std::fs::write(leaf.join("cgroup.kill"), "1").is_ok() && is_gone(std::fs::remove_dir(leaf)))
}

fn busy_leaves() -> MutexGuard<'static, Vec<PathBuf>> {
    LEAVES_BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
}

/// The mount point of the v2 hierarchy. Fields 4 and 5 of a line are the root within the file system and the
/// mount point; the type is the first field after the separator.
fn cgroup2_mount(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (root == "/" && after.starts_with("cgroup2 ")).then(|| PathBuf::from(point.replace("\\040", " ")))
    })
}

fn owner_of(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(NAME_START)?.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn is_alive((process, start): (u32, u64)) -> bool {
    start_time(process) == Some(start)
}

/// A process's start, in clock ticks since boot: with its number, the one name that is never given twice.
fn start_time(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hierarchy_is_found_among_the_mounts() {
        let mounts = "30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      31 30 0:27 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n\
                      42 30 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:14 - cgroup2 cgroup2 rw\n";
        assert_eq!(cgroup2_mount(mounts), Some(PathBuf::from("/sys/fs/cgroup/uni fied")));
        assert_eq!(cgroup2_mount("1 1 0:1 /sub /x rw - cgroup2 c rw\n"), None);
    }

    #[test]
    fn only_the_dead_are_swept() {
        let own = std::process::id();
        let start = start_time(own).expect("this process has a start time");
        assert_eq!(owner_of(&format!("bgfetch-{own}-{start}-7")), Some((own, start)));
        assert!(is_alive((own, start)));
        assert!(!is_alive((own, start + 1)));
        assert_eq!(owner_of("bgfetch-x-1-2"), None);
        assert_eq!(owner_of("user.slice"), None);
    }
}

//! What holds a wake's tree together on Linux, and ends it: a namespace, a cgroup, or the shepherd alone.
//!
//! Whatever the method, the shepherd is a child subreaper: every orphan of the tree comes to it (or to the
//! namespace's first process, which is its child), so "no child left" means "nothing left".

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_parent_process_death_signal, wait};
use rustix::thread::UnshareFlags;

use super::family::Family;
use super::sys::{self, Forked};
use super::terms::Method;

/// The byte that asks a namespace's first process to pass `SIGTERM` to all others.
const ASK: u8 = b't';

/// The containment of one wake, held by its shepherd.
pub(super) struct Pen {
    method: Method,
    family: Family,
    keeper: Option<Keeper>,
    leaf: Option<Leaf>,
}

/// A PID namespace's first process.
struct Keeper {
    process: Pid,
    lifeline: UnixStream,
}

struct Leaf {
    directory: OwnedFd,
    kill: OwnedFd,
}

impl Pen {
    /// Sets the containment up around what this process will start. Returns what it lacks beside it.
    pub(super) fn set_up(method: Method, leaf: Option<OwnedFd>) -> Result<(Self, Option<String>), String> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|error| format!("cannot become a subreaper: {error}"))?;
        let family = Family::open().map_err(|error| format!("cannot open `/proc`: {error}"))?;
        let mut pen = Self { method, family, keeper: None, leaf: None };
        let mut lacking = None;
        match method {
            Method::Namespace => {
                enter_namespaces()?;
                let (keeper, gap) = Keeper::start()?;
                pen.keeper = Some(keeper);
                lacking = gap;
            }
            Method::Cgroup => pen.leaf = Some(Leaf::open(leaf.ok_or("no cgroup leaf was passed")?)?),
            Method::Shepherd => {}
        }
        Ok((pen, lacking))
    }

    /// Forks a process that is inside from its birth.
    pub(super) fn fork(&self) -> std::io::Result<Forked> {
        match &self.leaf {
            Some(leaf) => sys::fork_into(leaf.directory.as_fd()),
            None => sys::fork(),
        }
    }

    /// Lets the tree's first sessions run at full share: ending takes processor time too, and a tree that is
    /// to be gone must not wait for it behind the work that it was nice to.
    pub(super) fn hurry(&self) {
        let keeper = self.keeper.as_ref().map(|keeper| keeper.process);
        let children = self.family.own_children().into_iter().filter(|child| Some(*child) != keeper);
        children.for_each(|child| self.family.hurry(child));
    }

    /// Sends `SIGTERM` to all of the tree.
    pub(super) fn ask(&mut self) {
        self.hurry();
        match &mut self.keeper {
            // A keeper that is gone has taken everything with it.
            Some(keeper) => drop(keeper.lifeline.write_all(&[ASK])),
            None => self.family.signal_descendants(Signal::TERM),
        }
    }

    /// Kills all of the tree that can be reached in one go. To be repeated until no child is left: a process
    /// may be forking while its siblings are counted.
    pub(super) fn strike(&self) {
        if let Some(keeper) = &self.keeper {
            // The kernel ends the rest with it, and lets it be waited for only when nothing is left.
            let _ = kill_process(keeper.process, Signal::KILL);
            return;
        }
        if let Some(leaf) = &self.leaf {
            // A process may have left the leaf: the children are killed one by one as well.
            let _ = rustix::io::write(&leaf.kill, b"1");
        }
        self.family.kill_own_children(|_| false);
    }

    /// How long to wait for deaths before striking again.
    pub(super) fn strike_again_after(&self) -> Duration {
        match self.method {
            Method::Namespace => Duration::from_millis(50),
            Method::Cgroup | Method::Shepherd => Duration::from_millis(1),
        }
    }

    /// To be told of every child that has been waited for.
    pub(super) fn reaped(&mut self, process: Pid) {
        if self.keeper.as_ref().is_some_and(|keeper| keeper.process == process) {
            self.keeper = None;
        }
    }

    /// Whether no process of the tree is left, the containment's own aside.
    pub(super) fn is_empty(&self) -> bool {
        let mut children = self.family.own_children();
        if let Some(keeper) = &self.keeper {
            children.retain(|child| *child != keeper.process);
            children.extend(self.family.children_of(keeper.process));
        }
        children.is_empty()
    }
}

/// The orphans of lost shepherds, for the nursery.
pub(super) struct Orphans {
    family: Family,
}

impl Orphans {
    /// Makes this process the one that orphans below it come to.
    pub(super) fn adopt() -> std::io::Result<Self> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Self { family: Family::open()? })
    }

    /// Kills every child for which `spare` is false, and returns how many there were.
    pub(super) fn kill(&self, spare: impl Fn(Pid) -> bool) -> usize {
        self.family.kill_own_children(spare)
    }
}

impl Leaf {
    fn open(directory: OwnedFd) -> Result<Self, String> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let kill = openat(&directory, "cgroup.kill", flags, Mode::empty())
            .map_err(|error| format!("cannot open `cgroup.kill` of the leaf: {error}"))?;
        Ok(Self { directory, kill })
    }
}

/// New PID and mount namespaces for what is forked from now on; inside a new user namespace where this
/// process may not make them otherwise.
fn enter_namespaces() -> Result<(), String> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let base = UnshareFlags::NEWPID | UnshareFlags::NEWNS;
    let denied = |error: &std::io::Error| error.raw_os_error() == Some(Errno::PERM.raw_os_error());
    match sys::unshare(base) {
        Err(error) if denied(&error) => {
            sys::unshare(base | UnshareFlags::NEWUSER)
                .map_err(|error| format!("cannot make a user and PID namespace: {error}"))?;
            // The kernel wants set-groups given up before an unprivileged process maps its group.
            let map = [
                ("/proc/self/setgroups", "deny".to_owned()),
                ("/proc/self/uid_map", format!("{uid} {uid} 1")),
                ("/proc/self/gid_map", format!("{gid} {gid} 1")),
            ];
            for (path, text) in map {
                std::fs::write(path, text).map_err(|error| format!("cannot write `{path}`: {error}"))?;
            }
        }
        Err(error) => return Err(format!("cannot make a PID namespace: {error}")),
        Ok(()) => {}
    }
    // Mounts made inside stay inside; mounts made outside are seen inside.
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        .map_err(|error| format!("cannot separate the mounts: {error}"))
}

impl Keeper {
    fn start() -> Result<(Self, Option<String>), String> {
        let failed = |error: std::io::Error| format!("cannot start the namespace's first process: {error}");
        let (mut lifeline, inner) = UnixStream::pair().map_err(failed)?;
        let process = match sys::fork().map_err(failed)? {
            Forked::Child => keep(inner.into()),
            Forked::Parent(process) => process,
        };
        drop(inner);
        let mut answer = [0_u8; 1];
        lifeline.read_exact(&mut answer).map_err(failed)?;
        let lacking = match answer[0] {
            0 => None,
            errno => Some(format!("its own `/proc`: {}", sys::error_text(i32::from(errno)))),
        };
        Ok((Self { process, lifeline }, lacking))
    }
}

/// The life of a namespace's first process: it reaps, passes `SIGTERM` on when asked, and ends with its
/// shepherd, by the kernel's signal or by the end of the lifeline, whichever comes first.
fn keep(lifeline: OwnedFd) -> ! {
    let served = set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(std::io::Error::from)
        .and_then(|()| sys::move_to(lifeline, 4))
        .and_then(|lifeline| {
            sys::close_from(5);
            serve_namespace(UnixStream::from(lifeline))
        });
    sys::exit_now(i32::from(served.is_err()))
}

fn serve_namespace(mut lifeline: UnixStream) -> std::io::Result<()> {
    let bell = sys::child_bell()?;
    let _ = rustix::thread::set_name(c"bgfetch-keeper");
    if rustix::process::getpid() != Pid::INIT {
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let refusal = mount("proc", "/proc", "proc", flags, None).err();
    lifeline
        .write_all(&[refusal.map_or(0, |error| u8::try_from(error.raw_os_error()).unwrap_or(u8::MAX))])?;
    let mut bytes = [0_u8; 64];
    loop {
        let mut waits = [
            PollFd::from_borrowed_fd(lifeline.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN),
        ];
        match poll(&mut waits, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let (asked, rung) = (!waits[0].revents().is_empty(), !waits[1].revents().is_empty());
        if asked && lifeline.read(&mut bytes)? == 0 {
            return Ok(());
        }
        if asked {
            // -1 is everything in the namespace but this process.
            let _ = sys::signal_all_others(Signal::TERM);
        }
        if rung {
            let _ = rustix::io::read(&bell, &mut bytes);
            while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        }
    }
}

//! What can be told of this machine, and what it means for background fetch; also where no host runs.

use crate::config::Config;
use crate::launch::{Containment, Method, Nursery};
use crate::policy::{Policy, PolicyFile};
use crate::socket;
use bgfetch_wire::control::{Finding, FindingState};
use rustix::fs::{Access, access};
use std::path::{Path, PathBuf};

/// What a host here would be started with.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder of the store, or why it can not be told.
    pub state_directory: Result<PathBuf, String>,
    /// The socket, or why it can not be told.
    pub socket: Result<PathBuf, String>,
    /// The configuration's file; none without a home.
    pub config: Option<PathBuf>,
    /// The administrator's policy.
    pub policy: PolicyFile,
    /// The host's program, to try the containment with.
    pub own_program: PathBuf,
}

/// Looks at what a host would need. Changes nothing; starts and ends trial wakes, which takes some milliseconds.
pub fn examine(surroundings: &Surroundings) -> Vec<Finding> {
    let Surroundings { state_directory, socket, config, policy, own_program } = surroundings;
    let mut findings = vec![socket_finding(socket), store_finding(state_directory)];
    let config = match config.as_deref().map(Config::read) {
        Some(Ok(read)) => Ok(read),
        None => Ok(Config::default()),
        Some(Err(error)) => Err(error),
    };
    let wanted = config.as_ref().map(|config| config.containment).unwrap_or_default();
    findings.push(match config {
        Ok(_) => finding("configuration", FindingState::Good, "can be read, or is not there".to_owned()),
        Err(error) => finding("configuration", FindingState::Bad, error.to_string()),
    });
    findings.push(match policy.read() {
        Ok(policy) => policy_finding(policy),
        Err(error) => finding("policy", FindingState::Bad, error.to_string()),
    });
    match Nursery::start(own_program, wanted) {
        Ok(nursery) => findings.extend(containment_findings(nursery.containment())),
        Err(error) => findings.push(finding("containment", FindingState::Bad, error.to_string())),
    }
    findings.extend(machine_findings());
    findings
}

/// What the policy in force means.
pub(crate) fn policy_finding(policy: Policy) -> Finding {
    if policy.restricted {
        let text = "a policy of this machine forbids background fetch: no app is woken".to_owned();
        return finding("policy", FindingState::Limited, text);
    }
    finding("policy", FindingState::Good, "nothing is forbidden".to_owned())
}

/// What the containment in force means, and why it is not a stronger one.
pub(crate) fn containment_findings(containment: &Containment) -> Vec<Finding> {
    let what = match containment.in_force {
        Method::Namespace => "a process namespace around every wake",
        Method::Cgroup => "a control group around every wake",
        Method::Shepherd => "a shepherd process for every wake, and nothing stronger",
    };
    let first = match &containment.lacking {
        Some(lacking) => finding("containment", FindingState::Limited, format!("{what}; {lacking}")),
        None if containment.in_force == Method::Shepherd => {
            finding("containment", FindingState::Limited, what.to_owned())
        }
        None => finding("containment", FindingState::Good, what.to_owned()),
    };
    let refused = containment.refused.iter().map(|refusal| {
        let text = format!("no {}: {}", refusal.method.name(), refusal.detail);
        finding("containment", FindingState::Limited, text)
    });
    std::iter::once(first).chain(refused).collect()
}

/// The clock, and what nothing tells a host.
pub(crate) fn machine_findings() -> Vec<Finding> {
    let clock = if cfg!(target_os = "linux") {
        (FindingState::Good, "suspended time counts, and a clock that is set is noticed at once")
    } else {
        (FindingState::Limited, "suspended time counts; a timer may ring late by the time slept")
    };
    let mut findings = vec![finding("clock", clock.0, clock.1.to_owned())];
    for (subject, lost) in [
        ("power", "a task that asks for external power is refused"),
        ("network", "a task that asks for a network is refused"),
        ("idleness", "a task that asks for an idle machine is refused"),
    ] {
        let text = format!("nothing tells a host of it: {lost}");
        findings.push(finding(subject, FindingState::Unknown, text));
    }
    findings
}

/// One finding.
pub(crate) fn finding(subject: &str, state: FindingState, text: String) -> Finding {
    Finding { subject: subject.to_owned(), state, text }
}

fn socket_finding(socket: &Result<PathBuf, String>) -> Finding {
    let (state, text) = match socket {
        Err(why) => (FindingState::Bad, why.clone()),
        Ok(path) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            match (socket::look_at(folder), can_be_made(folder)) {
                (Err(error), _) => (FindingState::Bad, error.to_string()),
                (Ok(false), Err(why)) => (FindingState::Bad, why),
                (Ok(_), _) => (FindingState::Good, format!("{} can be used", path.display())),
            }
        }
    };
    finding("socket", state, text)
}

fn store_finding(folder: &Result<PathBuf, String>) -> Finding {
    let usable = folder.clone().and_then(|folder| match std::fs::metadata(&folder) {
        Ok(found) if !found.is_dir() => Err(format!("`{}` is not a folder", folder.display())),
        Ok(_) => may_write(&folder).map(|()| folder),
        Err(_) => can_be_made(&folder).map(|()| folder),
    });
    match usable {
        Ok(folder) => finding("store", FindingState::Good, format!("{} can be used", folder.display())),
        Err(why) => finding("store", FindingState::Bad, why),
    }
}

/// Whether a folder that is not there could be made: the nearest one above it that is there can be written.
fn can_be_made(folder: &Path) -> Result<(), String> {
    let there = folder.ancestors().skip(1).find(|above| above.exists()).unwrap_or(Path::new("/"));
    may_write(there)
}

fn may_write(folder: &Path) -> Result<(), String> {
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    access(folder, wanted).map_err(|error| {
        format!("`{}` can not be written: {}", folder.display(), std::io::Error::from(error))
    })
}

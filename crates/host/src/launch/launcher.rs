//! The host's side of launching: the nursery it owns, and the shepherds it has ready.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::containment::{Containment, Refusal, Wanted};
use super::frame::{FrameReader, Kind, write_json};
use super::launched::Launched;
use super::leaf::{Leaf, Leaves};
use super::nursery::{NURSERY_VERB, Request, TRIAL_ARGUMENT};
use super::passing;
use super::terms::{Command, Compliance, Ending, Method, Ready, Report, Spec};

/// How long a trial wake may take before its method counts as not working.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the nursery could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NurseryError {
    /// The program could not be executed as the nursery.
    #[error("cannot start `{} {NURSERY_VERB}`: {source}", program.display())]
    Spawn {
        /// The host's own program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// None of the wanted methods of containment works here.
    #[error("no wanted containment works here: {}", list(.0))]
    NoContainment(Vec<Refusal>),
}

fn list(refusals: &[Refusal]) -> String {
    let each = refusals.iter().map(|refusal| format!("`{}`: {}", refusal.method.name(), refusal.detail));
    each.collect::<Vec<_>>().join("; ")
}

/// Why a wake could not be prepared or launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The nursery died and could not be started again.
    #[error("cannot restart the nursery: {0}")]
    Nursery(#[source] std::io::Error),
    /// The nursery has not taken a request for so long that its socket is full.
    #[error("the nursery does not answer")]
    NurseryStuck,
    /// No socket pair for the wake.
    #[error("cannot make a control socket: {0}")]
    Control(#[source] std::io::Error),
    /// No cgroup leaf for the wake.
    #[error("cannot make a cgroup leaf in `{}`: {source}", parent.display())]
    Leaf {
        /// Where leaves are made.
        parent: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The spec cannot be sent.
    #[error("the arguments and environment are over {} bytes", super::frame::PAYLOAD_BYTES_MAX)]
    SpecTooLong,
}

/// Owns the nursery process, and starts it again when it has died. Dropping it ends the nursery, but no wake.
pub struct Nursery {
    own_program: PathBuf,
    child: Child,
    link: Arc<Link>,
    leaves: Option<Leaves>,
    containment: Containment,
}

/// The host's end of the nursery's socket.
pub(super) struct Link {
    socket: UnixStream,
}

impl Link {
    /// Asks the nursery to close the other end of the returned socket once the shepherd is gone and nothing
    /// that it left is alive.
    pub(super) fn sweep(&self, shepherd: i32) -> std::io::Result<UnixStream> {
        let (near, far) = UnixStream::pair()?;
        passing::send(&self.socket, &Request::Sweep { shepherd }.to_bytes(), &[far.as_fd()])?;
        Ok(near)
    }
}

impl Nursery {
    /// Starts the nursery from the host's own program, which must call [`nursery_main`](super::nursery_main)
    /// under [`NURSERY_VERB`], and finds out by trial wakes which of the `wanted` methods works. Takes some
    /// milliseconds, and blocks for them.
    pub fn start(own_program: &Path, wanted: Wanted) -> Result<Self, NurseryError> {
        let (child, socket) = spawn(own_program)
            .map_err(|source| NurseryError::Spawn { program: own_program.to_owned(), source })?;
        let containment = Containment { in_force: Method::Shepherd, lacking: None, refused: Vec::new() };
        let link = Arc::new(Link { socket });
        let mut nursery =
            Self { own_program: own_program.to_owned(), child, link, leaves: None, containment };
        for method in wanted.candidates() {
            nursery.containment.in_force = *method;
            match nursery.try_method() {
                Ok(lacking) => {
                    nursery.containment.lacking = lacking;
                    return Ok(nursery);
                }
                Err(detail) => nursery.containment.refused.push(Refusal { method: *method, detail }),
            }
        }
        Err(NurseryError::NoContainment(std::mem::take(&mut nursery.containment.refused)))
    }

    /// The containment in force.
    pub fn containment(&self) -> &Containment {
        &self.containment
    }

    /// Its process, from which every process of every wake descends.
    pub(crate) fn process(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Has a shepherd forked and its containment set up, while the host still has other things to do. No app
    /// is started by this, and dropping the result ends the shepherd.
    pub fn prepare(&mut self) -> Result<Prepared, LaunchError> {
        let leaf = match &self.leaves {
            Some(leaves) => Some(
                leaves
                    .make()
                    .map_err(|source| LaunchError::Leaf { parent: leaves.parent().to_owned(), source })?,
            ),
            None => None,
        };
        let (control, far) = UnixStream::pair().map_err(LaunchError::Control)?;
        control.set_nonblocking(true).map_err(LaunchError::Control)?;
        if let Err(error) = self.request(&far, leaf.as_ref()) {
            if error == Errno::AGAIN {
                return Err(LaunchError::NurseryStuck);
            }
            self.respawn().map_err(LaunchError::Nursery)?;
            self.request(&far, leaf.as_ref()).map_err(|error| LaunchError::Nursery(error.into()))?;
        }
        Ok(Prepared { control, leaf, link: Arc::clone(&self.link) })
    }

    fn request(&self, control: &UnixStream, leaf: Option<&Leaf>) -> rustix::io::Result<()> {
        let mut descriptors = vec![control.as_fd()];
        descriptors.extend(leaf.map(|leaf| leaf.directory.as_fd()));
        let request = Request::Shepherd(self.containment.in_force);
        passing::send(&self.link.socket, &request.to_bytes(), &descriptors).map(drop)
    }

    fn respawn(&mut self) -> std::io::Result<()> {
        // It closed its socket, so it is dead or as good as dead.
        let _ = self.child.kill();
        self.child.wait()?;
        let (child, socket) = spawn(&self.own_program)?;
        self.child = child;
        self.link = Arc::new(Link { socket });
        Ok(())
    }

    /// Tries the method in force with a wake that has to be killed. Returns what it lacks.
    fn try_method(&mut self) -> Result<Option<String>, String> {
        self.leaves = match self.containment.in_force {
            Method::Cgroup => Some(Leaves::find()?),
            Method::Namespace | Method::Shepherd => None,
        };
        let mut spec = Spec::new(&self.own_program);
        spec.arguments = vec![NURSERY_VERB.into(), TRIAL_ARGUMENT.into()];
        spec.limit_ms = u64::try_from(TRIAL_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        spec.directory = std::env::current_dir().unwrap_or(spec.directory);
        let prepared = self.prepare().map_err(|error| error.to_string())?;
        prepared.run_trial(&spec)
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        // It holds nothing that matters: wakes under way belong to their shepherds and to this process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(own_program: &Path) -> std::io::Result<(Child, UnixStream)> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let child = std::process::Command::new(own_program)
        .arg(NURSERY_VERB)
        .stdin(Stdio::from(OwnedFd::from(far)))
        .stdout(Stdio::null())
        .spawn()?;
    Ok((child, near))
}

/// A shepherd that waits for its spec.
pub struct Prepared {
    control: UnixStream,
    leaf: Option<Leaf>,
    link: Arc<Link>,
}

impl Prepared {
    /// Starts what `spec` says. `app_socket` becomes descriptor
    /// [`APP_SOCKET_DESCRIPTOR`](super::APP_SOCKET_DESCRIPTOR) of the app. To be called within a tokio
    /// runtime with its I/O driver enabled.
    pub fn launch(self, spec: &Spec, app_socket: Option<&OwnedFd>) -> Result<Launched, LaunchError> {
        let rest = self.send(spec, app_socket)?;
        let control = tokio::net::UnixStream::from_std(self.control).map_err(LaunchError::Control)?;
        Ok(Launched::new(control, rest, self.leaf, self.link))
    }

    /// Sends the spec, and returns the part of it that the socket does not take yet. A shepherd that is gone
    /// has said why, or its absence will.
    fn send(&self, spec: &Spec, app_socket: Option<&OwnedFd>) -> Result<Vec<u8>, LaunchError> {
        let mut bytes = Vec::new();
        write_json(&mut bytes, Kind::Spec, spec).map_err(|_| LaunchError::SpecTooLong)?;
        let descriptors: Vec<_> = app_socket.iter().map(|socket| socket.as_fd()).collect();
        match passing::send(&self.control, &bytes, &descriptors) {
            Ok(sent) => Ok(bytes.split_off(sent)),
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(Vec::new()),
            Err(error) => Err(LaunchError::Control(error.into())),
        }
    }

    fn run_trial(mut self, spec: &Spec) -> Result<Option<String>, String> {
        let failed = |error: std::io::Error| format!("the trial wake failed: {error}");
        self.send(spec, None).map_err(|error| error.to_string())?;
        self.control.set_nonblocking(false).map_err(failed)?;
        self.control.set_read_timeout(Some(TRIAL_TIMEOUT)).map_err(failed)?;
        let mut reader = FrameReader::default();
        let mut buffer = [0_u8; 4096];
        let mut lacking = None;
        loop {
            let count = self.control.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                return Err("the trial wake's shepherd died".to_owned());
            }
            reader.push(&buffer[..count]);
            while let Some((kind, payload)) = reader.next_frame().map_err(|error| error.to_string())? {
                match kind {
                    Kind::Ready => lacking = parse::<Ready>(&payload)?.lacking,
                    Kind::Started => self.send_kill().map_err(failed)?,
                    Kind::Ended => return judge_trial(parse::<Report>(&payload)?.ending).map(|()| lacking),
                    _ => {}
                }
            }
        }
    }

    fn send_kill(&self) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        write_json(&mut bytes, Kind::Command, &Command::Kill).map_err(std::io::Error::other)?;
        passing::send(&self.control, &bytes, &[])?;
        Ok(())
    }
}

fn parse<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| error.to_string())
}

fn judge_trial(ending: Ending) -> Result<(), String> {
    match ending {
        Ending::Stopped { compliance: Compliance::Forced } => Ok(()),
        Ending::NotStarted { detail, .. } => Err(detail),
        Ending::Exited { code } => Err(format!("the trial wake exited with {code}")),
        Ending::Signalled { signal } => Err(format!("the trial wake was ended by signal {signal}")),
        Ending::Limit { .. } | Ending::Stopped { .. } | Ending::ShepherdLost { .. } => {
            Err("the trial wake did not have to be killed".to_owned())
        }
    }
}

//! A host of its own for one verb: this very binary, as a child that ends with its parent.

use crate::client::Client;
use crate::exit::Failure;
use crate::verbs::host::SAY_WHEN_SERVING;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A host that is a child of this process. It ends when this process does, however that ends.
pub(crate) struct PrivateHost {
    child: Child,
    socket: PathBuf,
}

impl PrivateHost {
    /// Starts a host with its store in `folder` and `config` as its configuration.
    pub(crate) fn start(folder: &Path, socket: &Path, config: &str) -> Result<Self, Failure> {
        let failed =
            |what: &Path, error: std::io::Error| Failure::Other(format!("`{}`: {error}", what.display()));
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        let config_path = folder.join("host.toml");
        std::fs::write(&config_path, config).map_err(|error| failed(&config_path, error))?;
        let log_path = folder.join("host.log");
        let log = std::fs::File::create(&log_path).map_err(|error| failed(&log_path, error))?;
        let mut command = Command::new(std::env::current_exe().map_err(Failure::other)?);
        command.arg("host").arg("--until-stdin-closes").arg("--state-dir").arg(folder.join("state"));
        command.arg("--config").arg(config_path).arg("--socket").arg(socket).env(SAY_WHEN_SERVING, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(Failure::other)?;
        let mut said = [0; 1];
        let serves = child.stdout.as_mut().is_some_and(|stdout| stdout.read_exact(&mut said).is_ok());
        if serves {
            return Ok(Self { child, socket: socket.to_owned() });
        }
        let why = std::fs::read_to_string(&log_path).unwrap_or_default();
        Err(Failure::Other(format!(
            "the host did not start: {}",
            why.trim_start_matches("bgfetch: ").trim_end()
        )))
    }

    /// A new connection to it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.socket)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with `SIGKILL`, as a crash would.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(Failure::other)
    }
}

impl Drop for PrivateHost {
    fn drop(&mut self) {
        // Ends in order, within the grace of a wake; nothing here depends on how.
        if let Ok(None) = self.child.try_wait() {
            let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            let _ = process.map(|process| kill_process(process, Signal::TERM));
            let _ = self.child.wait();
        }
    }
}

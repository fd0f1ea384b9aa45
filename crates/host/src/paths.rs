//! Where a host keeps what it keeps. The environment is an argument.

use bgfetch_wire::path::{SocketEnvironment, SocketPathError, socket_path};
use std::ffi::OsString;
use std::path::PathBuf;

/// What decides where things are. Empty counts as not set.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `$HOME`.
    pub home: Option<OsString>,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<OsString>,
    /// `$XDG_CONFIG_HOME`.
    pub config_home: Option<OsString>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<OsString>,
    /// `$BGFETCH_SOCKET`.
    pub socket: Option<OsString>,
}

/// Why a place can not be told.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// There is no home.
    #[error("neither `HOME` nor `{variable}` is set: set one of them, or give `{option}`")]
    NoHome {
        /// The variable that would say it without a home.
        variable: &'static str,
        /// The option that would.
        option: &'static str,
    },
    /// The socket's path can not be used.
    #[error(transparent)]
    Socket(#[from] SocketPathError),
}

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self {
            home: std::env::var_os("HOME"),
            state_home: std::env::var_os("XDG_STATE_HOME"),
            config_home: std::env::var_os("XDG_CONFIG_HOME"),
            runtime_directory: std::env::var_os("XDG_RUNTIME_DIR"),
            socket: std::env::var_os(bgfetch_wire::SOCKET_VARIABLE),
        }
    }

    /// The folder of the store: `$XDG_STATE_HOME/bgfetch`, else `~/.local/state/bgfetch`.
    pub fn state_directory(&self) -> Result<PathBuf, PathsError> {
        let place = self.base(self.state_home.as_ref(), ".local/state");
        place.ok_or(PathsError::NoHome { variable: "XDG_STATE_HOME", option: "--state-dir" })
    }

    /// The host's configuration: `$XDG_CONFIG_HOME/bgfetch/host.toml`, else `~/.config/bgfetch/host.toml`.
    pub fn config_file(&self) -> Result<PathBuf, PathsError> {
        let place = self.base(self.config_home.as_ref(), ".config").map(|folder| folder.join("host.toml"));
        place.ok_or(PathsError::NoHome { variable: "XDG_CONFIG_HOME", option: "--config" })
    }

    /// The host's socket, see [`bgfetch_wire::path`].
    pub fn socket(&self) -> Result<PathBuf, PathsError> {
        Ok(socket_path(&SocketEnvironment {
            socket: self.socket.as_deref(),
            runtime_directory: self.runtime_directory.as_deref(),
            user_id: rustix::process::geteuid().as_raw(),
        })?)
    }

    /// `$XDG_…/bgfetch`; a relative one is ignored, as its specification asks.
    fn base(&self, xdg: Option<&OsString>, below_home: &str) -> Option<PathBuf> {
        let absolute =
            |place: Option<&OsString>| place.map(PathBuf::from).filter(|place| place.is_absolute());
        let base = absolute(xdg).or_else(|| Some(absolute(self.home.as_ref())?.join(below_home)))?;
        Some(base.join("bgfetch"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_of_base_directories_is_followed() {
        let mut environment = Environment { home: Some("/ada".into()), ..Environment::default() };
        let state = |environment: &Environment| environment.state_directory().expect("a place");
        assert_eq!(state(&environment), PathBuf::from("/ada/.local/state/bgfetch"));
        environment.state_home = Some("relative".into());
        assert_eq!(state(&environment), PathBuf::from("/ada/.local/state/bgfetch"));
        environment.state_home = Some("/var/state".into());
        assert_eq!(state(&environment), PathBuf::from("/var/state/bgfetch"));
    }

    #[test]
    fn without_a_home_it_says_what_to_set() {
        let error = Environment::default().state_directory().expect_err("no home").to_string();
        assert_eq!(
            error,
            "neither `HOME` nor `XDG_STATE_HOME` is set: set one of them, or give `--state-dir`"
        );
    }
}

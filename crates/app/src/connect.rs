//! Finding the host and becoming known to it.

use crate::app::App;
use crate::host::{self, Greeting, Route};
use crate::inherited;
use crate::launch::{self, LaunchError, Started};
use crate::manifest::{self, ManifestError, Places};
use crate::task_manager::TaskManager;
use bgfetch_wire::app::HelloApp;
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::path::{SocketEnvironment, SocketPathError, socket_path};
use bgfetch_wire::value::AbsolutePath;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The word of "there is no host", which no host can send.
const NO_HOST: &str = "E_NO_HOST";

/// How long a lost host is looked for, unless the program says otherwise.
const RECONNECT_FOR: Duration = Duration::from_mins(1);

/// How a program finds the host and how the host starts it again. [`TaskManager::connect`] uses the usual ways.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    manifest: Option<PathBuf>,
    socket: Option<PathBuf>,
    arguments: Option<Vec<String>>,
    carried: Vec<String>,
    reconnect_for: Duration,
}

/// Why the program is not known to the host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens (`E_NO_HOST`).
    #[error("no host listens on `{}` ({source}): start it with `bgfetch host`", socket.display())]
    NoHost {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The environment names no usable socket.
    #[error(transparent)]
    Socket(#[from] SocketPathError),
    /// The socket, or its folder, is somebody else's (`E_NO_HOST`).
    #[error("the socket `{}` or its folder is not this user's: set `BGFETCH_SOCKET` to the host's", .0.display())]
    Foreign(PathBuf),
    /// There is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The program could not be started the same way again.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The system does not say which program this is, or where it was started.
    #[error("the system does not say {what}: {source}")]
    Unknown {
        /// What it does not say.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The connection's thread, or what it needs, could not be had.
    #[error("the connection could not be set up: {0}")]
    SetUp(io::Error),
    /// The host refused, for a documented reason: see [`ConnectError::code`].
    #[error("{0}")]
    Refused(ErrorObject),
    /// The host closed the connection, or did not answer within 10 s (`E_NO_HOST`).
    #[error("the host did not answer `hello`: {0}")]
    Silent(String),
}

impl ConnectOptions {
    /// The usual ways.
    pub fn new() -> Self {
        Self {
            manifest: None,
            socket: None,
            arguments: None,
            carried: Vec::new(),
            reconnect_for: RECONNECT_FOR,
        }
    }

    /// The app's manifest, or the folder that has it. A relative path starts at the current folder.
    ///
    /// Otherwise it is `$BGFETCH_MANIFEST`, else the first `app.json`, `Info.plist` or `bgfetch.toml` from the
    /// program's folder upwards, else from the current folder upwards. In a process that the host started for a wake
    /// the host knows which app it is, and no manifest is looked for.
    #[must_use]
    pub fn manifest(mut self, path: impl Into<PathBuf>) -> Self {
        self.manifest = Some(path.into());
        self
    }

    /// The host's socket. Otherwise it is `$BGFETCH_SOCKET`, else `$XDG_RUNTIME_DIR/bgfetch/host.sock`, else
    /// `/tmp/bgfetch-UID/host.sock`. In a process that the host started for a wake, the connection it inherited is
    /// used, whatever stands here.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// The arguments with which the host starts this program for a wake, in place of those of this process.
    #[must_use]
    pub fn arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = Some(arguments.into_iter().map(Into::into).collect());
        self
    }

    /// One more environment variable that a wake gets as it is now.
    ///
    /// Without being asked for it gets `PATH`, `HOME`, `LANG`, `LC_*`, `TZ`, `USER`, `XDG_*`, and those that
    /// `BGFETCH_KEEP_ENV` names, separated by commas. The host keeps their values on disk, so a secret has a better
    /// place in a file.
    #[must_use]
    pub fn carry(mut self, variable: impl Into<String>) -> Self {
        self.carried.push(variable.into());
        self
    }

    /// How long [`App::serve`] looks for a host that has gone away before it gives up; 60 s unless said otherwise,
    /// [`Duration::MAX`] for ever.
    #[must_use]
    pub fn reconnect_for(mut self, duration: Duration) -> Self {
        self.reconnect_for = duration;
        self
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ConnectError {
    /// The documented code, if the host gave one that this version knows, e.g. [`ErrorCode::AppIdTaken`].
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => error.known_code(),
            Self::Manifest(_) => Some(ErrorCode::Manifest),
            Self::NoHost { .. }
            | Self::Socket(_)
            | Self::Launch(_)
            | Self::Unknown { .. }
            | Self::SetUp(_)
            | Self::Foreign(_)
            | Self::Silent(_) => None,
        }
    }

    /// The code as a word: `E_NO_HOST` if there is none to talk to, else the host's own, also a newer host's.
    pub fn code_text(&self) -> Option<&str> {
        match self {
            Self::NoHost { .. } | Self::Foreign(_) | Self::Silent(_) => Some(NO_HOST),
            Self::Refused(error) => error.code_text(),
            Self::Manifest(_) | Self::Socket(_) | Self::Launch(_) | Self::Unknown { .. } | Self::SetUp(_) => {
                self.code().map(ErrorCode::text)
            }
        }
    }
}

/// Makes the program known to the host, and gives the app its face.
pub(crate) fn connect(tasks: TaskManager, options: &ConnectOptions) -> Result<App, ConnectError> {
    let (route, app) = if let Some(socket) = inherited::take() {
        // The host knows what it started.
        (Route::Inherited(socket), None)
    } else {
        let path = options.socket_path()?;
        (Route::Socket { path, reconnect_for: options.reconnect_for }, Some(options.introduction()?))
    };
    let greeting = Greeting { app, defined: tasks.names() };
    let tasks = Arc::new(tasks);
    let connection = host::connect(route, greeting)?;
    Ok(App::new(tasks, connection))
}

impl ConnectOptions {
    fn socket_path(&self) -> Result<PathBuf, ConnectError> {
        let variable = std::env::var_os(bgfetch_wire::SOCKET_VARIABLE);
        let runtime_directory = std::env::var_os("XDG_RUNTIME_DIR");
        let user_id = rustix::process::geteuid().as_raw();
        let path = socket_path(&SocketEnvironment {
            socket: self.socket.as_ref().map(|path| path.as_os_str()).or(variable.as_deref()),
            runtime_directory: runtime_directory.as_deref(),
            user_id,
        })?;
        // Anybody may make a folder in `/tmp`; only one that is this user's holds this user's host.
        match path.parent().filter(|folder| folder.starts_with("/tmp")).map(std::fs::symlink_metadata) {
            Some(Ok(found)) if !found.is_dir() || found.uid() != user_id => Err(ConnectError::Foreign(path)),
            _ => Ok(path),
        }
    }

    fn introduction(&self) -> Result<HelloApp, ConnectError> {
        let unknown = |what| move |source| ConnectError::Unknown { what, source };
        let started = Started {
            program: std::env::current_exe().map_err(unknown("which program this is"))?,
            arguments: std::env::args_os().skip(1).collect(),
            directory: std::env::current_dir().map_err(unknown("which folder is the current one"))?,
            environment: std::env::vars_os().collect(),
        };
        let variable = std::env::var_os(bgfetch_wire::MANIFEST_VARIABLE);
        let manifest = manifest::find(&Places {
            explicit: self.manifest.as_deref(),
            variable: variable.as_deref(),
            program: &started.program,
            directory: &started.directory,
        })?;
        let absolute = |path| AbsolutePath::try_from(path).map_err(LaunchError::from);
        Ok(HelloApp {
            manifest: absolute(manifest)?,
            program: absolute(started.program.clone())?,
            launch: Some(launch::launch(&started, self.arguments.as_deref(), &self.carried)?),
            defined: None,
        })
    }
}

//! A user's home in a folder of its own, with the real `bgfetch`, a real host, real apps.

pub(crate) mod chance;
pub(crate) mod journal;
pub(crate) mod processes;
pub(crate) mod wire;

use journal::Journal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything here takes on a loaded machine; only a broken program waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Times that a test can wait for, and a limit that no polite app meets.
pub(crate) const QUICK: &str = "limit = '20s'\nwarning = '2s'\ngrace = '2s'\nlinger = '100ms'\n\
     interval-min = '200ms'\nback-off-first = '300ms'\nback-off-max = '1s'\n";

/// The program under test.
pub(crate) const BGFETCH: &str = env!("CARGO_BIN_EXE_bgfetch");

/// A user's home: where a host keeps what it keeps, and the apps.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// A new home whose host runs by `config`.
    pub(crate) fn new(config: &str) -> Self {
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(private).tempdir().expect("a folder");
        let home = Self { folder };
        for name in ["state", "apps"] {
            std::fs::create_dir(home.path(name)).expect("a folder");
        }
        std::fs::write(home.path("host.toml"), config).expect("written");
        home
    }

    /// A path in this home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The host's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("host.sock")
    }

    /// `bgfetch ARGUMENTS` in this home, with nothing of the environment that the tests run in.
    pub(crate) fn bgfetch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BGFETCH);
        command.args(arguments);
        self.inhabit(&mut command);
        command
    }

    /// Gives `command` the environment of this home's user.
    pub(crate) fn inhabit(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("TZ", "UTC");
        command.env("BGFETCH_SOCKET", self.socket()).current_dir(self.folder.path());
    }

    /// Runs `bgfetch ARGUMENTS` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.bgfetch(arguments))
    }

    /// Runs `bgfetch ARGUMENTS`, which must succeed, and gives what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert!(ran.status.success(), "`bgfetch {}`: {ran:?}", arguments.join(" "));
        ran.stdout
    }

    /// Runs `bgfetch ARGUMENTS --json`, which must succeed, and gives its value.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Starts the host and waits until it serves.
    pub(crate) fn host(&self) -> Host {
        self.try_host().unwrap_or_else(|ran| panic!("the host did not start: {ran:?}"))
    }

    /// Starts the host and waits until it serves, or gives what it said when it ended instead.
    pub(crate) fn try_host(&self) -> Result<Host, Ran> {
        Host::start(self.host_command())
    }

    /// The host's command line.
    pub(crate) fn host_command(&self) -> Command {
        let mut command = self.bgfetch(&["host", "--until-stdin-closes", "--state-dir"]);
        command.arg(self.path("state")).arg("--config").arg(self.path("host.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The journal from its beginning, and whatever comes.
    pub(crate) fn journal(&self) -> Journal {
        Journal::follow(self.bgfetch(&["log", "--follow", "--json", "--last", "1000"]))
    }

    /// An app's folder with its manifest.
    pub(crate) fn app_folder(&self, app: &str) -> PathBuf {
        let folder = self.path("apps").join(app);
        std::fs::create_dir_all(&folder).expect("a folder");
        let manifest = serde_json::json!({
            "expo": { "ios": { "bundleIdentifier": app, "infoPlist": { "UIBackgroundModes": ["fetch"] } } }
        });
        std::fs::write(folder.join("app.json"), manifest.to_string()).expect("written");
        folder
    }

    /// A copy of `fixtures/apps/FIXTURE` as the app `app`; gives the copy's path.
    pub(crate) fn node_app(&self, app: &str, fixture: &str) -> PathBuf {
        let name = Path::new(fixture).file_name().expect("a file");
        let script = self.app_folder(app).join(name);
        std::fs::copy(fixtures().join(fixture), &script).expect("copied");
        script
    }

    /// What a user's click on a Node app does: starts it in the foreground, with the SDK and nothing installed.
    pub(crate) fn node(&self, script: &Path) -> Command {
        let mut command = Command::new("node");
        command.arg("--require").arg(sdk().join("preload.cjs")).arg(script);
        self.inhabit(&mut command);
        command.current_dir(script.parent().expect("a folder"));
        command
    }

    /// Opens a Node app that registers and ends.
    pub(crate) fn open(&self, script: &Path) {
        let ran = ran(&mut self.node(script));
        assert!(ran.status.success(), "`{}`: {ran:?}", script.display());
    }

    /// Writes an executable shell script.
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        path
    }

    /// What a process of this home's wakes has in its environment, and no other process.
    pub(crate) fn mark(&self) -> String {
        format!("BGFETCH_SOCKET={}", self.socket().display())
    }
}

/// Runs a command to its end, but no longer than [`PATIENCE`]: until nobody holds its output any more.
pub(crate) fn ran(command: &mut Command) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let mut text = |lines: mpsc::Receiver<String>| {
        lines.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("waited in vain for the end of {command:?}")
        })
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    Ran { status: child.wait().expect("a child"), stdout, stderr }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    let mut stream = stream.expect("a pipe");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}

/// The lines of a stream, as they come, until nobody holds its other end.
pub(crate) fn lines(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let stream = BufReader::new(stream.expect("a pipe"));
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stream.lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}

/// Waits for the end of a child whose lines these are.
pub(crate) fn wait_for_end(child: &mut Child, lines: &mpsc::Receiver<String>) -> ExitStatus {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return child.wait().expect("a child"),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("waited in vain for the end of {child:?}"),
        }
    }
}

/// Lets time pass, where time itself is the subject or nobody tells of an event.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Waits until `condition` holds, for a time that only a broken program needs.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        pause(Duration::from_millis(2));
    }
}

/// A running host. It is killed, if it has not ended, when the test does.
pub(crate) struct Host {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Host {
    /// Starts a host and waits until it serves.
    pub(crate) fn start(mut command: Command) -> Result<Self, Ran> {
        let mut host = Self::spawn(&mut command);
        let mut stderr = String::new();
        loop {
            match host.said.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(" serves on `") => return Ok(host),
                Ok(line) => stderr = stderr + &line + "\n",
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the host hangs: {stderr}"),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let status = host.child.wait().expect("a child");
                    return Err(Ran { status, stdout: String::new(), stderr });
                }
            }
        }
    }

    /// Starts a host without waiting for anything.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the host's program starts");
        let said = lines(child.stderr.take());
        Self { child, said }
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with `SIGKILL`, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        let _ = self.child.wait();
    }

    /// Lets it end in order.
    pub(crate) fn stop(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        wait_for_end(&mut self.child, &self.said)
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the rude and polite little apps.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/apps").canonicalize().expect("fixtures")
}

/// The JavaScript SDK.
pub(crate) fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/node").canonicalize().expect("the SDK")
}

//! A host by script: a real socket, and the golden messages of `fixtures/wire`.

use background_fetch::{App, ConnectError, ConnectOptions, TaskManager};
use bgfetch_wire::frame::LineDecoder;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a test waits for anything at most.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A host that says what its test tells it to.
pub(crate) struct Host {
    pub(crate) folder: tempfile::TempDir,
    listener: UnixListener,
}

/// A connection to an app.
pub(crate) struct Peer {
    stream: UnixStream,
    decoder: LineDecoder,
    lines: VecDeque<Vec<u8>>,
}

/// The line of the golden message `name`, as JSON.
pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/../../fixtures/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let fixture: Value = serde_json::from_str(&text).expect("a fixture");
    serde_json::from_str(fixture["line"].as_str().expect("its line")).expect("a message")
}

/// The golden `execute` for another event, task and wake.
pub(crate) fn execute(event_id: &str, task: &str, wake: u64) -> Value {
    let mut message = golden("execute");
    let info = &mut message["params"]["executionInfo"];
    info["eventId"] = event_id.into();
    info["taskName"] = task.into();
    info["wake"] = wake.into();
    message
}

/// Connects an app on a thread of its own, in the ways that `options` say.
pub(crate) fn connecting_with(
    tasks: TaskManager,
    options: ConnectOptions,
) -> JoinHandle<Result<App, ConnectError>> {
    std::thread::spawn(move || tasks.connect_with(&options))
}

impl Host {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("host.sock")).expect("a socket");
        std::fs::write(folder.path().join("bgfetch.toml"), "id = 'com.example.reader'\n").expect("written");
        Self { folder, listener }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("host.sock")
    }

    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions::new().socket(self.socket()).manifest(self.folder.path())
    }

    /// Connects an app on a thread of its own, since it waits for the host.
    pub(crate) fn connecting(&self, tasks: TaskManager) -> JoinHandle<Result<App, ConnectError>> {
        connecting_with(tasks, self.options())
    }

    pub(crate) fn accept(&self) -> Peer {
        Peer::new(self.listener.accept().expect("a connection").0)
    }

    /// An app that has said hello and been answered, and the host's end.
    pub(crate) fn connected(&self, tasks: TaskManager) -> (App, Peer) {
        let connecting = self.connecting(tasks);
        let mut peer = self.accept();
        peer.answer_hello();
        (connecting.join().expect("a thread").expect("connected"), peer)
    }

    /// Ends, and leaves the socket's path free.
    pub(crate) fn end(self) -> tempfile::TempDir {
        std::fs::remove_file(self.socket()).expect("removed");
        self.folder
    }

    /// A host that begins where another ended.
    pub(crate) fn again(folder: tempfile::TempDir) -> Self {
        let listener = UnixListener::bind(folder.path().join("host.sock")).expect("a socket");
        Self { folder, listener }
    }
}

impl Peer {
    pub(crate) fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(BOUND)).expect("a bound");
        Self { stream, decoder: LineDecoder::new(), lines: VecDeque::new() }
    }

    /// The next message; `None` at the connection's end.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let mut buffer = [0; 4096];
        while self.lines.is_empty() {
            let count = match self.stream.read(&mut buffer) {
                // An app that closes before it has read everything.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                count => count.expect("within the bound"),
            };
            if count == 0 {
                return None;
            }
            let mut input = &buffer[..count];
            while let Some(line) = self.decoder.decode(&mut input).expect("a frame") {
                self.lines.push_back(line);
            }
        }
        let line = self.lines.pop_front().expect("a line");
        Some(serde_json::from_slice(&line).expect("JSON"))
    }

    /// The next message, which is the request `method`.
    pub(crate) fn expect(&mut self, method: &str) -> Value {
        let message = self.next().unwrap_or_else(|| panic!("the connection ended before `{method}`"));
        assert_eq!(message["method"], method, "{message}");
        message
    }

    pub(crate) fn send(&mut self, message: &Value) {
        writeln!(self.stream, "{message}").expect("sent");
    }

    /// Sends a line that is longer than a frame, as far as the app takes it.
    pub(crate) fn ramble(&mut self) {
        let _ = self.stream.write_all(&vec![b'x'; 2 << 20]);
    }

    /// Sends the golden answer `name` to `request`.
    pub(crate) fn answer(&mut self, request: &Value, name: &str) {
        let mut answer = golden(name);
        answer["id"] = request["id"].clone();
        self.send(&answer);
    }

    pub(crate) fn answer_hello(&mut self) -> Value {
        let hello = self.expect("hello");
        self.answer(&hello, "hello-node-answer");
        hello
    }

    pub(crate) fn answer_ready(&mut self) -> Value {
        let ready = self.expect("ready");
        self.answer(&ready, "ready-answer");
        ready
    }

    /// The next `finish`, answered as recorded.
    pub(crate) fn answer_finish(&mut self) -> Value {
        let finish = self.expect("finish");
        self.answer(&finish, "finish-answer");
        finish["params"].clone()
    }
}

/// Runs test `test` of this program again as a program that the host starts for a wake: with the golden answers, and
/// with one end of a socket to inherit. Gives the host's end.
pub(crate) fn start_wake(test: &str) -> (std::process::Child, Peer) {
    // While the socket can be inherited, only its own process is started.
    static STARTING: Mutex<()> = Mutex::new(());
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let (host_end, app_end) = UnixStream::pair().expect("a pair");
    rustix::io::fcntl_setfd(&app_end, rustix::io::FdFlags::empty()).expect("inheritable");
    let number = std::os::fd::AsRawFd::as_raw_fd(&app_end).to_string();
    let child = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env("BGFETCH_FD", number)
        .env("BGFETCH_MANIFEST", Path::new("/nowhere/bgfetch.toml"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("started");
    drop(app_end);
    (child, Peer::new(host_end))
}

/// Whether this process is one of [`start_wake`].
pub(crate) fn is_wake() -> bool {
    std::env::var_os("BGFETCH_FD").is_some()
}

impl Peer {
    /// Answers `hello` and `ready` of a process that was started for the golden wake 42.
    pub(crate) fn begin_wake(&mut self) -> Value {
        let hello = self.expect("hello");
        self.answer(&hello, "hello-wake-answer");
        self.answer_ready();
        hello
    }
}

/// An error as the host would send it to `request`.
pub(crate) fn error_for(request: &Value, code: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": request["id"], "error":
        {"code": -32000, "message": "no", "data": {"code": code}}})
}

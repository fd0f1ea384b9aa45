//! `bgfetch run`: the developer's loop. One app, a host of its own, every decision as it is made.

use crate::args::{Common, Run};
use crate::client::Client;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::private_host::{PrivateHost, PrivateHostError};
use crate::verbs::{refuse_socket, state_directory};
use crate::{node, sdk, show};
use bgfetch_host::Environment;
use bgfetch_wire::app::Launch;
use bgfetch_wire::control::{Add, AskLog, LogEntry};
use bgfetch_wire::value::AbsolutePath;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// How long the app may take to end after it was asked to.
const APP_GRACE: Duration = Duration::from_secs(2);

/// How much of a path's SHA-256 stands in the names of what belongs to it.
const DIGEST_CHARACTERS: usize = 16;

pub(crate) fn run(common: &Common, run: &Run) -> Result<(), Failure> {
    refuse_socket(common)?;
    let program = std::fs::canonicalize(&run.program)
        .map_err(|error| Failure::Usage(format!("`{}` can not be run: {error}", run.program.display())))?;
    let start = Start::of(&program)?;
    let (folder, socket) = places(&program)?;
    let config = format!(
        "interval-min = \"{}ms\"\nlimit = \"{}ms\"\nwarning = \"{}ms\"\n",
        run.interval_min.as_millis(),
        run.limit.as_millis(),
        run.limit.as_millis().min(30_000) / 6,
    );
    let host = PrivateHost::start(&folder, &socket, &config).map_err(|error| match error {
        PrivateHostError::Held(_) => Failure::Other(format!(
            "`{}` is run by another `bgfetch run` already, or its host is still ending: end that one first",
            program.display()
        )),
        other => other.into(),
    })?;
    eprintln!(
        "bgfetch: host {} serves this app alone; the shortest interval is {}, a wake may take {}; Ctrl-C ends it",
        host.process(),
        run.interval_min,
        run.limit
    );
    eprintln!("bgfetch: for it alone, `bgfetch --socket {} fetch APP` wakes the app now", socket.display());
    let mut client = host.client()?;
    // What was kept of an earlier run may be due at once, before anybody looks.
    let past = client.call(AskLog { follow: true, last: Some(100), ..AskLog::default() })?.entries;
    let since = past.iter().rposition(|entry| entry.event == "host_started").unwrap_or(0);
    let app = Foreground::default();
    let interrupt = {
        let (order, app, host) = (host.order(), app.clone(), host.process());
        Interrupt::hear(move |before| {
            app.end();
            order.give();
            if before > 0 {
                // Who asks twice does not want to wait for what still runs: its shepherds end it.
                signal_process(host, Signal::KILL);
            }
        })?
    };
    app.started(start.start(common, &run.args, &socket, &mut client)?);
    let began = past[since..].iter().try_for_each(|entry| shown(common, entry, &host));
    let shown = began.and_then(|()| follow(common, &mut client, &host));
    app.end();
    drop(client);
    drop(host);
    app.reap();
    interrupt.outcome(shown)
}

/// Shows the journal until the host ends.
fn follow(common: &Common, client: &mut Client, host: &PrivateHost) -> Result<(), Failure> {
    loop {
        shown(common, &client.next_entry(None)?, host)?;
    }
}

/// Shows one entry; behind a wake's last one, what it has printed.
fn shown(common: &Common, entry: &LogEntry, host: &PrivateHost) -> Result<(), Failure> {
    if common.json {
        return show::print_json_line(entry);
    }
    show::print(&show::entry(entry))?;
    match entry.event.as_str() {
        // A host that is ending shows no more than the journal.
        "ended" => output_of(entry, host).map_or(Ok(()), |output| show::print(&output)),
        _ => Ok(()),
    }
}

/// The app, where it was started in the foreground. What was started here ends here.
#[derive(Clone, Default)]
struct Foreground(Arc<Mutex<Option<Child>>>);

impl Foreground {
    fn started(&self, child: Option<Child>) {
        *self.child() = child;
    }

    /// Asks it to end.
    fn end(&self) {
        if let Some(child) = self.child().as_mut()
            && let Ok(None) = child.try_wait()
        {
            signal_process(child.id(), Signal::TERM);
        }
    }

    /// Takes its end; one that did not do as it was asked is killed.
    fn reap(&self) {
        let Some(mut child) = self.child().take() else { return };
        let process = child.id();
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = child.wait();
            let _ = ended.send(());
        });
        if end.recv_timeout(APP_GRACE).is_err() {
            signal_process(process, Signal::KILL);
            let _ = end.recv();
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signal_process(process: u32, signal: Signal) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        // Fails for one that has ended, which is as well.
        let _ = kill_process(process, signal);
    }
}

/// What a wake that ended has printed, as the developer would have seen it in the foreground.
fn output_of(entry: &LogEntry, host: &PrivateHost) -> Result<String, Failure> {
    let view = host.client()?.call(AskLog { wake: entry.wake, last: Some(1), ..AskLog::default() })?;
    let Some(output) = view.output else { return Ok(String::new()) };
    let lines = show::lines(&output.stdout).chain(show::lines(&output.stderr));
    Ok(show::indented(lines, "    | "))
}

/// A folder and a socket that belong to this program's path, so that a second run finds what the first one kept.
fn places(program: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let environment = Environment::of_process();
    let name = place_name(program);
    let folder = state_directory(&environment)?.join("run").join(&name);
    let shared = environment.socket().map_err(Failure::other)?;
    let runtime = shared.parent().unwrap_or(Path::new("/tmp"));
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(runtime);
    made.map_err(|error| Failure::Other(format!("`{}`: {error}", runtime.display())))?;
    let digest = &name[name.len() - DIGEST_CHARACTERS..];
    Ok((folder, runtime.join(format!("run-{digest}.sock"))))
}

/// The program's name for people, and a digest of its path, which no other program's has.
fn place_name(program: &Path) -> String {
    let readable = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().map(|c| if readable(c) { c } else { '_' }).take(40).collect();
    let digest = Sha256::digest(program.as_os_str().as_encoded_bytes());
    let digest = digest[..DIGEST_CHARACTERS / 2].iter();
    digest.fold(name + "-", |name, byte| name + &format!("{byte:02x}"))
}

/// How an app is started.
enum Start {
    /// A script, by Node with the SDK.
    Node(PathBuf),
    /// An executable that links the library.
    Executable(PathBuf),
    /// A `bgfetch.toml` that names a command.
    Manifest(PathBuf),
}

impl Start {
    fn of(program: &Path) -> Result<Self, Failure> {
        if program.is_dir() {
            return Self::of_folder(program);
        }
        match program.extension().and_then(|extension| extension.to_str()) {
            Some("js" | "mjs" | "cjs") => Ok(Self::Node(program.to_owned())),
            Some("toml") => Ok(Self::Manifest(program.to_owned())),
            _ => Ok(Self::Executable(program.to_owned())),
        }
    }

    /// What a folder means: the script that its `package.json` names, or Node's usual names, or its `bgfetch.toml`.
    fn of_folder(folder: &Path) -> Result<Self, Failure> {
        let package = std::fs::read(folder.join("package.json")).ok();
        let package: Option<Value> = package.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let main = package.as_ref().and_then(|package| package.get("main")?.as_str());
        let usual = ["index.mjs", "index.js", "index.cjs", "App.js"];
        let scripts = main.into_iter().chain(usual).map(|name| folder.join(name));
        if let Some(script) = scripts.into_iter().find(|script| script.is_file()) {
            return Ok(Self::Node(script));
        }
        if folder.join("bgfetch.toml").is_file() {
            return Ok(Self::Manifest(folder.join("bgfetch.toml")));
        }
        Err(Failure::Usage(format!(
            "`{}` is no app's folder: expected a `package.json` with `main`, an `index.js`, or a `bgfetch.toml`",
            folder.display()
        )))
    }

    fn start(
        &self,
        common: &Common,
        args: &[String],
        socket: &Path,
        client: &mut Client,
    ) -> Result<Option<Child>, Failure> {
        let mut command = match self {
            Self::Node(script) => {
                node::version()?;
                let mut command = Command::new("node");
                command.arg("--require").arg(sdk::preload()?).arg(script);
                command
            }
            Self::Executable(program) => Command::new(program),
            Self::Manifest(manifest) => {
                add(manifest, client)?;
                return Ok(None);
            }
        };
        command.args(args).env(bgfetch_wire::SOCKET_VARIABLE, socket);
        if common.json {
            // Standard output is for JSON alone.
            command.stdout(std::io::stderr());
        }
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn();
        child.map(Some).map_err(|error| Failure::Other(format!("`{what}` can not be started: {error}")))
    }
}

fn add(manifest: &Path, client: &mut Client) -> Result<(), Failure> {
    let absolute = |path: &Path| AbsolutePath::try_from(path.to_owned()).map_err(Failure::other);
    let cwd = manifest.parent().unwrap_or(Path::new("/"));
    let env = crate::verbs::add::environment();
    let launch = Launch { program: absolute(manifest)?, args: Vec::new(), cwd: absolute(cwd)?, env };
    client.call(Add { manifest: Some(absolute(manifest)?), command: None, launch }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_keeps_its_place_from_version_to_version() {
        assert_eq!(place_name(Path::new("/opt/reader/index.mjs")), "index.mjs-28f89436542c39eb");
        assert_eq!(place_name(Path::new("/a b/ü")).split('-').next(), Some("_"));
        assert_ne!(place_name(Path::new("/a/x.mjs")), place_name(Path::new("/b/x.mjs")));
    }
}

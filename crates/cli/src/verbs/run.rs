//! `bgfetch run`: the developer's loop. One app, a host of its own, every decision as it is made.

use crate::args::{Common, Run};
use crate::client::Client;
use crate::exit::Failure;
use crate::private_host::PrivateHost;
use crate::{sdk, show};
use bgfetch_host::Environment;
use bgfetch_wire::app::Launch;
use bgfetch_wire::control::{Add, AskLog, LogEntry};
use bgfetch_wire::value::AbsolutePath;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn run(common: &Common, run: &Run) -> Result<(), Failure> {
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
    let host = PrivateHost::start(&folder, &socket, &config)?;
    eprintln!(
        "bgfetch: host {} serves this app alone; the shortest interval is {}, a wake may take {}; Ctrl-C ends it",
        host.process(),
        run.interval_min,
        run.limit
    );
    let mut client = host.client()?;
    client.call(AskLog { follow: true, last: Some(1), ..AskLog::default() })?;
    let mut app = start.start(&run.args, &socket, &mut client)?;
    let shown = follow(common, &mut client, &host);
    if let Some(app) = &mut app {
        // It was started here, and ends here.
        let _ = app.kill();
        let _ = app.wait();
    }
    shown
}

fn follow(common: &Common, client: &mut Client, host: &PrivateHost) -> Result<(), Failure> {
    loop {
        let entry = client.next_entry(None)?;
        if common.json {
            let line = serde_json::to_string(&entry).map_err(Failure::other)?;
            show::print(&format!("{line}\n"))?;
            continue;
        }
        show::print(&show::entry(&entry))?;
        if entry.event == "ended" {
            show::print(&output_of(&entry, host)?)?;
        }
    }
}

/// What a wake that ended has printed, as the developer would have seen it in the foreground.
fn output_of(entry: &LogEntry, host: &PrivateHost) -> Result<String, Failure> {
    let view = host.client()?.call(AskLog { wake: entry.wake, last: Some(1), ..AskLog::default() })?;
    let Some(output) = view.output else { return Ok(String::new()) };
    let lines = output.stdout.lines().chain(output.stderr.lines());
    Ok(show::indented(lines, "    | "))
}

/// A folder and a socket that belong to this program's path, so that a second run finds what the first one kept.
fn places(program: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let environment = Environment::of_process();
    let mut hasher = DefaultHasher::new();
    program.hash(&mut hasher);
    let name = format!("{:016x}", hasher.finish());
    let folder = environment.state_directory().map_err(Failure::other)?.join("run").join(&name);
    let shared = environment.socket().map_err(Failure::other)?;
    let runtime = shared.parent().unwrap_or(Path::new("/tmp"));
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(runtime);
    made.map_err(|error| Failure::Other(format!("`{}`: {error}", runtime.display())))?;
    Ok((folder, runtime.join(format!("run-{}.sock", &name[..8]))))
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
        args: &[String],
        socket: &Path,
        client: &mut Client,
    ) -> Result<Option<std::process::Child>, Failure> {
        let mut command = match self {
            Self::Node(script) => {
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

//! `bgfetch host`: the host itself, in the foreground, in the background, or ended.

use super::{client, socket};
use crate::args::{Common, Host};
use crate::client::Client;
use crate::exit::Failure;
use crate::show;
use bgfetch_host::{Config, Environment, Options, PolicyFile};
use bgfetch_wire::control::StopHost;
use rustix::process::{Signal, getpid, kill_process};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The environment variable with which a detached host is told to say on standard output that it serves.
pub(crate) const SAY_WHEN_SERVING: &str = "BGFETCH_SAY_WHEN_SERVING";

pub(crate) fn run(common: &Common, host: &Host) -> Result<(), Failure> {
    if host.stop {
        return stop(common);
    }
    let places = Places::of(common, host)?;
    let config = match &places.config {
        // A configuration that was named has to be there.
        Some(path) if host.config.is_some() && !path.exists() => {
            return Err(Failure::Usage(format!("there is no configuration `{}`", path.display())));
        }
        Some(path) => Config::read(path).map_err(Failure::other)?,
        None => Config::default(),
    };
    if host.detach {
        return detach(common, &places);
    }
    if host.own_session {
        rustix::process::setsid()
            .map_err(|error| Failure::Other(format!("no session of its own: {error}")))?;
    }
    let own_program = std::env::current_exe().map_err(Failure::other)?;
    let Places { state_directory, socket, .. } = places;
    let policy = PolicyFile::of_machine();
    let options = Options { state_directory, socket: socket.clone(), config, policy, own_program };
    if host.until_stdin_closes {
        end_with_stdin();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
    let began = || {
        eprintln!("bgfetch: host {} serves on `{}`", std::process::id(), socket.display());
        if std::env::var_os(SAY_WHEN_SERVING).is_some() {
            println!("serving");
        }
    };
    tokio::task::LocalSet::new().block_on(&runtime, bgfetch_host::run(options, began)).map_err(Failure::other)
}

/// Where a host is and keeps what it keeps, as absolute paths.
struct Places {
    state_directory: PathBuf,
    socket: PathBuf,
    /// Nowhere without a home.
    config: Option<PathBuf>,
}

impl Places {
    fn of(common: &Common, host: &Host) -> Result<Self, Failure> {
        let environment = Environment::of_process();
        let absolute = |path: &PathBuf| std::path::absolute(path).map_err(Failure::other);
        Ok(Self {
            state_directory: match &host.state_dir {
                Some(folder) => absolute(folder)?,
                None => environment.state_directory().map_err(Failure::other)?,
            },
            socket: socket(common)?,
            config: match &host.config {
                Some(path) => Some(absolute(path)?),
                None => environment.config_file().ok(),
            },
        })
    }
}

/// Ends this process in order once its parent is gone, or lets go of the other end of its standard input.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = kill_process(getpid(), Signal::TERM);
    });
}

/// Starts the same host again, in a session of its own, and waits until it serves.
fn detach(common: &Common, places: &Places) -> Result<(), Failure> {
    let Places { state_directory, socket, config } = places;
    if Client::connect(socket).is_ok() {
        return Err(Failure::Other(format!("a host serves on `{}` already", socket.display())));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(state_directory);
    made.map_err(|error| {
        Failure::Other(format!("`{}` can not be made: {error}", state_directory.display()))
    })?;
    let log_path = state_directory.join("host.log");
    let log_failed = |error: std::io::Error| Failure::Other(format!("`{}`: {error}", log_path.display()));
    let log = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(&log_path);
    let mut log = log.map_err(log_failed)?;
    let logged = log.seek(SeekFrom::End(0)).map_err(log_failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(Failure::other)?);
    // It starts in `/`, where what was typed here would mean something else.
    command.args(["host", "--own-session", "--state-dir"]).arg(state_directory).arg("--socket").arg(socket);
    if let Some(config) = config.as_ref().filter(|config| config.exists()) {
        command.arg("--config").arg(config);
    }
    command.env(SAY_WHEN_SERVING, "1").current_dir("/");
    let errors = log.try_clone().map_err(log_failed)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    let mut child = command.spawn().map_err(Failure::other)?;
    let mut said = [0; 1];
    if child.stdout.as_mut().is_some_and(|stdout| stdout.read_exact(&mut said).is_ok()) {
        if common.json {
            return show::print_json(&serde_json::json!({ "pid": child.id() }));
        }
        eprintln!("bgfetch: host {} serves on `{}`", child.id(), socket.display());
        return Ok(());
    }
    let mut why = String::new();
    let _ = log.seek(SeekFrom::Start(logged)).and_then(|_| log.read_to_string(&mut why));
    let why = why.trim_start_matches("bgfetch: ").trim_end();
    Err(Failure::Other(format!("the host did not start: {why} (`{}`)", log_path.display())))
}

fn stop(common: &Common) -> Result<(), Failure> {
    let mut client = client(common)?;
    match client.call(StopHost {}) {
        // One that ends before it has answered has done what it was asked to.
        Err(failure) if !failure.is_end() => return Err(failure),
        Ok(_) | Err(_) => {}
    }
    // The host closes the connection as its last act.
    while client.next_entry(None).is_ok() {}
    if common.json { show::print_json(&serde_json::json!({})) } else { Ok(()) }
}

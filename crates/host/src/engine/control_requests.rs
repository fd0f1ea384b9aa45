//! What the user asks through the command line.

use super::app_requests::{Answer, app_id, json};
use super::identity::{Claim, read_manifest, taken};
use super::peers::{Follow, PeerId};
use super::{Effect, Engine, views};
use crate::manifest::CommandManifest;
use crate::store::{ChangedBy, Kind, Launch, Program, Query};
use bgfetch_core::{AppId, Entry, Event as JournalEvent, Input, Registration, Span, TaskName, WakeId, Wall};
use bgfetch_wire::app::{Done, Launch as WireLaunch};
use bgfetch_wire::control::{
    Add, AddCommand, Adopt, AppNamed, AskLog, AskTasks, AskWhy, ChangedBy as WireChangedBy, ControlRequest,
    Fetch, Fetching, LOG_ENTRIES_MAX, LogView, OutputView, Set, WhyView,
};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use rustix::fs::{Access, access};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The one task of a plain command.
const COMMAND_TASK: &str = "fetch";

/// The longest id that names its manifest's file, in bytes: file systems allow 255 with the suffix.
const READABLE_BYTES_MAX: usize = 200;

/// How many entries of the journal stand below a `why`.
const RECENT: u32 = 10;

impl Engine {
    pub(super) fn handle_control(&mut self, peer: PeerId, request: ControlRequest) -> Answer {
        match request {
            ControlRequest::Apps(asked) => json(&self.app_views(asked.after.as_deref())),
            ControlRequest::Tasks(asked) => self.answer_tasks(&asked),
            ControlRequest::Why(asked) => self.answer_why(&asked),
            ControlRequest::Log(asked) => self.answer_log(peer, &asked),
            ControlRequest::Add(add) => self.add(*add),
            ControlRequest::Remove(remove) => self.remove(&remove.app),
            ControlRequest::Adopt(adopt) => self.adopt(&adopt),
            ControlRequest::Fetch(fetch) => self.fetch(&fetch),
            ControlRequest::Set(set) => self.set(set),
            ControlRequest::Quit(quit) => self.change_app(&quit.app, Input::ForceQuit),
            ControlRequest::Open(open) => self.change_app(&open.app, Input::Opened),
            ControlRequest::Doctor(_) => json(&self.doctor()),
            ControlRequest::StopHost(_) => {
                self.begin_stopping();
                json(&Done {})
            }
        }
    }

    fn change_app(&mut self, app: &str, input: impl FnOnce(AppId) -> Input) -> Answer {
        self.change(input(app_id(app)?))?;
        json(&Done {})
    }

    /// The app of that id, if the host knows it.
    fn known_app(&self, text: &str) -> Result<AppId, ErrorObject> {
        let app = app_id(text)?;
        match self.scheduler.app(&app) {
            Some(_) => Ok(app),
            None => Err(ErrorObject::new(
                ErrorCode::UnknownApp,
                format!("no app `{app}` is known to this host; `bgfetch apps` lists those that are"),
            )
            .with("app", app.as_str())),
        }
    }

    fn answer_tasks(&self, asked: &AskTasks) -> Answer {
        let apps = match &asked.app {
            Some(app) => vec![self.known_app(app)?],
            None => self.scheduler.apps().map(|app| app.id.clone()).collect(),
        };
        let now = self.now();
        let all = apps.iter().flat_map(|app| self.task_views(app, now));
        let rest = all.filter(|task| match &asked.after {
            Some((app, name)) => (task.app.as_str(), task.task.as_str()) > (app.as_str(), name.as_str()),
            None => true,
        });
        json(&views::as_many_as_fit(rest))
    }

    fn answer_why(&self, asked: &AskWhy) -> Answer {
        let app = self.known_app(&asked.app)?;
        let now = self.now();
        let view = self.app_view(&app, now).ok_or_else(|| views::gone(&app))?;
        let query = Query { app: Some(app.clone()), last: Some(RECENT), ..Query::default() };
        json(&WhyView {
            app: view,
            // The options of an app's tasks fit one line together, see `OPTIONS_TOGETHER_BYTES_MAX`.
            tasks: self.task_views(&app, now),
            recent: self.entries(&query)?,
            now_unix_ms: now.wall.as_millis(),
        })
    }

    fn answer_log(&mut self, peer: PeerId, asked: &AskLog) -> Answer {
        // Not only known apps: the journal outlives an app's removal.
        let app = asked.app.as_deref().map(app_id).transpose()?;
        let wake = asked.wake.map(WakeId);
        let last = asked.last.unwrap_or(LOG_ENTRIES_MAX).min(LOG_ENTRIES_MAX);
        let query = Query { app: app.clone(), wake, last: Some(last), ..Query::default() };
        let entries = self.entries(&query)?;
        let output = match wake {
            None => None,
            Some(wake) => {
                self.store.wake_output(wake).map_err(|error| super::trouble::store_error(&error))?
            }
        };
        if asked.follow {
            let after = self.newest_entry()?;
            if let Some(peer) = self.peers.peer_mut(peer) {
                peer.follows = Some(Follow { after, app });
            }
        }
        let output = output.map(|output| OutputView {
            stdout: output.stdout,
            stderr: output.stderr,
            dropped_bytes: output.dropped_bytes,
            cpu_ms: output.cpu_ms,
            memory_bytes_max: output.memory_bytes_max,
        });
        json(&LogView { entries, output })
    }

    fn add(&mut self, add: Add) -> Answer {
        self.refuse_changes()?;
        let (manifest_path, command, app) = match (add.manifest, add.command) {
            (Some(manifest), None) => {
                let manifest = read_manifest(manifest.as_path())?;
                let command = manifest.command.clone().ok_or_else(|| {
                    let what = format!(
                        "the manifest `{}` names no command: expected `command = [\"program\", …]` in a \
                         `bgfetch.toml`; a program that uses an SDK adds itself when it is started",
                        manifest.path.display()
                    );
                    ErrorObject::new(ErrorCode::Manifest, what)
                })?;
                if !manifest.declares_fetch {
                    let what = format!("add `modes = [\"fetch\"]` to `{}`", manifest.path.display());
                    return Err(ErrorObject::new(ErrorCode::BackgroundFetchDisabled, what));
                }
                (manifest.path, command, manifest.id)
            }
            (None, Some(command)) => {
                let app = app_id(&command.app)?;
                let path = self.own_manifest(&app);
                (path, in_line(&command, &add.launch), app)
            }
            (Some(_), Some(_)) | (None, None) => {
                let what = "`add` takes either `manifest` or `command`";
                return Err(ErrorObject::new(ErrorCode::InvalidParams, what));
            }
        };
        let program = command_program(&app, manifest_path, &command, add.launch, self.now().wall)?;
        if let Some(known) = self.programs.get(&app)
            && known.manifest != program.manifest
        {
            let error = taken(known, &program);
            self.claim(Claim { program, command: Some(command) });
            return Err(error);
        }
        self.add_command(program, &command)?;
        json(&AppNamed { app: app.to_string() })
    }

    /// Adds or changes an app that is a plain command.
    fn add_command(&mut self, program: Program, command: &CommandManifest) -> Result<(), ErrorObject> {
        let app = program.app.clone();
        let task = command_task()?;
        if program.manifest == self.own_manifest(&app) {
            write_manifest(&program.manifest, &app, command)?;
        }
        self.change(Input::AppSeen { app: app.clone(), declared: true })?;
        // What was printed last stays known, so that a changed floor does not look like news.
        let program = match (self.programs.get(&app).map(|known| known.kind), program.kind) {
            (
                Some(Kind::Command(known @ ChangedBy::Output { .. })),
                Kind::Command(ChangedBy::Output { .. }),
            ) => Program { kind: Kind::Command(known), ..program },
            _ => program,
        };
        self.keep_program(program);
        self.change(Input::FloorSet { app: app.clone(), floor: command.every })?;
        // It has this one task, whatever the program had that gave the id over.
        for other in self.scheduler.tasks(&app).to_vec() {
            if other.name != task {
                self.change(Input::Unregistered { app: app.clone(), task: other.name })?;
            }
        }
        let task = Registration { name: task, options: "{}".into(), floor: None, constraints: Vec::new() };
        self.change(Input::Registered { app, task })
    }

    /// Where the host keeps the manifest of a command that was added without one.
    fn own_manifest(&self, app: &AppId) -> PathBuf {
        self.state_directory.join("apps").join(own_manifest_name(app))
    }

    /// An app is removed: who asked for its id asked in vain, and a manifest that the host wrote goes with it.
    pub(super) fn forget_app(&mut self, app: &AppId) {
        self.claims.remove(app);
        // There is one only for a command that was added without a manifest of its own.
        let _ = std::fs::remove_file(self.own_manifest(app));
    }

    fn adopt(&mut self, adopt: &Adopt) -> Answer {
        let app = self.known_app(&adopt.app)?;
        self.refuse_changes()?;
        let Some(Claim { program, command }) = self.claims.get(&app).cloned() else {
            let what = format!("no other program has asked for the id `{app}`: start it once, then adopt it");
            return Err(ErrorObject::new(ErrorCode::UnknownApp, what));
        };
        let manifest = program.manifest.display().to_string();
        match command {
            Some(command) => self.add_command(program, &command)?,
            None => self.adopt_program(program)?,
        }
        let event = JournalEvent::Adopted { manifest };
        self.write_entry(Entry { at: self.now(), app: Some(app.clone()), wake: None, event });
        self.let_go_of(&app);
        self.batch.effects.push(Effect::Adopted(app.clone()));
        json(&AppNamed { app: app.to_string() })
    }

    /// Gives an id to a program that speaks for itself. What the one before it had registered stays, for the next build
    /// of the same app; what the host had registered for a plain command does not.
    fn adopt_program(&mut self, program: Program) -> Result<(), ErrorObject> {
        let app = program.app.clone();
        let declared = read_manifest(&program.manifest)?.declares_fetch;
        let was_command = self.programs.get(&app).is_some_and(|known| matches!(known.kind, Kind::Command(_)));
        self.change(Input::AppSeen { app: app.clone(), declared })?;
        self.keep_program(program);
        if was_command {
            self.change(Input::UnregisteredAll(app.clone()))?;
            self.change(Input::FloorSet { app, floor: None })?;
        }
        Ok(())
    }

    fn remove(&mut self, app: &str) -> Answer {
        let app = app_id(app)?;
        self.change(Input::AppRemoved(app.clone()))?;
        self.let_go_of(&app);
        json(&Done {})
    }

    /// The program that has the id speaks for it no longer, from this very request on. A wake's own connection goes
    /// with its wake.
    fn let_go_of(&mut self, app: &AppId) {
        for id in self.peers.of_app(app) {
            let Some(peer) = self.peers.peer_mut(id) else { continue };
            if peer.wake.is_none() {
                peer.app = None;
                peer.defined = None;
                self.batch.effects.push(Effect::DropPeer(id));
            }
        }
    }

    fn fetch(&mut self, fetch: &Fetch) -> Answer {
        let app = self.known_app(&fetch.app)?;
        self.change(Input::FetchRequested(app.clone()))?;
        let begun = self.batch.effects.iter().rev().find_map(|effect| match effect {
            Effect::Wake(wake, _) if wake.app == app => Some(wake.id),
            Effect::Wake(..)
            | Effect::Settle(_)
            | Effect::Stop(..)
            | Effect::Forget(_)
            | Effect::Adopted(_)
            | Effect::DropPeer(_) => None,
        });
        match begun {
            Some(wake) => json(&Fetching { wake: wake.0 }),
            None => Err(ErrorObject::new(ErrorCode::Internal, "the wake did not begin")),
        }
    }

    fn set(&mut self, set: Set) -> Answer {
        let input = match set {
            Set::System { on } => Input::SystemSwitched(on),
            Set::App { app, on } => Input::AppSwitched { app: self.known_app(&app)?, on },
            Set::Pause { app, until_unix_ms } => Input::Paused {
                app: app.map(|app| self.known_app(&app)).transpose()?,
                until: until_unix_ms.map(Wall::from_millis),
            },
            Set::Interval { app, seconds } => Input::FloorSet {
                app: self.known_app(&app)?,
                floor: seconds.map(|seconds| Span::from_millis(seconds.as_millis())),
            },
        };
        self.change(input)?;
        json(&Done {})
    }
}

/// A file's name for an id: the id itself, or, where no file may be named so long, its SHA-256 behind a character that
/// no id has.
fn own_manifest_name(app: &AppId) -> String {
    if app.as_str().len() <= READABLE_BYTES_MAX {
        return format!("{app}.toml");
    }
    let digest = Sha256::digest(app.as_str());
    digest.iter().fold("~".to_owned(), |name, byte| name + &format!("{byte:02x}")) + ".toml"
}

/// A command that was added on the command line, as a manifest would say it.
fn in_line(command: &AddCommand, launch: &WireLaunch) -> CommandManifest {
    let program = launch.program.as_path().to_string_lossy().into_owned();
    CommandManifest {
        argv: std::iter::once(program).chain(launch.args.iter().cloned()).collect(),
        every: Some(Span::from_millis(command.every_seconds.as_millis())),
        changed_by: command.changed_by,
    }
}

fn command_task() -> Result<TaskName, ErrorObject> {
    TaskName::parse(COMMAND_TASK).map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))
}

fn command_program(
    app: &AppId,
    manifest: PathBuf,
    command: &CommandManifest,
    launch: WireLaunch,
    seen: Wall,
) -> Result<Program, ErrorObject> {
    let cwd = launch.cwd.into_path();
    let name = command.argv.first().map(String::as_str).unwrap_or_default();
    let program = find_program(name, &cwd, launch.env.get("PATH").map(String::as_str))?;
    let kind = Kind::Command(match command.changed_by {
        WireChangedBy::Exit => ChangedBy::ExitStatus,
        WireChangedBy::Output => ChangedBy::Output { last_hash: None },
    });
    let args = command.argv[1..].to_vec();
    let launch = Some(Launch { program: program.clone(), args, cwd, env: launch.env });
    Ok(Program { app: app.clone(), manifest, program, launch, kind, seen })
}

/// The file that `name` means, as a shell in `cwd` would find it.
fn find_program(name: &str, cwd: &Path, path: Option<&str>) -> Result<PathBuf, ErrorObject> {
    let wrong = |what: String| ErrorObject::new(ErrorCode::InvalidParams, what);
    if name.is_empty() {
        return Err(wrong("the command is empty: expected a program and its arguments".to_owned()));
    }
    let executable = |file: &Path| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    if name.contains('/') {
        let file = cwd.join(name);
        return match (file.exists(), executable(&file)) {
            (true, true) => Ok(file),
            (true, false) => Err(wrong(format!("`{}` is not an executable file", file.display()))),
            (false, _) => Err(wrong(format!("there is no command `{}`", file.display()))),
        };
    }
    let folders =
        path.unwrap_or("/usr/local/bin:/usr/bin:/bin").split(':').filter(|folder| !folder.is_empty());
    let found = folders.map(|folder| cwd.join(folder).join(name)).find(|file| executable(file));
    found.ok_or_else(|| wrong(format!("there is no command `{name}` in `PATH`")))
}

fn write_manifest(path: &Path, app: &AppId, command: &CommandManifest) -> Result<(), ErrorObject> {
    let mut text = format!("# Made by `bgfetch add`.\nid = {:?}\nmodes = [\"fetch\"]\n", app.as_str());
    let argv: Vec<_> = command.argv.iter().map(|word| toml::Value::from(word.as_str()).to_string()).collect();
    text.extend(["command = [", &argv.join(", "), "]\n"]);
    if let Some(every) = command.every {
        text.extend(["every = \"", &every.as_millis().to_string(), "ms\"\n"]);
    }
    if command.changed_by == WireChangedBy::Output {
        text.push_str("changed-by = \"output\"\n");
    }
    let folder = path.parent().unwrap_or(path);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| {
        ErrorObject::new(ErrorCode::Store, format!("`{}` can not be written: {error}", path.display()))
    })
}

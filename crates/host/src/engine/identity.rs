//! Who speaks: which app a program is, whether the id is its own, and whether a person or a wake asks.

use super::Engine;
use super::app_requests::{Answer, forbidden, hello_first, json};
use super::peers::PeerId;
use crate::manifest::{self, CommandManifest, Manifest};
use crate::process::{descends_from, executed, is_program, runs_script};
use crate::store::{Kind, Launch, Program, Write};
use bgfetch_core::{AppId, Input, NAME_BYTES_MAX, WakeId};
use bgfetch_wire::app::{Hello, HelloAnswer, HelloApp, Limits, Peer, Role};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::options::OPTIONS_BYTES_MAX;
use std::path::{Path, PathBuf};

/// How many refused programs are remembered, one for each id.
const CLAIMS_MAX: usize = 64;

/// A program that was refused because another has its id.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) program: Program,
    /// What else was asked for, if it is a plain command.
    pub(super) command: Option<CommandManifest>,
}

impl Engine {
    pub(super) fn hello(&mut self, peer: PeerId, hello: Hello) -> Answer {
        let mut app = None;
        let mut defined = None;
        match hello.role {
            Role::App => {
                let wake = self.peers.peer(peer).and_then(|peer| peer.wake);
                defined = hello.app.as_ref().and_then(|said| said.defined.clone());
                app = Some(match (wake, hello.app) {
                    (Some(wake), said) => self.identify_wake(wake, said)?,
                    (None, Some(said)) => self.identify(peer, said)?,
                    (None, None) => {
                        let what = "`hello` of an app needs `app` with its `manifest`";
                        return Err(ErrorObject::new(ErrorCode::InvalidParams, what));
                    }
                });
            }
            Role::Control => self.refuse_control_in_a_wake(peer)?,
        }
        let settings = &self.config.settings;
        let limits = Limits {
            limit_ms: settings.limit.as_millis(),
            warning_ms: settings.warning.as_millis(),
            options_bytes_max: OPTIONS_BYTES_MAX as u64,
            name_bytes_max: NAME_BYTES_MAX as u64,
        };
        let known = self.peers.peer_mut(peer).ok_or_else(hello_first)?;
        known.role = Some(hello.role);
        known.app.clone_from(&app);
        let wake = known.wake.map(|wake| wake.0);
        let host = Peer { name: "bgfetch".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let answer = HelloAnswer {
            protocol: bgfetch_wire::PROTOCOL,
            host,
            app: app.as_ref().map(ToString::to_string),
            wake,
            limits,
        };
        if let (Some(app), Some(defined)) = (app, defined) {
            self.ready(peer, &app, &defined)?;
        }
        json(&answer)
    }

    /// Finds out which app speaks: by its manifest, which must belong to the program that the id is known for.
    fn identify(&mut self, peer: PeerId, said: HelloApp) -> Result<AppId, ErrorObject> {
        let manifest = read_manifest(said.manifest.as_path())?;
        let app = manifest.id.clone();
        let program = resolved(said.program.as_path())?;
        let launch = said.launch.map(|launch| Launch {
            program: launch.program.into_path(),
            args: launch.args,
            cwd: launch.cwd.into_path(),
            env: launch.env,
        });
        let started = launch.as_ref().map_or(Ok(program.clone()), |launch| resolved(&launch.program))?;
        if let Some(process) = self.process(peer) {
            check_process(process, &started, &program)?;
        }
        let kind = if started == program { Kind::Native } else { Kind::Node };
        let seen = self.now().wall;
        let said = Program { app: app.clone(), manifest: manifest.path, program, launch, kind, seen };
        if let Some(known) = self.programs.get(&app)
            && !is_same(known, &said, &started)
        {
            let error = taken(known, &said);
            self.claim(Claim { program: said, command: None });
            return Err(error);
        }
        self.change(Input::AppSeen { app: app.clone(), declared: manifest.declares_fetch })?;
        self.keep_program(said);
        let force_quit = self.scheduler.app(&app).is_some_and(|app| app.force_quit);
        if force_quit && !self.is_in_a_wake(peer) {
            // EXPO-SEMANTICS row 97: who starts it has opened it.
            self.change(Input::Opened(app.clone()))?;
        }
        Ok(app)
    }

    /// The app that a wake is for. This host started it; what it was started as is not its own to change.
    fn identify_wake(&self, wake: WakeId, said: Option<HelloApp>) -> Result<AppId, ErrorObject> {
        let Some(run) = self.runs.get(&wake) else { return Err(forbidden(format!("wake {wake} is over"))) };
        let app = &run.wake.app;
        let named = said.map(|said| read_manifest(said.manifest.as_path())).transpose()?;
        match named.filter(|manifest| manifest.id != *app) {
            Some(other) => Err(forbidden(format!("this wake is for `{app}`, not for `{}`", other.id))),
            None => Ok(app.clone()),
        }
    }

    /// An app that was woken may not act as the user: switch itself on again, or adopt another's id.
    fn refuse_control_in_a_wake(&self, peer: PeerId) -> Result<(), ErrorObject> {
        if !self.is_in_a_wake(peer) {
            return Ok(());
        }
        Err(forbidden(
            "the role `control` is for people and their tools, not for what runs in a wake".to_owned(),
        ))
    }

    /// Whether a connection is a wake's, or comes from a process of one. One whose process is gone already might be.
    fn is_in_a_wake(&self, peer: PeerId) -> bool {
        let inherited = self.peers.peer(peer).is_some_and(|peer| peer.wake.is_some());
        let below = |process| descends_from(process, self.nursery.process()).unwrap_or(true);
        inherited || self.process(peer).is_some_and(below)
    }

    /// The process at the other end, where the kernel tells and `/proc` says more of it. What this system's processes
    /// can not see has the number 0.
    fn process(&self, peer: PeerId) -> Option<i32> {
        self.peers.peer(peer)?.process.filter(|_| cfg!(target_os = "linux"))
    }

    /// Remembers a program that was refused because another has its id, in case the user adopts it.
    pub(super) fn claim(&mut self, claim: Claim) {
        if self.claims.len() < CLAIMS_MAX || self.claims.contains_key(&claim.program.app) {
            self.claims.insert(claim.program.app.clone(), claim);
        }
    }

    /// Keeps an app's program, if it differs from the one known in more than the moment it was seen.
    pub(super) fn keep_program(&mut self, program: Program) {
        let known = self.programs.get(&program.app);
        if known.is_some_and(|known| Program { seen: program.seen, ..known.clone() } == program) {
            return;
        }
        self.programs.insert(program.app.clone(), program.clone());
        self.batch.writes.push(Write::Program(program));
    }
}

/// Whether `said`, of whom the kernel says that it executes `started`, is the program that `known` is.
fn is_same(known: &Program, said: &Program, started: &Path) -> bool {
    let executable = executable(known);
    // A link like `/usr/bin/node` means what it points to today.
    let executable = executable.canonicalize().unwrap_or_else(|_| executable.to_owned());
    let same_kind = std::mem::discriminant(&known.kind) == std::mem::discriminant(&said.kind);
    known.manifest == said.manifest && known.program == said.program && executable == started && same_kind
}

/// What is executed to start a program: itself, or what runs it.
fn executable(program: &Program) -> &Path {
    program.launch.as_ref().map_or(&program.program, |launch| &launch.program)
}

/// The kernel knows what a process executes; what it says of itself must be that.
fn check_process(process: i32, started: &Path, program: &Path) -> Result<(), ErrorObject> {
    let unseen = |error| forbidden(format!("what process {process} executes can not be seen: {error}"));
    let found = executed(process).map_err(unseen)?;
    if !is_program(&found, started) {
        let (found, started) = (found.display(), started.display());
        return Err(forbidden(format!("process {process} executes `{found}`, not `{started}` as it says")));
    }
    if started != program && !runs_script(process, started, program).map_err(unseen)? {
        let (started, program) = (started.display(), program.display());
        return Err(forbidden(format!(
            "process {process} executes `{started}`, and its command line does not name `{program}` as it says"
        )));
    }
    Ok(())
}

fn resolved(path: &Path) -> Result<PathBuf, ErrorObject> {
    path.canonicalize().map_err(|error| {
        ErrorObject::new(
            ErrorCode::InvalidParams,
            format!("the program `{}` can not be found: {error}", path.display()),
        )
    })
}

pub(super) fn read_manifest(path: &Path) -> Result<Manifest, ErrorObject> {
    manifest::read(path).map_err(|error| ErrorObject::new(ErrorCode::Manifest, error.to_string()))
}

pub(super) fn taken(known: &Program, said: &Program) -> ErrorObject {
    let app = &known.app;
    let message = format!(
        "the id `{app}` belongs to {}, not to {}; to give it over, run `bgfetch apps adopt {app}`",
        described(known),
        described(said),
    );
    let holder = known.program.display().to_string();
    ErrorObject::new(ErrorCode::AppIdTaken, message).with("app", app.as_str()).with("holder", holder)
}

fn described(program: &Program) -> String {
    let mut text = format!("`{}`", program.program.display());
    if executable(program) != program.program {
        text = format!("{text}, run by `{}`,", executable(program).display());
    }
    if matches!(program.kind, Kind::Command(_)) {
        text = format!("the command {text}");
    }
    format!("{text} with the manifest `{}`", program.manifest.display())
}

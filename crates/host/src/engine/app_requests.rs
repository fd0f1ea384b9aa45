//! What apps ask: parsed once, checked, turned into core's terms.

use super::peers::PeerId;
use super::runs::{Taken, wire_reason};
use super::{Engine, views};
use crate::manifest::{self, Manifest};
use crate::store::{Kind, Launch, Program, Write};
use bgfetch_core::{
    AppId, Constraint, Device, Hold, Input, Met, NAME_BYTES_MAX, Reason, Refused, Registration, Span, Status,
    TaskName, TaskResult, WakeId,
};
use bgfetch_wire::app::{
    AppRequest, Call, Done, Finish, Finished, Hello, HelloAnswer, HelloApp, Limits, MinimumIntervalSet, Peer,
    Register, RegisteredTask, Role, SetMinimumInterval, StatusAnswer, Unregister,
};
use bgfetch_wire::control::ControlRequest;
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::options::{OPTIONS_BYTES_MAX, TaskOptions};
use bgfetch_wire::rpc::Params;
use bgfetch_wire::value::{FetchResult, Seconds, TaskType};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How many refused programs are remembered, one for each id.
const CLAIMS_MAX: usize = 64;

/// The largest options of all tasks of one app together, in bytes of JSON.
const OPTIONS_TOGETHER_BYTES_MAX: usize = 512 << 10;

/// The answer to a request.
pub(super) type Answer = Result<Value, ErrorObject>;

impl Engine {
    /// Handles one request of a connection.
    pub(super) fn handle(&mut self, peer: PeerId, method: &str, params: Params) -> Answer {
        let role = self.peers.peer(peer).and_then(|peer| peer.role);
        if role == Some(Role::Control) && ControlRequest::METHODS.contains(&method) {
            let request = ControlRequest::parse(method, params).map_err(ErrorObject::from)?;
            return self.handle_control(peer, request);
        }
        let is_hello = method == <Hello as Call>::METHOD;
        if role == Some(Role::Control) && AppRequest::METHODS.contains(&method) && !is_hello {
            return Err(forbidden(format!("`{method}` is for apps: say `hello` with the role `app`")));
        }
        let request = AppRequest::parse(method, params);
        if role.is_none() && ControlRequest::METHODS.contains(&method) {
            return Err(hello_first());
        }
        match (request.map_err(ErrorObject::from)?, role) {
            (AppRequest::Hello(hello), None) => self.hello(peer, hello),
            (AppRequest::Hello(_), Some(_)) | (_, None | Some(Role::Control)) => Err(hello_first()),
            (request, Some(Role::App)) => {
                let app = self.peers.peer(peer).and_then(|peer| peer.app.clone()).ok_or_else(hello_first)?;
                self.handle_app(peer, &app, request)
            }
        }
    }

    fn handle_app(&mut self, peer: PeerId, app: &AppId, request: AppRequest) -> Answer {
        match request {
            AppRequest::Hello(_) => Err(hello_first()),
            AppRequest::Ready(ready) => {
                self.ready(peer, app, &ready.defined)?;
                json(&Done {})
            }
            AppRequest::Register(register) => self.register(app, &register),
            AppRequest::Unregister(unregister) => self.unregister(app, &unregister),
            AppRequest::UnregisterAll(_) => {
                self.change(Input::UnregisteredAll(app.clone()))?;
                json(&Done {})
            }
            AppRequest::Tasks(_) => json(&self.registered_tasks(app)),
            AppRequest::SetMinimumInterval(asked) => self.set_minimum_interval(app, asked),
            AppRequest::Status(_) => {
                let answer = self.status(app);
                if let Some(peer) = self.peers.peer_mut(peer) {
                    peer.status = Some(self.scheduler.status(app));
                }
                json(&answer)
            }
            AppRequest::Finish(finish) => json(&self.finish(app, &finish)),
            AppRequest::Opened(_) => {
                self.change(Input::Opened(app.clone()))?;
                json(&Done {})
            }
        }
    }

    /// Gives the scheduler an input that somebody asked for.
    pub(super) fn change(&mut self, input: Input) -> Result<(), ErrorObject> {
        self.refuse_changes()?;
        self.feed(input).map_err(|refused| refused_error(&refused))
    }

    fn hello(&mut self, peer: PeerId, hello: Hello) -> Answer {
        let mut app = None;
        let mut defined = None;
        if hello.role == Role::App {
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
        let process = self.peers.peer(peer).and_then(|peer| peer.process);
        let program = resolved(said.program.as_path())?;
        let launch = said.launch.map(|launch| Launch {
            program: launch.program.into_path(),
            args: launch.args,
            cwd: launch.cwd.into_path(),
            env: launch.env,
        });
        let started = launch.as_ref().map_or(Ok(program.clone()), |launch| resolved(&launch.program))?;
        check_process(process, &started)?;
        let kind = if started == program { Kind::Native } else { Kind::Node };
        if let Some(known) = self.programs.get(&app)
            && (known.manifest != manifest.path || known.program != program)
        {
            let error = taken(&app, known, &manifest.path, &program);
            let seen = self.now().wall;
            self.claim(Program { app, manifest: manifest.path, program, launch, kind, seen });
            return Err(error);
        }
        self.change(Input::AppSeen { app: app.clone(), declared: manifest.declares_fetch })?;
        let seen = self.now().wall;
        self.keep_program(Program { app: app.clone(), manifest: manifest.path, program, launch, kind, seen });
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

    /// Remembers a program that was refused because another has its id, in case the user adopts it.
    pub(super) fn claim(&mut self, program: Program) {
        if self.claims.len() < CLAIMS_MAX || self.claims.contains_key(&program.app) {
            self.claims.insert(program.app.clone(), program);
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

    fn ready(&mut self, peer: PeerId, app: &AppId, defined: &[String]) -> Result<(), ErrorObject> {
        let tasks = defined.iter().filter_map(|name| TaskName::parse(name).ok()).collect();
        if self.trouble.is_none() {
            self.change(Input::Defined { app: app.clone(), tasks })?;
        }
        if let Some(peer) = self.peers.peer_mut(peer) {
            peer.ready = true;
        }
        self.peer_ready(peer);
        Ok(())
    }

    fn register(&mut self, app: &AppId, register: &Register) -> Answer {
        if register.task_type != TaskType::BackgroundFetch {
            return Err(ErrorObject::invalid_task_consumer(&register.task));
        }
        let name = task_name(&register.task)?;
        let (floor, constraints) = read_options(&register.options)?;
        refuse_unsensed(&constraints)?;
        let options = register.options.to_json().into_boxed_str();
        self.refuse_excess(app, &name, options.len())?;
        self.change(Input::Registered {
            app: app.clone(),
            task: Registration { name, options, floor, constraints },
        })?;
        json(&Done {})
    }

    /// An app is given all its options in one answer, so together they must fit one line.
    fn refuse_excess(&self, app: &AppId, name: &TaskName, bytes: usize) -> Result<(), ErrorObject> {
        let others = self.scheduler.tasks(app).iter().filter(|task| task.name != *name);
        let together = others.map(|task| task.options.len()).sum::<usize>() + bytes;
        if together <= OPTIONS_TOGETHER_BYTES_MAX {
            return Ok(());
        }
        let what = format!(
            "the options of all tasks of `{app}` would be {together} bytes of JSON together: at most \
             {OPTIONS_TOGETHER_BYTES_MAX} are allowed"
        );
        Err(ErrorObject::new(ErrorCode::InvalidOptions, what))
    }

    fn unregister(&mut self, app: &AppId, unregister: &Unregister) -> Answer {
        let Ok(task) = TaskName::parse(&unregister.task) else {
            return Err(ErrorObject::task_not_found(&unregister.task, app.as_str()));
        };
        let is_known = self.scheduler.tasks(app).iter().any(|known| known.name == task);
        let other_type =
            unregister.task_type.as_ref().is_some_and(|other| *other != TaskType::BackgroundFetch);
        if is_known && other_type {
            return Err(ErrorObject::invalid_task_consumer(&unregister.task));
        }
        self.change(Input::Unregistered { app: app.clone(), task })?;
        json(&Done {})
    }

    fn registered_tasks(&self, app: &AppId) -> Vec<RegisteredTask> {
        let registered = |task: &bgfetch_core::TaskRecord| RegisteredTask {
            task_name: task.name.as_str().to_owned(),
            task_type: TaskType::BackgroundFetch,
            options: serde_json::from_str(&task.options).unwrap_or_default(),
        };
        self.scheduler.tasks(app).iter().map(registered).collect()
    }

    fn set_minimum_interval(&mut self, app: &AppId, asked: SetMinimumInterval) -> Answer {
        let floor = Span::from_millis(asked.seconds.as_millis());
        self.change(Input::FloorSet { app: app.clone(), floor: Some(floor) })?;
        let effective = self.scheduler.settings().interval(floor);
        json(&MinimumIntervalSet { effective_seconds: Seconds::from_millis(effective.as_millis()) })
    }

    /// The status, with the reason beside it when something other than time stands in the way.
    pub(super) fn status(&self, app: &AppId) -> StatusAnswer {
        let status = self.scheduler.status(app);
        let verdict = self.scheduler.explain(self.now(), app);
        let reason = verdict.map(|verdict| verdict.reason).filter(|reason| {
            status != Status::Available || matches!(reason.hold(), Some(Hold::User | Hold::Constraint))
        });
        StatusAnswer {
            status: views::status(status),
            reason: reason.map(|reason: Reason| wire_reason(reason.code(), &reason)),
        }
    }

    fn finish(&mut self, app: &AppId, finish: &Finish) -> Finished {
        let result = match finish.result {
            _ if finish.undefined_task => TaskResult::Undefined,
            Some(FetchResult::NewData) => TaskResult::NewData,
            Some(FetchResult::Failed) => TaskResult::Failed,
            // EXPO-SEMANTICS row 69: an answer of nothing is NoData.
            Some(FetchResult::NoData) | None => TaskResult::NoData,
        };
        let taken = self.task_answered(app, &finish.event_id, result, finish.message.as_deref());
        Finished { accepted: taken == Taken::Accepted }
    }
}

/// A task's own floor and its constraints, from the options that mean something to the host.
fn read_options(options: &TaskOptions) -> Result<(Option<Span>, Vec<Constraint>), ErrorObject> {
    let wrong = |member: &str, allowed: &str| {
        ErrorObject::new(
            ErrorCode::InvalidOptions,
            format!("the option `{member}` is wrong: expected {allowed}"),
        )
    };
    let members = options.members();
    let floor = match members.get("minimumInterval") {
        None => None,
        Some(value) => {
            let seconds = value.as_f64().and_then(|seconds| Seconds::try_from(seconds).ok());
            let seconds = seconds.ok_or_else(|| wrong("minimumInterval", "a number of seconds"))?;
            Some(Span::from_millis(seconds.as_millis()))
        }
    };
    let mut constraints = Vec::new();
    match members.get("requiresNetwork").map(Value::as_str) {
        None | Some(Some("none")) => {}
        Some(Some("any")) => constraints.push(Constraint::AnyNetwork),
        Some(Some("unmetered")) => constraints.push(Constraint::UnmeteredNetwork),
        Some(_) => return Err(wrong("requiresNetwork", "`any`, `unmetered` or `none`")),
    }
    let flags = [("requiresExternalPower", Constraint::ExternalPower), ("requiresIdle", Constraint::Idle)];
    for (member, constraint) in flags {
        match members.get(member).map(Value::as_bool) {
            None | Some(Some(false)) => {}
            Some(Some(true)) => constraints.push(constraint),
            Some(None) => return Err(wrong(member, "`true` or `false`")),
        }
    }
    Ok((floor, constraints))
}

/// A constraint that nothing on this machine can tell of would hold its task for ever, so it is refused at once.
fn refuse_unsensed(constraints: &[Constraint]) -> Result<(), ErrorObject> {
    let device = Device::default();
    match constraints.iter().find(|constraint| device.meets(**constraint) == Met::Unknown) {
        None => Ok(()),
        Some(constraint) => Err(ErrorObject::new(
            ErrorCode::UnsupportedConstraint,
            format!(
                "this host can not tell when there is {constraint}: register the task without that constraint"
            ),
        )),
    }
}

/// The kernel knows what a process executes; what it says of itself must be that.
fn check_process(process: Option<i32>, started: &Path) -> Result<(), ErrorObject> {
    let Some(process) = process.filter(|_| cfg!(target_os = "linux")) else { return Ok(()) };
    // A process that is gone already can not be asked, and will hear no answer either.
    let Ok(executed) = std::fs::read_link(format!("/proc/{process}/exe")) else { return Ok(()) };
    if executed == *started {
        return Ok(());
    }
    Err(forbidden(format!(
        "process {process} executes `{}`, not `{}` as it says",
        executed.display(),
        started.display()
    )))
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

pub(super) fn taken(app: &AppId, known: &Program, manifest: &Path, program: &Path) -> ErrorObject {
    let message = format!(
        "the id `{app}` belongs to `{}` with the manifest `{}`, not to `{}` with `{}`; to give it over, run \
         `bgfetch apps adopt {app}`",
        known.program.display(),
        known.manifest.display(),
        program.display(),
        manifest.display(),
    );
    ErrorObject::new(ErrorCode::AppIdTaken, message).with("app", app.as_str())
}

pub(super) fn app_id(text: &str) -> Result<AppId, ErrorObject> {
    AppId::parse(text).map_err(|error| ErrorObject::new(ErrorCode::InvalidName, error.to_string()))
}

fn task_name(text: &str) -> Result<TaskName, ErrorObject> {
    TaskName::parse(text).map_err(|error| ErrorObject::new(ErrorCode::InvalidName, error.to_string()))
}

fn hello_first() -> ErrorObject {
    ErrorObject::new(ErrorCode::HelloFirst, "`hello` comes first, and once, on every connection")
}

pub(super) fn forbidden(message: String) -> ErrorObject {
    ErrorObject::new(ErrorCode::Forbidden, message)
}

/// An answer's value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))
}

pub(super) fn refused_error(refused: &Refused) -> ErrorObject {
    let message = refused.to_string();
    match refused {
        Refused::NotDeclared(_) => ErrorObject::background_fetch_disabled(),
        Refused::UnknownTask { app, task } => ErrorObject::task_not_found(task.as_str(), app.as_str()),
        Refused::UnknownApp(app) => {
            ErrorObject::new(ErrorCode::UnknownApp, message).with("app", app.as_str())
        }
        Refused::Held { reason, .. } => {
            ErrorObject::new(ErrorCode::Busy, message).with("reason", reason.code())
        }
        Refused::TooManyTasks { .. } | Refused::TooManyApps { .. } | Refused::Leaving(_) => {
            ErrorObject::new(ErrorCode::Busy, message)
        }
    }
}

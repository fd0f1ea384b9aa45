//! What apps ask: parsed once, checked, turned into core's terms.

use super::peers::PeerId;
use super::runs::{Taken, wire_reason};
use super::{Engine, views};
use bgfetch_core::{
    AppId, Constraint, Device, Hold, Input, Met, Reason, Refused, Registration, Span, Status, TaskName,
    TaskResult,
};
use bgfetch_wire::app::{
    AppRequest, Call, Done, Finish, Finished, Hello, MinimumIntervalSet, Register, RegisteredTask, Role,
    SetMinimumInterval, StatusAnswer, Unregister,
};
use bgfetch_wire::control::ControlRequest;
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::options::TaskOptions;
use bgfetch_wire::rpc::Params;
use bgfetch_wire::value::{FetchResult, Seconds, TaskType};
use serde_json::Value;

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

    pub(super) fn ready(&mut self, peer: PeerId, app: &AppId, defined: &[String]) -> Result<(), ErrorObject> {
        let tasks: Vec<_> = defined.iter().filter_map(|name| TaskName::parse(name).ok()).collect();
        if self.trouble.is_none() {
            self.change(Input::Defined { app: app.clone(), tasks: tasks.clone() })?;
        }
        if let Some(peer) = self.peers.peer_mut(peer) {
            peer.defined = Some(tasks);
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

pub(super) fn app_id(text: &str) -> Result<AppId, ErrorObject> {
    AppId::parse(text).map_err(|error| ErrorObject::new(ErrorCode::InvalidName, error.to_string()))
}

fn task_name(text: &str) -> Result<TaskName, ErrorObject> {
    TaskName::parse(text).map_err(|error| ErrorObject::new(ErrorCode::InvalidName, error.to_string()))
}

pub(super) fn hello_first() -> ErrorObject {
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

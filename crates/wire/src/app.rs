//! What an app and the host say to each other: one struct a message.
//!
//! A request is a [`Call`]: its method and the type of its answer belong to it. A notification is an [`Event`].
//! Unknown members are ignored everywhere, so a minor version may add some.

use crate::error::{ErrorCode, ErrorObject};
use crate::options::{TaskOptions, TaskOptionsError};
use crate::rpc::Params;
use crate::value::{AbsolutePath, AppState, FetchResult, Reason, Seconds, Status, TaskType};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A request that the host answers.
pub trait Call: Serialize + DeserializeOwned {
    /// Its name on the wire.
    const METHOD: &'static str;
    /// What the answer's `result` is.
    type Answer: Serialize + DeserializeOwned;
}

/// A notification from the host.
pub trait Event: Serialize + DeserializeOwned {
    /// Its name on the wire.
    const METHOD: &'static str;
}

/// Who speaks: the first message on every connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The library or tool that speaks.
    pub client: Peer,
    /// What the connection is for.
    pub role: Role,
    /// The app, for [`Role::App`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<HelloApp>,
}

/// A program's name and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// An app's own tasks.
    App,
    /// The user's view of all apps.
    Control,
}

/// Which app it is. Its id stands in its manifest, which the host reads itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloApp {
    /// `app.json`, `Info.plist` or `bgfetch.toml`.
    pub manifest: AbsolutePath,
    /// The script or executable that is the app.
    pub program: AbsolutePath,
    /// How the host starts it for a wake; without it the program itself is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
    /// The names of the tasks defined, when they are known at once: then no `ready` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defined: Option<Vec<String>>,
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The executable.
    pub program: AbsolutePath,
    /// Its arguments, without its own name.
    pub args: Vec<String>,
    /// The directory it starts in.
    pub cwd: AbsolutePath,
    /// Its whole environment, the host's own variables aside.
    pub env: BTreeMap<String, String>,
}

/// The answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAnswer {
    /// The protocol spoken from here on.
    pub protocol: u32,
    /// The host.
    pub host: Peer,
    /// The app's id, for [`Role::App`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The wake that this process was started for, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<u64>,
    /// What the host allows.
    pub limits: Limits,
}

/// What a host allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How long a wake may take, in milliseconds of awake time.
    pub limit_ms: u64,
    /// How long before that `expiring` is sent, in milliseconds.
    pub warning_ms: u64,
    /// The largest options of a task, in bytes of compact JSON.
    pub options_bytes_max: u64,
    /// The longest task name, in bytes of UTF-8.
    pub name_bytes_max: u64,
}

/// The initialisation phase is over: every task of this program is defined, and `execute` may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The names of the tasks defined.
    pub defined: Vec<String>,
}

/// Registers a task. Answered only when it is durable. A task registered before gets the new options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Register {
    /// Its name.
    pub task: String,
    /// Its type.
    #[serde(rename = "type")]
    pub task_type: TaskType,
    /// Its options.
    #[serde(default)]
    pub options: TaskOptions,
}

/// Unregisters a task. A run of it that is under way goes on and is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unregister {
    /// Its name.
    pub task: String,
    /// If given, a task of another type is refused with `E_INVALID_TASK_CONSUMER`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<TaskType>,
}

/// Unregisters every task of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnregisterAll {}

/// Asks for the app's registered tasks; the answer is sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {}

/// One registered task, in the words of `getRegisteredTasksAsync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredTask {
    /// Its name.
    pub task_name: String,
    /// Its type.
    pub task_type: TaskType,
    /// Its options.
    pub options: TaskOptions,
}

/// Sets the app's floor: the least time between two of its wakes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetMinimumInterval {
    /// The floor; less than the system's smallest means that one.
    pub seconds: Seconds,
}

/// The answer to [`SetMinimumInterval`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MinimumIntervalSet {
    /// The floor in force.
    pub effective_seconds: Seconds,
}

/// Asks whether the app may work in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskStatus {}

/// The answer to [`AskStatus`]: the status, and why, if there is more to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The status.
    pub status: Status,
    /// Why it is so, or what holds wakes although it is `Available`.
    pub reason: Option<Reason>,
}

/// One event's task ended. A late or second answer is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finish {
    /// The event of [`ExecutionInfo`].
    pub event_id: String,
    /// What the task returned; `null` if nothing.
    pub result: Option<FetchResult>,
    /// What went wrong, for the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the program has no task of that name.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undefined_task: bool,
}

/// The answer to [`Finish`]: `{}`, or `{"accepted":false}` for an event that has ended already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Whether this answer is the one that counts.
    #[serde(default = "is_true_by_default", skip_serializing_if = "is_true")]
    pub accepted: bool,
}

/// The user opened the app: a force-quit is lifted, and the opening is learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {}

/// An answer with nothing to say: `{}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A task is to run now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execute {
    /// Always `{}` for a background fetch.
    pub data: Map<String, Value>,
    /// Always `null` for a background fetch.
    pub error: Option<Value>,
    /// Which run it is.
    pub execution_info: ExecutionInfo,
}

/// Which run it is, and why now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionInfo {
    /// What `finish` names. Fresh for every run.
    pub event_id: String,
    /// The task.
    pub task_name: String,
    /// Where the app was.
    pub app_state: AppState,
    /// The wake's number, one for all tasks that run in it.
    pub wake: u64,
    /// How many runs were due since the last one and did not happen.
    pub missed: u64,
    /// Why now.
    pub reason: Reason,
    /// How long the wake may take from its start, in milliseconds.
    pub limit_ms: u64,
    /// Whether the run was asked for by a developer, outside the schedule.
    pub simulated: bool,
}

/// The wake is about to be ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiring {
    /// The wake.
    pub wake: u64,
    /// How long it has left, in milliseconds.
    pub remaining_ms: u64,
    /// Why it ends.
    pub reason: Reason,
}

/// The answer of `status` is now another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    /// The status.
    pub status: Status,
    /// Why it is so.
    pub reason: Option<Reason>,
}

/// A request of an app, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum AppRequest {
    /// `hello`
    Hello(Hello),
    /// `ready`
    Ready(Ready),
    /// `register`
    Register(Register),
    /// `unregister`
    Unregister(Unregister),
    /// `unregisterAll`
    UnregisterAll(UnregisterAll),
    /// `tasks`
    Tasks(Tasks),
    /// `setMinimumInterval`
    SetMinimumInterval(SetMinimumInterval),
    /// `status`
    Status(AskStatus),
    /// `finish`
    Finish(Finish),
    /// `opened`
    Opened(Opened),
}

/// A notification of the host, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// `execute`
    Execute(Execute),
    /// `expiring`
    Expiring(Expiring),
    /// `statusChanged`
    StatusChanged(StatusChanged),
}

/// Why parameters are not those of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The contract has no such method.
    #[error("the method `{method}` is unknown: expected one of `{}`", AppRequest::METHODS.join("`, `"))]
    UnknownMethod {
        /// What was asked.
        method: String,
    },
    /// A member is missing or has the wrong form.
    #[error("the parameters of `{method}` are wrong: {detail}")]
    Params {
        /// The method.
        method: &'static str,
        /// Which, and what is expected.
        detail: String,
    },
    /// The `protocol` of `hello` is another.
    #[error("the protocol {found} is not supported: expected one of {:?}", crate::PROTOCOLS_SUPPORTED)]
    Protocol {
        /// What was asked, as JSON.
        found: String,
    },
    /// The options of `register` are not options.
    #[error(transparent)]
    Options(#[from] TaskOptionsError),
    /// The `seconds` of `setMinimumInterval` are not a number.
    #[error("the interval {found} is not a number: expected seconds")]
    Interval {
        /// What was given, as JSON.
        found: String,
    },
}

macro_rules! calls {
    ($($params:ty => $method:literal, $answer:ty;)*) => {
        $(impl $crate::app::Call for $params {
            const METHOD: &'static str = $method;
            type Answer = $answer;
        })*
    };
}

pub(crate) use calls;

calls! {
    Hello => "hello", HelloAnswer;
    Ready => "ready", Done;
    Register => "register", Done;
    Unregister => "unregister", Done;
    UnregisterAll => "unregisterAll", Done;
    Tasks => "tasks", Vec<RegisteredTask>;
    SetMinimumInterval => "setMinimumInterval", MinimumIntervalSet;
    AskStatus => "status", StatusAnswer;
    Finish => "finish", Finished;
    Opened => "opened", Done;
}

impl Event for Execute {
    const METHOD: &'static str = "execute";
}

impl Event for Expiring {
    const METHOD: &'static str = "expiring";
}

impl Event for StatusChanged {
    const METHOD: &'static str = "statusChanged";
}

impl AppRequest {
    /// Every method of an app.
    pub const METHODS: [&'static str; 10] = [
        Hello::METHOD,
        Ready::METHOD,
        Register::METHOD,
        Unregister::METHOD,
        UnregisterAll::METHOD,
        Tasks::METHOD,
        SetMinimumInterval::METHOD,
        AskStatus::METHOD,
        Finish::METHOD,
        Opened::METHOD,
    ];

    /// Reads the parameters of `method`.
    pub fn parse(method: &str, params: Params) -> Result<Self, RequestError> {
        match method {
            Hello::METHOD => parse_hello(params).map(Self::Hello),
            Ready::METHOD => parse_call(params).map(Self::Ready),
            Register::METHOD => parse_register(params).map(Self::Register),
            Unregister::METHOD => parse_call(params).map(Self::Unregister),
            UnregisterAll::METHOD => parse_call(params).map(Self::UnregisterAll),
            Tasks::METHOD => parse_call(params).map(Self::Tasks),
            SetMinimumInterval::METHOD => parse_interval(params).map(Self::SetMinimumInterval),
            AskStatus::METHOD => parse_call(params).map(Self::Status),
            Finish::METHOD => parse_call(params).map(Self::Finish),
            Opened::METHOD => parse_call(params).map(Self::Opened),
            method => Err(RequestError::UnknownMethod { method: method.to_owned() }),
        }
    }
}

impl HostEvent {
    /// Reads a notification; `None` for one that this version does not know, which is to be ignored.
    pub fn parse(method: &str, params: Params) -> Result<Option<Self>, serde_json::Error> {
        let params = Value::Object(params);
        match method {
            Execute::METHOD => serde_json::from_value(params).map(|event| Some(Self::Execute(event))),
            Expiring::METHOD => serde_json::from_value(params).map(|event| Some(Self::Expiring(event))),
            StatusChanged::METHOD => {
                serde_json::from_value(params).map(|event| Some(Self::StatusChanged(event)))
            }
            _ => Ok(None),
        }
    }
}

/// Reads the parameters of one call; also for calls outside this file.
pub(crate) fn parse_call<C: Call>(params: Params) -> Result<C, RequestError> {
    serde_json::from_value(Value::Object(params))
        .map_err(|error| RequestError::Params { method: C::METHOD, detail: error.to_string() })
}

/// The protocol is judged first: another one's `hello` may have another form.
fn parse_hello(params: Params) -> Result<Hello, RequestError> {
    match params.get("protocol") {
        Some(found) if crate::PROTOCOLS_SUPPORTED.iter().any(|known| *found == *known) => parse_call(params),
        Some(found) => Err(RequestError::Protocol { found: found.to_string() }),
        None => parse_call(params),
    }
}

fn parse_register(mut params: Params) -> Result<Register, RequestError> {
    let options = params.remove("options").map(TaskOptions::try_from).transpose()?;
    let register = parse_call::<Register>(params)?;
    Ok(Register { options: options.unwrap_or_default(), ..register })
}

fn parse_interval(params: Params) -> Result<SetMinimumInterval, RequestError> {
    match params.get("seconds") {
        Some(found) if !found.is_number() => Err(RequestError::Interval { found: found.to_string() }),
        _ => parse_call(params),
    }
}

impl RequestError {
    /// The documented code of each.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownMethod { .. } => ErrorCode::MethodNotFound,
            Self::Params { .. } => ErrorCode::InvalidParams,
            Self::Protocol { .. } => ErrorCode::Protocol,
            Self::Options(_) => ErrorCode::InvalidOptions,
            Self::Interval { .. } => ErrorCode::InvalidInterval,
        }
    }
}

impl From<RequestError> for ErrorObject {
    fn from(error: RequestError) -> Self {
        let object = Self::new(error.code(), error.to_string());
        match error {
            RequestError::Protocol { .. } => object.with("supported", crate::PROTOCOLS_SUPPORTED),
            RequestError::UnknownMethod { .. }
            | RequestError::Params { .. }
            | RequestError::Options(_)
            | RequestError::Interval { .. } => object,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_true(value: &bool) -> bool {
    *value
}

const fn is_true_by_default() -> bool {
    true
}

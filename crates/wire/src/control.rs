//! What the command line and the host say to each other: the user's view of all apps.
//!
//! A connection with [`crate::app::Role::Control`] speaks these. The same promise holds as for apps: members may be
//! added in a minor version, none changes its meaning. Times are wall-clock milliseconds since 1970 (`…UnixMs`).

use crate::app::{Call, Done, Event, Launch, RequestError};
use crate::rpc::Params;
use crate::value::{AbsolutePath, Reason, Seconds, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Asks for the apps that the host knows, sorted by id: as many as one line holds, and none when there are no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskApps {
    /// Those after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Asks for the registered tasks of one app or all, sorted by app and name: as many as one line holds, and none when
/// there are no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskTasks {
    /// The app; all without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Those after this app's task of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(String, String)>,
}

/// Asks why an app does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskWhy {
    /// The app.
    pub app: String,
}

/// Asks for the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskLog {
    /// Only what concerns this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Only what concerns this wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<u64>,
    /// At most so many entries, the newest ones; at most [`LOG_ENTRIES_MAX`], and as many as one line holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Whether `entry` is sent for each that comes later.
    #[serde(default)]
    pub follow: bool,
}

/// The most entries one answer holds.
pub const LOG_ENTRIES_MAX: u32 = 1_000;

/// Adds an app that does not register itself: a plain command, or a manifest that names one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Add {
    /// A `bgfetch.toml`, or the folder that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<AbsolutePath>,
    /// The command, when there is no manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<AddCommand>,
    /// Where and with which environment the command starts; its program is ignored where a manifest names one.
    pub launch: Launch,
}

/// A plain command as an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddCommand {
    /// The app's id.
    pub app: String,
    /// The app's floor.
    pub every_seconds: Seconds,
    /// How a successful run is told from a run that found nothing.
    pub changed_by: ChangedBy,
}

/// How a plain command tells that it found something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangedBy {
    /// Exit status 0 means that it did.
    #[default]
    Exit,
    /// Exit status 0 and another standard output than the last time means that it did.
    Output,
}

/// The answer to [`Add`] and [`Adopt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppNamed {
    /// The app's id.
    pub app: String,
}

/// Removes an app, its tasks and its switches. Its journal stays until it is too old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remove {
    /// The app.
    pub app: String,
}

/// Gives an app's id to the program that was last refused because another has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopt {
    /// The app.
    pub app: String,
}

/// Wakes an app now, outside the schedule: a simulated fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// The app.
    pub app: String,
}

/// The answer to [`Fetch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetching {
    /// The wake that began.
    pub wake: u64,
}

/// Turns one of the user's switches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "switch")]
pub enum Set {
    /// Every app.
    System {
        /// Whether it is on.
        on: bool,
    },
    /// One app.
    App {
        /// The app.
        app: String,
        /// Whether it is on.
        on: bool,
    },
    /// A pause of one app, or of all.
    Pause {
        /// The app; all without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// Until when; the pause ends without one.
        until_unix_ms: Option<i64>,
    },
    /// An app's floor.
    Interval {
        /// The app.
        app: String,
        /// The floor; never without one.
        seconds: Option<Seconds>,
    },
}

/// The user force-quit an app: no wake until it is opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quit {
    /// The app.
    pub app: String,
}

/// The user opened an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The app.
    pub app: String,
}

/// Asks what the host runs on and what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDoctor {}

/// Ends the host in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopHost {}

/// One app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// Its id.
    pub app: String,
    /// What kind of program it is: `node`, `native` or `command`; none until it has said.
    pub kind: Option<String>,
    /// Its manifest.
    pub manifest: Option<String>,
    /// Its program.
    pub program: Option<String>,
    /// How many tasks it has registered.
    pub tasks: u32,
    /// Its floor; none is never.
    pub interval_seconds: Option<Seconds>,
    /// Its status.
    pub status: Status,
    /// Why it does not run now.
    pub reason: Reason,
    /// When it can run at the earliest, if nothing changes.
    pub earliest_unix_ms: Option<i64>,
    /// When its last wake began that counts for the floor.
    pub last_wake_unix_ms: Option<i64>,
    /// How its last wake ended.
    pub last_outcome: Option<String>,
    /// How many wakes failed in a row.
    pub failures: u32,
    /// Whether it is unhealthy: its last wake ended in a failure.
    pub unhealthy: bool,
    /// Whether it is connected now.
    pub connected: bool,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// Its app.
    pub app: String,
    /// Its name.
    pub task: String,
    /// Its own floor.
    pub interval_seconds: Option<Seconds>,
    /// What it was registered with.
    pub options: Value,
    /// Whether the app's present build does not define it.
    pub orphan: bool,
    /// Why it does not run now.
    pub reason: Reason,
    /// When it can run at the earliest, if nothing changes.
    pub earliest_unix_ms: Option<i64>,
    /// When the last wake began that ran it and counts for the floor.
    pub last_wake_unix_ms: Option<i64>,
}

/// The answer to [`AskWhy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyView {
    /// The app.
    pub app: AppView,
    /// Its tasks.
    pub tasks: Vec<TaskView>,
    /// The newest entries of its journal, oldest first.
    pub recent: Vec<LogEntry>,
    /// When the host answered.
    pub now_unix_ms: i64,
}

/// The answer to [`AskLog`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogView {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// The output of the wake asked for, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputView>,
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its number; rises by at least one.
    pub sequence: i64,
    /// When.
    pub unix_ms: i64,
    /// Which app.
    pub app: Option<String>,
    /// Which wake.
    pub wake: Option<u64>,
    /// What, as a word.
    pub event: String,
    /// What, as a sentence.
    pub text: String,
    /// The event's members.
    pub data: Value,
}

/// A kept output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputView {
    /// What went to standard output.
    pub stdout: String,
    /// What went to standard error.
    pub stderr: String,
    /// How many bytes of both were not kept.
    pub dropped_bytes: u64,
    /// Processor time of all its processes.
    pub cpu_ms: Option<u64>,
    /// The most memory that one of its processes held.
    pub memory_bytes_max: Option<u64>,
}

/// The answer to [`AskDoctor`]: what was found, one finding after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorView {
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One thing the doctor looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub state: FindingState,
    /// What was found, and what to do about it.
    pub text: String,
}

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingState {
    /// As it should be.
    Good,
    /// Works, with less than there could be.
    Limited,
    /// Does not work.
    Bad,
    /// Nothing tells.
    Unknown,
}

/// A request of the command line, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlRequest {
    /// `apps`
    Apps(AskApps),
    /// `appTasks`
    Tasks(AskTasks),
    /// `why`
    Why(AskWhy),
    /// `log`
    Log(AskLog),
    /// `add`
    Add(Box<Add>),
    /// `remove`
    Remove(Remove),
    /// `adopt`
    Adopt(Adopt),
    /// `fetch`
    Fetch(Fetch),
    /// `set`
    Set(Set),
    /// `quit`
    Quit(Quit),
    /// `open`
    Open(Open),
    /// `doctor`
    Doctor(AskDoctor),
    /// `stopHost`
    StopHost(StopHost),
}

crate::app::calls! {
    AskApps => "apps", Vec<AppView>;
    AskTasks => "appTasks", Vec<TaskView>;
    AskWhy => "why", WhyView;
    AskLog => "log", LogView;
    Add => "add", AppNamed;
    Remove => "remove", Done;
    Adopt => "adopt", AppNamed;
    Fetch => "fetch", Fetching;
    Set => "set", Done;
    Quit => "quit", Done;
    Open => "open", Done;
    AskDoctor => "doctor", DoctorView;
    StopHost => "stopHost", Done;
}

impl Event for LogEntry {
    const METHOD: &'static str = "entry";
}

impl ControlRequest {
    /// Every method of the command line.
    pub const METHODS: [&'static str; 13] = [
        AskApps::METHOD,
        AskTasks::METHOD,
        AskWhy::METHOD,
        AskLog::METHOD,
        Add::METHOD,
        Remove::METHOD,
        Adopt::METHOD,
        Fetch::METHOD,
        Set::METHOD,
        Quit::METHOD,
        Open::METHOD,
        AskDoctor::METHOD,
        StopHost::METHOD,
    ];

    /// Reads the parameters of `method`.
    pub fn parse(method: &str, params: Params) -> Result<Self, RequestError> {
        use crate::app::parse_call;
        match method {
            AskApps::METHOD => parse_call(params).map(Self::Apps),
            AskTasks::METHOD => parse_call(params).map(Self::Tasks),
            AskWhy::METHOD => parse_call(params).map(Self::Why),
            AskLog::METHOD => parse_call(params).map(Self::Log),
            Add::METHOD => parse_call(params).map(|add| Self::Add(Box::new(add))),
            Remove::METHOD => parse_call(params).map(Self::Remove),
            Adopt::METHOD => parse_call(params).map(Self::Adopt),
            Fetch::METHOD => parse_call(params).map(Self::Fetch),
            Set::METHOD => parse_call(params).map(Self::Set),
            Quit::METHOD => parse_call(params).map(Self::Quit),
            Open::METHOD => parse_call(params).map(Self::Open),
            AskDoctor::METHOD => parse_call(params).map(Self::Doctor),
            StopHost::METHOD => parse_call(params).map(Self::StopHost),
            method => Err(RequestError::UnknownMethod { method: method.to_owned() }),
        }
    }
}

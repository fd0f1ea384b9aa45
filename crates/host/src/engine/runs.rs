//! Wakes being run: started or called, heard, warned, stopped, ended.

use super::peers::PeerId;
use super::run_task::{self, Order, Release, WakeEvent};
use super::{End, Engine};
use crate::launch::{
    Compliance, Ending as LaunchEnding, LaunchError, Launched, Prepared, Report, Spec, Stage as LaunchStage,
    Stream,
};
use crate::manifest;
use crate::store::{ChangedBy, Kind, OUTPUT_BYTES_MAX, Program, WakeOutput, Write};
use bgfetch_core::{
    AppId, Ending, Entry, Event as JournalEvent, Input, Span, Stage, StopReason, TaskName, TaskResult,
    WakeId, WakeReason, WakeRecord,
};
use bgfetch_wire::app::{Execute, ExecutionInfo, Expiring};
use bgfetch_wire::rpc::Notification;
use bgfetch_wire::value::{AppState, Reason as WireReason};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use tokio::sync::mpsc;

/// How many ended events are remembered, to tell a late answer from nonsense.
const PAST_MAX: usize = 256;

/// The longest text of an app's that is kept in one journal entry, in bytes.
const SAID_BYTES_MAX: usize = 4 << 10;

/// A wake being run.
pub(super) struct Run {
    pub(super) wake: WakeRecord,
    state: AppState,
    /// Where its tasks are called, once there is a connection.
    peer: Option<PeerId>,
    /// Whether its tasks were called.
    called: bool,
    /// The events handed out, with their tasks.
    events: BTreeMap<String, TaskName>,
    answers: Vec<(TaskName, TaskResult)>,
    orders: mpsc::UnboundedSender<Order>,
    stopping: Option<StopReason>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// An event of a wake that is over.
pub(super) struct Past {
    event_id: String,
    app: AppId,
    wake: WakeId,
    task: TaskName,
}

/// How a task's answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It counts.
    Accepted,
    /// It came too late, or twice, or for an event that never was.
    Ignored,
}

impl Run {
    /// How far it has come, to be told to a scheduler that begins again from the store.
    pub(super) fn still_running(&self) -> Input {
        Input::StillRunning { wake: self.wake.id, results: self.answers.clone(), stopping: self.stopping }
    }

    /// Keeps the beginning of what its program wrote.
    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Engine {
    /// Whether `wake` would start a process: not if the app runs and can be called.
    pub(super) fn starts_headless(&self, wake: &WakeRecord) -> bool {
        self.peers.callable(&wake.app, &wake.tasks).is_none() && self.programs.contains_key(&wake.app)
    }

    /// Begins a wake that is durable: calls the app where it runs, or starts it.
    pub(super) fn begin_run(&mut self, wake: &WakeRecord, prepared: Option<Result<Prepared, LaunchError>>) {
        if !self.may_begin(wake) {
            return;
        }
        let (orders, inbox) = mpsc::unbounded_channel();
        let settings = self.config.settings;
        let run = |state, orders| Run {
            wake: wake.clone(),
            state,
            peer: None,
            called: false,
            events: BTreeMap::new(),
            answers: Vec::new(),
            orders,
            stopping: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        if let Some(peer) = self.peers.callable(&wake.app, &wake.tasks) {
            self.runs.insert(wake.id, run(AppState::Active, orders));
            let events = self.events.clone();
            tokio::task::spawn_local(run_task::called(wake.id, settings, inbox, events));
            self.call_tasks(wake.id, peer);
            return;
        }
        match self.start(wake, prepared) {
            Ok(launched) => {
                self.runs.insert(wake.id, run(AppState::Background, orders));
                let events = self.events.clone();
                tokio::task::spawn_local(run_task::headless(wake.id, launched, settings, inbox, events));
            }
            Err((stage, text)) => {
                self.say(&wake.app, wake.id, None, &text);
                self.wake_ended(End { wake: wake.id, ending: Ending::NotStarted(stage), still: None });
            }
        }
    }

    /// Reads the manifest again before anything is started: an app that has given up the mode `fetch` need not say so.
    fn may_begin(&mut self, wake: &WakeRecord) -> bool {
        let Some(program) = self.programs.get(&wake.app) else { return true };
        let text = match manifest::read(&program.manifest) {
            Ok(found) if found.id == wake.app && found.declares_fetch => return true,
            Ok(found) if found.id == wake.app => {
                format!("the manifest `{}` no longer declares the mode `fetch`", found.path.display())
            }
            Ok(found) => format!("the manifest `{}` is of `{}` now", found.path.display(), found.id),
            Err(error) => {
                self.say(&wake.app, wake.id, None, &format!("{error}; what it said before counts"));
                return true;
            }
        };
        self.say(&wake.app, wake.id, None, &text);
        // Refused only if the app is being removed anyway.
        let _ = self.feed(Input::AppSeen { app: wake.app.clone(), declared: false });
        self.wake_ended(End { wake: wake.id, ending: Ending::NotStarted(Stage::Declare), still: None });
        false
    }

    fn start(
        &mut self,
        wake: &WakeRecord,
        prepared: Option<Result<Prepared, LaunchError>>,
    ) -> Result<Launched, (Stage, String)> {
        let contain = |error: &dyn std::fmt::Display| (Stage::Contain, error.to_string());
        let Some(program) = self.programs.get(&wake.app) else {
            let text = format!("`{}` has no command: start it once so that it says hello", wake.app);
            return Err((Stage::Command, text));
        };
        let spec = self.spec(program, wake);
        let speaks = !matches!(program.kind, Kind::Command(_));
        // A connection that could have been called may have closed since the decision; then nothing is prepared.
        let prepared = prepared.unwrap_or_else(|| self.nursery.prepare()).map_err(|error| contain(&error))?;
        let (host_end, app_end) = if speaks {
            let (host_end, app_end) = tokio::net::UnixStream::pair().map_err(|error| contain(&error))?;
            let app_end: OwnedFd = app_end.into_std().map_err(|error| contain(&error))?.into();
            rustix::io::ioctl_fionbio(&app_end, false).map_err(|error| contain(&error))?;
            (Some(host_end), Some(app_end))
        } else {
            (None, None)
        };
        let launched = prepared.launch(&spec, app_end.as_ref()).map_err(|error| contain(&error))?;
        if let Some(host_end) = host_end {
            self.peers.inherit(host_end, wake.id);
        }
        Ok(launched)
    }

    fn spec(&self, program: &Program, wake: &WakeRecord) -> Spec {
        let settings = &self.config.settings;
        let mut spec = match &program.launch {
            Some(launch) => {
                let mut spec = Spec::new(launch.program.as_os_str());
                spec.arguments = launch.args.iter().map(OsString::from).collect();
                spec.directory.clone_from(&launch.cwd);
                spec
            }
            None => Spec::new(program.program.as_os_str()),
        };
        spec.limit_ms = settings.limit.as_millis();
        spec.grace_ms = settings.grace.as_millis();
        let own = [
            (bgfetch_wire::SOCKET_VARIABLE, self.socket.clone().into_os_string()),
            (bgfetch_wire::MANIFEST_VARIABLE, program.manifest.clone().into_os_string()),
            ("BGFETCH_APP", wake.app.as_str().into()),
            ("BGFETCH_WAKE", wake.id.to_string().into()),
            ("BGFETCH_REASON", wake.reason.code().into()),
            ("BGFETCH_MISSED", wake.missed.to_string().into()),
        ];
        let given = program.launch.iter().flat_map(|launch| &launch.env);
        let given = given.map(|(name, value)| (name.into(), value.into()));
        let own = own.into_iter().map(|(name, value)| (name.into(), value));
        let environment: BTreeMap<OsString, OsString> = given.chain(own).collect();
        spec.environment = environment.into_iter().collect();
        spec
    }

    /// A connection's tasks are defined: if a wake waits for them, they are called.
    pub(super) fn peer_ready(&mut self, peer: PeerId) {
        let Some(wake) = self.peers.peer(peer).and_then(|peer| peer.wake) else { return };
        if self.runs.get(&wake).is_some_and(|run| !run.called) {
            self.call_tasks(wake, peer);
        }
    }

    fn call_tasks(&mut self, wake: WakeId, peer: PeerId) {
        let limit_ms = self.config.settings.limit.as_millis();
        let Some(run) = self.runs.get_mut(&wake) else { return };
        run.peer = Some(peer);
        run.called = true;
        for task in &run.wake.tasks {
            let event_id = uuid::Uuid::new_v4().to_string();
            run.events.insert(event_id.clone(), task.clone());
            let execute = Execute {
                data: serde_json::Map::new(),
                error: None,
                execution_info: ExecutionInfo {
                    event_id,
                    task_name: task.as_str().to_owned(),
                    app_state: run.state,
                    wake: wake.0,
                    missed: run.wake.missed,
                    reason: wire_reason(run.wake.reason.code(), &run.wake.reason),
                    limit_ms,
                    simulated: run.wake.reason == WakeReason::Simulated,
                },
            };
            self.peers.send(peer, &Notification::event(execute));
        }
    }

    /// A task answered, for the event that `finish` names.
    pub(super) fn task_answered(
        &mut self,
        app: &AppId,
        event_id: &str,
        result: TaskResult,
        message: Option<&str>,
    ) -> Taken {
        let run =
            self.runs.values_mut().find(|run| run.events.contains_key(event_id) && run.wake.app == *app);
        let Some(run) = run else {
            let past = self.past.iter().find(|past| past.event_id == event_id && past.app == *app);
            if let Some((wake, task)) = past.map(|past| (past.wake, past.task.clone())) {
                let _ = self.feed(Input::Answered { app: app.clone(), wake, task, result });
            }
            return Taken::Ignored;
        };
        let (wake, task) = (run.wake.id, run.events[event_id].clone());
        let awaited = self.scheduler.is_awaited(wake, &task);
        if awaited {
            run.answers.push((task.clone(), result));
        }
        if let Some(message) = message.filter(|_| awaited) {
            self.say(app, wake, Some(&task), message);
        }
        let _ = self.feed(Input::Answered { app: app.clone(), wake, task, result });
        if awaited { Taken::Accepted } else { Taken::Ignored }
    }

    /// Writes down what an app, or the system in its place, said of a wake.
    fn say(&mut self, app: &AppId, wake: WakeId, task: Option<&TaskName>, text: &str) {
        let end = text.floor_char_boundary(SAID_BYTES_MAX);
        let event = JournalEvent::Said { task: task.cloned(), text: text[..end].to_owned() };
        self.write_entry(Entry { at: self.now(), app: Some(app.clone()), wake: Some(wake), event });
    }

    /// Every task has answered. A program that was started for the wake is told by the end of its connection that it
    /// is not needed any more; the answers to its own requests are sent first.
    pub(super) fn settle_run(&mut self, wake: WakeId) {
        self.order(wake, Order::Settle);
        let run = self.runs.get(&wake).filter(|run| run.state == AppState::Background);
        if let Some(peer) = run.and_then(|run| run.peer) {
            self.peers.drop_peer(peer);
        }
    }

    pub(super) fn stop_run(&mut self, wake: WakeId, reason: StopReason) {
        if let Some(run) = self.runs.get_mut(&wake) {
            run.stopping = Some(reason);
        }
        let grace = self.config.settings.grace;
        self.tell_expiring(wake, grace, "stopped", &reason);
        self.order(wake, Order::Stop);
    }

    /// Ends the wakes of an app whose program changes under them: their processes are asked to go.
    pub(super) fn end_runs_of(&mut self, app: &AppId, why: &str) {
        let of_app = self.runs.values().filter(|run| run.wake.app == *app).map(|run| run.wake.id);
        for wake in of_app.collect::<Vec<_>>() {
            self.say(app, wake, None, why);
            self.order(wake, Order::Stop);
            if let Some(peer) = self.peers.of_wake(wake) {
                self.peers.drop_peer(peer);
            }
        }
    }

    fn order(&self, wake: WakeId, order: Order) {
        if let Some(run) = self.runs.get(&wake) {
            // A wake whose task has ended has its end on the way here.
            let _ = run.orders.send(order);
        }
    }

    fn tell_expiring(&mut self, wake: WakeId, remaining: Span, code: &str, text: &dyn std::fmt::Display) {
        let Some(peer) = self.runs.get(&wake).and_then(|run| run.peer) else { return };
        let reason = wire_reason(code, text);
        let expiring = Expiring { wake: wake.0, remaining_ms: remaining.as_millis(), reason };
        self.peers.send(peer, &Notification::event(expiring));
    }

    /// The connection on which a running app was called is gone.
    pub(super) fn called_peer_closed(&mut self, peer: PeerId) {
        for run in self.runs.values().filter(|run| run.peer == Some(peer)) {
            let _ = run.orders.send(Order::Disconnected);
        }
    }

    pub(super) fn hear_wake(&mut self, wake: WakeId, event: WakeEvent) {
        match event {
            WakeEvent::Output(stream, bytes) => {
                if let Some(run) = self.runs.get_mut(&wake) {
                    run.keep(stream, &bytes);
                }
            }
            WakeEvent::Warning { remaining } => {
                let limit = self.config.settings.limit;
                self.tell_expiring(wake, remaining, "limit", &format_args!("the limit of {limit} is near"));
            }
            WakeEvent::Released(release) => self.end_run(wake, called_ending(release)),
            WakeEvent::Gone(report) => self.process_gone(wake, &report),
        }
    }

    fn process_gone(&mut self, wake: WakeId, report: &Report) {
        let Some(run) = self.runs.get_mut(&wake) else { return };
        let (app, was_called) = (run.wake.app.clone(), run.called);
        for (stream, bytes) in &report.output_tail {
            run.keep(*stream, bytes);
        }
        let (stdout, stderr) = (std::mem::take(&mut run.stdout), std::mem::take(&mut run.stderr));
        let is_command = self.programs.get(&app).is_some_and(|known| matches!(known.kind, Kind::Command(_)));
        if is_command {
            self.answer_for_command(wake, &app, report);
        }
        let ending = match &report.ending {
            LaunchEnding::NotStarted { stage, detail } => {
                self.say(&app, wake, None, detail);
                Ending::NotStarted(match stage {
                    LaunchStage::Contain | LaunchStage::SetUp | LaunchStage::Spec => Stage::Contain,
                    LaunchStage::Directory | LaunchStage::Command => Stage::Spawn,
                })
            }
            LaunchEnding::Exited { code } if !was_called && !is_command => {
                self.say(
                    &app,
                    wake,
                    None,
                    &format!("the program ended with status {code} before it was ready"),
                );
                Ending::NotStarted(Stage::Load)
            }
            LaunchEnding::Signalled { signal } if !was_called && !is_command => {
                self.say(&app, wake, None, &format!("signal {signal} ended the program before it was ready"));
                Ending::NotStarted(Stage::Load)
            }
            LaunchEnding::Exited { .. } => Ending::Gone,
            LaunchEnding::Signalled { signal } => {
                self.say(&app, wake, None, &format!("signal {signal} ended the program"));
                Ending::Gone
            }
            LaunchEnding::Limit { compliance } => Ending::Limit { forced: *compliance == Compliance::Forced },
            LaunchEnding::Stopped { .. } => Ending::Stopped,
            LaunchEnding::ShepherdLost { .. } => {
                self.say(&app, wake, None, "the wake's shepherd was killed, and its processes with it");
                Ending::Gone
            }
        };
        self.batch.writes.push(Write::Output(WakeOutput {
            wake,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            dropped_bytes: report.output_dropped_bytes,
            stdout_hash: report.stdout_sha256.as_deref().and_then(hash),
            cpu_ms: Some(report.usage.user_ms + report.usage.system_ms),
            memory_bytes_max: Some(report.usage.resident_kib_max * 1_024),
        }));
        self.end_run(wake, ending);
    }

    /// A plain command says by its exit status, and if asked by its output, what its task would have answered.
    fn answer_for_command(&mut self, wake: WakeId, app: &AppId, report: &Report) {
        let LaunchEnding::Exited { code } = report.ending else { return };
        let Some(run) = self.runs.get(&wake) else { return };
        let tasks = run.wake.tasks.clone();
        let result = match code {
            0 => self.command_result(app, report.stdout_sha256.as_deref().and_then(hash)),
            code => {
                self.say(app, wake, None, &format!("the command ended with status {code}"));
                TaskResult::Failed
            }
        };
        for task in tasks {
            if let Some(run) = self.runs.get_mut(&wake) {
                run.answers.push((task.clone(), result));
            }
            let _ = self.feed(Input::Answered { app: app.clone(), wake, task, result });
        }
    }

    /// What a command that succeeded has found, and what its next output is compared with.
    fn command_result(&mut self, app: &AppId, hash: Option<[u8; 32]>) -> TaskResult {
        let Some(program) = self.programs.get_mut(app) else { return TaskResult::NewData };
        let Kind::Command(ChangedBy::Output { last_hash }) = &mut program.kind else {
            return TaskResult::NewData;
        };
        if *last_hash == hash {
            return TaskResult::NoData;
        }
        *last_hash = hash;
        self.batch.printed.push(program.clone());
        self.batch.writes.push(Write::Program(program.clone()));
        TaskResult::NewData
    }

    fn end_run(&mut self, wake: WakeId, ending: Ending) {
        let Some(run) = self.runs.remove(&wake) else { return };
        let still = Some(run.still_running());
        for (event_id, task) in run.events {
            self.past.push_back(Past { event_id, app: run.wake.app.clone(), wake, task });
        }
        let excess = self.past.len().saturating_sub(PAST_MAX);
        self.past.drain(..excess);
        self.wake_ended(End { wake, ending, still });
    }
}

fn called_ending(release: Release) -> Ending {
    match release {
        Release::Over => Ending::Gone,
        Release::Limit => Ending::Limit { forced: false },
        Release::Stopped => Ending::Stopped,
    }
}

pub(super) fn wire_reason(code: &str, text: &(impl std::fmt::Display + ?Sized)) -> WireReason {
    WireReason { code: code.to_owned(), text: text.to_string() }
}

/// The bytes of a SHA-256 in hexadecimal.
fn hash(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

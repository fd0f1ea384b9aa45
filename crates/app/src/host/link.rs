//! What is known on both sides of the connection's thread, behind one lock.
//!
//! *Invariant:* nothing is dropped or woken under the lock that could run somebody else's code: answers, wakers and
//! events leave it first.

use super::{Greeting, Unanswered};
use crate::answer::TaskAnswer;
use crate::call::{Call as AppCall, CallError};
use crate::event::{Event, WakeClock};
use bgfetch_wire::app::{
    AskStatus, Call, Execute, Expiring, Finish, Hello, HelloAnswer, HelloApp, HostEvent, Peer, Ready, Role,
    StatusAnswer,
};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::{EncodeError, to_line};
use bgfetch_wire::rpc::{Id, Message, Notification, Request, Response};
use bgfetch_wire::value::FetchResult;
use futures_channel::oneshot;
use futures_util::task::AtomicWaker;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::task::Waker;
use std::time::Duration;

/// How many calls of the app may wait for their answers.
const CALLS_MAX: usize = 1_024;

/// How many events may be open: heard of, and their answers not yet taken by the host.
const EVENTS_MAX: usize = 1_024;

/// Somebody to tell when the status is another.
pub(crate) type StatusListener = Arc<dyn Fn(&StatusAnswer) + Send + Sync>;

/// What the program and the connection's thread share.
pub(crate) struct Link {
    greeting: Greeting,
    bell: UnixStream,
    serving: AtomicWaker,
    state: Mutex<State>,
}

/// Something for `serve` to do.
pub(crate) enum Work {
    /// A task is to run.
    Run(Event),
    /// The status is another.
    Tell(StatusAnswer, Vec<StatusListener>),
}

/// Why nothing more will come.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The program asked for it.
    ShutDown,
    /// The host is gone, and was looked for as long as was asked.
    HostGone(String),
    /// The host does not serve this program any more.
    Refused(ErrorObject),
}

struct State {
    phase: Phase,
    end: Option<End>,
    /// Gets the first answer to `hello`.
    first_hello: Option<mpsc::SyncSender<Result<HelloAnswer, Unanswered>>>,
    wake: Option<u64>,
    next_id: i64,
    pending: BTreeMap<i64, Pending>,
    outgoing: Vec<u8>,
    inbox: VecDeque<Event>,
    /// The ids of the events whose answers the host has not yet taken.
    open: BTreeSet<String>,
    /// Whether this process was started for a wake, and the host has taken the answer to every event that came.
    wake_is_over: bool,
    clocks: BTreeMap<u64, Weak<WakeClock>>,
    service: Service,
    listeners: Vec<StatusListener>,
    status: Option<StatusAnswer>,
    /// Whether the listeners have to hear of `status`.
    status_is_news: bool,
}

/// How far the present connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none, or the host has not answered `hello` on it.
    Unknown,
    /// The host knows who speaks, so that it may be asked.
    Known,
    /// It also knows which tasks are defined, so that it may call them.
    Ready,
}

/// Whether somebody runs tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    NotYet,
    Running,
    /// The program has asked `serve` to return.
    Stopped,
}

/// Who waits for an answer.
enum Pending {
    /// With the phase that the answer brings about.
    Hello(Phase),
    Ready,
    Status,
    /// The event's id.
    Finish(String),
    Call(oneshot::Sender<Result<Value, ErrorObject>>),
}

/// Whether the program has the task that an event is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Definition {
    Found,
    Missing,
}

impl Link {
    pub(super) fn new(
        greeting: Greeting,
        bell: UnixStream,
        first_hello: mpsc::SyncSender<Result<HelloAnswer, Unanswered>>,
    ) -> Self {
        let state = State {
            phase: Phase::Unknown,
            end: None,
            first_hello: Some(first_hello),
            wake: None,
            next_id: 1,
            pending: BTreeMap::new(),
            outgoing: Vec::new(),
            inbox: VecDeque::new(),
            open: BTreeSet::new(),
            wake_is_over: false,
            clocks: BTreeMap::new(),
            service: Service::NotYet,
            listeners: Vec::new(),
            status: None,
            status_is_news: false,
        };
        Self { greeting, bell, serving: AtomicWaker::new(), state: Mutex::new(state) }
    }

    /// Asks the host, once the call is polled.
    pub(crate) fn call<C: Call + Send + 'static>(self: &Arc<Self>, params: C) -> AppCall<C::Answer> {
        let link = Arc::clone(self);
        AppCall::new(async move {
            let answer = link.ask(params)?.await;
            match answer.map_err(|oneshot::Canceled| CallError::Disconnected)? {
                Ok(value) => serde_json::from_value(value)
                    .map_err(|error| CallError::Answer { method: C::METHOD, detail: error.to_string() }),
                Err(error) => Err(CallError::Refused(error)),
            }
        })
    }

    fn ask<C: Call>(&self, params: C) -> Result<oneshot::Receiver<Result<Value, ErrorObject>>, CallError> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.phase == Phase::Unknown || state.end.is_some() {
            return Err(CallError::Disconnected);
        }
        let waiting = state.pending.len();
        if waiting >= CALLS_MAX + EVENTS_MAX {
            return Err(CallError::TooMany { waiting });
        }
        state.send(params, Pending::Call(sender))?;
        drop(state);
        self.ring();
        Ok(receiver)
    }

    /// From here on somebody runs the tasks, so the host may call them here.
    pub(crate) fn begin_serving(&self) {
        let mut state = self.lock();
        if state.service == Service::NotYet {
            state.service = Service::Running;
        }
        state.say_ready(&self.greeting);
        drop(state);
        self.ring();
    }

    /// Who polls `serve`, to be woken when there is something to do.
    pub(crate) fn register(&self, waker: &Waker) {
        self.serving.register(waker);
    }

    /// The next thing to do; events only if there is `room` for one.
    pub(crate) fn take_work(&self, room: bool) -> Option<Work> {
        let mut state = self.lock();
        if std::mem::take(&mut state.status_is_news)
            && let Some(status) = state.status.clone()
        {
            return Some(Work::Tell(status, state.listeners.clone()));
        }
        if !room {
            return None;
        }
        state.inbox.pop_front().map(Work::Run)
    }

    /// Whether this process was started for a wake whose events have all been answered, and their answers taken.
    ///
    /// All the events of a wake are on their way before the host reads the first answer, so none can follow.
    pub(crate) fn wake_is_over(&self) -> bool {
        self.lock().wake_is_over
    }

    /// Why nothing more will come, if so.
    pub(crate) fn end(&self) -> Option<End> {
        self.lock().end.clone()
    }

    /// Answers an event. One that the host does not wait for any more is only forgotten.
    pub(crate) fn finish(&self, event_id: &str, answer: &TaskAnswer) {
        let message = answer.message().map(str::to_owned);
        self.send_finish(event_id, answer.result(), message, Definition::Found);
    }

    /// Answers an event whose task the program does not define.
    pub(crate) fn finish_undefined(&self, event_id: &str) {
        self.send_finish(event_id, None, None, Definition::Missing);
    }

    fn send_finish(
        &self,
        event_id: &str,
        result: Option<FetchResult>,
        message: Option<String>,
        definition: Definition,
    ) {
        let finish = Finish {
            event_id: event_id.to_owned(),
            result,
            message,
            undefined_task: definition == Definition::Missing,
        };
        self.lock().finish(finish);
        self.ring();
    }

    /// Tells `listener` from here on when the status becomes another.
    pub(crate) fn listen(&self, listener: StatusListener) {
        let mut state = self.lock();
        state.listeners.push(listener);
        state.ask_status();
        drop(state);
        self.ring();
    }

    /// Asks whoever polls `serve` to let the tasks be.
    pub(crate) fn ask_to_stop(&self) {
        self.lock().service = Service::Stopped;
        self.serving.wake();
    }

    /// Whether the tasks are to be let be.
    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().service == Service::Stopped
    }

    /// Ends the connection for good; the first reason stays.
    pub(crate) fn close(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        drop(state);
        self.ring();
        self.serving.wake();
    }

    fn ring(&self) {
        // A full bell rings already.
        let _ = (&self.bell).write(&[1]);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of the connection's thread.
impl Link {
    /// A connection is there: the program says who it is.
    pub(super) fn greet(&self) {
        let mut state = self.lock();
        state.outgoing.clear();
        state.say_hello(&self.greeting);
    }

    /// Whether the host has answered `hello` on the present connection.
    pub(super) fn is_known(&self) -> bool {
        self.lock().phase != Phase::Unknown
    }

    /// Moves what is to be sent to `into`, which is empty.
    pub(super) fn take_outgoing(&self, into: &mut Vec<u8>) {
        std::mem::swap(&mut self.lock().outgoing, into);
    }

    /// The connection has ended: nobody waits for its answers any more. Events that are being worked on stay open.
    pub(super) fn parted(&self, why: &str) {
        let mut state = self.lock();
        state.phase = Phase::Unknown;
        state.outgoing.clear();
        let events = std::mem::take(&mut state.inbox);
        for event in events {
            state.open.remove(&event.event_id);
        }
        let pending = std::mem::take(&mut state.pending);
        for waiting in pending.values() {
            if let Pending::Finish(event_id) = waiting {
                state.open.remove(event_id);
            }
        }
        let first_hello = state.first_hello.take();
        drop(state);
        drop(pending);
        if let Some(first_hello) = first_hello {
            let _ = first_hello.send(Err(Unanswered::Closed(why.to_owned())));
        }
    }

    /// Takes a line of the host's. What has another form than agreed is passed over, as what a newer host may add.
    pub(super) fn hear(&self, line: &[u8]) {
        match Message::parse(line) {
            Ok(Message::Response(Response { id: Some(Id::Number(id)), outcome })) => {
                self.hear_answer(id, outcome);
            }
            Ok(Message::Response(Response { id: None, outcome: Err(error) })) => self.hear_complaint(error),
            Ok(Message::Notification(Notification { method, params })) => {
                if let Ok(Some(event)) = HostEvent::parse(&method, params) {
                    self.hear_event(event);
                }
            }
            Ok(Message::Response(_) | Message::Request(_)) | Err(_) => {}
        }
    }

    fn hear_answer(&self, id: i64, outcome: Result<Value, ErrorObject>) {
        let pending = self.lock().pending.remove(&id);
        match pending {
            None => {}
            Some(Pending::Call(sender)) => {
                // Who asked may have stopped waiting.
                let _ = sender.send(outcome);
            }
            Some(Pending::Hello(phase)) => self.hear_hello(phase, outcome),
            Some(Pending::Ready) => {
                if let Err(error) = outcome {
                    self.close(End::Refused(error));
                }
            }
            Some(Pending::Status) => {
                // A refusal or another form leaves the status as it was known.
                if let Some(Ok(status)) = outcome.ok().map(serde_json::from_value) {
                    self.hear_status(status);
                }
            }
            Some(Pending::Finish(event_id)) => {
                let mut state = self.lock();
                state.open.remove(&event_id);
                state.wake_is_over = state.wake.is_some() && state.open.is_empty();
                drop(state);
                self.serving.wake();
            }
        }
    }

    fn hear_hello(&self, phase: Phase, outcome: Result<Value, ErrorObject>) {
        let answer = outcome.and_then(|value| {
            serde_json::from_value::<HelloAnswer>(value).map_err(|error| {
                let text = format!("the host's answer to `hello` has another form than agreed: {error}");
                ErrorObject::new(ErrorCode::Protocol, text)
            })
        });
        let mut state = self.lock();
        let first_hello = state.first_hello.take();
        match answer {
            Ok(answer) => {
                state.phase = phase;
                state.wake = answer.wake;
                state.say_ready(&self.greeting);
                if !state.listeners.is_empty() {
                    state.ask_status();
                }
                drop(state);
                if let Some(first_hello) = first_hello {
                    let _ = first_hello.send(Ok(answer));
                }
            }
            Err(error) => {
                drop(state);
                self.close(End::Refused(error.clone()));
                if let Some(first_hello) = first_hello {
                    let _ = first_hello.send(Err(Unanswered::Refused(error)));
                }
            }
        }
        self.serving.wake();
    }

    /// The host could not read what it was sent, or cannot take more connections. Before `hello` is answered this is
    /// all it says; later the connection's end says the rest.
    fn hear_complaint(&self, error: ErrorObject) {
        let first_hello = self.lock().first_hello.take();
        if let Some(first_hello) = first_hello {
            let _ = first_hello.send(Err(Unanswered::Refused(error)));
        }
    }

    fn hear_event(&self, event: HostEvent) {
        match event {
            HostEvent::Execute(execute) => {
                let mut state = self.lock();
                state.execute(execute);
                drop(state);
                self.serving.wake();
            }
            HostEvent::Expiring(expiring) => self.hear_expiring(expiring),
            HostEvent::StatusChanged(changed) => {
                self.hear_status(StatusAnswer { status: changed.status, reason: changed.reason });
            }
        }
    }

    fn hear_expiring(&self, expiring: Expiring) {
        let clock = self.lock().clocks.get(&expiring.wake).and_then(Weak::upgrade);
        if let Some(clock) = clock {
            clock.expire(expiring);
        }
    }

    fn hear_status(&self, status: StatusAnswer) {
        let mut state = self.lock();
        // The first answer is what later ones are compared with.
        let is_news = state.status.as_ref().is_some_and(|known| *known != status);
        state.status_is_news |= is_news && !state.listeners.is_empty();
        state.status = Some(status);
        drop(state);
        self.serving.wake();
    }
}

impl State {
    fn send<C: Call>(&mut self, params: C, pending: Pending) -> Result<(), EncodeError> {
        let id = self.next_id;
        let line = to_line(&Request::call(Id::Number(id), params))?;
        self.next_id += 1;
        self.outgoing.extend_from_slice(&line);
        self.pending.insert(id, pending);
        Ok(())
    }

    fn say_hello(&mut self, greeting: &Greeting) {
        let defined = (self.service == Service::Running).then(|| greeting.defined.clone());
        let app = greeting.app.clone().map(|app| HelloApp { defined, ..app });
        let says_all = app.as_ref().is_some_and(|app| app.defined.is_some());
        // What the host started for a wake has nothing to wait for: it says both in one breath, and what is called
        // before somebody runs the tasks waits for that here.
        let is_wake = greeting.app.is_none();
        let phase = if says_all || is_wake { Phase::Ready } else { Phase::Known };
        let client =
            Peer { name: "background-fetch".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let hello = Hello { protocol: bgfetch_wire::PROTOCOL, client, role: Role::App, app };
        let ready = is_wake.then(|| Ready { defined: greeting.defined.clone() });
        let said = self.send(hello, Pending::Hello(phase));
        let said = said.and_then(|()| ready.map_or(Ok(()), |ready| self.send(ready, Pending::Ready)));
        self.end_if_unsaid(said);
    }

    fn end_if_unsaid(&mut self, said: Result<(), EncodeError>) {
        if let Err(error) = said {
            let refused = ErrorObject::new(ErrorCode::InvalidParams, error.to_string());
            self.end.get_or_insert(End::Refused(refused));
        }
    }

    /// Tells the host which tasks are defined, once somebody runs them: a program that only registers and goes on with
    /// other things is not called, and a wake is started beside it.
    fn say_ready(&mut self, greeting: &Greeting) {
        if self.phase != Phase::Known || self.service != Service::Running {
            return;
        }
        self.phase = Phase::Ready;
        let ready = Ready { defined: greeting.defined.clone() };
        let said = self.send(ready, Pending::Ready);
        self.end_if_unsaid(said);
    }

    /// The host tells of changes to whoever has asked once.
    fn ask_status(&mut self) {
        if self.phase != Phase::Unknown {
            // The question has no parts that could be too long.
            let _ = self.send(AskStatus {}, Pending::Status);
        }
    }

    fn execute(&mut self, execute: Execute) {
        let info = execute.execution_info;
        if !self.open.insert(info.event_id.clone()) {
            return;
        }
        if self.open.len() > EVENTS_MAX {
            let text = format!("{EVENTS_MAX} events wait for their tasks in this program, as many as may");
            self.finish(Finish {
                event_id: info.event_id,
                result: Some(FetchResult::Failed),
                message: Some(text),
                undefined_task: false,
            });
            return;
        }
        let clock = self.clock(info.wake, Duration::from_millis(info.limit_ms));
        self.inbox.push_back(Event::new(info, clock));
    }

    fn finish(&mut self, finish: Finish) {
        let event_id = finish.event_id.clone();
        if !self.open.contains(&event_id) {
            return;
        }
        if self.phase == Phase::Unknown || self.send(finish, Pending::Finish(event_id.clone())).is_err() {
            self.open.remove(&event_id);
        }
    }

    /// The time that wake `wake` has left; it begins to run when the wake is first heard of.
    fn clock(&mut self, wake: u64, limit: Duration) -> Arc<WakeClock> {
        if let Some(clock) = self.clocks.get(&wake).and_then(Weak::upgrade) {
            return clock;
        }
        let clock = Arc::new(WakeClock::start(limit));
        self.clocks.retain(|_, clock| clock.strong_count() > 0);
        self.clocks.insert(wake, Arc::downgrade(&clock));
        clock
    }
}

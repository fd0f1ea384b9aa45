//! The one loop: take in what happened, make it durable, then do what follows.
//!
//! *Invariant:* no answer is sent and no process started before the changes behind it are committed. Everything that
//! is waiting is taken in first, so that one commit serves it all.

mod app_requests;
mod control_requests;
mod identity;
mod peers;
mod run_task;
mod runs;
mod trouble;
mod views;

use crate::alarm::{Alarm, ClockWatch};
use crate::clock::{self, Timeline};
use crate::config::Config;
use crate::launch::{LaunchError, Nursery, Prepared};
use crate::policy::Policy;
use crate::store::{Program, Query, Store, StoreError, Write};
use bgfetch_core::{
    AppId, Change, Ending, Entry, Event as JournalEvent, Input, Now, Output, Refused, Scheduler, StopReason,
    WakeId, WakeRecord,
};
use bgfetch_wire::app::{Call, Hello};
use bgfetch_wire::error::ErrorObject;
use bgfetch_wire::rpc::{Id, Message, Request, Response};
use identity::Claim;
pub(crate) use peers::Peers;
use peers::{Heard, PeerId};
use run_task::WakeEvent;
use runs::{Past, Run};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use tokio::sync::mpsc;
use trouble::Trouble;

/// How many events are taken in before a commit, at most.
const BATCH_MAX: usize = 256;

/// Something that happened outside the loop.
#[derive(Debug)]
pub(crate) enum Event {
    /// On a connection.
    Peer(PeerId, Heard),
    /// In a wake.
    Wake(WakeId, WakeEvent),
}

/// What the loop runs on.
pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) policy: Policy,
    pub(crate) store: Store,
    pub(crate) nursery: Nursery,
    pub(crate) state_directory: PathBuf,
    pub(crate) socket: PathBuf,
    /// How many descriptors this process may have.
    pub(crate) descriptors: u64,
}

/// The host's state.
pub(crate) struct Engine {
    config: Config,
    policy: Policy,
    store: Store,
    nursery: Nursery,
    state_directory: PathBuf,
    socket: PathBuf,
    timeline: Timeline,
    /// When the store has to hear of the clocks again, on the boot clock.
    clock_due_boot_ms: u64,
    /// The wall clock less the boot clock, in milliseconds, to tell by how much the clock was set.
    wall_offset_ms: i64,
    scheduler: Scheduler,
    programs: BTreeMap<AppId, Program>,
    /// Programs that were refused because another has their id.
    claims: BTreeMap<AppId, Claim>,
    peers: Peers,
    runs: BTreeMap<WakeId, Run>,
    past: VecDeque<Past>,
    events: mpsc::Sender<Event>,
    batch: Batch,
    trouble: Option<Trouble>,
    stopping: bool,
}

/// What waits for the next commit.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    effects: Vec<Effect>,
    replies: Vec<Reply>,
    /// Wakes that ended: that happened, whether it is written or not.
    ends: Vec<End>,
    /// Programs of commands that printed something new.
    printed: Vec<Program>,
}

/// How a wake ended, for a scheduler that has to begin again from the store.
struct End {
    wake: WakeId,
    ending: Ending,
    /// How far it had come, if this host ran it.
    still: Option<Input>,
}

enum Effect {
    Wake(WakeRecord, Option<Result<Prepared, LaunchError>>),
    Settle(WakeId),
    Stop(WakeId, StopReason),
    Forget(AppId),
    /// The app's id is another program's now.
    Adopted(AppId),
    /// Behind the answers that it is still to hear.
    DropPeer(PeerId),
}

struct Reply {
    peer: PeerId,
    id: Id,
    result: Result<Value, ErrorObject>,
    /// Whether it tells of a change, which is not true until the commit.
    changes: bool,
    is_hello: bool,
}

/// Why the loop ended otherwise than in order.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store could be neither written nor read.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// A timer failed.
    #[error("the host's timer failed: {0}")]
    Timer(std::io::Error),
}

impl Engine {
    /// Goes on from what the store holds. Wakes found begun are over: they are lost.
    pub(crate) fn new(ground: Ground, events: mpsc::Sender<Event>) -> Result<Self, EngineError> {
        let Ground { config, policy, store, nursery, state_directory, socket, descriptors } = ground;
        let sample = clock::sample();
        let last_alive = store.clock()?;
        let timeline = Timeline::resume(last_alive.as_ref(), &sample);
        let now = timeline.now(&sample);
        let mut snapshot = store.load()?;
        // Before anything is judged: what is forbidden is not begun and then stopped.
        let forbidden_before = std::mem::replace(&mut snapshot.user.restricted, policy.restricted);
        let user = snapshot.user.clone();
        let newest = store.journal(&Query { last: Some(1), ..Query::default() })?;
        let in_order = newest.iter().all(|row| row.entry.event == JournalEvent::HostStopped);
        let programs = store.programs()?.into_iter().map(|program| (program.app.clone(), program)).collect();
        let scheduler = Scheduler::new(config.settings, store.seed(), snapshot, now);
        let mut engine = Self {
            config,
            policy,
            store,
            nursery,
            state_directory,
            socket,
            timeline,
            clock_due_boot_ms: 0,
            wall_offset_ms: sample.wall_offset_ms(),
            scheduler,
            programs,
            claims: BTreeMap::new(),
            peers: Peers::new(descriptors, events.clone()),
            runs: BTreeMap::new(),
            past: VecDeque::new(),
            events,
            batch: Batch::default(),
            trouble: None,
            stopping: false,
        };
        let away = last_alive.map(|row| now.elapsed.since(row.elapsed)).unwrap_or_default();
        engine.write_journal(now, JournalEvent::HostStarted { away, in_order });
        if forbidden_before != policy.restricted {
            engine.batch.writes.push(Write::Change(Change::User(user)));
            engine.write_journal(now, JournalEvent::Restricted { restricted: policy.restricted });
        }
        engine.drain();
        let running = engine.scheduler.running().map(|wake| wake.id);
        let lost: Vec<_> = running.filter(|wake| !engine.begins(*wake)).collect();
        for wake in lost {
            engine.wake_ended(End { wake, ending: Ending::Lost, still: None });
        }
        Ok(engine)
    }

    /// Whether `wake` has only just begun, and waits in the batch.
    fn begins(&self, wake: WakeId) -> bool {
        let begins = |effect: &Effect| matches!(effect, Effect::Wake(record, _) if record.id == wake);
        self.batch.effects.iter().any(begins)
    }

    /// Runs until it is told to stop and every wake has ended. Gives the connections, which are to end when nothing
    /// else of the host is left: that is how a client knows.
    pub(crate) async fn run(
        mut self,
        listener: &tokio::net::UnixListener,
        mut events: mpsc::Receiver<Event>,
        mut stop: mpsc::Receiver<()>,
        began: impl FnOnce(),
    ) -> Result<Peers, EngineError> {
        let mut alarm = Alarm::new().map_err(EngineError::Timer)?;
        let mut clock_watch = ClockWatch::new().map_err(EngineError::Timer)?;
        self.flush()?;
        began();
        while !(self.stopping && self.runs.is_empty()) {
            alarm.set(self.alarm_boot_ms()).map_err(EngineError::Timer)?;
            tokio::select! {
                biased;
                Some(()) = stop.recv() => {
                    if self.stopping {
                        // Asked twice: what still runs ends with the host, and its wakes are lost.
                        break;
                    }
                    self.begin_stopping();
                }
                Some(event) = events.recv() => {
                    self.take(event);
                    self.take_waiting(&mut events);
                }
                rings = alarm.rings() => {
                    rings.map_err(EngineError::Timer)?;
                    self.retry_or_decide()?;
                }
                set = clock_watch.set() => {
                    set.map_err(EngineError::Timer)?;
                    self.clock_set();
                }
                Ok((stream, _)) = listener.accept() => self.peers.accept(stream),
            }
            self.flush()?;
        }
        self.end()?;
        Ok(self.peers)
    }

    /// Writes down that the host ended in order, if it did: with every wake over and everything written.
    fn end(&mut self) -> Result<(), EngineError> {
        if self.trouble.is_some() {
            self.retry()?;
        }
        if self.runs.is_empty() {
            let now = self.now();
            self.write_journal(now, JournalEvent::HostStopped);
        }
        self.flush()?;
        match self.trouble.take() {
            Some(trouble) => Err(trouble.into_error().into()),
            None => Ok(()),
        }
    }

    fn take_waiting(&mut self, events: &mut mpsc::Receiver<Event>) {
        for _ in 1..BATCH_MAX {
            let Ok(event) = events.try_recv() else { return };
            self.take(event);
        }
    }

    fn begin_stopping(&mut self) {
        self.stopping = true;
        let _ = self.feed(Input::HostStopping);
    }

    fn now(&self) -> Now {
        self.timeline.now(&clock::sample().with_offset(self.wall_offset_ms))
    }

    fn alarm_boot_ms(&self) -> Option<u64> {
        if let Some(trouble) = &self.trouble {
            return Some(trouble.retry_boot_ms);
        }
        self.scheduler.poll_timeout().map(|deadline| self.timeline.boot_ms_at(deadline.at))
    }

    fn retry_or_decide(&mut self) -> Result<(), EngineError> {
        if self.trouble.is_some() {
            return self.retry();
        }
        let _ = self.feed(Input::DeadlineReached);
        Ok(())
    }

    fn clock_set(&mut self) {
        let before = self.wall_offset_ms;
        let sample = clock::sample();
        self.wall_offset_ms = sample.wall_offset_ms();
        self.timeline.clock_set(&sample);
        // The line may have been moved on; nothing is written behind that without it.
        self.clock_due_boot_ms = 0;
        let step_ms = self.wall_offset_ms.saturating_sub(before);
        // A step of less than a second is the time service's daily work, and holds or frees nothing.
        if step_ms.unsigned_abs() >= 1_000 {
            let now = self.timeline.now(&sample);
            self.write_journal(now, JournalEvent::ClockSet { step_ms });
        }
        let _ = self.feed(Input::ClockSet);
    }

    /// Gives the scheduler one input, and collects what it says.
    fn feed(&mut self, input: Input) -> Result<(), Refused> {
        let now = self.now();
        self.scheduler.handle_input(now, input)?;
        self.drain();
        Ok(())
    }

    /// A wake is over.
    fn wake_ended(&mut self, end: End) {
        let ended = Input::WakeEnded { wake: end.wake, ending: end.ending };
        self.batch.ends.push(end);
        // Refused it can not be: it is the scheduler's own wake.
        let _ = self.feed(ended);
    }

    fn drain(&mut self) {
        while let Some(output) = self.scheduler.poll_output() {
            match output {
                Output::Save(change) => {
                    if let Change::AppRemoved(app) = &change {
                        self.programs.remove(app);
                        self.batch.effects.push(Effect::Forget(app.clone()));
                    }
                    self.batch.writes.push(Write::Change(change));
                }
                Output::Wake(wake) => {
                    // The shepherd is made ready while the store syncs; no process of the app's starts before that.
                    let prepared = self.starts_headless(&wake).then(|| self.nursery.prepare());
                    self.batch.effects.push(Effect::Wake(wake, prepared));
                }
                Output::Settled(wake) => self.batch.effects.push(Effect::Settle(wake)),
                Output::Stop { wake, reason } => self.batch.effects.push(Effect::Stop(wake, reason)),
            }
        }
    }

    fn write_journal(&mut self, now: Now, event: JournalEvent) {
        self.write_entry(Entry { at: now, app: None, wake: None, event });
    }

    fn write_entry(&mut self, entry: Entry) {
        self.batch.writes.push(Write::Change(Change::Journal(entry)));
    }

    /// Commits what waits and does what follows, until nothing waits.
    fn flush(&mut self) -> Result<(), EngineError> {
        while !self.batch.is_empty() {
            let mut batch = std::mem::take(&mut self.batch);
            if !batch.writes.is_empty() {
                if self.trouble.is_some() {
                    // Kept for the next try; only what reads is answered meanwhile.
                    self.batch.writes = std::mem::take(&mut batch.writes);
                    self.answer(batch.replies);
                    self.perform_all(batch.effects);
                    return Ok(());
                }
                self.write_clock(&mut batch);
                if let Err(error) = self.store.commit(&batch.writes) {
                    self.fall_back(batch, error)?;
                    continue;
                }
            }
            self.answer(batch.replies);
            self.perform_all(batch.effects);
            self.tell_statuses();
            self.tell_followers();
        }
        Ok(())
    }

    /// Adds where the clocks stand to what is committed, unless the store knows it nearly.
    fn write_clock(&mut self, batch: &mut Batch) {
        let sample = clock::sample();
        if sample.boot_ms >= self.clock_due_boot_ms {
            batch.writes.push(Write::Clock(self.timeline.row(&sample)));
            self.clock_due_boot_ms = sample.boot_ms + clock::WRITTEN_MS_MAX;
        }
    }

    fn answer(&mut self, replies: Vec<Reply>) {
        for Reply { peer, id, result, .. } in replies {
            self.peers.answer(peer, id, result);
        }
    }

    fn perform_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Wake(wake, prepared) => self.begin_run(&wake, prepared),
                Effect::Settle(wake) => self.settle_run(wake),
                Effect::Stop(wake, reason) => self.stop_run(wake, reason),
                Effect::Forget(app) => self.forget_app(&app),
                Effect::Adopted(app) => {
                    self.claims.remove(&app);
                    self.end_runs_of(&app, "the id was given to another program");
                }
                Effect::DropPeer(peer) => drop(self.peers.drop_peer(peer)),
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Wake(wake, event) => self.hear_wake(wake, event),
            Event::Peer(peer, Heard::Closed) => self.peer_closed(peer),
            Event::Peer(peer, Heard::Broken(error)) => self.peers.send(peer, &Response::from(error)),
            Event::Peer(peer, Heard::Line(Err(error))) => self.peers.send(peer, &Response::from(error)),
            Event::Peer(peer, Heard::Line(Ok(Message::Request(request)))) => self.request(peer, request),
            // No peer has anything to notify of, and nothing is asked of them.
            Event::Peer(_, Heard::Line(Ok(Message::Notification(_) | Message::Response(_)))) => {}
        }
    }

    /// Handles a request; its answer waits for the commit.
    fn request(&mut self, peer: PeerId, request: Request) {
        let Request { id, method, params } = request;
        let before = self.batch.writes.len();
        let result = self.handle(peer, &method, params);
        let changes = self.batch.writes.len() > before;
        let is_hello = method == Hello::METHOD;
        self.batch.replies.push(Reply { peer, id, result, changes, is_hello });
    }

    fn peer_closed(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.peer_mut(id) {
            // It may still read, but nothing can be asked of it any more.
            peer.defined = None;
        }
        self.batch.effects.push(Effect::DropPeer(id));
        self.called_peer_closed(id);
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.effects.is_empty() && self.replies.is_empty()
    }
}

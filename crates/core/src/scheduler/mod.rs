//! The scheduler: one mutation, then drain the outputs, then the next mutation.

mod apps;
mod user;
mod wakes;

use crate::device::Device;
use crate::gates::{self, Judgement, View};
use crate::io::{Change, Input, Output, Refused};
use crate::journal::{Entry, Event};
use crate::name::{AppId, TaskName};
use crate::outcome::{TaskResult, WakeId};
use crate::reason::{Hold, Reason, StopReason};
use crate::record::{AppRecord, Snapshot, TaskRecord, UserRecord, WakeRecord};
use crate::settings::Settings;
use crate::time::{Elapsed, Now};
use crate::verdict::{Deadline, Progress, Status, TaskVerdict, Verdict};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Decides which app is woken when, and says why not yet.
///
/// **After each [`handle_input`](Self::handle_input), drain [`poll_output`](Self::poll_output) to `None` before the
/// next.** Then [`poll_timeout`](Self::poll_timeout) tells when to come back with [`Input::DeadlineReached`].
#[derive(Debug)]
pub struct Scheduler {
    rules: Rules,
    /// Boxed, so that a search walks small nodes.
    apps: BTreeMap<AppId, Box<App>>,
    /// The wakes in progress.
    running: BTreeMap<WakeId, Run>,
    waiting: Waiting,
    /// Apps to judge before this mutation ends.
    touched: BTreeSet<AppId>,
    /// Apps that this mutation found open; those that get no place are told so at its end.
    arrived: Vec<AppId>,
    outputs: VecDeque<Output>,
    next_wake: WakeId,
    stopping: bool,
}

/// The apps that wait for more than a change: each in one of the two, in neither while it runs or is held.
#[derive(Debug, Default)]
struct Waiting {
    /// When each app that waits for a point in time is judged again.
    deadlines: BTreeSet<(Elapsed, AppId)>,
    /// Apps that nothing holds but the number of wakes, longest due first.
    queue: BTreeSet<(Elapsed, AppId)>,
}

/// What every app is judged by.
#[derive(Debug)]
struct Rules {
    settings: Settings,
    seed: u64,
    user: UserRecord,
    device: Device,
    store_writable: bool,
}

#[derive(Debug)]
struct App {
    record: AppRecord,
    /// Sorted by name.
    tasks: Vec<TaskRecord>,
    wake: Option<WakeId>,
    /// Answers since its last wake began that nobody waited for.
    late_answers: u32,
    /// What holds it, or held it last; none before the first judgement.
    held: Option<Reason>,
    /// What holds a task of it that is due, or held it last; none if all of them wait for time or for its app.
    hold: Option<Hold>,
    /// Whether its deadline passed, so that time alone, and no new rule, made it due.
    came_due: bool,
    /// This app's entry in `deadlines`.
    deadline: Option<Elapsed>,
    /// This app's entry in `queue`.
    queued: Option<Elapsed>,
}

/// A wake in progress.
#[derive(Debug)]
struct Run {
    record: WakeRecord,
    results: Vec<(TaskName, TaskResult)>,
    phase: Phase,
}

/// How far a wake in progress has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Begun by a host that has ended: there is nothing left of it to stop.
    Found,
    /// The host runs it.
    Running,
    /// The host was asked to end it.
    Stopping(StopReason),
    /// Every task has answered, and the host was told.
    Settled,
}

impl Scheduler {
    /// A scheduler that goes on from `snapshot`. What it says at once is there to be drained before the first input.
    ///
    /// Wakes that the snapshot has begun are running, until the host ends each with [`crate::Ending::Lost`], or says
    /// with [`Input::StillRunning`] that it runs them itself; see [`running`](Self::running).
    pub fn new(settings: Settings, seed: u64, snapshot: Snapshot, now: Now) -> Self {
        let apps = snapshot.apps.into_iter().map(|(record, mut tasks)| {
            tasks.sort_by(|a, b| a.name.cmp(&b.name));
            (record.id.clone(), Box::new(App::new(record, tasks)))
        });
        let mut this = Self {
            rules: Rules {
                settings,
                seed,
                user: snapshot.user,
                device: snapshot.device,
                store_writable: snapshot.store_writable,
            },
            apps: apps.collect(),
            running: BTreeMap::new(),
            waiting: Waiting::default(),
            touched: BTreeSet::new(),
            arrived: Vec::new(),
            outputs: VecDeque::new(),
            next_wake: snapshot.next_wake,
            stopping: false,
        };
        for wake in snapshot.begun {
            // Without an app there is nothing to judge, and still an outcome to write down.
            if let Some(app) = this.apps.get_mut(&wake.app) {
                app.occupy(wake.id);
            }
            this.running.insert(wake.id, Run::new(wake, Phase::Found));
        }
        this.touch_all();
        this.forget_the_left(now);
        this.settle(now);
        this
    }

    /// Takes in one thing that happened. A refused input changes nothing.
    pub fn handle_input(&mut self, now: Now, input: Input) -> Result<(), Refused> {
        debug_assert!(self.outputs.is_empty(), "outputs must be drained before the next input");
        match input {
            Input::AppSeen { app, declared } => self.app_seen(now, app, declared)?,
            Input::AppRemoved(app) => self.app_removed(now, &app)?,
            Input::Registered { app, task } => self.registered(now, &app, task)?,
            Input::Unregistered { app, task } => self.unregistered(now, &app, &task)?,
            Input::UnregisteredAll(app) => self.unregistered_all(now, &app)?,
            Input::FloorSet { app, floor } => self.floor_set(now, &app, floor)?,
            Input::Defined { app, tasks } => self.defined(now, &app, &tasks)?,
            Input::Opened(app) => self.opened(now, &app)?,
            Input::ForceQuit(app) => self.force_quit(now, &app)?,
            Input::SystemSwitched(on) => self.system_switched(now, on),
            Input::AppSwitched { app, on } => self.app_switched(now, &app, on)?,
            Input::Paused { app, until } => self.paused(now, app.as_ref(), until)?,
            Input::Restricted(restricted) => self.restricted(now, restricted),
            Input::Device(device) => self.device_changed(device),
            Input::FetchRequested(app) => self.fetch_requested(now, &app)?,
            Input::Answered { app, wake, task, result } => self.answered(now, &app, wake, task, result),
            Input::WakeEnded { wake, ending } => self.wake_ended(now, wake, ending),
            Input::StillRunning { wake, results, stopping } => self.still_running(wake, results, stopping),
            Input::DeadlineReached => {}
            Input::ClockSet => self.touch_all(),
            Input::StoreWritable => self.store_writable(),
            Input::HostStopping => self.host_stopping(now),
        }
        self.settle(now);
        Ok(())
    }

    /// The next thing to do; `None` when the mutation is complete.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::DeadlineReached`], for which app, and what holds it until then.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let (at, id) = self.waiting.deadlines.first()?;
        let reason = self.apps.get(id)?.held?;
        Some(Deadline { at: *at, app: id.clone(), reason })
    }

    /// Why `app` does not run, by the very gates that decide; `None` if no such app is known.
    pub fn explain(&self, now: Now, app: &AppId) -> Option<Verdict> {
        let app = self.apps.get(app)?;
        let view = self.rules.view(app);
        let judged = |judgement| match judgement {
            Judgement::Held { reason, until } => (reason, until),
            Judgement::Open { .. } if self.is_full() => (self.no_room(), None),
            Judgement::Open { .. } => (Reason::Ready, Some(now.elapsed)),
        };
        let of_task = |task: &TaskRecord| {
            let (reason, earliest) = judged(gates::judge_task(&view, task, now));
            TaskVerdict { task: task.name.clone(), reason, earliest }
        };
        let (reason, earliest) = judged(gates::judge(&view, now));
        Some(Verdict {
            reason,
            earliest,
            tasks: app.tasks.iter().map(of_task).collect(),
            floor: app.record.floor,
            last_begun: app.record.last_begun,
            last_outcome: app.record.last_outcome,
            failures: app.record.failures,
            overruns: app.record.overruns,
        })
    }

    /// What `getStatusAsync` answers for `app`.
    pub fn status(&self, app: &AppId) -> Status {
        let app_on = self.apps.get(app).is_none_or(|app| app.record.switched_on);
        match (self.rules.user.restricted, self.rules.user.switched_on && app_on) {
            (true, _) => Status::Restricted,
            (false, false) => Status::Denied,
            (false, true) => Status::Available,
        }
    }

    /// Every app, sorted by id.
    pub fn apps(&self) -> impl Iterator<Item = &AppRecord> {
        self.apps.values().map(|app| &app.record)
    }

    /// One app.
    pub fn app(&self, app: &AppId) -> Option<&AppRecord> {
        self.apps.get(app).map(|app| &app.record)
    }

    /// The tasks of an app, sorted by name; none if it is not known.
    pub fn tasks(&self, app: &AppId) -> &[TaskRecord] {
        self.apps.get(app).map_or(&[], |app| &app.tasks)
    }

    /// The user's switches.
    pub fn user(&self) -> &UserRecord {
        &self.rules.user
    }

    /// The numbers it runs by.
    pub fn settings(&self) -> &Settings {
        &self.rules.settings
    }

    /// The wakes in progress, oldest first.
    pub fn running(&self) -> impl Iterator<Item = Progress> {
        self.running.values().map(Run::progress)
    }

    /// Whether `wake` runs and its `task` has not answered yet.
    pub fn is_awaited(&self, wake: WakeId, task: &TaskName) -> bool {
        self.running.get(&wake).is_some_and(|run| run.is_awaited(task))
    }

    fn is_full(&self) -> bool {
        self.stopping || self.running.len() >= self.rules.settings.wakes_max as usize
    }

    fn no_room(&self) -> Reason {
        if self.stopping {
            return Reason::HostStopping;
        }
        Reason::Busy { wakes: self.rules.settings.wakes_max }
    }

    fn touch_all(&mut self) {
        self.touched.extend(self.apps.keys().cloned());
    }

    fn save(&mut self, change: Change) {
        self.outputs.push_back(Output::Save(change));
    }

    fn journal(&mut self, now: Now, app: Option<&AppId>, wake: Option<WakeId>, event: Event) {
        self.save(Change::Journal(Entry { at: now, app: app.cloned(), wake, event }));
    }

    fn known(&mut self, app: &AppId) -> Result<&mut App, Refused> {
        match self.apps.get_mut(app) {
            Some(app) => Ok(app),
            None => Err(Refused::UnknownApp(app.clone())),
        }
    }

    /// Saves an app's record, journals what happened to it, and judges it before the mutation ends.
    fn changed(&mut self, now: Now, app: &AppId, event: Event) {
        if let Some(known) = self.apps.get(app) {
            let record = known.record.clone();
            self.save(Change::App(record));
        }
        self.journal(now, Some(app), None, event);
        self.touched.insert(app.clone());
    }

    /// Judges whatever this mutation touched and whatever time has come for, then fills the free places.
    fn settle(&mut self, now: Now) {
        while let Some((at, _)) = self.waiting.deadlines.first()
            && *at <= now.elapsed
            && let Some((_, id)) = self.waiting.deadlines.pop_first()
        {
            self.touched.insert(id);
        }
        while let Some(id) = self.touched.pop_first() {
            self.rejudge(now, &id);
        }
        while !self.is_full()
            && let Some((_, id)) = self.waiting.queue.pop_first()
        {
            self.start_if_open(now, &id);
        }
        self.explain_the_queue(now);
    }

    /// Puts an app where its judgement belongs: among the deadlines, in the queue, or nowhere.
    fn rejudge(&mut self, now: Now, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else { return };
        if app.deadline.is_some_and(|at| at <= now.elapsed) {
            // It is among the deadlines no longer: `settle` has taken out whatever time has come for.
            app.deadline = None;
            app.came_due = true;
        }
        match gates::judge(&self.rules.view(app), now) {
            Judgement::Open { due, .. } => {
                self.waiting.place(id, app, None, Some(due));
                self.arrived.push(id.clone());
            }
            Judgement::Held { reason, until } => {
                let hold = gates::hold(&self.rules.view(app), reason, now);
                app.came_due = false;
                self.waiting.place(id, app, until, None);
                if app.is_news(reason, hold) {
                    self.journal(now, Some(id), None, Event::Held { reason });
                }
                self.stop_if_forbidden(now, id, reason);
            }
        }
    }

    /// Tells the apps that this mutation found open, and that got no place, what they wait for.
    fn explain_the_queue(&mut self, now: Now) {
        // Of what waits for the next host, the entry that says that this one ended says enough.
        if self.stopping || self.waiting.queue.is_empty() {
            self.arrived.clear();
            return;
        }
        let no_room = self.no_room();
        for id in core::mem::take(&mut self.arrived) {
            let Some(app) = self.apps.get_mut(&id) else { continue };
            if app.queued.is_some() && app.is_news(no_room, no_room.hold()) {
                self.journal(now, Some(&id), None, Event::Held { reason: no_room });
            }
        }
    }
}

impl Waiting {
    fn place(&mut self, id: &AppId, app: &mut App, deadline: Option<Elapsed>, queued: Option<Elapsed>) {
        move_entry(&mut self.deadlines, id, &mut app.deadline, deadline);
        move_entry(&mut self.queue, id, &mut app.queued, queued);
    }
}

/// Moves an app's entry in an index from where `present` says it is to `wanted`.
fn move_entry(
    index: &mut BTreeSet<(Elapsed, AppId)>,
    id: &AppId,
    present: &mut Option<Elapsed>,
    wanted: Option<Elapsed>,
) {
    if *present == wanted {
        return;
    }
    if let Some(at) = *present {
        index.remove(&(at, id.clone()));
    }
    if let Some(at) = wanted {
        index.insert((at, id.clone()));
    }
    *present = wanted;
}

impl Rules {
    fn view<'a>(&'a self, app: &'a App) -> View<'a> {
        View {
            app: &app.record,
            tasks: &app.tasks,
            running: app.wake,
            store_writable: self.store_writable,
            user: &self.user,
            device: self.device,
            settings: &self.settings,
            seed: self.seed,
        }
    }
}

impl App {
    fn new(record: AppRecord, tasks: Vec<TaskRecord>) -> Self {
        Self {
            record,
            tasks,
            wake: None,
            late_answers: 0,
            held: None,
            hold: None,
            came_due: false,
            deadline: None,
            queued: None,
        }
    }

    /// Notes what holds it. Whether the journal must hear of it: if it is not what was noted last.
    fn is_news(&mut self, reason: Reason, hold: Option<Hold>) -> bool {
        self.hold = hold;
        self.held.replace(reason) != Some(reason) && !matches!(reason, Reason::Running { .. })
    }

    /// Notes that `wake` runs it from now on.
    fn occupy(&mut self, wake: WakeId) {
        let reason = Reason::Running { wake };
        self.wake = Some(wake);
        self.held = Some(reason);
        self.hold = reason.hold();
        self.came_due = false;
    }

    fn position(&self, task: &TaskName) -> Result<usize, usize> {
        self.tasks.binary_search_by(|other| other.name.cmp(task))
    }
}

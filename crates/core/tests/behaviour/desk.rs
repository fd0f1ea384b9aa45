//! A desk at which a test plays the host: it says what happens, reads what the scheduler wants, and keeps the store.
//!
//! After every input the desk itself checks what must hold of every life, so each test checks it, whatever else it
//! is about: see [`Desk::check_wake`] and [`Desk::check_rest`].

use crate::store::Store;
use bgfetch_core::{
    AppId, Change, Constraint, Device, Elapsed, Ending, Event, Input, Met, Now, Output, Reason, Refused,
    Registration, Scheduler, Settings, Snapshot, Span, Status, StopReason, TaskName, TaskResult, Verdict,
    WakeId, WakeReason, WakeRecord, Wall,
};
use std::collections::BTreeMap;

pub(crate) const SEED: u64 = 7;

pub(crate) struct Desk {
    pub(crate) scheduler: Scheduler,
    pub(crate) store: Store,
    pub(crate) now: Now,
    pub(crate) device: Device,
    settings: Settings,
    /// Every output ever drained, in order.
    pub(crate) outputs: Vec<Output>,
    /// Where the outputs of the last verb begin.
    fresh: usize,
    /// The reason each app was last held for in the journal, since its last wake.
    held: BTreeMap<AppId, Reason>,
}

pub(crate) fn app(id: &str) -> AppId {
    AppId::parse(id).expect("a test's app id")
}

pub(crate) fn task(name: &str) -> TaskName {
    TaskName::parse(name).expect("a test's task name")
}

pub(crate) fn minutes(count: u64) -> Span {
    Span::from_mins(count)
}

pub(crate) fn registration(name: &str) -> Registration {
    Registration { name: task(name), options: "{}".into(), floor: None, constraints: Vec::new() }
}

pub(crate) fn waiting_for(name: &str, constraint: Constraint) -> Registration {
    Registration { constraints: vec![constraint], ..registration(name) }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let now = Now { elapsed: Elapsed::ZERO, wall: Wall::from_millis(1_700_000_000_000) };
        Self {
            scheduler: Scheduler::new(settings, SEED, Snapshot::default(), now),
            store: Store::default(),
            now,
            device: Device::default(),
            settings,
            outputs: Vec::new(),
            fresh: 0,
            held: BTreeMap::new(),
        }
    }

    /// A desk with apps that each have the task `sync` and an interval of 15 minutes.
    pub(crate) fn with_apps(ids: &[&str]) -> Self {
        Self::with_apps_and(Settings::default(), ids)
    }

    pub(crate) fn with_apps_and(settings: Settings, ids: &[&str]) -> Self {
        let mut desk = Self::with(settings);
        for id in ids {
            desk.seen(id);
            desk.register(id, registration("sync"));
            desk.floor(id, Some(minutes(15)));
        }
        desk
    }

    // What happens.

    /// Feeds one input. What was not taken must have changed nothing.
    pub(crate) fn feed(&mut self, input: Input) -> Result<(), Refused> {
        self.fresh = self.outputs.len();
        let before = self.verdicts();
        let answer = self.scheduler.handle_input(self.now, input);
        self.drain();
        if answer.is_err() {
            assert_eq!(self.verdicts(), before, "a refused input changes nothing");
            assert_eq!(self.outputs.len(), self.fresh, "a refused input has no outputs");
        }
        answer
    }

    /// Feeds an input that must be taken.
    pub(crate) fn say(&mut self, input: Input) {
        self.feed(input).expect("the input is taken");
    }

    pub(crate) fn seen(&mut self, id: &str) {
        self.say(Input::AppSeen { app: app(id), declared: true });
    }

    pub(crate) fn register(&mut self, id: &str, task: Registration) {
        self.say(Input::Registered { app: app(id), task });
    }

    pub(crate) fn unregister(&mut self, id: &str, name: &str) {
        self.say(Input::Unregistered { app: app(id), task: task(name) });
    }

    pub(crate) fn floor(&mut self, id: &str, floor: Option<Span>) {
        self.say(Input::FloorSet { app: app(id), floor });
    }

    pub(crate) fn switch(&mut self, id: &str, on: bool) {
        self.say(Input::AppSwitched { app: app(id), on });
    }

    pub(crate) fn device(&mut self, change: impl FnOnce(&mut Device)) {
        change(&mut self.device);
        self.say(Input::Device(self.device));
    }

    /// Lets time pass as a host does: awake, with a call at every deadline on the way.
    pub(crate) fn advance(&mut self, span: Span) {
        let end = self.now.elapsed.plus(span);
        let fresh = self.outputs.len();
        while let Some(deadline) = self.scheduler.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.pass(deadline.at.since(self.now.elapsed));
            self.deadline_reached();
        }
        self.pass(end.since(self.now.elapsed));
        self.fresh = fresh;
    }

    /// Lets time pass while the machine sleeps: the host is called once, at the end.
    pub(crate) fn suspend(&mut self, span: Span) {
        self.pass(span);
        self.deadline_reached();
    }

    /// Lets time pass and tells nobody.
    pub(crate) fn pass(&mut self, span: Span) {
        self.now = Now { elapsed: self.now.elapsed.plus(span), wall: self.now.wall.plus(span) };
    }

    fn deadline_reached(&mut self) {
        let before = self.verdicts();
        self.say(Input::DeadlineReached);
        for wake in self.wakes() {
            let verdict = &before[&wake.app];
            let in_time = verdict.earliest.is_some_and(|earliest| earliest <= self.now.elapsed);
            assert!(in_time, "{} was woken at {:?} against {verdict:?}", wake.app, self.now);
        }
    }

    pub(crate) fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
        self.say(Input::ClockSet);
    }

    pub(crate) fn answer(&mut self, wake: &WakeRecord, name: &str, result: TaskResult) {
        let (app, task) = (wake.app.clone(), task(name));
        self.say(Input::Answered { app, wake: wake.id, task, result });
    }

    pub(crate) fn end(&mut self, wake: WakeId, ending: Ending) {
        self.say(Input::WakeEnded { wake, ending });
    }

    /// Every task of `wake` answers `result`, and the app goes.
    pub(crate) fn finish(&mut self, wake: &WakeRecord, result: TaskResult) {
        for name in &wake.tasks {
            self.answer(wake, name.as_str(), result);
        }
        self.end(wake.id, Ending::Gone);
    }

    /// The one wake that the last verb began runs to its end.
    pub(crate) fn run(&mut self, result: TaskResult) -> WakeRecord {
        let wake = self.wake();
        self.finish(&wake, result);
        wake
    }

    /// The host dies and another begins from the store; the wakes it finds are lost.
    pub(crate) fn restart(&mut self) {
        let found: Vec<_> = self.store.begun.keys().copied().collect();
        self.begin_again();
        let fresh = self.fresh;
        for wake in found {
            self.end(wake, Ending::Lost);
        }
        self.fresh = fresh;
    }

    /// The host dies with `input` in its hands, after it has performed this many of its outputs.
    pub(crate) fn crash_in(&mut self, input: Input, performed: usize) {
        // Refused or not, the next host knows only what was saved.
        let _ = self.scheduler.handle_input(self.now, input);
        for _ in 0..performed {
            let Some(output) = self.scheduler.poll_output() else { break };
            self.perform(output);
        }
        self.restart();
    }

    pub(crate) fn begin_again(&mut self) {
        self.fresh = self.outputs.len();
        self.held.clear();
        self.scheduler = Scheduler::new(self.settings, SEED, self.store.snapshot(self.device), self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.scheduler.poll_output() {
            self.perform(output);
        }
        self.check_rest();
    }

    fn perform(&mut self, output: Output) {
        match &output {
            Output::Save(change) => {
                self.store.apply(change);
                if let Change::Journal(entry) = change {
                    self.check_held(entry.app.as_ref(), &entry.event);
                }
            }
            Output::Wake(wake) => self.check_wake(wake),
            Output::Settled(_) | Output::Stop { .. } => {}
        }
        self.outputs.push(output);
    }
}

/// What a test reads.
impl Desk {
    /// The wakes that the last verb began.
    pub(crate) fn wakes(&self) -> Vec<WakeRecord> {
        self.wakes_since(self.fresh)
    }

    fn wakes_since(&self, from: usize) -> Vec<WakeRecord> {
        let wake = |output: &Output| if let Output::Wake(wake) = output { Some(wake.clone()) } else { None };
        self.outputs[from..].iter().filter_map(wake).collect()
    }

    /// The one wake that the last verb began.
    pub(crate) fn wake(&self) -> WakeRecord {
        let mut wakes = self.wakes();
        assert_eq!(wakes.len(), 1, "one wake began: {wakes:?}");
        wakes.remove(0)
    }

    /// The wakes that the last verb stopped.
    pub(crate) fn stops(&self) -> Vec<(WakeId, StopReason)> {
        let stop = |output: &Output| match output {
            Output::Stop { wake, reason } => Some((*wake, *reason)),
            _ => None,
        };
        self.outputs[self.fresh..].iter().filter_map(stop).collect()
    }

    /// The journal of the last verb, as a person reads it.
    pub(crate) fn told(&self) -> Vec<String> {
        let text = |output: &Output| match output {
            Output::Save(Change::Journal(entry)) => Some(entry.event.to_string()),
            _ => None,
        };
        self.outputs[self.fresh..].iter().filter_map(text).collect()
    }

    pub(crate) fn verdict(&self, id: &str) -> Verdict {
        self.scheduler.explain(self.now, &app(id)).expect("the app is known")
    }

    pub(crate) fn why(&self, id: &str) -> Reason {
        self.verdict(id).reason
    }

    /// In how long the app can run at the earliest.
    pub(crate) fn earliest_in(&self, id: &str) -> Option<Span> {
        self.verdict(id).earliest.map(|at| at.since(self.now.elapsed))
    }

    pub(crate) fn status(&self, id: &str) -> Status {
        self.scheduler.status(&app(id))
    }

    pub(crate) fn outcome(&self, id: &str) -> String {
        self.verdict(id).last_outcome.map_or_else(|| "-".to_owned(), |outcome| outcome.to_string())
    }

    pub(crate) fn verdicts(&self) -> BTreeMap<AppId, Verdict> {
        let verdict = |id: &AppId| self.scheduler.explain(self.now, id).expect("the app is known");
        self.scheduler.apps().map(|record| (record.id.clone(), verdict(&record.id))).collect()
    }

    fn passed(&self, since: Elapsed, floor: Span) -> bool {
        self.now.elapsed.since(since) >= floor
    }
}

/// What must hold of every life.
impl Desk {
    /// What allows a wake, told from the store alone: never before a floor, never against a person, never with a
    /// condition unmet.
    fn check_wake(&self, wake: &WakeRecord) {
        assert_eq!(self.store.begun.get(&wake.id), Some(wake), "a wake is durable before it begins");
        assert!(self.store.begun.len() <= self.settings.wakes_max as usize, "too many wakes at a time");
        let (record, tasks) = &self.store.apps[&wake.app];
        let user = &self.store.user;
        assert!(record.declared && record.switched_on && !record.force_quit && !record.leaving, "{record:?}");
        assert!(user.switched_on && !user.restricted, "{user:?}");
        let paused =
            record.paused_until.into_iter().chain(user.paused_until).any(|until| until > self.now.wall);
        assert!(!paused, "{} was woken in its pause", wake.app);
        assert!(!wake.tasks.is_empty());
        for name in &wake.tasks {
            let task = &tasks[name];
            assert!(!task.orphan, "{task:?} is an orphan");
            let unmet = task.constraints.iter().find(|wanted| self.device.meets(**wanted) != Met::Yes);
            assert_eq!(unmet, None, "{task:?} on {:?}", self.device);
            if wake.reason == WakeReason::Simulated {
                continue;
            }
            let factor = [1, 2, 4, 8][record.overruns.min(3) as usize];
            let of_app = record.floor.map(|floor| (record.last_begun, floor));
            let of_task = task.floor.map(|floor| (task.last_begun, floor));
            assert!(of_app.or(of_task).is_some(), "the default is never: {record:?} {task:?}");
            for (last_begun, floor) in of_app.into_iter().chain(of_task) {
                let since = last_begun.unwrap_or_default().max(task.registered);
                assert!(self.passed(since, floor.times(factor)), "{record:?} {task:?} at {:?}", self.now);
            }
            assert!(record.back_off_until.is_none_or(|until| until <= self.now.elapsed), "{record:?}");
        }
    }

    /// Between two inputs every app is explained, nothing waits that could start, and the host is called neither
    /// at once again nor too late.
    fn check_rest(&self) {
        let timeout = self.scheduler.poll_timeout();
        if let Some(deadline) = &timeout {
            assert!(
                deadline.at > self.now.elapsed,
                "a deadline that is not ahead: {deadline:?} at {:?}",
                self.now
            );
            let explained = self.scheduler.explain(self.now, &deadline.app).map(|verdict| verdict.reason);
            assert_eq!(explained, Some(deadline.reason), "a deadline's reason is its app's");
        }
        let running: Vec<_> = self.scheduler.running().map(|run| run.id).collect();
        assert!(running.iter().eq(self.store.begun.keys()), "what runs is what the store has begun");
        for (id, verdict) in self.verdicts() {
            assert_ne!(verdict.reason, Reason::Ready, "{id} could start and did not");
            let begun = self.store.begun.values().find(|wake| wake.app == id).map(|wake| wake.id);
            let runs = if let Reason::Running { wake } = verdict.reason { Some(wake) } else { None };
            assert_eq!(runs, begun, "{id} runs, or is explained as running, but not both");
            if let Some(earliest) = verdict.earliest {
                let called = timeout.as_ref().is_some_and(|deadline| deadline.at <= earliest);
                assert!(called, "{id} can run at {earliest:?}, and the host is called at {timeout:?}");
            }
        }
    }

    /// No app is told the same reason twice in a row without a wake between.
    fn check_held(&mut self, id: Option<&AppId>, event: &Event) {
        let Some(id) = id else { return };
        match event {
            Event::Held { reason } => {
                let before = self.held.insert(id.clone(), *reason);
                assert_ne!(before, Some(*reason), "{id} is told twice");
            }
            Event::Begun { .. } | Event::Removed => {
                self.held.remove(id);
            }
            _ => {}
        }
    }
}

//! Wakes: begun, answered, ended, and what their outcome teaches.

use super::{App, Phase, Run, Scheduler};
use crate::gates::{self, Judgement};
use crate::io::{Change, Output, Refused, WakeEnded};
use crate::journal::{Entry, Event};
use crate::name::{AppId, TaskName};
use crate::outcome::{Ending, Outcome, TaskResult, WakeId};
use crate::policy::back_off;
use crate::reason::{Hold, Reason, StopReason, WakeReason};
use crate::record::WakeRecord;
use crate::time::{Elapsed, Now, Span};
use crate::verdict::Progress;

/// A wake that starts this much later than it was due, with nothing else to blame, was held by an absence: the host
/// was not running, or the machine slept. Timers alone are never this late.
const ABSENCE_MIN: Span = Span::from_secs(10);

/// How many answers that nobody waits for are written down between two wakes of an app; a flood of them must not push
/// the rest of its history out of the journal.
const LATE_ANSWERS_MAX: u32 = 8;

impl Scheduler {
    /// Wakes the first app of the queue, unless something changed while it stood there.
    pub(super) fn start_if_open(&mut self, now: Now, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else { return };
        app.queued = None;
        let view = self.rules.view(app);
        let (due, floor) = match gates::judge(&view, now) {
            Judgement::Open { due, floor } => (due, floor),
            Judgement::Held { .. } => return self.rejudge(now, id),
        };
        let open = app.tasks.iter().filter(|task| gates::is_open(&view, task, now));
        let tasks = open.map(|task| task.name.clone()).collect();
        let late = app.late(due, now);
        let reason = why_now(app.hold, app.record.failures, late);
        let missed = late.as_millis() / floor.as_millis().max(1);
        self.begin(now, id, tasks, reason, missed);
    }

    pub(super) fn fetch_requested(&mut self, now: Now, id: &AppId) -> Result<(), Refused> {
        self.known(id)?;
        let app = &self.apps[id];
        let no_room = self.is_full().then(|| self.no_room());
        if let Some(reason) = gates::against_simulated(&self.rules.view(app), now).or(no_room) {
            return Err(Refused::Held { app: id.clone(), reason });
        }
        let defined = app.tasks.iter().filter(|task| !task.orphan);
        let tasks = defined.map(|task| task.name.clone()).collect();
        self.begin(now, id, tasks, WakeReason::Simulated, 0);
        Ok(())
    }

    fn begin(&mut self, now: Now, id: &AppId, tasks: Vec<TaskName>, reason: WakeReason, missed: u64) {
        let wake = self.next_wake;
        self.next_wake = WakeId(wake.0 + 1);
        let record = WakeRecord { id: wake, app: id.clone(), tasks, reason, missed, begun: now };
        if let Some(app) = self.apps.get_mut(id) {
            self.waiting.place(id, app, None, None);
            app.occupy(wake);
            app.late_answers = 0;
        }
        self.save(Change::WakeBegun(record.clone()));
        let event = Event::Begun { tasks: record.tasks.clone(), reason, missed };
        self.journal(now, Some(id), Some(wake), event);
        self.outputs.push_back(Output::Wake(record.clone()));
        self.running.insert(wake, Run::new(record, Phase::Running));
    }

    pub(super) fn still_running(
        &mut self,
        wake: WakeId,
        results: Vec<(TaskName, TaskResult)>,
        stopping: Option<StopReason>,
    ) {
        let Some(run) = self.running.get_mut(&wake) else { return };
        run.results = results;
        run.phase = match stopping {
            Some(reason) => Phase::Stopping(reason),
            None if run.progress().awaited.is_empty() => Phase::Settled,
            None => Phase::Running,
        };
        self.touched.insert(run.record.app.clone());
    }

    pub(super) fn answered(
        &mut self,
        now: Now,
        id: &AppId,
        wake: WakeId,
        task: TaskName,
        result: TaskResult,
    ) {
        let running = self.running.get_mut(&wake).filter(|run| run.record.app == *id);
        let Some(run) = running.filter(|run| run.is_awaited(&task)) else {
            self.late_answer(now, id, wake, task, result);
            return;
        };
        run.results.push((task, result));
        if run.results.len() == run.record.tasks.len() {
            run.phase = Phase::Settled;
            self.outputs.push_back(Output::Settled(wake));
        }
    }

    fn late_answer(&mut self, now: Now, id: &AppId, wake: WakeId, task: TaskName, result: TaskResult) {
        let Some(app) = self.apps.get_mut(id) else { return };
        app.late_answers = app.late_answers.saturating_add(1);
        if app.late_answers <= LATE_ANSWERS_MAX {
            self.journal(now, Some(id), Some(wake), Event::LateAnswer { task, result });
        }
    }

    pub(super) fn wake_ended(&mut self, now: Now, wake: WakeId, ending: Ending) {
        let Some(mut run) = self.running.remove(&wake) else { return };
        for task in run.progress().awaited {
            run.results.push((task, TaskResult::Unanswered));
        }
        run.results.sort_by(|a, b| a.0.cmp(&b.0));
        let stop = if let Phase::Stopping(reason) = run.phase { Some(reason) } else { None };
        let outcome = Outcome::of(ending, stop, &run.results);
        let id = run.record.app.clone();
        for (task, result) in &run.results {
            let event = Event::Answered { task: task.clone(), result: *result };
            self.journal(now, Some(&id), Some(wake), event);
        }
        // The end is saved after what it taught: a crash between the two leaves a wake that is found begun and lost,
        // never one that ended and taught nothing, whose app would run again before its floor.
        let leaving = self.learn(now, &run, outcome);
        let (results, ended) = (run.results, now.elapsed);
        self.save(Change::WakeEnded(WakeEnded { id: wake, app: id.clone(), outcome, results, ended }));
        let took = now.elapsed.since(run.record.begun.elapsed);
        self.journal(now, Some(&id), Some(wake), Event::Ended { outcome, took });
        if leaving {
            self.forget(now, &id);
        }
        self.touched.insert(id);
    }

    /// Lets the outcome move the app's next wake, and saves what it taught. Whether the app waits only to be dropped.
    fn learn(&mut self, now: Now, run: &Run, outcome: Outcome) -> bool {
        let (settings, seed, id) = (self.rules.settings, self.rules.seed, &run.record.app);
        let Some(app) = self.apps.get_mut(id) else { return false };
        app.wake = None;
        app.record.last_outcome = Some(outcome);
        if run.teaches(outcome) {
            app.record.last_begun = Some(run.record.begun.elapsed);
            app.record.failures =
                if outcome.is_failure() { app.record.failures.saturating_add(1) } else { 0 };
            app.record.overruns =
                if outcome.is_overrun() { app.record.overruns.saturating_add(1) } else { 0 };
            app.record.back_off_until = outcome
                .is_failure()
                .then(|| now.elapsed.plus(back_off::wait(&settings, seed, id, app.record.failures)));
        }
        let leaving = app.record.leaving;
        self.outputs.push_back(Output::Save(Change::App(app.record.clone())));
        for (name, result) in &run.results {
            // Unregistered while it ran: its answer is in the journal, and there is nothing left to teach.
            let Ok(at) = app.position(name) else { continue };
            let task = &mut app.tasks[at];
            let was_orphan = task.orphan;
            match result {
                TaskResult::Undefined => task.orphan = true,
                TaskResult::NoData | TaskResult::NewData | TaskResult::Failed => task.orphan = false,
                TaskResult::Unanswered => {}
            }
            if run.teaches(outcome) {
                task.last_begun = Some(run.record.begun.elapsed);
            }
            self.outputs.push_back(Output::Save(Change::Task(id.clone(), task.clone())));
            let event = match (was_orphan, task.orphan) {
                (false, true) => Event::Orphaned { task: name.clone() },
                (true, false) => Event::DefinedAgain { task: name.clone() },
                (false, false) | (true, true) => continue,
            };
            let entry = Entry { at: now, app: Some(id.clone()), wake: Some(run.record.id), event };
            self.outputs.push_back(Output::Save(Change::Journal(entry)));
        }
        leaving
    }
}

impl Run {
    pub(super) fn new(record: WakeRecord, phase: Phase) -> Self {
        Self { record, results: Vec::new(), phase }
    }

    pub(super) fn is_awaited(&self, task: &TaskName) -> bool {
        self.record.tasks.contains(task) && self.results.iter().all(|(answered, _)| answered != task)
    }

    pub(super) fn progress(&self) -> Progress {
        let awaited = self.record.tasks.iter().filter(|task| self.is_awaited(task));
        Progress { id: self.record.id, awaited: awaited.cloned().collect() }
    }

    /// Whether the outcome moves the schedule. A simulated fetch is a person's doing; a stopped wake did not get to
    /// do its work, so its tasks stay due.
    fn teaches(&self, outcome: Outcome) -> bool {
        self.record.reason != WakeReason::Simulated && !matches!(outcome, Outcome::Stopped(_))
    }
}

impl App {
    /// How long it has been held since it was `due`.
    ///
    /// A shorter interval, or a task defined again, makes an app due in the past that nothing held since: it is not
    /// late, and has missed nothing.
    fn late(&self, due: Elapsed, now: Now) -> Span {
        let by_new_rule = self.held.is_some() && self.hold.is_none() && !self.came_due;
        // Its own wake ended only now: nothing else held it.
        let by_own_wake = matches!(self.held, Some(Reason::Running { .. }));
        if by_new_rule || by_own_wake { Span::ZERO } else { now.elapsed.since(due) }
    }
}

/// Why a wake starts now, told from what held a due task last, and how late it is.
fn why_now(hold: Option<Hold>, failures: u32, late: Span) -> WakeReason {
    if let Some(held) = hold {
        return WakeReason::Released { held };
    }
    if late >= ABSENCE_MIN {
        return WakeReason::Released { held: Hold::Absence };
    }
    match failures {
        0 => WakeReason::Due,
        failures => WakeReason::Retry { failures },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_start_with_nothing_to_blame_is_an_absence() {
        let (prompt, late) = (Span::from_millis(10), Span::from_secs(10));
        assert_eq!(why_now(None, 0, prompt), WakeReason::Due);
        assert_eq!(why_now(None, 2, prompt), WakeReason::Retry { failures: 2 });
        assert_eq!(why_now(None, 0, late), WakeReason::Released { held: Hold::Absence });
        assert_eq!(why_now(Some(Hold::User), 0, late), WakeReason::Released { held: Hold::User });
    }
}

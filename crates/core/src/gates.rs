//! The gates between a registration and a wake, in the one order in which they are asked.
//!
//! The decision and `explain` both come from [`judge`]; there is no second logic. The first gate that holds gives the
//! reason. First what runs already, then what a person or a policy said, then time, then the machine's condition,
//! then worth; room among the other wakes is asked last, by the scheduler, since it is nobody's property.

use crate::device::{Device, Met};
use crate::policy::{back_off, worth};
use crate::reason::{Hold, Reason};
use crate::record::{AppRecord, TaskRecord, UserRecord};
use crate::settings::Settings;
use crate::time::{Elapsed, Now, Span};

/// Everything a judgement may look at.
pub(crate) struct View<'a> {
    pub(crate) app: &'a AppRecord,
    pub(crate) tasks: &'a [TaskRecord],
    pub(crate) running: Option<crate::outcome::WakeId>,
    pub(crate) store_writable: bool,
    pub(crate) user: &'a UserRecord,
    pub(crate) device: Device,
    pub(crate) settings: &'a Settings,
    pub(crate) seed: u64,
}

/// What the gates say of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// At least one task may run. It was due since this point, and its interval is this long.
    Open { due: Elapsed, floor: Span },
    /// None may, for this reason, at least until this point; without one, until something changes.
    Held { reason: Reason, until: Option<Elapsed> },
}

/// Judges the app as a whole: open if any task is, else held by what holds its soonest task.
pub(crate) fn judge(view: &View<'_>, now: Now) -> Judgement {
    if let Some(wake) = view.running {
        return Judgement::Held { reason: Reason::Running { wake }, until: None };
    }
    if let Some((reason, until)) = person(view, now) {
        return Judgement::Held { reason, until };
    }
    if let Some(held) = back_off(view, now) {
        return held;
    }
    let mut soonest: Option<Judgement> = None;
    for task in view.tasks {
        let judgement = time_and_machine(view, task, now);
        soonest = Some(soonest.map_or(judgement, |other| sooner(other, judgement)));
    }
    soonest.unwrap_or(Judgement::Held { reason: Reason::NoTasks, until: None })
}

/// Judges one task by every gate: those of the app, then its own.
pub(crate) fn judge_task(view: &View<'_>, task: &TaskRecord, now: Now) -> Judgement {
    judge(&View { tasks: core::slice::from_ref(task), ..*view }, now)
}

/// Whether `task` is open as far as time and the machine go.
pub(crate) fn is_open(view: &View<'_>, task: &TaskRecord, now: Now) -> bool {
    matches!(time_and_machine(view, task, now), Judgement::Open { .. })
}

/// What stands in the way of a simulated fetch: everything but time, and time's penalties.
pub(crate) fn against_simulated(view: &View<'_>, now: Now) -> Option<Reason> {
    let app_wide = person(view, now).map(|(reason, _)| reason);
    let running = view.running.map(|wake| Reason::Running { wake });
    let orphaned = view.tasks.iter().all(|task| task.orphan).then_some(Reason::Orphaned);
    let mut defined = view.tasks.iter().filter(|task| !task.orphan);
    running.or(app_wide).or(orphaned).or_else(|| defined.find_map(|task| unmet(view.device, task)))
}

/// What holds a task of the app that is due, where the app as a whole is held by `reason`. That reason is its soonest
/// task's, which may wait for nothing but time while another one is due and waits for the machine.
pub(crate) fn hold(view: &View<'_>, reason: Reason, now: Now) -> Option<Hold> {
    let waits_for_machine = |task| match time_and_machine(view, task, now) {
        Judgement::Held { reason, .. } => reason.hold() == Some(Hold::Constraint),
        Judgement::Open { .. } => false,
    };
    let another = || view.tasks.len() > 1 && view.tasks.iter().any(waits_for_machine);
    reason.hold().or_else(|| another().then_some(Hold::Constraint))
}

/// Why a wake that runs must not go on.
pub(crate) fn against_running(view: &View<'_>, now: Now) -> Option<Reason> {
    let reason = person(view, now)?.0;
    match reason {
        // What an app may not begin in these states it may still finish.
        Reason::NoTasks | Reason::NotDeclared | Reason::Paused { .. } | Reason::StoreUnwritable => None,
        other => Some(other),
    }
}

/// What the user, the policy or the manifest says; the same for every task of an app.
fn person(view: &View<'_>, now: Now) -> Option<(Reason, Option<Elapsed>)> {
    let AppRecord { declared, switched_on, paused_until, force_quit, leaving, .. } = view.app;
    let for_good = |reason| Some((reason, None));
    if *leaving {
        return for_good(Reason::Leaving);
    }
    if !view.store_writable {
        return for_good(Reason::StoreUnwritable);
    }
    if view.user.restricted {
        return for_good(Reason::Restricted);
    }
    if !view.user.switched_on {
        return for_good(Reason::SystemOff);
    }
    if !switched_on {
        return for_good(Reason::AppOff);
    }
    if *force_quit {
        return for_good(Reason::ForceQuit);
    }
    if view.tasks.is_empty() {
        return for_good(Reason::NoTasks);
    }
    if !declared {
        return for_good(Reason::NotDeclared);
    }
    let until = paused_until.iter().chain(&view.user.paused_until).max()?;
    (*until > now.wall).then(|| (Reason::Paused { until: *until }, Some(now.elapsed_at(*until))))
}

fn back_off(view: &View<'_>, now: Now) -> Option<Judgement> {
    let until = view.app.back_off_until.filter(|until| *until > now.elapsed)?;
    // The floor may hold for longer than the back-off; then the floor is what a person should read.
    let defined = view.tasks.iter().filter(|task| !task.orphan);
    let floor_until = defined.filter_map(|task| due(view, task)).map(|(due, _)| due).min();
    if floor_until.is_none_or(|floor| floor > until) {
        return None;
    }
    let failures = view.app.failures;
    let wait = back_off::wait(view.settings, view.seed, &view.app.id, failures);
    Some(Judgement::Held { reason: Reason::BackOff { failures, wait }, until: Some(until) })
}

fn time_and_machine(view: &View<'_>, task: &TaskRecord, now: Now) -> Judgement {
    if task.orphan {
        return Judgement::Held { reason: Reason::Orphaned, until: None };
    }
    let Some((floor_due, floor)) = due(view, task) else {
        return Judgement::Held { reason: Reason::NoInterval, until: None };
    };
    let due = worth::not_before(view.app, task, floor_due.max(view.app.back_off_until.unwrap_or_default()));
    if due > now.elapsed {
        let reason = match back_off::penalty_factor(view.app.overruns) {
            1 => Reason::Floor { floor },
            factor => Reason::Penalty { floor, factor },
        };
        return Judgement::Held { reason, until: Some(due) };
    }
    match unmet(view.device, task) {
        Some(reason) => Judgement::Held { reason, until: None },
        None => Judgement::Open { due, floor },
    }
}

/// When the floors of `task` have passed, and the longer of the two; none if neither it nor its app has one.
fn due(view: &View<'_>, task: &TaskRecord) -> Option<(Elapsed, Span)> {
    let factor = u64::from(back_off::penalty_factor(view.app.overruns));
    let of_app = view.app.floor.map(|floor| {
        let from = view.app.last_begun.unwrap_or_default().max(task.registered);
        (from.plus(floor.times(factor)), floor)
    });
    let of_task = task.floor.map(|floor| {
        let from = task.last_begun.unwrap_or_default().max(task.registered);
        (from.plus(floor.times(factor)), floor)
    });
    of_app.into_iter().chain(of_task).max()
}

/// The first condition of `task` that does not hold, or that nothing tells of.
pub(crate) fn unmet(device: Device, task: &TaskRecord) -> Option<Reason> {
    task.constraints.iter().find_map(|&constraint| match device.meets(constraint) {
        Met::Yes => None,
        Met::No => Some(Reason::Unmet { constraint }),
        Met::Unknown => Some(Reason::Unsensed { constraint }),
    })
}

/// Of two tasks' judgements the one that lets the app run earlier; the first of two alike.
fn sooner(first: Judgement, second: Judgement) -> Judgement {
    let rank = |judgement: &Judgement| match judgement {
        Judgement::Open { due, .. } => (0, *due),
        Judgement::Held { until: Some(until), .. } => (1, *until),
        // Due, and waiting for the machine: nearer to running than what no change of the machine would start.
        Judgement::Held { reason: Reason::Unmet { .. } | Reason::Unsensed { .. }, until: None } => {
            (2, Elapsed::ZERO)
        }
        Judgement::Held { reason: Reason::NoInterval, until: None } => (3, Elapsed::ZERO),
        Judgement::Held { until: None, .. } => (4, Elapsed::ZERO),
    };
    if rank(&second) < rank(&first) { second } else { first }
}

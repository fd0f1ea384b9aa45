//! What the store's tests share: values of every shape, and a store in a directory of its own.

use bgfetch_core::{
    AppId, AppRecord, Change, Constraint, Elapsed, Entry, Event, Now, Outcome, Span, TaskName, TaskRecord,
    TaskResult, WakeEnded, WakeId, WakeReason, WakeRecord, Wall,
};
use bgfetch_host::store::{ClockRow, Keep, Store, Write};
use std::path::Path;

/// A bound that no test reaches unless it wants to.
pub(crate) const KEEP: Keep =
    Keep { journal_age: Span::from_hours(24), journal_rows_per_app: 10_000, outputs_per_app: 100 };

pub(crate) fn open(directory: &Path) -> Store {
    Store::open(directory, KEEP).expect("the store opens")
}

pub(crate) fn app_id(text: &str) -> AppId {
    AppId::parse(text).expect("an app's id")
}

pub(crate) fn task_name(text: &str) -> TaskName {
    TaskName::parse(text).expect("a task's name")
}

pub(crate) fn now(elapsed_ms: u64) -> Now {
    let wall = Wall::from_millis(1_700_000_000_000).plus(Span::from_millis(elapsed_ms));
    Now { elapsed: Elapsed::from_millis(elapsed_ms), wall }
}

/// An app with something in every column.
pub(crate) fn full_app(id: &str) -> AppRecord {
    AppRecord {
        floor: Some(Span::from_mins(15)),
        paused_until: Some(Wall::from_millis(-5)),
        force_quit: true,
        failures: u32::MAX,
        overruns: 3,
        back_off_until: Some(Elapsed::from_millis(77)),
        last_begun: Some(Elapsed::from_millis(66)),
        last_outcome: Some(Outcome::NotStarted(bgfetch_core::Stage::Load)),
        leaving: true,
        switched_on: false,
        ..AppRecord::new(app_id(id), true)
    }
}

/// A task with something in every column.
pub(crate) fn full_task(name: &str) -> TaskRecord {
    TaskRecord {
        name: task_name(name),
        options: r#"{"a":[1,2.5,"ü"],"b":{}}"#.into(),
        floor: Some(Span::from_secs(90)),
        constraints: vec![Constraint::ExternalPower, Constraint::Idle],
        registered: Elapsed::from_millis(12),
        last_begun: Some(Elapsed::from_millis(34)),
        orphan: true,
    }
}

pub(crate) fn wake(id: u64, app: &str, begun_ms: u64) -> WakeRecord {
    WakeRecord {
        id: WakeId(id),
        app: app_id(app),
        tasks: vec![task_name("mail"), task_name("sync")],
        reason: WakeReason::Retry { failures: 2 },
        missed: 4,
        begun: now(begun_ms),
    }
}

pub(crate) fn ended(id: u64, app: &str, ended_ms: u64) -> WakeEnded {
    WakeEnded {
        id: WakeId(id),
        app: app_id(app),
        outcome: Outcome::Stopped(bgfetch_core::StopReason::Constraint(Constraint::Idle)),
        results: vec![(task_name("mail"), TaskResult::NewData), (task_name("sync"), TaskResult::Unanswered)],
        ended: Elapsed::from_millis(ended_ms),
    }
}

pub(crate) fn entry(app: Option<&str>, at_ms: u64, event: Event) -> Entry {
    Entry { at: now(at_ms), app: app.map(app_id), wake: None, event }
}

pub(crate) fn clock(elapsed_ms: u64) -> Write {
    let Now { elapsed, wall } = now(elapsed_ms);
    Write::Clock(ClockRow { boot_id: "boot".to_owned(), boot_ms: elapsed_ms, elapsed, wall })
}

pub(crate) fn change(change: Change) -> Write {
    Write::Change(change)
}

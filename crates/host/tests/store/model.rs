//! Whatever changes come, in whatever order and batches: the store holds what a model too simple to be wrong holds,
//! refuses what the model refuses, and gives the same again after it was closed.

use crate::support::{app_id, now, open, task_name};
use bgfetch_core::{
    AppId, AppRecord, Change, Constraint, Elapsed, Outcome, Snapshot, Span, Stage, StopReason, TaskName,
    TaskRecord, TaskResult, UserRecord, WakeEnded, WakeId, WakeReason, WakeRecord, Wall,
};
use bgfetch_host::store::{ClockRow, Write};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What is kept, as maps.
#[derive(Clone, Debug)]
struct Model {
    apps: BTreeMap<AppId, (AppRecord, BTreeMap<TaskName, TaskRecord>)>,
    user: UserRecord,
    begun: BTreeMap<WakeId, WakeRecord>,
    next_wake: u64,
    clock: Option<ClockRow>,
}

/// The change breaks a rule of the life cycle.
#[derive(Debug)]
struct Refused;

impl Model {
    fn new() -> Self {
        Self {
            apps: BTreeMap::new(),
            user: UserRecord::default(),
            begun: BTreeMap::new(),
            next_wake: 1,
            clock: None,
        }
    }

    fn apply(&mut self, write: &Write) -> Result<(), Refused> {
        match write {
            Write::Change(Change::App(app)) => {
                self.apps.entry(app.id.clone()).or_insert_with(|| (app.clone(), BTreeMap::new())).0 =
                    app.clone();
            }
            Write::Change(Change::AppRemoved(app)) => {
                if self.is_woken(app) {
                    return Err(Refused);
                }
                self.apps.remove(app);
            }
            Write::Change(Change::Task(app, task)) => {
                let (_, tasks) = self.apps.get_mut(app).ok_or(Refused)?;
                tasks.insert(task.name.clone(), task.clone());
            }
            Write::Change(Change::TaskRemoved(app, task)) => {
                self.apps.get_mut(app).map(|(_, tasks)| tasks.remove(task));
            }
            Write::Change(Change::User(user)) => self.user = user.clone(),
            Write::Change(Change::WakeBegun(wake)) => {
                if wake.id.0 < self.next_wake
                    || self.is_woken(&wake.app)
                    || !self.apps.contains_key(&wake.app)
                {
                    return Err(Refused);
                }
                self.next_wake = wake.id.0 + 1;
                self.begun.insert(wake.id, wake.clone());
            }
            Write::Change(Change::WakeEnded(wake)) => {
                let begun = self.begun.get(&wake.id).filter(|begun| begun.app == wake.app).ok_or(Refused)?;
                if wake.ended < begun.begun.elapsed {
                    return Err(Refused);
                }
                self.begun.remove(&wake.id);
            }
            Write::Clock(clock) => self.clock = Some(clock.clone()),
            other => unreachable!("{other:?} is not made here"),
        }
        Ok(())
    }

    fn is_woken(&self, app: &AppId) -> bool {
        self.begun.values().any(|wake| wake.app == *app)
    }

    fn snapshot(&self) -> Snapshot {
        let apps = self.apps.values();
        Snapshot {
            apps: apps.map(|(app, tasks)| (app.clone(), tasks.values().cloned().collect())).collect(),
            user: self.user.clone(),
            begun: self.begun.values().cloned().collect(),
            next_wake: WakeId(self.next_wake),
            ..Snapshot::default()
        }
    }
}

/// As far as the store's numbers reach; the ends come often.
fn milliseconds() -> impl Strategy<Value = u64> {
    const LAST: u64 = i64::MAX.unsigned_abs();
    prop_oneof![Just(0), Just(LAST), 0..100_000_u64, 0..=LAST]
}

fn elapsed() -> impl Strategy<Value = Elapsed> {
    milliseconds().prop_map(Elapsed::from_millis)
}

fn span() -> impl Strategy<Value = Span> {
    milliseconds().prop_map(Span::from_millis)
}

fn wall() -> impl Strategy<Value = Wall> {
    any::<i64>().prop_map(Wall::from_millis)
}

fn app_ids() -> impl Strategy<Value = AppId> {
    (0..3_usize).prop_map(|i| app_id(["com.example.reader", "me.mail", "a.b"][i]))
}

fn task_names() -> impl Strategy<Value = TaskName> {
    (0..3_usize).prop_map(|i| task_name(["sync", "ma tâche", "'; --"][i]))
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let all = [
        Outcome::NewData,
        Outcome::NoData,
        Outcome::Failed,
        Outcome::Expired,
        Outcome::Killed,
        Outcome::Crashed,
        Outcome::Lost,
        Outcome::NotStarted(Stage::Contain),
        Outcome::Stopped(StopReason::Removed),
        Outcome::Stopped(StopReason::Constraint(Constraint::UnmeteredNetwork)),
    ];
    proptest::sample::select(all.to_vec())
}

fn apps() -> impl Strategy<Value = AppRecord> {
    let facts = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let counts = (any::<u32>(), any::<u32>());
    let times = (option::of(span()), option::of(wall()), option::of(elapsed()), option::of(elapsed()));
    (app_ids(), facts, counts, times, option::of(outcomes())).prop_map(
        |(id, (declared, switched_on, force_quit, leaving), (failures, overruns), times, last_outcome)| {
            let (floor, paused_until, back_off_until, last_begun) = times;
            AppRecord {
                id,
                declared,
                floor,
                switched_on,
                paused_until,
                force_quit,
                failures,
                overruns,
                back_off_until,
                last_begun,
                last_outcome,
                leaving,
            }
        },
    )
}

fn tasks() -> impl Strategy<Value = TaskRecord> {
    let constraints = [Constraint::ExternalPower, Constraint::AnyNetwork, Constraint::UnmeteredNetwork];
    let constraints = proptest::sample::subsequence(constraints.to_vec(), 0..=3);
    let options = proptest::sample::select(vec!["{}", r#"{"a":null}"#, r#"{"ü":[1.5e300,"\u0000\n"]}"#]);
    let times = (option::of(span()), elapsed(), option::of(elapsed()));
    (task_names(), options, constraints, times, any::<bool>()).prop_map(
        |(name, options, constraints, (floor, registered, last_begun), orphan)| TaskRecord {
            name,
            options: options.into(),
            floor,
            constraints,
            registered,
            last_begun,
            orphan,
        },
    )
}

fn wakes() -> impl Strategy<Value = WakeRecord> {
    let reasons = [WakeReason::Due, WakeReason::Simulated, WakeReason::Retry { failures: 9 }];
    let reasons = proptest::sample::select(reasons.to_vec());
    (1..12_u64, app_ids(), vec(task_names(), 0..3), reasons, milliseconds(), 0..50_u64).prop_map(
        |(id, app, tasks, reason, missed, at)| WakeRecord {
            id: WakeId(id),
            app,
            tasks,
            reason,
            missed,
            begun: now(at),
        },
    )
}

fn ends() -> impl Strategy<Value = WakeEnded> {
    use TaskResult::{Failed, NewData, NoData, Unanswered, Undefined};
    let results = proptest::sample::select(vec![Failed, NewData, NoData, Unanswered, Undefined]);
    (1..12_u64, app_ids(), outcomes(), vec((task_names(), results), 0..3), 0..100_u64).prop_map(
        |(id, app, outcome, results, at)| WakeEnded {
            id: WakeId(id),
            app,
            outcome,
            results,
            ended: Elapsed::from_millis(at),
        },
    )
}

fn writes() -> impl Strategy<Value = Write> {
    let user = (any::<bool>(), any::<bool>(), option::of(wall())).prop_map(
        |(switched_on, restricted, paused_until)| UserRecord { switched_on, restricted, paused_until },
    );
    let clock = ("[0-9a-f]{0,8}", milliseconds(), elapsed(), wall())
        .prop_map(|(boot_id, boot_ms, elapsed, wall)| ClockRow { boot_id, boot_ms, elapsed, wall });
    prop_oneof![
        4 => apps().prop_map(|app| Write::Change(Change::App(app))),
        1 => app_ids().prop_map(|app| Write::Change(Change::AppRemoved(app))),
        4 => (app_ids(), tasks()).prop_map(|(app, task)| Write::Change(Change::Task(app, task))),
        1 => (app_ids(), task_names()).prop_map(|(app, task)| Write::Change(Change::TaskRemoved(app, task))),
        1 => user.prop_map(|user| Write::Change(Change::User(user))),
        3 => wakes().prop_map(|wake| Write::Change(Change::WakeBegun(wake))),
        3 => ends().prop_map(|wake| Write::Change(Change::WakeEnded(wake))),
        1 => clock.prop_map(Write::Clock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_what_the_model_holds(batches in vec(vec(writes(), 1..5), 1..40)) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = open(directory.path());
        let mut model = Model::new();
        for batch in &batches {
            let mut next = model.clone();
            let allowed = batch.iter().try_for_each(|write| next.apply(write));
            let committed = store.commit(batch);
            prop_assert_eq!(allowed.is_ok(), committed.is_ok(), "{:?}: {:?} but {:?}", batch, allowed, committed);
            if allowed.is_ok() {
                model = next;
            }
            prop_assert_eq!(store.load().expect("it loads"), model.snapshot());
        }
        drop(store);
        let store = open(directory.path());
        prop_assert_eq!(store.load().expect("it loads"), model.snapshot());
        prop_assert_eq!(store.clock().expect("it reads"), model.clock);
        store.check().expect("it is sound");
    }
}

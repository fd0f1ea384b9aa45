//! The smallest store there is: it applies every change to a snapshot, and keeps the life cycle as a real one must.

use bgfetch_core::{
    AppId, AppRecord, Change, Device, Entry, Outcome, Snapshot, TaskName, TaskRecord, UserRecord, WakeId,
    WakeRecord,
};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) apps: BTreeMap<AppId, (AppRecord, BTreeMap<TaskName, TaskRecord>)>,
    pub(crate) user: UserRecord,
    pub(crate) begun: BTreeMap<WakeId, WakeRecord>,
    pub(crate) ended: BTreeMap<WakeId, Outcome>,
    pub(crate) journal: Vec<Entry>,
    /// Whether the next host can write it.
    pub(crate) writable: bool,
    wakes: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            user: UserRecord::default(),
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
            journal: Vec::new(),
            writable: true,
            wakes: 0,
        }
    }
}

impl Store {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::App(record) => {
                let app = self.apps.entry(record.id.clone());
                app.or_insert_with(|| (record.clone(), BTreeMap::new())).0 = record.clone();
            }
            Change::AppRemoved(app) => {
                self.apps.remove(app).expect("an app is removed once");
            }
            Change::Task(app, task) => {
                let app = self.apps.get_mut(app).expect("a task has an app");
                app.1.insert(task.name.clone(), task.clone());
            }
            Change::TaskRemoved(app, task) => {
                let app = self.apps.get_mut(app).expect("a task has an app");
                app.1.remove(task).expect("a task is removed once");
            }
            Change::User(record) => self.user = record.clone(),
            Change::WakeBegun(wake) => {
                assert_eq!(wake.id.0, self.wakes + 1, "the numbers of wakes rise one by one");
                assert!(self.apps.contains_key(&wake.app), "a wake has an app");
                let double = self.begun.values().find(|other| other.app == wake.app);
                assert_eq!(double, None, "one wake per app at a time");
                self.wakes += 1;
                self.begun.insert(wake.id, wake.clone());
            }
            Change::WakeEnded(end) => {
                let wake = self.begun.remove(&end.id).expect("a wake ends once, after it began");
                assert_eq!(wake.app, end.app);
                let answered = end.results.iter().map(|(task, _)| task);
                assert!(answered.eq(&wake.tasks), "one result for each task of the wake, sorted by name");
                self.ended.insert(end.id, end.outcome);
            }
            Change::Journal(entry) => self.journal.push(entry.clone()),
        }
    }

    /// What the next host begins from.
    pub(crate) fn snapshot(&self, device: Device) -> Snapshot {
        let tasks = |tasks: &BTreeMap<_, TaskRecord>| tasks.values().cloned().collect();
        Snapshot {
            apps: self.apps.values().map(|(record, of_app)| (record.clone(), tasks(of_app))).collect(),
            user: self.user.clone(),
            begun: self.begun.values().cloned().collect(),
            next_wake: WakeId(self.wakes + 1),
            device,
            store_writable: self.writable,
        }
    }
}

//! What apps ask for: registrations, floors, definitions.

use super::{App, Scheduler};
use crate::io::{Change, Refused, Registration};
use crate::journal::Event;
use crate::name::{AppId, TaskName};
use crate::record::{AppRecord, TaskRecord};
use crate::time::{Now, Span};

impl Scheduler {
    pub(super) fn app_seen(&mut self, now: Now, id: AppId, declared: bool) -> Result<(), Refused> {
        let apps_max = self.rules.settings.apps_max;
        let full = self.apps.len() >= apps_max as usize;
        match self.apps.get_mut(&id) {
            Some(app) if app.record.leaving => return Err(Refused::Leaving(id)),
            Some(app) if app.record.declared == declared => return Ok(()),
            Some(app) => app.record.declared = declared,
            None if full => return Err(Refused::TooManyApps { apps_max }),
            None => {
                let record = AppRecord::new(id.clone(), declared);
                self.apps.insert(id.clone(), Box::new(App::new(record, Vec::new())));
            }
        }
        self.changed(now, &id, Event::Seen { declared });
        Ok(())
    }

    pub(super) fn app_removed(&mut self, now: Now, id: &AppId) -> Result<(), Refused> {
        let app = self.known(id)?;
        app.record.leaving = true;
        if app.wake.is_none() {
            self.forget(now, id);
        } else {
            let record = app.record.clone();
            self.save(Change::App(record));
            self.touched.insert(id.clone());
        }
        Ok(())
    }

    /// Drops the apps whose last wake ended, and that a crash kept from being dropped with it.
    pub(super) fn forget_the_left(&mut self, now: Now) {
        let left = self.apps.values().filter(|app| app.record.leaving && app.wake.is_none());
        let ids: Vec<_> = left.map(|app| app.record.id.clone()).collect();
        for id in ids {
            self.forget(now, &id);
        }
    }

    /// Drops an app that is leaving and no longer runs.
    pub(super) fn forget(&mut self, now: Now, id: &AppId) {
        if let Some(mut app) = self.apps.remove(id) {
            self.waiting.place(id, &mut app, None, None);
        }
        self.touched.remove(id);
        self.save(Change::AppRemoved(id.clone()));
        self.journal(now, Some(id), None, Event::Removed);
    }

    pub(super) fn registered(&mut self, now: Now, id: &AppId, task: Registration) -> Result<(), Refused> {
        let settings = self.rules.settings;
        let app = self.known(id)?;
        if app.record.leaving {
            return Err(Refused::Leaving(id.clone()));
        }
        if !app.record.declared {
            return Err(Refused::NotDeclared(id.clone()));
        }
        let name = task.name.clone();
        let fresh = TaskRecord {
            name: task.name,
            options: task.options,
            floor: task.floor.map(|floor| settings.interval(floor)),
            constraints: task.constraints,
            registered: now.elapsed,
            last_begun: None,
            orphan: false,
        };
        let saved = match app.position(&name) {
            // Replaced, not merged; but an app that registers at every start must not push its own floor away.
            Ok(at) => {
                let old = &mut app.tasks[at];
                let new = TaskRecord { registered: old.registered, last_begun: old.last_begun, ..fresh };
                if *old == new {
                    return Ok(());
                }
                *old = new.clone();
                new
            }
            Err(_) if app.tasks.len() >= settings.tasks_max as usize => {
                return Err(Refused::TooManyTasks { app: id.clone(), tasks_max: settings.tasks_max });
            }
            Err(at) => {
                app.tasks.insert(at, fresh.clone());
                fresh
            }
        };
        self.save(Change::Task(id.clone(), saved));
        self.journal(now, Some(id), None, Event::Registered { task: name });
        self.touched.insert(id.clone());
        Ok(())
    }

    pub(super) fn unregistered(&mut self, now: Now, id: &AppId, task: &TaskName) -> Result<(), Refused> {
        let app = self.known(id)?;
        let Ok(at) = app.position(task) else {
            return Err(Refused::UnknownTask { app: id.clone(), task: task.clone() });
        };
        app.tasks.remove(at);
        self.task_gone(now, id, task);
        Ok(())
    }

    pub(super) fn unregistered_all(&mut self, now: Now, id: &AppId) -> Result<(), Refused> {
        for task in core::mem::take(&mut self.known(id)?.tasks) {
            self.task_gone(now, id, &task.name);
        }
        Ok(())
    }

    fn task_gone(&mut self, now: Now, id: &AppId, task: &TaskName) {
        self.save(Change::TaskRemoved(id.clone(), task.clone()));
        self.journal(now, Some(id), None, Event::Unregistered { task: task.clone() });
        self.touched.insert(id.clone());
    }

    pub(super) fn floor_set(&mut self, now: Now, id: &AppId, floor: Option<Span>) -> Result<(), Refused> {
        let settings = self.rules.settings;
        let app = self.known(id)?;
        let floor = floor.map(|asked| settings.interval(asked));
        if app.record.floor != floor {
            app.record.floor = floor;
            self.changed(now, id, Event::FloorSet { floor });
        }
        Ok(())
    }

    pub(super) fn defined(&mut self, now: Now, id: &AppId, defined: &[TaskName]) -> Result<(), Refused> {
        let app = self.known(id)?;
        let mut back = Vec::new();
        for task in app.tasks.iter_mut().filter(|task| task.orphan && defined.contains(&task.name)) {
            task.orphan = false;
            back.push(task.clone());
        }
        for task in back {
            let event = Event::DefinedAgain { task: task.name.clone() };
            self.save(Change::Task(id.clone(), task));
            self.journal(now, Some(id), None, event);
            self.touched.insert(id.clone());
        }
        Ok(())
    }
}

//! What the user, the policy and the machine say.

use super::{Phase, Scheduler};
use crate::device::Device;
use crate::gates;
use crate::io::{Change, Output, Refused};
use crate::journal::Event;
use crate::name::AppId;
use crate::outcome::WakeId;
use crate::reason::{Reason, StopReason};
use crate::time::{Now, Wall};

impl Scheduler {
    pub(super) fn opened(&mut self, now: Now, id: &AppId) -> Result<(), Refused> {
        let app = self.known(id)?;
        app.record.force_quit = false;
        self.changed(now, id, Event::Opened);
        Ok(())
    }

    pub(super) fn force_quit(&mut self, now: Now, id: &AppId) -> Result<(), Refused> {
        let app = self.known(id)?;
        if !app.record.force_quit {
            app.record.force_quit = true;
            self.changed(now, id, Event::ForceQuit);
        }
        Ok(())
    }

    pub(super) fn app_switched(&mut self, now: Now, id: &AppId, on: bool) -> Result<(), Refused> {
        let app = self.known(id)?;
        if app.record.switched_on != on {
            app.record.switched_on = on;
            self.changed(now, id, Event::Switched { on });
        }
        Ok(())
    }

    pub(super) fn system_switched(&mut self, now: Now, on: bool) {
        if self.rules.user.switched_on != on {
            self.rules.user.switched_on = on;
            self.user_changed(now, Event::Switched { on });
        }
    }

    pub(super) fn restricted(&mut self, now: Now, restricted: bool) {
        if self.rules.user.restricted != restricted {
            self.rules.user.restricted = restricted;
            self.user_changed(now, Event::Restricted { restricted });
        }
    }

    pub(super) fn paused(
        &mut self,
        now: Now,
        id: Option<&AppId>,
        until: Option<Wall>,
    ) -> Result<(), Refused> {
        let Some(id) = id else {
            if self.rules.user.paused_until != until {
                self.rules.user.paused_until = until;
                self.user_changed(now, Event::Paused { until });
            }
            return Ok(());
        };
        let app = self.known(id)?;
        if app.record.paused_until != until {
            app.record.paused_until = until;
            self.changed(now, id, Event::Paused { until });
        }
        Ok(())
    }

    fn user_changed(&mut self, now: Now, event: Event) {
        self.save(Change::User(self.rules.user.clone()));
        self.journal(now, None, None, event);
        self.touch_all();
    }

    pub(super) fn device_changed(&mut self, device: Device) {
        if self.rules.device != device {
            self.rules.device = device;
            self.touch_all();
        }
    }

    pub(super) fn store_writable(&mut self) {
        self.rules.store_writable = true;
        self.touch_all();
    }

    pub(super) fn host_stopping(&mut self, now: Now) {
        self.stopping = true;
        let running = self.running.values().filter(|run| run.phase == Phase::Running);
        let wakes: Vec<_> = running.map(|run| run.record.id).collect();
        for wake in wakes {
            self.stop(now, wake, StopReason::HostStopping);
        }
    }

    /// Ends a wake that may not go on: by the word of a person or a policy, or for want of a condition.
    pub(super) fn stop_if_forbidden(&mut self, now: Now, id: &AppId, held: Reason) {
        let Reason::Running { wake } = held else { return };
        let Some(app) = self.apps.get(id) else { return };
        let Some(run) = self.running.get(&wake) else { return };
        if run.phase != Phase::Running {
            return;
        }
        let view = self.rules.view(app);
        let condition = || {
            // A task that has answered needs its conditions no longer.
            let mut awaited = app.tasks.iter().filter(|task| run.is_awaited(&task.name));
            awaited.find_map(|task| gates::unmet(self.rules.device, task))
        };
        if let Some(reason) = gates::against_running(&view, now).or_else(condition).and_then(stop_reason) {
            self.stop(now, wake, reason);
        }
    }

    fn stop(&mut self, now: Now, wake: WakeId, reason: StopReason) {
        let Some(run) = self.running.get_mut(&wake) else { return };
        run.phase = Phase::Stopping(reason);
        let id = run.record.app.clone();
        self.journal(now, Some(&id), Some(wake), Event::Stopping { reason });
        self.outputs.push_back(Output::Stop { wake, reason });
    }
}

fn stop_reason(held: Reason) -> Option<StopReason> {
    match held {
        Reason::Leaving => Some(StopReason::Removed),
        Reason::Restricted => Some(StopReason::Restricted),
        Reason::SystemOff => Some(StopReason::SystemOff),
        Reason::AppOff => Some(StopReason::AppOff),
        Reason::ForceQuit => Some(StopReason::ForceQuit),
        Reason::Unmet { constraint } | Reason::Unsensed { constraint } => {
            Some(StopReason::Constraint(constraint))
        }
        Reason::NoTasks
        | Reason::NotDeclared
        | Reason::StoreUnwritable
        | Reason::Paused { .. }
        | Reason::Running { .. }
        | Reason::Orphaned
        | Reason::NoInterval
        | Reason::Floor { .. }
        | Reason::Penalty { .. }
        | Reason::BackOff { .. }
        | Reason::Busy { .. }
        | Reason::HostStopping
        | Reason::Ready => None,
    }
}

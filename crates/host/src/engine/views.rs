//! What the user is shown: apps, tasks, the journal, the host itself.

use super::Engine;
use super::trouble::Trouble;
use crate::doctor;
use crate::store::{JournalRow, Kind, Query};
use bgfetch_core::{AppId, Elapsed, Now, Span, Status, WakeId};
use bgfetch_wire::app::StatusChanged;
use bgfetch_wire::control::{AppView, DoctorView, Finding, FindingState, LogEntry, TaskView};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::FRAME_BYTES_MAX;
use bgfetch_wire::rpc::Notification;
use bgfetch_wire::value::{Seconds, Status as WireStatus};
use serde_json::Value;

impl Engine {
    pub(super) fn app_views(&self, after: Option<&str>) -> Vec<AppView> {
        let now = self.now();
        let rest = self.scheduler.apps().filter(|app| after.is_none_or(|after| app.id.as_str() > after));
        as_many_as_fit(rest.filter_map(|app| self.app_view(&app.id, now)))
    }

    pub(super) fn app_view(&self, app: &AppId, now: Now) -> Option<AppView> {
        let record = self.scheduler.app(app)?;
        let verdict = self.scheduler.explain(now, app)?;
        let program = self.programs.get(app);
        Some(AppView {
            app: app.to_string(),
            kind: program.map(|program| kind(program.kind).to_owned()),
            manifest: program.map(|program| program.manifest.display().to_string()),
            program: program.map(|program| program.program.display().to_string()),
            tasks: u32::try_from(verdict.tasks.len()).unwrap_or(u32::MAX),
            interval_seconds: verdict.floor.map(seconds),
            status: status(self.scheduler.status(app)),
            reason: super::runs::wire_reason(verdict.reason.code(), &verdict.reason),
            earliest_unix_ms: verdict.earliest.map(|at| unix_ms(now, at)),
            last_wake_unix_ms: verdict.last_begun.map(|at| unix_ms(now, at)),
            last_outcome: verdict.last_outcome.map(|outcome| outcome.to_string()),
            failures: verdict.failures,
            unhealthy: record.last_outcome.is_some_and(bgfetch_core::Outcome::is_failure),
            connected: self.peers.is_connected(app),
        })
    }

    pub(super) fn task_views(&self, app: &AppId, now: Now) -> Vec<TaskView> {
        let Some(verdict) = self.scheduler.explain(now, app) else { return Vec::new() };
        let tasks = self.scheduler.tasks(app).iter().zip(verdict.tasks);
        let view = |(task, verdict): (&bgfetch_core::TaskRecord, bgfetch_core::TaskVerdict)| TaskView {
            app: app.to_string(),
            task: task.name.to_string(),
            interval_seconds: task.floor.map(seconds),
            options: serde_json::from_str(&task.options).unwrap_or(Value::Null),
            orphan: task.orphan,
            reason: super::runs::wire_reason(verdict.reason.code(), &verdict.reason),
            earliest_unix_ms: verdict.earliest.map(|at| unix_ms(now, at)),
            last_wake_unix_ms: task.last_begun.map(|at| unix_ms(now, at)),
        };
        tasks.map(view).collect()
    }

    pub(super) fn entries(&self, query: &Query) -> Result<Vec<LogEntry>, ErrorObject> {
        let rows = self.store.journal(query).map_err(|error| super::trouble::store_error(&error))?;
        // The newest are what is asked for; they come last.
        let mut entries = as_many_as_fit(rows.iter().rev().map(entry));
        entries.reverse();
        Ok(entries)
    }

    pub(super) fn newest_entry(&self) -> Result<i64, ErrorObject> {
        let newest = self.entries(&Query { last: Some(1), ..Query::default() })?;
        Ok(newest.last().map_or(0, |entry| entry.sequence))
    }

    /// Sends new entries of the journal to whoever follows it.
    pub(super) fn tell_followers(&mut self) {
        let following = self.peers.iter_mut().filter_map(|(id, peer)| Some((id, peer.follows.clone()?)));
        for (id, follow) in following.collect::<Vec<_>>() {
            let query = Query { app: follow.app, after: Some(follow.after), ..Query::default() };
            let Ok(entries) = self.entries(&query) else { continue };
            for entry in entries {
                if let Some(follows) = self.peers.peer_mut(id).and_then(|peer| peer.follows.as_mut()) {
                    follows.after = entry.sequence;
                }
                self.peers.send(id, &Notification::event(entry));
            }
        }
    }

    /// Tells apps whose status changed since they asked for it.
    pub(super) fn tell_statuses(&mut self) {
        let mut changed = Vec::new();
        for (id, peer) in self.peers.iter_mut() {
            let (Some(app), Some(told)) = (&peer.app, peer.status) else { continue };
            let present = self.scheduler.status(app);
            if present != told {
                peer.status = Some(present);
                changed.push((id, app.clone()));
            }
        }
        for (id, app) in changed {
            let answer = self.status(&app);
            let event = StatusChanged { status: answer.status, reason: answer.reason };
            self.peers.send(id, &Notification::event(event));
        }
    }

    pub(super) fn doctor(&self) -> DoctorView {
        let mut findings = vec![
            good("host", format!("process {}, version {}", std::process::id(), env!("CARGO_PKG_VERSION"))),
            good("socket", self.socket.display().to_string()),
            self.store_finding(),
            doctor::policy_finding(self.policy),
        ];
        findings.extend(doctor::containment_findings(self.nursery.containment()));
        findings.extend(doctor::machine_findings());
        DoctorView { findings }
    }

    fn store_finding(&self) -> Finding {
        let path = self.store.path().display();
        let (state, text) = match (self.trouble.as_ref().map(Trouble::error), self.store.check()) {
            (Some(error), _) => (FindingState::Bad, error.to_string()),
            (None, Err(error)) => (FindingState::Bad, error.to_string()),
            (None, Ok(())) => (FindingState::Good, format!("{path}, every page of it sound")),
        };
        doctor::finding("store", state, text)
    }
}

/// What fits one line of the wire, with room for what stands around it; at least one.
pub(super) fn as_many_as_fit<T: serde::Serialize>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut room = FRAME_BYTES_MAX / 4 * 3;
    let mut kept = Vec::new();
    for item in items {
        let bytes = serde_json::to_vec(&item).map_or(0, |json| json.len() + 1);
        if bytes > room && !kept.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes);
        kept.push(item);
    }
    kept
}

fn good(subject: &str, text: String) -> Finding {
    doctor::finding(subject, FindingState::Good, text)
}

/// The error for an app that went while it was looked at.
pub(super) fn gone(app: &AppId) -> ErrorObject {
    ErrorObject::new(ErrorCode::UnknownApp, format!("no app `{app}` is known to this host"))
}

pub(super) fn status(status: Status) -> WireStatus {
    match status {
        Status::Denied => WireStatus::Denied,
        Status::Restricted => WireStatus::Restricted,
        Status::Available => WireStatus::Available,
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Node => "node",
        Kind::Native => "native",
        Kind::Command(_) => "command",
    }
}

fn seconds(span: Span) -> Seconds {
    Seconds::from_millis(span.as_millis())
}

/// A point of the elapsed line on the wall clock, as it runs now.
fn unix_ms(now: Now, at: Elapsed) -> i64 {
    if at >= now.elapsed {
        return now.wall_at(at).as_millis();
    }
    now.wall.as_millis().saturating_sub_unsigned(now.elapsed.since(at).as_millis())
}

fn entry(row: &JournalRow) -> LogEntry {
    let data = serde_json::to_value(&row.entry.event).unwrap_or(Value::Null);
    let event = data.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
    LogEntry {
        sequence: row.sequence,
        unix_ms: row.entry.at.wall.as_millis(),
        app: row.entry.app.as_ref().map(ToString::to_string),
        wake: row.entry.wake.map(|WakeId(number)| number),
        event,
        text: row.entry.event.to_string(),
        data,
    }
}

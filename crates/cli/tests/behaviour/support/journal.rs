//! The journal as a user follows it: `bgfetch log --follow --json`.

use super::{PATIENCE, lines};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

/// Every entry of a host's journal, as they come.
pub(crate) struct Journal {
    follower: Child,
    entries: mpsc::Receiver<String>,
    /// What was seen so far, for the words of a failure.
    seen: Vec<String>,
}

impl Journal {
    pub(crate) fn follow(mut command: Command) -> Self {
        let mut follower = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let entries = lines(follower.stdout.take());
        Self { follower, entries, seen: Vec::new() }
    }

    /// Waits for the next entry that `wanted` wants, and gives it.
    pub(crate) fn until(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(text) = self.entries.recv_timeout(left) else {
                panic!("waited in vain for {what}; the journal:\n{}", self.seen.join("\n"));
            };
            let entry = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            self.seen.push(line(&entry));
            if wanted(&entry) {
                return entry;
            }
        }
    }

    /// Waits for the next `event` of `app`.
    pub(crate) fn event(&mut self, app: &str, event: &str) -> Value {
        self.until(&format!("`{event}` of `{app}`"), |entry| entry["app"] == app && entry["event"] == event)
    }

    /// Waits for the end of the next wake of `app`, and gives its outcome.
    pub(crate) fn outcome(&mut self, app: &str) -> Value {
        self.event(app, "ended")["data"]["outcome"].clone()
    }

    /// Waits for a wake of `app` that ends in `outcome`, and gives its number.
    pub(crate) fn wake_with(&mut self, app: &str, outcome: &str) -> u64 {
        let what = format!("`{outcome}` of `{app}`");
        let entry = self.until(&what, |entry| {
            entry["app"] == app && entry["event"] == "ended" && entry["data"]["outcome"] == outcome
        });
        entry["wake"].as_u64().expect("a wake")
    }
}

fn line(entry: &Value) -> String {
    format!("  {} {} {}", entry["app"], entry["wake"], entry["data"])
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.follower.kill();
        let _ = self.follower.wait();
    }
}

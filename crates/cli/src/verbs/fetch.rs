//! `bgfetch fetch`: a simulated fetch, now.

use super::client;
use crate::args::{Common, Fetch};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::{self, AskLog, LogEntry};
use serde_json::Value;

pub(crate) fn run(common: &Common, fetch: Fetch) -> Result<(), Failure> {
    let mut client = client(common)?;
    client.call(AskLog { app: Some(fetch.app.clone()), last: Some(1), follow: true, ..AskLog::default() })?;
    let wake = client.call(control::Fetch { app: fetch.app })?.wake;
    if fetch.no_wait {
        if common.json {
            return show::print_json(&serde_json::json!({ "wake": wake }));
        }
        return show::print(&format!("wake {wake} began\n"));
    }
    loop {
        let entry = client.next_entry(None)?;
        if entry.wake != Some(wake) {
            continue;
        }
        if !common.json {
            show::print(&show::entry(&entry))?;
        }
        if entry.event == "ended" {
            if common.json {
                show::print_json(&entry)?;
            }
            return outcome(wake, &entry);
        }
    }
}

/// A fetch that failed fails the verb, so that a script can tell.
fn outcome(wake: u64, entry: &LogEntry) -> Result<(), Failure> {
    match entry.data.get("outcome").and_then(Value::as_str) {
        Some("new_data" | "no_data") => Ok(()),
        _ => Err(Failure::Wake { wake, outcome: entry.text.trim_start_matches("ended: ").to_owned() }),
    }
}

//! `bgfetch why`: the one reason, when it ends, and what happened last.

use super::client;
use crate::args::{Common, OneApp};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::{AskWhy, WhyView};
use std::fmt::Write;

pub(crate) fn run(common: &Common, one: OneApp) -> Result<(), Failure> {
    let why = client(common)?.call(AskWhy { app: one.app })?;
    if common.json {
        return show::print_json(&why);
    }
    show::print(&text(&why).map_err(Failure::other)?)
}

pub(crate) fn text(why: &WhyView) -> Result<String, std::fmt::Error> {
    let WhyView { app, tasks, recent, now_unix_ms } = why;
    let mut out = String::new();
    let verdict = match app.reason.code.as_str() {
        "running" => "is running",
        "ready" => "is about to run",
        _ => "is not running",
    };
    writeln!(out, "{} {verdict}: {}.", app.app, show::line(&app.reason.text))?;
    match app.earliest_unix_ms {
        Some(at) => {
            writeln!(
                out,
                "At the earliest: {} ({}).",
                show::moment(Some(at)),
                show::distance(Some(at), *now_unix_ms)
            )?;
        }
        None if app.reason.code == "running" => {}
        None => writeln!(
            out,
            "At the earliest: unknown, something has to change first{}.",
            advice(&app.reason.code)
        )?,
    }
    writeln!(out)?;
    writeln!(out, "status      {}", show::status(app))?;
    writeln!(out, "interval    {}", show::interval(app.interval_seconds))?;
    let last = show::or_dash(app.last_outcome.as_deref());
    writeln!(out, "last wake   {}, {last}", show::distance(app.last_wake_unix_ms, *now_unix_ms))?;
    writeln!(out, "failures    {} in a row", app.failures)?;
    for task in tasks {
        let next = show::distance(task.earliest_unix_ms, *now_unix_ms);
        writeln!(out, "task        {} ({next}): {}", show::line(&task.task), show::line(&task.reason.text))?;
    }
    if !recent.is_empty() {
        writeln!(out, "\nLately:")?;
        for entry in recent {
            let wake = entry.wake.map_or_else(String::new, |wake| format!("wake {wake}: "));
            writeln!(out, "  {}  {wake}{}", show::moment(Some(entry.unix_ms)), show::line(&entry.text))?;
        }
    }
    Ok(out)
}

/// What a person can do about a reason that time alone does not end.
fn advice(code: &str) -> &'static str {
    match code {
        "no_tasks" => " (the app registers a task when it is started)",
        "not_declared" => " (add `fetch` to `UIBackgroundModes` in its manifest and start it)",
        "system_off" => " (`bgfetch set on`)",
        "app_off" => " (`bgfetch set on APP`)",
        "force_quit" => " (open it, or `bgfetch apps open APP`)",
        "no_interval" => " (`bgfetch set interval APP 15m`, or the app's own `setMinimumIntervalAsync`)",
        "orphaned" => " (start a build of the app that defines its tasks)",
        _ => "",
    }
}

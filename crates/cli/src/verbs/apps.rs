//! `bgfetch apps` and `bgfetch remove`.

use super::client;
use crate::args::{Apps, AppsVerb, Common, OneApp};
use crate::client::Client;
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::app::Call;
use bgfetch_wire::control::{Adopt, AppView, AskApps, Open, Quit, Remove};

pub(crate) fn run(common: &Common, apps: Apps) -> Result<(), Failure> {
    match apps.verb {
        None => list(common),
        Some(AppsVerb::Quit(OneApp { app })) => {
            tell(common, Quit { app }, "will not be woken until it is opened")
        }
        Some(AppsVerb::Open(OneApp { app })) => tell(common, Open { app }, "opened"),
        Some(AppsVerb::Adopt(OneApp { app })) => tell(common, Adopt { app }, "adopted"),
    }
}

pub(crate) fn remove(common: &Common, one: OneApp) -> Result<(), Failure> {
    tell(common, Remove { app: one.app }, "removed")
}

fn tell<C: Call>(common: &Common, request: C, done: &str) -> Result<(), Failure> {
    let answer = client(common)?.call(request)?;
    if common.json { show::print_json(&answer) } else { show::print(&format!("{done}\n")) }
}

/// Every app, asked for line by line.
pub(crate) fn all(client: &mut Client) -> Result<Vec<AppView>, Failure> {
    let mut apps: Vec<AppView> = Vec::new();
    loop {
        let after = apps.last().map(|app| app.app.clone());
        let more = client.call(AskApps { after })?;
        if more.is_empty() {
            return Ok(apps);
        }
        apps.extend(more);
    }
}

fn list(common: &Common) -> Result<(), Failure> {
    let apps = all(&mut client(common)?)?;
    if common.json {
        return show::print_json(&apps);
    }
    let now = show::now_ms();
    let row = |app: &AppView| {
        [
            app.app.clone(),
            show::or_dash(app.kind.as_deref()),
            app.tasks.to_string(),
            show::interval(app.interval_seconds),
            show::status(app).to_owned(),
            show::distance(app.last_wake_unix_ms, now),
            show::or_dash(app.last_outcome.as_deref()),
            if app.unhealthy { "unhealthy" } else { "healthy" }.to_owned(),
        ]
    };
    let rows: Vec<_> = apps.iter().map(row).collect();
    let names = ["APP", "KIND", "TASKS", "INTERVAL", "STATUS", "LAST WAKE", "OUTCOME", "HEALTH"];
    show::print(&show::table(names, &rows))
}

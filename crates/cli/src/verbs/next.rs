//! `bgfetch next`: what comes, soonest first, and what holds the rest.

use super::client;
use crate::args::Common;
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::AppView;

pub(crate) fn run(common: &Common) -> Result<(), Failure> {
    let mut apps = super::apps::all(&mut client(common)?)?;
    apps.sort_by_key(|app| (app.earliest_unix_ms.unwrap_or(i64::MAX), app.app.clone()));
    if common.json {
        return show::print_json(&apps);
    }
    let now = show::now_ms();
    let row = |app: &AppView| {
        [
            show::moment(app.earliest_unix_ms),
            show::distance(app.earliest_unix_ms, now),
            app.app.clone(),
            app.reason.text.clone(),
        ]
    };
    let rows: Vec<_> = apps.iter().map(row).collect();
    show::print(&show::table(["NEXT", "LEFT", "APP", "UNTIL THEN"], &rows))
}

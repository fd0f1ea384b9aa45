//! `bgfetch tasks`.

use super::client;
use crate::args::{Common, MaybeApp};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::{AskTasks, TaskView};

pub(crate) fn run(common: &Common, maybe: &MaybeApp) -> Result<(), Failure> {
    let mut client = client(common)?;
    let mut tasks: Vec<TaskView> = Vec::new();
    loop {
        let after = tasks.last().map(|task| (task.app.clone(), task.task.clone()));
        let more = client.call(AskTasks { app: maybe.app.clone(), after })?;
        if more.is_empty() {
            break;
        }
        tasks.extend(more);
    }
    if common.json {
        return show::print_json(&tasks);
    }
    let now = show::now_ms();
    let row = |task: &TaskView| {
        [
            task.app.clone(),
            task.task.clone(),
            task.interval_seconds
                .map_or_else(|| "as app".to_owned(), |seconds| show::interval(Some(seconds))),
            show::distance(task.last_wake_unix_ms, now),
            show::distance(task.earliest_unix_ms, now),
            task.reason.text.clone(),
        ]
    };
    let rows: Vec<_> = tasks.iter().map(row).collect();
    show::print(&show::table(["APP", "TASK", "INTERVAL", "LAST WAKE", "NEXT", "REASON"], &rows))
}

//! `bgfetch log`: the journal.

use super::client;
use crate::args::{Common, Log};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::{AskLog, LogEntry, OutputView};

pub(crate) fn run(common: &Common, log: Log) -> Result<(), Failure> {
    let mut client = client(common)?;
    let Log { app, follow, wake, last } = log;
    let view = client.call(AskLog { app, wake, last: Some(last), follow })?;
    if common.json && !follow {
        return show::print_json(&view);
    }
    for entry in &view.entries {
        print(common, entry)?;
    }
    if let Some(output) = &view.output {
        show::print(&output_text(output))?;
    }
    if !follow {
        return Ok(());
    }
    loop {
        print(common, &client.next_entry(None)?)?;
    }
}

/// One entry; with `--json --follow`, one JSON object a line.
fn print(common: &Common, entry: &LogEntry) -> Result<(), Failure> {
    if common.json {
        return show::print_json_line(entry);
    }
    show::print(&show::entry(entry))
}

fn output_text(output: &OutputView) -> String {
    let part = |name: &str, text: &str| {
        let lines = show::indented(show::lines(text), "  ");
        if lines.is_empty() { String::new() } else { format!("{name}:\n{lines}") }
    };
    let dropped = match output.dropped_bytes {
        0 => String::new(),
        bytes => format!("({bytes} bytes were not kept)\n"),
    };
    let known =
        |value: Option<u64>, unit: &str| value.map_or_else(|| "-".to_owned(), |n| format!("{n} {unit}"));
    let memory = output.memory_bytes_max.map(|bytes| bytes >> 20);
    let cost = format!("processor time {}, memory {}\n", known(output.cpu_ms, "ms"), known(memory, "MiB"));
    cost + &part("stdout", &output.stdout) + &part("stderr", &output.stderr) + &dropped
}

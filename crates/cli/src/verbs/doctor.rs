//! `bgfetch doctor`: what the host found on this machine.

use super::client;
use crate::args::Common;
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::{AskDoctor, FindingState};

pub(crate) fn run(common: &Common) -> Result<(), Failure> {
    let view = client(common)?.call(AskDoctor {})?;
    if common.json {
        return show::print_json(&view);
    }
    let word = |state| match state {
        FindingState::Good => "good",
        FindingState::Limited => "limited",
        FindingState::Bad => "bad",
        FindingState::Unknown => "unknown",
    };
    let rows: Vec<_> = view
        .findings
        .iter()
        .map(|finding| [finding.subject.clone(), word(finding.state).to_owned(), finding.text.clone()])
        .collect();
    show::print(&show::table(["SUBJECT", "STATE", "FINDING"], &rows))?;
    match view.findings.iter().find(|finding| finding.state == FindingState::Bad) {
        None => Ok(()),
        Some(bad) => Err(Failure::Other(format!("{}: {}", bad.subject, bad.text))),
    }
}

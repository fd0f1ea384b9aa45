//! `bgfetch doctor`: what the host found on this machine, or what a host would find.

use super::socket;
use crate::args::Common;
use crate::client::Client;
use crate::exit::Failure;
use crate::{node, show};
use bgfetch_host::doctor::{Surroundings, examine};
use bgfetch_host::{Environment, PolicyFile};
use bgfetch_wire::control::{AskDoctor, DoctorView, Finding, FindingState};

/// What a finding is about that no host made.
const HOST: &str = "host";

pub(crate) fn run(common: &Common) -> Result<(), Failure> {
    let asked = socket(common).and_then(|socket| Client::connect(&socket)?.call(AskDoctor {}));
    let (mut findings, without_host) = match asked {
        Ok(DoctorView { findings }) => (findings, None),
        Err(failure) => (here(common, &failure)?, Some(failure)),
    };
    findings.push(match node::version() {
        Ok(version) => finding("node", FindingState::Good, format!("{version} in this `PATH`")),
        Err(failure) => finding("node", FindingState::Limited, failure.to_string()),
    });
    let bad = findings.iter().find(|finding| {
        finding.state == FindingState::Bad && !(without_host.is_some() && finding.subject == HOST)
    });
    let bad = bad.map(|bad| Failure::Other(format!("{}: {}", bad.subject, bad.text)));
    let view = DoctorView { findings };
    let shown = if common.json { show::print_json(&view) } else { show::print(&table(&view)) };
    shown?;
    // That no host runs is said last: what would keep one from running comes first.
    bad.or(without_host).map_or(Ok(()), Err)
}

/// What a host would find if it were started here.
fn here(common: &Common, failure: &Failure) -> Result<Vec<Finding>, Failure> {
    let environment = Environment::of_process();
    let surroundings = Surroundings {
        state_directory: environment.state_directory().map_err(|error| error.to_string()),
        socket: socket(common).map_err(|failure| failure.to_string()),
        config: environment.config_file().ok(),
        policy: PolicyFile::of_machine(),
        own_program: std::env::current_exe().map_err(Failure::other)?,
    };
    let mut findings = vec![finding(HOST, FindingState::Bad, failure.to_string())];
    findings.extend(examine(&surroundings));
    Ok(findings)
}

fn table(view: &DoctorView) -> String {
    let word = |state| match state {
        FindingState::Good => "good",
        FindingState::Limited => "limited",
        FindingState::Bad => "bad",
        FindingState::Unknown => "unknown",
    };
    let row =
        |finding: &Finding| [finding.subject.clone(), word(finding.state).to_owned(), finding.text.clone()];
    let rows: Vec<_> = view.findings.iter().map(row).collect();
    show::table(["SUBJECT", "STATE", "FINDING"], &rows)
}

fn finding(subject: &str, state: FindingState, text: String) -> Finding {
    Finding { subject: subject.to_owned(), state, text }
}

//! `bgfetch set`: the user's switches.

use super::client;
use crate::args::{Common, Interval, MaybeApp, Switch};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::control::Set;
use bgfetch_wire::value::Seconds;

pub(crate) fn run(common: &Common, switch: Switch) -> Result<(), Failure> {
    let switched = |app: Option<String>, on| match app {
        Some(app) => Set::App { app, on },
        None => Set::System { on },
    };
    let set = match switch {
        Switch::On(MaybeApp { app }) => switched(app, true),
        Switch::Off(MaybeApp { app }) => switched(app, false),
        Switch::Pause { time, app } => {
            let until = show::now_ms().saturating_add_unsigned(time.as_millis());
            Set::Pause { app, until_unix_ms: Some(until) }
        }
        Switch::Resume(MaybeApp { app }) => Set::Pause { app, until_unix_ms: None },
        Switch::Interval { app, time: Interval::Never } => Set::Interval { app, seconds: None },
        Switch::Interval { app, time: Interval::Every(span) } => {
            Set::Interval { app, seconds: Some(Seconds::from_millis(span.as_millis())) }
        }
    };
    let done = client(common)?.call(set)?;
    if common.json { show::print_json(&done) } else { Ok(()) }
}

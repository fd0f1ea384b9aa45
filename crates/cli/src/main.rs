//! The one binary of bgfetch: every verb, one file each.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: the nursery must have one thread, and needs nothing that the other verbs set up.
    match std::env::args().nth(1).as_deref() {
        Some(bgfetch_host::launch::NURSERY_VERB) => bgfetch_host::launch::nursery_main(),
        _ => ExitCode::SUCCESS,
    }
}

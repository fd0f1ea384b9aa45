//! The whole product under test, as a user has it: the real binary, real processes, a real store.

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod developer;
mod documented_program;
mod full_disk;
mod generated;
mod held;
mod limits;
mod one_host;
mod plain_commands;
mod rude_apps;
mod simulated_fetch;
mod switches;
mod texts;
mod wire_abuse;

//! The whole product under test, as a user has it: the real binary, real processes, a real store.

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod documented_program;
mod one_host;
mod plain_commands;
mod rude_apps;
mod wire_abuse;

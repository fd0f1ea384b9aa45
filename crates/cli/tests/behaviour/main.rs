//! The whole product under test, as a user has it: the real binary, real processes, a real store.

mod claims;
mod command_line;
mod developer;
mod documented_program;
mod full_disk;
mod generated;
mod held;
mod identity;
mod idle;
mod interrupted;
mod kill9;
mod limits;
mod manifests;
mod one_host;
mod plain_commands;
mod rude_apps;
mod simulated_fetch;
mod support;
mod switches;
mod texts;
mod wire_abuse;
mod without_a_host;

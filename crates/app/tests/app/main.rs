//! The library against a host by script: one behaviour a file, in one program so that they share the host.

mod active;
mod expiring;
mod failing;
mod hello;
mod no_host;
mod reconnecting;
mod registering;
mod script;
mod status_changes;
mod wake;

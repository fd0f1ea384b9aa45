//! The system's part of background fetch, on desktops, servers and edge devices.
//!
//! One loop takes in what happened (a request, an answer, a wake's end, a deadline), makes it durable, and does what
//! follows. What to do is never decided here: that is `bgfetch-core`'s.

#[cfg(not(unix))]
compile_error!("bgfetch runs on Linux and macOS; this system is not supported yet");

mod alarm;
mod claim;
mod clock;
mod config;
pub mod doctor;
pub mod duration;
mod engine;
mod host;
pub mod launch;
mod manifest;
mod paths;
mod policy;
mod process;
mod socket;
pub mod store;

pub use claim::ClaimError;
pub use config::{Config, ConfigError};
pub use engine::EngineError;
pub use host::{HostError, Options, run};
pub use manifest::{CommandManifest, MANIFEST_NAMES, Manifest, ManifestError, read as read_manifest};
pub use paths::{Environment, PathsError};
pub use policy::{Policy, PolicyError, PolicyFile};
pub use socket::SocketError;

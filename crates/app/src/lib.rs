//! Background fetch for Rust apps: name a task, register it once, and be woken when it is worthwhile.
//!
//! A program that wants to fetch something now and then (feeds, mail, backups, models) defines a task and says how
//! often it makes sense at most. The host, `bgfetch host`, does the rest: it starts the program when the task is due and
//! the machine is fit for it, limits the run to 30 s, records how it went and learns from it. The program need not run
//! meanwhile, and what was due while the machine slept is made up for once, with the number of missed runs.
//!
//! ```no_run
//! use background_fetch::{FetchResult, TaskManager};
//! use std::time::Duration;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut tasks = TaskManager::new();
//!     tasks.define_task("feeds", |event| async move {
//!         // Fetch what there is to fetch here.
//!         if event.missed > 0 { FetchResult::NewData } else { FetchResult::NoData }
//!     })?;
//!     let mut app = tasks.connect()?;
//!     if app.wake().is_none() {
//!         let background_fetch = app.background_fetch();
//!         background_fetch.register_task("feeds").wait()?;
//!         background_fetch.set_minimum_interval(Duration::from_mins(15)).wait()?;
//!         return Ok(());
//!     }
//!     app.serve_blocking()?;
//!     Ok(())
//! }
//! ```
//!
//! Beside the program stands its manifest, which says who it is and that it works in the background, e.g. a
//! `bgfetch.toml`:
//!
//! ```toml
//! id = "com.example.reader"
//! modes = ["fetch"]
//! ```
//!
//! # Two ways to be woken
//!
//! - The program does not run: the host starts it with the arguments it had when it registered, and its
//!   [`App::wake`] is that wake's number. [`App::serve`] runs what is due and returns when all of it is answered.
//! - The program runs and its [`App::serve`] is being polled: the tasks are called right there, with
//!   [`AppState::Active`].
//!
//! # Runtimes
//!
//! There is none inside. [`App::serve`] is a future that any executor polls, and it polls the tasks; a [`Call`] is a
//! future too. Programs without a runtime use [`App::serve_blocking`], [`Call::wait`] and
//! [`TaskManager::define_blocking_task`]. One thread of this library's own keeps the connection; it sleeps until
//! something happens.
//!
//! # The contract
//!
//! It is that of Expo's `BackgroundFetch` and `TaskManager`, SDK 32, in Rust's habits; the documentation's search finds
//! every function by its name there. What differs: a task is defined before [`TaskManager::connect`] and the compiler
//! sees to it; a second definition is an error that is returned; a task that returns `Err` or panics has failed; an
//! interval is a [`Duration`](std::time::Duration), so it is never negative or not a number.
//!
//! # Errors
//!
//! Every error says what to do about it. Those that the host raises carry a documented [`ErrorCode`], those that mean
//! that there is no host to raise any `E_NO_HOST` or `E_DISCONNECTED`: see [`ConnectError::code_text`] and
//! [`CallError::code_text`]. Nothing is ever printed.

#![deny(missing_docs)]

#[cfg(not(unix))]
compile_error!(
    "`background-fetch` speaks to its host over a Unix socket: it is for Linux and macOS, not for Windows yet"
);

mod answer;
mod app;
mod background_fetch;
mod call;
mod connect;
mod event;
mod host;
mod inherited;
mod launch;
mod manifest;
mod options;
mod registrations;
mod serve;
mod task_manager;

pub use answer::TaskAnswer;
pub use app::{App, Shutdown};
pub use background_fetch::BackgroundFetch;
pub use bgfetch_wire::app::StatusAnswer;
pub use bgfetch_wire::error::{ErrorCode, ErrorObject};
pub use bgfetch_wire::options::TaskOptionsError;
pub use bgfetch_wire::value::{AppState, FetchResult, Reason, Status, TaskType};
pub use call::{Call, CallError};
pub use connect::{ConnectError, ConnectOptions};
pub use event::Event;
pub use launch::LaunchError;
pub use manifest::ManifestError;
pub use options::{Constraint, Options};
pub use registrations::{RegisteredTask, Registrations};
pub use serve::{ServeError, Served};
pub use task_manager::{DefineError, TaskManager};

//! The command line as types. The help texts, completions and man pages all come from here.

#![expect(clippy::doc_markdown, reason = "the doc comments are help texts, which have no markup")]

use crate::exit::EXIT_STATUSES;
use bgfetch_core::Span;
use bgfetch_host::duration::{self, DurationError};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Background fetch for every computer.
///
/// An app registers a named task once; the host wakes the app when it is worthwhile, gives it 30 seconds, and learns
/// from its answer. `bgfetch why APP` says at any time why an app does not run.
#[derive(Debug, Parser)]
#[command(name = "bgfetch", version, after_help = EXIT_STATUSES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Under which the help lists what every verb takes.
const EVERYWHERE: &str = "Everywhere";

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Print JSON for scripts instead of columns for people
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// The host's socket [default: $BGFETCH_SOCKET, else $XDG_RUNTIME_DIR/bgfetch/host.sock]
    #[arg(long, global = true, value_name = "PATH", help_heading = EVERYWHERE)]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show background fetch happening, within about a minute, in a folder of its own (needs Node)
    Demo(Demo),
    /// Run one app with a host of its own in the foreground, and show every decision
    Run(Run),
    /// Run the host that wakes this user's apps
    Host(Host),
    /// Add a plain command as an app, or the app of a `bgfetch.toml`
    Add(Add),
    /// Remove an app, with its tasks and switches
    Remove(OneApp),
    /// List the apps, or quit, open or adopt one
    Apps(Apps),
    /// List the registered tasks
    Tasks(MaybeApp),
    /// List what comes next, and what holds the rest
    Next,
    /// Say why an app does not run now, and when it can at the earliest
    Why(OneApp),
    /// Show the journal: what happened, and why
    Log(Log),
    /// Wake an app now: a simulated fetch, marked as such
    Fetch(Fetch),
    /// Turn a switch: on, off, pause, resume, interval
    Set(Set),
    /// Say what a host finds on this machine, and what that means; also where none runs
    #[command(after_help = "Exit status: 0 nothing is bad, 1 something is, 3 only that no host runs.")]
    Doctor,
    /// Lay out the Node SDK and print the file to load: node --require "$(bgfetch sdk)" app.js
    Sdk,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder; it is made if it is not there
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep the folder with the store and the app, and say where it is; otherwise it goes with the demo
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Ctrl-C ends the wake that is under way in order, then the host and the app; the exit status is \
                        130 then. What was registered is kept for the next run of the same program."
)]
pub(crate) struct Run {
    /// A script (.js, .mjs, .cjs), an executable, a `bgfetch.toml`, or the folder of an app
    pub(crate) program: PathBuf,
    /// The program's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
    /// The shortest minimum interval, so that a wake is seen soon
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = length)]
    pub(crate) interval_min: Span,
    /// How long a wake may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = length)]
    pub(crate) limit: Span,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Host {
    /// Run in the background and return once it serves
    #[arg(long, conflicts_with = "stop")]
    pub(crate) detach: bool,
    /// End the host that runs, in order, and return once it is gone
    #[arg(long)]
    pub(crate) stop: bool,
    /// Begin a session of its own: for a host that was detached
    #[arg(long, hide = true, conflicts_with_all = ["detach", "stop"])]
    pub(crate) own_session: bool,
    /// End when standard input closes: for a host that belongs to another program
    #[arg(long, hide = true, conflicts_with_all = ["detach", "stop"])]
    pub(crate) until_stdin_closes: bool,
    /// The folder of the store, for a host that is started [default: $XDG_STATE_HOME/bgfetch, else ~/.local/state/bgfetch]
    #[arg(long, value_name = "PATH")]
    pub(crate) state_dir: Option<PathBuf>,
    /// The configuration, for a host that is started [default: $XDG_CONFIG_HOME/bgfetch/host.toml, else ~/.config/bgfetch/host.toml]
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bgfetch add me.mail --every 15m --changed-by output -- mbsync -a
  bgfetch add ./bgfetch.toml

A TIME is like `90s`, `15m`, `1h 30m`. The command starts in this folder and with this environment.")]
pub(crate) struct Add {
    /// The app's id, e.g. `me.mail`; or a `bgfetch.toml`, or its folder
    pub(crate) app: String,
    /// The least time between two wakes; needed with a command
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub(crate) every: Option<Span>,
    /// What tells that a wake found something new
    #[arg(long, value_enum, default_value_t = ChangedBy::Exit)]
    pub(crate) changed_by: ChangedBy,
    /// The command and its arguments
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChangedBy {
    /// Exit status 0
    Exit,
    /// Exit status 0 and an output that differs from the last run's
    Output,
}

#[derive(Debug, Args)]
pub(crate) struct OneApp {
    /// The app's id
    pub(crate) app: String,
}

#[derive(Debug, Args)]
pub(crate) struct MaybeApp {
    /// The app's id; every app without one
    pub(crate) app: Option<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Apps {
    #[command(subcommand)]
    pub(crate) verb: Option<AppsVerb>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppsVerb {
    /// Force-quit an app: no wake until it is opened
    Quit(OneApp),
    /// Say that an app was opened, which lifts a force-quit
    Open(OneApp),
    /// Give an app's id to the program that was refused because another has it
    Adopt(OneApp),
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The app's id; every app without one
    pub(crate) app: Option<String>,
    /// Go on with what comes
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only the wake of this number, with what it printed
    #[arg(long, value_name = "NUMBER", conflicts_with = "follow")]
    pub(crate) wake: Option<u64>,
    /// At most so many entries, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) last: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The app's id
    pub(crate) app: String,
    /// Return at once instead of waiting for the end
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(subcommand)]
    pub(crate) switch: Switch,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Switch {
    /// Let an app, or every app, run in the background
    On(MaybeApp),
    /// Let an app, or every app, run in the background no more
    Off(MaybeApp),
    /// Hold an app, or every app, for a while
    Pause {
        /// For how long, like `2h`
        #[arg(value_parser = length)]
        time: Span,
        /// The app's id; every app without one
        app: Option<String>,
    },
    /// End a pause
    Resume(MaybeApp),
    /// Set an app's minimum interval. The app's own call wins the next time it makes it
    #[command(
        after_help = "An app that sets its interval itself, as most do when they start, sets it again at its \
                            next start; a plain command never does."
    )]
    Interval {
        /// The app's id
        app: String,
        /// The interval, like `15m`, or `never`
        #[arg(value_parser = interval)]
        time: Interval,
    },
}

/// A minimum interval on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    Never,
    Every(Span),
}

fn length(text: &str) -> Result<Span, DurationError> {
    duration::parse(text)
}

fn interval(text: &str) -> Result<Interval, DurationError> {
    if text == "never" { Ok(Interval::Never) } else { duration::parse(text).map(Interval::Every) }
}

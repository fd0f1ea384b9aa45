//! What the host itself knows of an app: where it is, how it is started, how its result is told.

use super::rows::{json, path_bytes, path_of, to_json};
use bgfetch_core::{AppId, Wall};
use rusqlite::{Connection, Row, named_params};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An app's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The app. The program goes when the app is removed.
    pub app: AppId,
    /// Its manifest.
    pub manifest: PathBuf,
    /// The script or executable that is the app.
    pub program: PathBuf,
    /// How it is started for a wake; without it the program itself is started.
    pub launch: Option<Launch>,
    /// What kind of program it is.
    pub kind: Kind,
    /// When the host saw it last.
    pub seen: Wall,
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub args: Vec<String>,
    /// The directory it starts in.
    pub cwd: PathBuf,
    /// Its environment.
    pub env: BTreeMap<String, String>,
}

/// What kind of program an app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A script for Node, started with the SDK.
    Node,
    /// An executable that links the library.
    Native,
    /// A command that knows nothing of us.
    Command(ChangedBy),
}

/// What tells whether a plain command found something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedBy {
    /// Its exit status alone.
    ExitStatus,
    /// Whether its output differs from the last time.
    Output {
        /// The SHA-256 of what it printed last; none before its first wake.
        last_hash: Option<[u8; 32]>,
    },
}

const UPSERT: &str = "INSERT INTO programs (app, manifest, program, launch_program, launch_args, launch_cwd, \
     launch_env, kind, changed_by, last_output_hash, seen_wall_ms) VALUES (:app, :manifest, :program, \
     :launch_program, :launch_args, :launch_cwd, :launch_env, :kind, :changed_by, :last_output_hash, :seen) \
     ON CONFLICT (app) DO UPDATE SET manifest = excluded.manifest, program = excluded.program, \
     launch_program = excluded.launch_program, launch_args = excluded.launch_args, \
     launch_cwd = excluded.launch_cwd, launch_env = excluded.launch_env, kind = excluded.kind, \
     changed_by = excluded.changed_by, last_output_hash = excluded.last_output_hash, \
     seen_wall_ms = excluded.seen_wall_ms";

pub(super) const SELECT: &str = "SELECT app, manifest, program, launch_program, launch_args, launch_cwd, launch_env, \
     kind, changed_by, last_output_hash, seen_wall_ms FROM programs ORDER BY app";

pub(super) fn upsert(connection: &Connection, program: &Program) -> rusqlite::Result<()> {
    let launch = program.launch.as_ref();
    let (kind, changed_by, last_hash) = match program.kind {
        Kind::Node => ("node", None, None),
        Kind::Native => ("native", None, None),
        Kind::Command(ChangedBy::ExitStatus) => ("command", Some("exit_status"), None),
        Kind::Command(ChangedBy::Output { last_hash }) => ("command", Some("output"), last_hash),
    };
    connection.prepare_cached(UPSERT)?.execute(named_params! {
        ":app": program.app.as_str(),
        ":manifest": path_bytes(&program.manifest),
        ":program": path_bytes(&program.program),
        ":launch_program": launch.map(|launch| path_bytes(&launch.program)),
        ":launch_args": launch.map(|launch| to_json(&launch.args)).transpose()?,
        ":launch_cwd": launch.map(|launch| path_bytes(&launch.cwd)),
        ":launch_env": launch.map(|launch| to_json(&launch.env)).transpose()?,
        ":kind": kind,
        ":changed_by": changed_by,
        ":last_output_hash": last_hash,
        ":seen": program.seen.as_millis(),
    })?;
    Ok(())
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Program> {
    let launch = match row.get::<_, Option<Vec<u8>>>(3)? {
        None => None,
        Some(program) => Some(Launch {
            program: path_of(program),
            args: json(row, 4)?,
            cwd: path_of(row.get(5)?),
            env: json(row, 6)?,
        }),
    };
    let changed_by: Option<String> = row.get(8)?;
    // The schema allows these three kinds and these two ways alone.
    let kind = match (row.get_ref(7)?.as_str()?, changed_by.as_deref()) {
        ("node", _) => Kind::Node,
        ("native", _) => Kind::Native,
        (_, Some("output")) => Kind::Command(ChangedBy::Output { last_hash: row.get(9)? }),
        _ => Kind::Command(ChangedBy::ExitStatus),
    };
    Ok(Program {
        app: super::rows::parsed(row, 0)?,
        manifest: path_of(row.get(1)?),
        program: path_of(row.get(2)?),
        launch,
        kind,
        seen: Wall::from_millis(row.get(10)?),
    })
}

//! `bgfetch add`: a plain command, or the app of a `bgfetch.toml`.

use super::client;
use crate::args::{Add, ChangedBy, Common};
use crate::exit::Failure;
use crate::show;
use bgfetch_wire::app::Launch;
use bgfetch_wire::control::{self, AddCommand};
use bgfetch_wire::value::{AbsolutePath, Seconds};
use rustix::fs::{Access, access};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) fn run(common: &Common, add: Add) -> Result<(), Failure> {
    // With a command, the word before it is an id, whatever files lie here.
    let names_file = || add.app == "." || Path::new(&add.app).exists();
    let is_manifest = add.app.contains('/') || (add.command.is_empty() && names_file());
    let request = match (is_manifest, add.command.is_empty()) {
        (true, true) if add.every.is_some() => {
            return Err(Failure::Usage("`--every` stands in the manifest, as `every = \"15m\"`".to_owned()));
        }
        (true, true) => {
            let manifest = absolute(&PathBuf::from(&add.app))?;
            // The command starts in the manifest's folder, whether that or the manifest itself was named.
            let named = manifest.as_path();
            let manifest_program = manifest.clone();
            let folder = if named.is_dir() { Some(named) } else { named.parent() };
            let cwd = folder.unwrap_or(Path::new("/")).to_owned();
            control::Add {
                manifest: Some(manifest),
                command: None,
                launch: launch(manifest_program, Vec::new(), &cwd)?,
            }
        }
        (true, false) => {
            let what = "the command stands in the manifest, as `command = [\"program\", …]`";
            return Err(Failure::Usage(what.to_owned()));
        }
        (false, true) => {
            let what = "a command is missing: expected e.g. `bgfetch add me.mail --every 15m -- mbsync -a`";
            return Err(Failure::Usage(what.to_owned()));
        }
        (false, false) => command(add)?,
    };
    let named = client(common)?.call(request)?;
    if common.json {
        return show::print_json(&named);
    }
    show::print(&format!("added {0}; `bgfetch why {0}` says when it runs\n", named.app))
}

fn command(add: Add) -> Result<control::Add, Failure> {
    let Some(every) = add.every else {
        return Err(Failure::Usage("`--every TIME` is missing: the default interval is never".to_owned()));
    };
    let mut words = add.command.into_iter();
    let program = words.next().unwrap_or_default();
    let cwd = std::env::current_dir().map_err(Failure::other)?;
    Ok(control::Add {
        manifest: None,
        command: Some(AddCommand {
            app: add.app,
            every_seconds: Seconds::from_millis(every.as_millis()),
            changed_by: match add.changed_by {
                ChangedBy::Exit => control::ChangedBy::Exit,
                ChangedBy::Output => control::ChangedBy::Output,
            },
        }),
        launch: launch(absolute(&found(&program, &cwd)?)?, words.collect(), &cwd)?,
    })
}

/// Where and with what environment the command will start: as here and now, so that what works in this shell works
/// when woken.
fn launch(program: AbsolutePath, args: Vec<String>, cwd: &Path) -> Result<Launch, Failure> {
    Ok(Launch { program, args, cwd: absolute(cwd)?, env: environment() })
}

/// This process's environment without our own variables.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !name.starts_with("BGFETCH_"))
        .collect()
}

/// The file that a shell here would execute.
fn found(program: &str, cwd: &Path) -> Result<PathBuf, Failure> {
    if program.contains('/') {
        let file = cwd.join(program);
        if !file.exists() {
            return Err(Failure::Unknown(format!("there is no command `{}`", file.display())));
        }
        if !is_executable(&file) {
            return Err(Failure::Other(format!("`{}` is not an executable file", file.display())));
        }
        return Ok(file);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::split_paths(&path).map(|folder| cwd.join(folder).join(program));
    let found = candidates.into_iter().find(|file| is_executable(file));
    found.ok_or_else(|| Failure::Unknown(format!("there is no command `{program}` in `PATH`")))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

fn absolute(path: &Path) -> Result<AbsolutePath, Failure> {
    let path = std::path::absolute(path).map_err(Failure::other)?;
    AbsolutePath::try_from(path).map_err(Failure::other)
}

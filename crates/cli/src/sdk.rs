//! The JavaScript SDK, carried in this binary and laid out where Node can load it.

use crate::exit::Failure;
use crate::verbs::state_directory;
use bgfetch_host::Environment;
use std::path::{Path, PathBuf};

/// Every file of the SDK's package, by its name in it.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));

/// Lays the SDK out below the user's state folder, and gives the file that Node has to load before the app.
pub(crate) fn preload() -> Result<PathBuf, Failure> {
    lay_out(&state_directory(&Environment::of_process())?)
}

/// Lays the SDK out below `folder`, and gives the file that Node has to load before the app.
///
/// The folder is named by the version and changed only where it differs, so that apps which are started from it for a
/// wake find it as it was.
pub(crate) fn lay_out(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = folder.join(concat!("sdk-node-", env!("CARGO_PKG_VERSION")));
    for (name, text) in FILES {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|present| present == *text) {
            continue;
        }
        replace(&path, text).map_err(|error| Failure::Other(format!("`{}`: {error}", path.display())))?;
    }
    Ok(folder.join("preload.cjs"))
}

/// Writes beside and renames, so that a program that starts meanwhile reads the old text or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

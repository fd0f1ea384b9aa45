//! Where an app's manifest is. The environment is an argument; what stands in the manifest is the host's to read.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The names of a manifest, in the order in which a folder is searched.
const NAMES: [&str; 3] = ["app.json", "Info.plist", "bgfetch.toml"];

/// Why the manifest is not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The place that was named, by the program or by `BGFETCH_MANIFEST`, cannot be looked at.
    #[error("the manifest `{}` can not be read: {source}", path.display())]
    Unreadable {
        /// The place.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No folder has one.
    #[error(
        "no manifest was found from `{}` or `{}` upwards: put an `app.json`, `Info.plist` or `bgfetch.toml` beside the \
         program, or set `BGFETCH_MANIFEST`", program.display(), directory.display()
    )]
    NotFound {
        /// The program's folder.
        program: PathBuf,
        /// The current folder.
        directory: PathBuf,
    },
}

/// Where to look.
pub(crate) struct Places<'a> {
    /// What the program says itself.
    pub(crate) explicit: Option<&'a Path>,
    /// `$BGFETCH_MANIFEST`; empty counts as not set.
    pub(crate) variable: Option<&'a OsStr>,
    /// The program.
    pub(crate) program: &'a Path,
    /// The current folder.
    pub(crate) directory: &'a Path,
}

/// The manifest, as an absolute path.
pub(crate) fn find(places: &Places<'_>) -> Result<PathBuf, ManifestError> {
    let variable = places.variable.filter(|text| !text.is_empty()).map(Path::new);
    if let Some(named) = places.explicit.or(variable) {
        let path = places.directory.join(named);
        return match path.metadata() {
            Ok(_) => Ok(path),
            Err(source) => Err(ManifestError::Unreadable { path, source }),
        };
    }
    let folder = places.program.parent().unwrap_or(places.directory);
    let not_found =
        || ManifestError::NotFound { program: folder.to_owned(), directory: places.directory.to_owned() };
    upwards(folder).or_else(|| upwards(places.directory)).ok_or_else(not_found)
}

fn upwards(folder: &Path) -> Option<PathBuf> {
    let candidates = folder.ancestors().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "").expect("written");
        }
        folder
    }

    fn find_in(
        root: &Path,
        explicit: Option<&str>,
        variable: Option<&str>,
    ) -> Result<PathBuf, ManifestError> {
        find(&Places {
            explicit: explicit.map(Path::new),
            variable: variable.map(OsStr::new),
            program: &root.join("app/bin/feeds"),
            directory: &root.join("here/below"),
        })
    }

    #[test]
    fn the_most_specific_place_wins() {
        let root =
            folder_with(&["app/Info.plist", "app/bgfetch.toml", "here/app.json", "here/below/named.toml"]);
        let found = |explicit, variable| find_in(root.path(), explicit, variable).expect("one");
        assert_eq!(found(None, None), root.path().join("app/Info.plist"), "from the program upwards");
        let app_json = root.path().join("here/app.json");
        assert_eq!(found(None, app_json.to_str()), app_json, "the variable");
        assert_eq!(found(Some("named.toml"), app_json.to_str()), root.path().join("here/below/named.toml"));
        std::fs::remove_dir_all(root.path().join("app")).expect("removed");
        assert_eq!(found(None, Some("")), app_json, "from the current folder upwards");
    }

    #[test]
    fn a_named_place_that_is_not_there_is_an_error_and_not_a_search() {
        let root = folder_with(&["app/app.json"]);
        let error = find_in(root.path(), None, Some("/nowhere/app.json")).expect_err("not there");
        assert!(
            error.to_string().starts_with("the manifest `/nowhere/app.json` can not be read: "),
            "{error}"
        );
    }

    #[test]
    fn without_any_it_says_where_it_looked() {
        let root = folder_with(&[]);
        let error = find_in(root.path(), None, None).expect_err("none").to_string();
        assert!(error.contains("app/bin` or `") && error.contains("here/below` upwards"), "{error}");
    }
}

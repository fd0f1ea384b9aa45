//! An app's manifest: who it is and which background modes it declares.
//!
//! `app.json` (Expo), `Info.plist` (Apple) and `bgfetch.toml` (ours, for plain commands) say the same in three
//! languages. The host reads it itself; an app never says by its own word who it is.

mod info_plist;

use crate::duration;
use bgfetch_core::{AppId, AppIdError, Span};
use bgfetch_wire::control::ChangedBy;
use rustix::fs::{FileType, Mode, OFlags, fstat};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The names of a manifest, in the order in which a folder is searched.
pub const MANIFEST_NAMES: [&str; 3] = ["app.json", "Info.plist", "bgfetch.toml"];

/// The largest manifest, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Who the app is.
    pub id: AppId,
    /// Whether it declares the mode `fetch`.
    pub declares_fetch: bool,
    /// The command that is the app, in a `bgfetch.toml`.
    pub command: Option<CommandManifest>,
    /// Where it stands, without links.
    pub path: PathBuf,
}

/// A plain command as an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandManifest {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The app's floor.
    pub every: Option<Span>,
    /// How it tells that it found something new.
    pub changed_by: ChangedBy,
}

/// Why a manifest can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not there, or can not be read.
    #[error("the manifest `{}` can not be read: {source}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder has none.
    #[error("`{}` has no manifest: expected one of `app.json`, `Info.plist`, `bgfetch.toml`", .0.display())]
    None(PathBuf),
    /// Its name is none of [`MANIFEST_NAMES`].
    #[error("`{}` is not a manifest by its name: expected `app.json`, `Info.plist` or `bgfetch.toml`", .0.display())]
    Name(PathBuf),
    /// It is a pipe, a device or a socket.
    #[error("the manifest `{}` is not a regular file", .0.display())]
    NotFile(PathBuf),
    /// It is too large.
    #[error("the manifest `{}` is larger than {MANIFEST_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// It is not written in its language, or a member has the wrong form.
    #[error("the manifest `{}` is broken: {detail}", path.display())]
    Broken {
        /// Where.
        path: PathBuf,
        /// What, and in which line where that is known.
        detail: String,
    },
    /// It has no id.
    #[error("the manifest `{}` names no app: expected `{member}`", path.display())]
    NoId {
        /// Where.
        path: PathBuf,
        /// The member that should name it.
        member: &'static str,
    },
    /// Its id is not one.
    #[error("the manifest `{}`: {source}", path.display())]
    Id {
        /// Where.
        path: PathBuf,
        /// Why.
        source: AppIdError,
    },
}

/// Reads the manifest at `path`, or the one that the folder `path` has.
pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
    let path = find(path)?;
    let bytes = read_bounded(&path)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        "app.json" => from_app_json(path, &bytes),
        "Info.plist" => from_plist(path, &bytes),
        // Where the host keeps manifests for commands, one folder has many, each named by its app.
        _ if path.extension().is_some_and(|extension| extension == "toml") => from_toml(path, &bytes),
        _ => Err(ManifestError::Name(path)),
    }
}

fn find(path: &Path) -> Result<PathBuf, ManifestError> {
    let unreadable = |source| ManifestError::Unreadable { path: path.to_owned(), source };
    let path = path.canonicalize().map_err(unreadable)?;
    if !path.is_dir() {
        return Ok(path);
    }
    let candidates = MANIFEST_NAMES.iter().map(|name| path.join(name));
    candidates.into_iter().find(|candidate| candidate.is_file()).ok_or(ManifestError::None(path))
}

/// Reads a regular file alone, and without waiting to open it: a pipe or a device could keep the host for ever.
fn read_bounded(path: &Path) -> Result<Vec<u8>, ManifestError> {
    let unreadable = |source| ManifestError::Unreadable { path: path.to_owned(), source };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| unreadable(errno.into()))?;
    let found = fstat(&file).map_err(|errno| unreadable(errno.into()))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(ManifestError::NotFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    match File::from(file).take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes) {
        Err(source) => Err(unreadable(source)),
        Ok(read) if read as u64 > MANIFEST_BYTES_MAX => Err(ManifestError::TooLarge(path.to_owned())),
        Ok(_) => Ok(bytes),
    }
}

/// Expo's `app.json`; only what concerns us. The `expo` object may be missing around it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AppJson {
    expo: Option<ExpoConfig>,
    #[serde(flatten)]
    bare: ExpoConfig,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExpoConfig {
    ios: ExpoIos,
    android: ExpoAndroid,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ExpoIos {
    bundle_identifier: Option<String>,
    info_plist: InfoPlist,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExpoAndroid {
    package: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InfoPlist {
    #[serde(rename = "UIBackgroundModes")]
    background_modes: Vec<String>,
}

fn from_app_json(path: PathBuf, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let parsed: Result<AppJson, _> = serde_json::from_slice(bytes);
    let app = match parsed {
        Ok(app) => app.expo.unwrap_or(app.bare),
        Err(error) => return Err(ManifestError::Broken { path, detail: error.to_string() }),
    };
    let id = app.ios.bundle_identifier.or(app.android.package);
    named(path, id, "expo.ios.bundleIdentifier", &app.ios.info_plist.background_modes, None)
}

fn from_plist(path: PathBuf, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    match info_plist::parse(bytes) {
        Ok(info) => named(path, info.bundle_identifier, "CFBundleIdentifier", &info.background_modes, None),
        Err(error) => Err(ManifestError::Broken { path, detail: error.to_string() }),
    }
}

/// Our own manifest. Unknown members are refused: what is misspelt here would silently not happen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BgfetchToml {
    id: Option<String>,
    #[serde(default)]
    modes: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    every: Option<String>,
    #[serde(default)]
    changed_by: ChangedBy,
}

fn from_toml(path: PathBuf, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let broken = |detail: String| ManifestError::Broken { path: path.clone(), detail };
    let text = std::str::from_utf8(bytes).map_err(|error| broken(error.to_string()))?;
    let parsed: BgfetchToml = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
    let every = parsed.every.as_deref().map(duration::parse).transpose();
    let every = every.map_err(|error| broken(format!("`every`: {error}")))?;
    let command = (!parsed.command.is_empty()).then_some(CommandManifest {
        argv: parsed.command,
        every,
        changed_by: parsed.changed_by,
    });
    named(path, parsed.id, "id", &parsed.modes, command)
}

fn named(
    path: PathBuf,
    id: Option<String>,
    member: &'static str,
    modes: &[String],
    command: Option<CommandManifest>,
) -> Result<Manifest, ManifestError> {
    let Some(id) = id else { return Err(ManifestError::NoId { path, member }) };
    match AppId::parse(&id) {
        Ok(id) => {
            Ok(Manifest { id, declares_fetch: modes.iter().any(|mode| mode == "fetch"), command, path })
        }
        Err(source) => Err(ManifestError::Id { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, text: &str) -> Result<Manifest, ManifestError> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), text).expect("written");
        read(folder.path())
    }

    #[test]
    fn three_languages_say_the_same() {
        let json = r#"{"expo":{"ios":{"bundleIdentifier":"com.example.reader",
            "infoPlist":{"UIBackgroundModes":["location","fetch"]}}}}"#;
        let plist = r#"<?xml version="1.0"?><plist version="1.0"><dict>
            <key>CFBundleIdentifier</key><string>com.example.reader</string>
            <key>UIBackgroundModes</key><array><string>fetch</string></array></dict></plist>"#;
        let toml = "id = 'com.example.reader'\nmodes = ['fetch']\n";
        for (name, text) in [("app.json", json), ("Info.plist", plist), ("bgfetch.toml", toml)] {
            let manifest = manifest(name, text).expect(name);
            assert_eq!(
                (manifest.id.as_str(), manifest.declares_fetch),
                ("com.example.reader", true),
                "{name}"
            );
        }
    }

    #[test]
    fn a_manifest_without_the_mode_is_read_and_does_not_declare_it() {
        let json = r#"{"expo":{"name":"Reader","ios":{"bundleIdentifier":"com.example.reader"}}}"#;
        assert!(!manifest("app.json", json).expect("a manifest").declares_fetch);
    }

    #[test]
    fn a_command_has_its_floor_and_its_way_of_telling() {
        let toml =
            "id='me.mail'\nmodes=['fetch']\nevery='15m'\ncommand=['mbsync','-a']\nchanged-by='output'\n";
        let command = manifest("bgfetch.toml", toml).expect("a manifest").command.expect("a command");
        assert_eq!(command.argv, ["mbsync", "-a"]);
        assert_eq!((command.every, command.changed_by), (Some(Span::from_mins(15)), ChangedBy::Output));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            ("app.json", "{", "is broken: EOF while parsing an object at line 1 column 1"),
            ("app.json", "{}", "names no app: expected `expo.ios.bundleIdentifier`"),
            ("Info.plist", "<plist", "is broken: "),
            ("bgfetch.toml", "id='a.b'\nevry='1h'", "unknown field `evry`"),
            ("bgfetch.toml", "id='a.b'\nevery='soon'", "`every`: `soon` is not a length of time"),
            ("bgfetch.toml", "id='reader'", "the app id `reader` is not parts joined by dots"),
        ];
        for (name, text, words) in cases {
            let error = manifest(name, text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(error.contains(name), "{text}: {error}");
        }
        let none =
            read(tempfile::tempdir().expect("a folder").path()).expect_err("nothing there").to_string();
        assert!(none.contains("has no manifest: expected one of `app.json`"), "{none}");
    }

    #[test]
    fn a_pipe_or_a_device_in_its_place_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("app.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("it starts");
        assert!(made.success(), "a pipe that nobody writes to");
        let device = folder.path().join("zero.toml");
        std::os::unix::fs::symlink("/dev/zero", &device).expect("a link");
        for path in [pipe, device] {
            let error = read(&path).expect_err("no file");
            assert!(matches!(error, ManifestError::NotFile(_)), "{error}");
        }
    }

    #[test]
    fn values_nested_without_end_are_refused_in_every_language() {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        let json = format!("{{\"expo\":{{\"extra\":{open}{close}}}}}");
        let json_bare = format!("{{\"extra\":{open}{close}}}");
        let toml = format!("id = 'a.b'\nmodes = {open}{close}\n");
        let dotted = format!("id = 'a.b'\n[a{}]\n", ".a".repeat(100_000));
        for (name, text) in
            [("app.json", json), ("app.json", json_bare), ("bgfetch.toml", toml), ("bgfetch.toml", dotted)]
        {
            manifest(name, &text).expect_err("no manifest of an app");
        }
    }
}

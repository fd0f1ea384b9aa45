//! What `cargo metadata` knows: packages, their licences, their targets.

use crate::tools::{self, ToolError};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One package of the dependency graph.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The licence expression, when the package states one.
    pub(crate) license: Option<String>,
    /// Whether it comes from a registry or another place outside the repository.
    pub(crate) is_foreign: bool,
    /// Where its manifest lies.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) targets: Vec<Target>,
}

/// One thing that cargo builds from a package.
pub(crate) struct Target {
    pub(crate) name: String,
    /// `lib`, `bin`, `test`, `bench`, `example`, `custom-build`, `proc-macro`.
    pub(crate) kinds: Vec<String>,
    pub(crate) source: PathBuf,
}

/// The workspace as cargo sees it.
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_folder: PathBuf,
}

/// Why cargo's answer could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("`cargo metadata` did not print JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`cargo metadata` printed no `{0}`")]
    Missing(&'static str),
}

/// How far to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The repository's own packages.
    Own,
    /// Every package that any of them needs, on any platform.
    All,
}

/// Asks cargo about the package or workspace of `manifest` (a path from the root).
pub(crate) fn read(manifest: &str, reach: Reach) -> Result<Metadata, MetadataError> {
    let mut command =
        tools::command("cargo", &["metadata", "--format-version", "1", "--manifest-path", manifest]);
    if reach == Reach::Own {
        command.arg("--no-deps");
    }
    parse(&tools::output_of(&mut command)?)
}

fn parse(text: &str) -> Result<Metadata, MetadataError> {
    let value: Value = serde_json::from_str(text)?;
    let packages = list(&value, "packages")?.iter().map(package).collect::<Result<_, _>>()?;
    Ok(Metadata { packages, target_folder: string(&value, "target_directory")?.into() })
}

fn package(value: &Value) -> Result<Package, MetadataError> {
    Ok(Package {
        name: string(value, "name")?,
        version: string(value, "version")?,
        license: value["license"].as_str().map(str::to_owned),
        is_foreign: !value["source"].is_null(),
        folder: Path::new(&string(value, "manifest_path")?).parent().map(Path::to_owned),
        targets: list(value, "targets")?.iter().map(target).collect::<Result<_, _>>()?,
    })
}

fn target(value: &Value) -> Result<Target, MetadataError> {
    let kinds = list(value, "kind")?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Target { name: string(value, "name")?, kinds, source: string(value, "src_path")?.into() })
}

fn string(value: &Value, key: &'static str) -> Result<String, MetadataError> {
    value[key].as_str().map(str::to_owned).ok_or(MetadataError::Missing(key))
}

fn list<'a>(value: &'a Value, key: &'static str) -> Result<&'a Vec<Value>, MetadataError> {
    value[key].as_array().ok_or(MetadataError::Missing(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_workspace_is_read() {
        let metadata = read("Cargo.toml", Reach::Own).expect("cargo answers");
        let own =
            metadata.packages.iter().find(|package| package.name == "xtask").expect("xtask is a member");
        assert!(!own.is_foreign);
        assert_eq!(own.license.as_deref(), Some("MIT OR Apache-2.0"));
        assert!(own.targets.iter().any(|target| target.source.ends_with("xtask/src/main.rs")));
    }

    #[test]
    fn an_answer_without_packages_is_refused() {
        let Err(error) = parse("{}") else { panic!("accepted") };
        assert_eq!(error.to_string(), "`cargo metadata` printed no `packages`");
    }
}

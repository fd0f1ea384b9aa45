//! `cargo xtask licences`: every dependency's licence expression against the list in `deny.toml`.
//!
//! cargo-deny does this and more, but takes minutes to install; this takes a second, so it is in every test run.

use crate::metadata::{self, Metadata, MetadataError, Reach};
use crate::tools;
use std::error::Error;
use toml::Table;

/// Why the licences could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LicencesError {
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("`deny.toml` could not be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("`deny.toml` is not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("`deny.toml` has no `licenses.allow`: expected a list of SPDX ids such as `MIT`")]
    NoList,
    #[error("`{0}` in `deny.toml` is not an SPDX licence id: expected one such as `MIT` or `Apache-2.0`")]
    Unknown(String),
}

/// How many dependencies were looked at, and what is wrong with some.
pub(crate) struct Licences {
    pub(crate) looked_at: usize,
    pub(crate) refused: Vec<String>,
}

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    let licences = check()?;
    for line in &licences.refused {
        eprintln!("{line}");
    }
    if !licences.refused.is_empty() {
        return Err(format!("{} dependencies are refused", licences.refused.len()).into());
    }
    println!("{} dependencies, all with an allowed licence", licences.looked_at);
    Ok(())
}

/// Looks at every package that is not ours.
pub(crate) fn check() -> Result<Licences, LicencesError> {
    let allowed = allowed(&std::fs::read_to_string(tools::root().join("deny.toml"))?)?;
    Ok(judge(&metadata::read("Cargo.toml", Reach::All)?, &allowed))
}

fn allowed(deny: &str) -> Result<Vec<spdx::Licensee>, LicencesError> {
    let table: Table = deny.parse()?;
    let list = table.get("licenses").and_then(|licenses| licenses.get("allow"));
    let list = list.and_then(toml::Value::as_array).ok_or(LicencesError::NoList)?;
    let ids = list.iter().map(|value| value.as_str().unwrap_or_default());
    ids.map(|id| spdx::Licensee::parse(id).map_err(|_| LicencesError::Unknown(id.to_owned()))).collect()
}

fn judge(metadata: &Metadata, allowed: &[spdx::Licensee]) -> Licences {
    let foreign: Vec<_> = metadata.packages.iter().filter(|package| package.is_foreign).collect();
    let refused = foreign.iter().filter_map(|package| {
        let why = refusal(package.license.as_deref(), allowed)?;
        Some(format!("{} {}: {why}", package.name, package.version))
    });
    Licences { looked_at: foreign.len(), refused: refused.collect() }
}

fn refusal(license: Option<&str>, allowed: &[spdx::Licensee]) -> Option<String> {
    let Some(text) = license else {
        return Some("it states no licence: choose another crate".into());
    };
    // `MIT/Apache-2.0` is how crates said `OR` before SPDX: old ones still do.
    match spdx::Expression::parse_mode(text, spdx::ParseMode::LAX) {
        Err(_) => Some(format!("`{text}` is not an SPDX expression: choose another crate")),
        Ok(expression) if expression.evaluate(|wanted| allowed.iter().any(|has| has.satisfies(wanted))) => {
            None
        }
        Ok(_) => {
            Some(format!("`{text}` is not covered by `licenses.allow` in `deny.toml`: choose another crate"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\"]\n";

    #[test]
    fn an_expression_needs_one_allowed_way_through() {
        let allowed = allowed(LIST).expect("a good list");
        for good in ["MIT", "MIT OR GPL-3.0-only", "MIT/Apache-2.0", "Apache-2.0 WITH LLVM-exception"] {
            assert_eq!(refusal(Some(good), &allowed), None, "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND MPL-2.0", "OpenSSL"] {
            let why = refusal(Some(bad), &allowed).expect(bad);
            assert!(why.contains("is not covered by"), "{why}");
        }
        assert!(refusal(Some("see file"), &allowed).expect("refused").contains("is not an SPDX expression"));
        assert!(refusal(None, &allowed).expect("refused").contains("states no licence"));
    }

    #[test]
    fn a_list_that_is_not_one_is_refused() {
        assert!(matches!(allowed("[licenses]"), Err(LicencesError::NoList)));
        assert!(
            matches!(allowed("[licenses]\nallow = [\"MTI\"]"), Err(LicencesError::Unknown(id)) if id == "MTI")
        );
    }
}

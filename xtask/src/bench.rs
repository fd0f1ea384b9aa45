//! `cargo xtask bench`: lists the workspace's benches; `bench NAME…` runs those, `bench all` every one.

use crate::metadata::{self, Metadata, Reach};
use crate::tools;
use std::error::Error;

/// Why the benches asked for cannot run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum BenchError {
    #[error("`{asked}` is not a bench: expected `all` or one of {known}")]
    Unknown { asked: String, known: String },
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let benches = list(&metadata::read("Cargo.toml", Reach::Own)?);
    if arguments.is_empty() {
        for (package, bench) in &benches {
            println!("{bench:<24} of {package}");
        }
        eprintln!("{} benches: run with `cargo xtask bench NAME…` or `cargo xtask bench all`", benches.len());
        return Ok(());
    }
    for (package, bench) in choose(&benches, arguments)? {
        tools::run(&mut tools::command("cargo", &["bench", "--package", package, "--bench", bench]))?;
    }
    Ok(())
}

/// Each bench with the package it belongs to.
fn list(metadata: &Metadata) -> Vec<(String, String)> {
    let mut benches = Vec::new();
    for package in &metadata.packages {
        for target in package.targets.iter().filter(|target| target.kinds.iter().any(|kind| kind == "bench"))
        {
            benches.push((package.name.clone(), target.name.clone()));
        }
    }
    benches
}

fn choose<'a>(
    benches: &'a [(String, String)],
    asked: &[String],
) -> Result<Vec<&'a (String, String)>, BenchError> {
    if asked.iter().any(|name| name == "all") {
        return Ok(benches.iter().collect());
    }
    let known = || benches.iter().map(|(_, bench)| format!("`{bench}`")).collect::<Vec<_>>().join(", ");
    asked
        .iter()
        .map(|name| {
            let found = benches.iter().find(|(_, bench)| bench == name);
            found.ok_or_else(|| BenchError::Unknown { asked: name.clone(), known: known() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_chosen_by_name() {
        let benches = [("core".to_owned(), "inputs".to_owned()), ("host".to_owned(), "store".to_owned())];
        assert_eq!(choose(&benches, &["store".into()]), Ok(vec![&benches[1]]));
        assert_eq!(choose(&benches, &["all".into()]), Ok(benches.iter().collect()));
        let unknown = BenchError::Unknown { asked: "stor".into(), known: "`inputs`, `store`".into() };
        assert_eq!(choose(&benches, &["stor".into()]), Err(unknown));
    }
}

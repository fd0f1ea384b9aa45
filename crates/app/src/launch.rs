//! How the host starts this program again for a wake: the same executable, arguments and folder, and as much of the
//! environment as work in the background needs.

use bgfetch_wire::app::Launch;
use bgfetch_wire::value::AbsolutePath;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that a wake gets as they are now: what programs need to find their files. The host writes them down,
/// so what may hold a secret is not here.
const CARRIED: &[&str] = &["HOME", "LANG", "PATH", "TZ", "USER"];

/// Families of such variables, by how they begin.
const CARRIED_FAMILIES: &[&str] = &["LC_", "XDG_"];

/// The variable that names others, separated by commas.
const KEEP_VARIABLE: &str = "BGFETCH_KEEP_ENV";

/// What the process is, as it was started.
pub(crate) struct Started {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// Why the program cannot be started the same way again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// An argument has no form in a message.
    #[error("the argument `{}` is not UTF-8: give others with `ConnectOptions::arguments`", .0.display())]
    Argument(OsString),
    /// A path is not absolute.
    #[error(transparent)]
    Path(#[from] bgfetch_wire::value::NotAbsolute),
}

/// The command line of a wake. `arguments` replaces the present ones; `carried` are variables beside the usual.
pub(crate) fn launch(
    started: &Started,
    arguments: Option<&[String]>,
    carried: &[String],
) -> Result<Launch, LaunchError> {
    let args = match arguments {
        Some(arguments) => arguments.to_vec(),
        None => started.arguments.iter().map(text).collect::<Result<_, _>>()?,
    };
    let readable =
        |(name, value): &(OsString, OsString)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()));
    let environment: BTreeMap<String, String> = started.environment.iter().filter_map(readable).collect();
    let kept = environment.get(KEEP_VARIABLE).cloned().unwrap_or_default();
    let is_carried = |name: &str| {
        CARRIED.contains(&name)
            || CARRIED_FAMILIES.iter().any(|family| name.starts_with(family))
            || carried.iter().any(|carried| carried == name)
            || kept.split(',').any(|kept| kept.trim() == name)
    };
    let env = environment.into_iter().filter(|(name, _)| is_carried(name)).collect();
    let program = AbsolutePath::try_from(started.program.clone())?;
    let cwd = AbsolutePath::try_from(started.directory.clone())?;
    Ok(Launch { program, args, cwd, env })
}

fn text(argument: &OsString) -> Result<String, LaunchError> {
    argument.to_str().map(str::to_owned).ok_or_else(|| LaunchError::Argument(argument.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn started(arguments: &[&[u8]]) -> Started {
        let variables = [
            ("PATH", "/bin"),
            ("LC_TIME", "C"),
            ("API_TOKEN", "secret"),
            ("FEEDS_DEBUG", "1"),
            ("FEEDS", "f"),
        ];
        let kept = [("BGFETCH_KEEP_ENV", "NOT_SET, FEEDS")];
        Started {
            program: "/opt/feeds".into(),
            arguments: arguments.iter().map(|argument| OsString::from_vec(argument.to_vec())).collect(),
            directory: "/opt".into(),
            environment: variables
                .into_iter()
                .chain(kept)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }

    #[test]
    fn a_wake_starts_as_this_process_did_without_what_is_secret() {
        let launch = launch(&started(&[b"--all"]), None, &["FEEDS_DEBUG".into()]).expect("a command line");
        assert_eq!(launch.args, ["--all"]);
        let names: Vec<_> = launch.env.keys().collect();
        assert_eq!(names, ["FEEDS", "FEEDS_DEBUG", "LC_TIME", "PATH"]);
    }

    #[test]
    fn arguments_that_are_not_text_must_be_replaced() {
        let odd = started(&[b"\xff"]);
        assert!(matches!(launch(&odd, None, &[]), Err(LaunchError::Argument(_))));
        assert_eq!(launch(&odd, Some(&["--wake".into()]), &[]).expect("replaced").args, ["--wake"]);
    }
}

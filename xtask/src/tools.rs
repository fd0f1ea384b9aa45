//! Running other programs, with their words shown as they come.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// What a program that was run to its end left behind.
pub(crate) struct Ran {
    pub(crate) success: bool,
    /// Its standard output, then its standard error.
    pub(crate) text: String,
}

/// Why a program could not be run to a good end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error("`{command}` could not be started: {source}")]
    Start { command: String, source: std::io::Error },
    #[error("`{command}` ended with {status}: its words are above")]
    Failed { command: String, status: std::process::ExitStatus },
    #[error("`{command}` did not print UTF-8 text")]
    NotText { command: String },
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// A command that runs at the repository's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` with its words going straight to ours.
pub(crate) fn run(command: &mut Command) -> Result<(), ToolError> {
    let status = command.status().map_err(|source| ToolError::Start { command: shown(command), source })?;
    if status.success() { Ok(()) } else { Err(ToolError::Failed { command: shown(command), status }) }
}

/// Runs `command`, showing its words as they come, and keeps them for counting.
pub(crate) fn run_and_keep(command: &mut Command) -> Result<Ran, ToolError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = command.spawn();
    let mut child = started.map_err(|source| ToolError::Start { command: shown(command), source })?;
    let errors = child.stderr.take().map(|pipe| thread::spawn(move || echo(pipe, std::io::stderr())));
    let mut text = child.stdout.take().map(|pipe| echo(pipe, std::io::stdout())).unwrap_or_default();
    if let Some(Ok(error_text)) = errors.map(thread::JoinHandle::join) {
        text.push_str(&error_text);
    }
    let status = child.wait().map_err(|source| ToolError::Start { command: shown(command), source })?;
    Ok(Ran { success: status.success(), text })
}

/// Runs `command` quietly and returns its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String, ToolError> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| ToolError::Start { command: shown(command), source })?;
    if !output.status.success() {
        return Err(ToolError::Failed { command: shown(command), status: output.status });
    }
    String::from_utf8(output.stdout).map_err(|_| ToolError::NotText { command: shown(command) })
}

/// Whether `command` starts and succeeds; its words are dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Whether `program` is on the `PATH`.
pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A line that must not be missed: something is installed, or something is left out.
pub(crate) fn loud(message: &str) {
    eprintln!("xtask: *** {message}");
}

/// `command` as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Copies `from` to `to` line by line until its end, and returns all of it.
fn echo(from: impl Read, mut to: impl Write) -> String {
    let mut text = String::new();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // Our own output may be closed early (`| head`): the program still has to be read to its end.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_a_bad_end_is_told() {
        let ran =
            run_and_keep(&mut command("sh", &["-c", "echo one; echo two >&2; exit 3"])).expect("sh starts");
        assert!(!ran.success);
        assert_eq!(ran.text, "one\ntwo\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let Err(error) = run(&mut command("no-such-program", &["--flag"])) else { panic!("it started") };
        assert!(error.to_string().starts_with("`no-such-program --flag` could not be started"), "{error}");
        assert!(!is_on_path("no-such-program"));
        assert!(is_on_path("cargo"));
    }
}

//! Starting the app's process: its surroundings made exactly as the spec says, and every failure named.

use std::ffi::{CString, OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit};

use super::pen::Pen;
use super::sys::{self, Forked, Image};
use super::terms::{Privileges, Spec, Stage};

/// The number of the descriptor that the app's socket has in the app.
pub const APP_SOCKET_DESCRIPTOR: i32 = 3;

/// The variable that tells the app the number of its socket.
pub const APP_SOCKET_VARIABLE: &str = "BGFETCH_FD";

#[cfg(target_os = "linux")]
/// Background work goes first when memory runs out: this much is added to a process's chance of it.
const OUT_OF_MEMORY_SCORE: i32 = 200;

/// Where a program without a path is looked for when its environment has no `PATH`.
const DEFAULT_SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why an app's program did not start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StartError {
    pub(super) stage: Stage,
    pub(super) detail: String,
}

impl StartError {
    fn set_up(error: impl std::fmt::Display) -> Self {
        Self { stage: Stage::SetUp, detail: format!("cannot prepare the process: {error}") }
    }
}

/// An app process between fork and exec, and the pipes from it.
pub(super) struct Starting {
    /// The app's process.
    pub(super) process: Pid,
    /// Ends without a byte when the program runs; carries the failure otherwise.
    pub(super) failure: OwnedFd,
    /// The reading end of its standard output.
    pub(super) stdout: OwnedFd,
    /// The reading end of its standard error.
    pub(super) stderr: OwnedFd,
}

/// A spec made ready for the child, in which nothing but system calls is left to do.
struct Plan {
    image: Image,
    directory: CString,
    nice: i32,
    privileges: Privileges,
    #[cfg(target_os = "linux")]
    out_of_memory_score: String,
    app_socket: Option<OwnedFd>,
    null: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// The steps of the child, as they are reported on the failure pipe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    SetUp,
    Directory,
    Execute,
}

const STEPS: [Step; 3] = [Step::SetUp, Step::Directory, Step::Execute];

/// Forks the app's process into `pen`. What fails from here on in the child is read with [`failure`].
pub(super) fn start(spec: &Spec, app_socket: Option<OwnedFd>, pen: &Pen) -> Result<Starting, StartError> {
    let image = image_of(spec, app_socket.is_some())?;
    let directory = c_string(spec.directory.as_os_str(), Stage::Directory, "the working directory")?;
    let null = std::fs::File::open("/dev/null").map_err(StartError::set_up)?;
    let (stdout, stdout_writer) = std::io::pipe().map_err(StartError::set_up)?;
    let (stderr, stderr_writer) = std::io::pipe().map_err(StartError::set_up)?;
    let (failure, failure_writer) = std::io::pipe().map_err(StartError::set_up)?;
    for reader in [stdout.as_fd(), stderr.as_fd(), failure.as_fd()] {
        rustix::io::ioctl_fionbio(reader, true).map_err(StartError::set_up)?;
    }
    let plan = Plan {
        image,
        directory,
        nice: i32::from(spec.nice),
        privileges: spec.privileges,
        #[cfg(target_os = "linux")]
        out_of_memory_score: out_of_memory_score(),
        app_socket,
        null: null.into(),
        stdout: stdout_writer.into(),
        stderr: stderr_writer.into(),
    };
    let uncontained = |error| StartError {
        stage: Stage::Contain,
        detail: format!("cannot fork into the containment: {error}"),
    };
    match pen.fork().map_err(uncontained)? {
        Forked::Child => {
            let (step, errno) = become_app(&plan);
            let report = [step as u8, u8::try_from(errno).unwrap_or(u8::MAX)];
            // Nobody reads it when the shepherd is gone, and then nothing is left to report.
            let _ = rustix::io::write(&failure_writer, &report);
            sys::exit_now(127)
        }
        Forked::Parent(process) => {
            Ok(Starting { process, failure: failure.into(), stdout: stdout.into(), stderr: stderr.into() })
        }
    }
}

/// What the failure pipe says.
pub(super) enum Progress {
    /// The child is still on its way.
    Underway,
    /// The program runs.
    Running,
    /// It never will.
    Failed(StartError),
}

/// Reads how far the start has come.
pub(super) fn progress(spec: &Spec, failure: &OwnedFd) -> Progress {
    let mut report = [0_u8; 2];
    match rustix::io::read(failure, &mut report) {
        Ok(2) => Progress::Failed(explain(spec, STEPS[usize::from(report[0]).min(2)], i32::from(report[1]))),
        Ok(_) => Progress::Running,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Progress::Underway,
        Err(error) => Progress::Failed(StartError::set_up(error)),
    }
}

/// The child's part. Returns only when a step failed, with its error number.
fn become_app(plan: &Plan) -> (Step, i32) {
    let errno = |step: Step| move |error: rustix::io::Errno| (step, error.raw_os_error());
    let steps = || {
        rustix::process::setsid().map_err(errno(Step::SetUp))?;
        limit(plan).map_err(errno(Step::SetUp))?;
        rustix::process::chdir(plan.directory.as_c_str()).map_err(errno(Step::Directory))?;
        connect(plan).map_err(|error| (Step::SetUp, error.raw_os_error().unwrap_or(0)))
    };
    if let Err(failed) = steps() {
        return failed;
    }
    sys::unblock_signals();
    (Step::Execute, plan.image.execute().raw_os_error().unwrap_or(0))
}

fn limit(plan: &Plan) -> rustix::io::Result<()> {
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // Becoming less nice than the host is asked for by nobody and refused to most; what it has, it keeps.
    if plan.nice > rustix::process::getpriority_process(None)? {
        rustix::process::setpriority_process(None, plan.nice)?;
    }
    #[cfg(target_os = "linux")]
    {
        // With automatic task groups, a session's niceness counts among sessions, not a process's own. Both
        // files are preferences: a kernel without them runs the app all the same.
        let _ = std::fs::write("/proc/self/autogroup", plan.nice.max(0).to_string());
        let _ = std::fs::write("/proc/self/oom_score_adj", &plan.out_of_memory_score);
    }
    no_new_privileges(plan.privileges)
}

#[cfg(target_os = "linux")]
fn no_new_privileges(privileges: Privileges) -> rustix::io::Result<()> {
    match privileges {
        Privileges::MayGain => Ok(()),
        Privileges::NoNew => rustix::thread::set_no_new_privs(true),
    }
}

#[cfg(not(target_os = "linux"))]
fn no_new_privileges(privileges: Privileges) -> rustix::io::Result<()> {
    match privileges {
        Privileges::MayGain => Ok(()),
        Privileges::NoNew => Err(rustix::io::Errno::NOTSUP),
    }
}

/// Puts the descriptors in their places. All others close with the exec: each was opened that way.
fn connect(plan: &Plan) -> std::io::Result<()> {
    sys::place_at(plan.null.as_fd(), 0)?;
    sys::place_at(plan.stdout.as_fd(), 1)?;
    sys::place_at(plan.stderr.as_fd(), 2)?;
    match &plan.app_socket {
        Some(socket) => sys::place_at(socket.as_fd(), APP_SOCKET_DESCRIPTOR),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn out_of_memory_score() -> String {
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").ok();
    let own = own.and_then(|text| text.trim().parse::<i32>().ok()).unwrap_or(0);
    own.max(OUT_OF_MEMORY_SCORE).to_string()
}

fn image_of(spec: &Spec, has_app_socket: bool) -> Result<Image, StartError> {
    if spec.program.is_empty() {
        let detail = "the command is empty; give a program's path or its name".to_owned();
        return Err(StartError { stage: Stage::Command, detail });
    }
    let program = c_string(&spec.program, Stage::Command, "the command")?;
    let mut arguments = vec![program];
    for argument in &spec.arguments {
        arguments.push(c_string(argument, Stage::Command, "an argument")?);
    }
    let mut environment = Vec::with_capacity(spec.environment.len() + 1);
    for (name, value) in spec.environment.iter().filter(|(name, _)| name != APP_SOCKET_VARIABLE) {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        environment.push(c_string(&pair, Stage::Command, "the environment")?);
    }
    if has_app_socket {
        let pair = OsString::from(format!("{APP_SOCKET_VARIABLE}={APP_SOCKET_DESCRIPTOR}"));
        environment.push(c_string(&pair, Stage::Command, "the environment")?);
    }
    let mut candidates = Vec::new();
    for candidate in candidates_of(spec) {
        candidates.push(c_string(&candidate, Stage::Command, "the command")?);
    }
    Ok(Image::new(candidates, arguments, environment))
}

/// The file names that `spec.program` may mean, in order.
fn candidates_of(spec: &Spec) -> Vec<OsString> {
    if spec.program.as_bytes().contains(&b'/') {
        return vec![spec.program.clone()];
    }
    let path = spec.environment.iter().rev().find(|(name, _)| name == "PATH");
    let path = path.map_or(OsStr::new(DEFAULT_SEARCH_PATH), |(_, value)| value);
    std::env::split_paths(path).map(|directory| directory.join(&spec.program).into_os_string()).collect()
}

fn c_string(text: &OsStr, stage: Stage, what: &str) -> Result<CString, StartError> {
    let shown = text.to_string_lossy().replace('\0', "\u{2400}");
    CString::new(text.as_bytes())
        .map_err(|_| StartError { stage, detail: format!("{what} contains a NUL byte: `{shown}`") })
}

/// The words for a failed step.
fn explain(spec: &Spec, step: Step, errno: i32) -> StartError {
    let why = sys::error_text(errno);
    let directory = spec.directory.display();
    match step {
        Step::SetUp => StartError::set_up(why),
        Step::Directory => StartError {
            stage: Stage::Directory,
            detail: match errno {
                libc::ENOENT => format!("`{directory}`: not found"),
                libc::ENOTDIR => format!("`{directory}`: is not a directory"),
                _ => format!("`{directory}`: {why}"),
            },
        },
        Step::Execute => StartError { stage: Stage::Command, detail: explain_command(spec, errno) },
    }
}

fn explain_command(spec: &Spec, errno: i32) -> String {
    let program = spec.program.to_string_lossy();
    let has_path = spec.program.as_bytes().contains(&b'/');
    let file = spec.directory.join(&spec.program);
    match errno {
        libc::ENOENT if has_path && file.exists() => match interpreter_of(&file) {
            Some(interpreter) => format!("`{program}`: its interpreter `{interpreter}` was not found"),
            None => format!("`{program}`: the loader it was built for was not found"),
        },
        libc::ENOENT if !has_path => format!("`{program}`: not found in `PATH`"),
        libc::ENOENT | libc::ENOTDIR => format!("`{program}`: not found"),
        libc::EACCES if has_path && file.is_dir() => format!("`{program}`: is a directory, not a program"),
        libc::EACCES => format!("`{program}`: is not executable"),
        libc::ENOEXEC => {
            format!("`{program}`: is neither a program for this system nor a script with a `#!` line")
        }
        libc::E2BIG => {
            format!("`{program}`: its arguments and environment are longer than the system allows")
        }
        _ => format!("`{program}`: {}", sys::error_text(errno)),
    }
}

fn interpreter_of(script: &Path) -> Option<String> {
    let mut start = Vec::new();
    std::fs::File::open(script).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    String::from_utf8_lossy(line).split_ascii_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_the_path_of_the_wake_not_of_the_host() {
        let mut spec = Spec::new("tool");
        spec.environment = vec![("PATH".into(), "/one:/two".into())];
        assert_eq!(candidates_of(&spec), ["/one/tool", "/two/tool"]);
        spec.program = "./tool".into();
        assert_eq!(candidates_of(&spec), ["./tool"]);
    }

    #[test]
    fn unusable_strings_are_named() {
        let mut spec = Spec::new("");
        let refused = image_of(&spec, false).map(drop).expect_err("an empty command");
        assert_eq!(refused.detail, "the command is empty; give a program's path or its name");
        spec.program = "a\0b".into();
        let refused = image_of(&spec, false).map(drop).expect_err("a NUL byte");
        assert_eq!(refused.detail, "the command contains a NUL byte: `a\u{2400}b`");
    }
}

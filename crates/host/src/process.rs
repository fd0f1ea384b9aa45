//! What the kernel tells of another process: what it executes, how it was started, and whose child it is.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How far up a process's parents are followed. Nobody's shell stands so deep; who does hides something.
const ANCESTORS_MAX: usize = 256;

/// How often the way up is walked anew, when a process on it ended just then.
const WALKS_MAX: usize = 3;

/// What the kernel appends to the path of a program whose file was replaced or removed since.
const DELETED: &[u8] = b" (deleted)";

/// The file that `process` executes, as the kernel names it.
pub(crate) fn executed(process: i32) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe"))
}

/// Whether `executed` is the file `program`. A program that was upgraded while it ran is still the one at its path.
pub(crate) fn is_program(executed: &Path, program: &Path) -> bool {
    let bytes = executed.as_os_str().as_bytes();
    executed == program || bytes.strip_suffix(DELETED) == Some(program.as_os_str().as_bytes())
}

/// Whether a process that executes `interpreter` was started to run `script`, by its command line.
///
/// The command line is the process's own to overwrite, so that this keeps mistakes apart, not malice. One that was
/// replaced by a title says nothing, and is let pass.
pub(crate) fn runs_script(process: i32, interpreter: &Path, script: &Path) -> io::Result<bool> {
    let line = std::fs::read(format!("/proc/{process}/cmdline"))?;
    let words: Vec<_> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
    let words: Vec<_> = words.into_iter().map(|word| Path::new(OsStr::from_bytes(word))).collect();
    if let [title] = words[..] {
        return Ok(title.file_name() != interpreter.file_name());
    }
    let directory = std::fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
    Ok(words.into_iter().skip(1).any(|word| names(word, &directory, script)))
}

/// Whether `word`, on the command line of a process in `directory`, means `script`: by its path, through links, by the
/// folder that it is the entry of, without its extension, or relative to where the process started.
fn names(word: &Path, directory: &Path, script: &Path) -> bool {
    let is_entry_of = |found: &Path| found.is_dir() && script.starts_with(found);
    let found = directory.join(word);
    if found.canonicalize().is_ok_and(|found| found == script || is_entry_of(&found)) {
        return true;
    }
    let relative = word.strip_prefix(".").unwrap_or(word);
    let named = |script: &Path| script.ends_with(relative) || script == found;
    named(script) || named(&script.with_extension(""))
}

/// Whether `process` is `ancestor` or below it. Parents that this user may not see end the way up.
pub(crate) fn descends_from(process: i32, ancestor: i32) -> io::Result<bool> {
    parent_of(process)?;
    for _ in 0..WALKS_MAX {
        if let Some(answer) = walk(process, ancestor) {
            return Ok(answer);
        }
    }
    Ok(false)
}

/// None if somebody on the way up could not be seen, perhaps because it ended meanwhile.
fn walk(process: i32, ancestor: i32) -> Option<bool> {
    let mut at = process;
    for _ in 0..ANCESTORS_MAX {
        if at == ancestor {
            return Some(true);
        }
        if at <= 1 {
            return Some(false);
        }
        at = parent_of(at).ok()?;
    }
    Some(true)
}

fn parent_of(process: i32) -> io::Result<i32> {
    let stat = std::fs::read(format!("/proc/{process}/stat"))?;
    let stat = String::from_utf8_lossy(&stat);
    // The name may hold spaces and brackets; the fields after its last bracket are plain.
    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1));
    let parent = parent.and_then(|parent| parent.parse().ok());
    parent.ok_or_else(|| io::Error::other(format!("`/proc/{process}/stat` has no parent")))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    /// A process that lives until its input ends, or the test does.
    struct Living(Child);

    impl Living {
        fn start(command: &mut Command) -> Self {
            let living = Self(command.stdin(Stdio::piped()).spawn().expect("it starts"));
            // The parent goes on a moment before the kernel has the new command line.
            while std::fs::read(format!("/proc/{}/cmdline", living.process()))
                .is_ok_and(|line| line.is_empty())
            {}
            living
        }

        fn process(&self) -> i32 {
            self.0.id().cast_signed()
        }
    }

    impl Drop for Living {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_program_replaced_in_place_is_still_the_one_at_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().canonicalize().expect("a path").join("reader");
        std::fs::copy("/bin/cat", &program).expect("copied");
        let living = Living::start(&mut Command::new(&program));
        let found = executed(living.process()).expect("its own user may see it");
        assert!(is_program(&found, &program), "{}", found.display());
        std::fs::remove_file(&program).expect("removed");
        std::fs::copy("/bin/cat", &program).expect("copied");
        let found = executed(living.process()).expect("its own user may see it");
        assert!(found != program && is_program(&found, &program), "{}", found.display());
        assert!(!is_program(&found, Path::new("/bin/cat")));
    }

    #[test]
    fn a_script_is_found_on_the_command_line_however_it_is_named_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        let shell = Path::new("/bin/sh").canonicalize().expect("a shell");
        let script = folder.join("reader.sh");
        std::fs::write(&script, "read line").expect("written");
        std::fs::write(folder.join("other.sh"), "read line").expect("written");
        std::os::unix::fs::symlink(&script, folder.join("link")).expect("a link");
        let asks = |word: &str, script: &Path| {
            let mut command = Command::new(&shell);
            let living = Living::start(command.arg(word).arg("1").current_dir(&folder));
            runs_script(living.process(), &shell, script).expect("its own user may see it")
        };
        for word in ["reader.sh", "./reader.sh", "link", script.to_str().expect("text")] {
            assert!(asks(word, &script), "{word}");
            assert!(!asks(word, &folder.join("other.sh")), "{word}");
        }
        for (word, script) in [(".", "/a/b/c.js"), ("b/c", "/a/b/c.js"), ("./c.js", "/a/b/c.js")] {
            assert!(names(Path::new(word), Path::new("/a/b"), Path::new(script)), "{word}");
        }
        assert!(!names(Path::new("x.js"), Path::new("/a/b"), Path::new("/a/b/c.js")));
        // Without a script, as its input says what to do.
        let living = Living::start(&mut Command::new(&shell));
        assert!(!runs_script(living.process(), &shell, &script).expect("its own user may see it"));
    }

    #[test]
    fn a_grandchild_descends_and_a_stranger_does_not() {
        let living = Living::start(Command::new("sh").args(["-c", "cat; true"]));
        let own = std::process::id().cast_signed();
        let child = living.process();
        assert!(descends_from(child, own).expect("seen"));
        assert!(descends_from(child, child).expect("seen"));
        assert!(descends_from(own, 1).expect("seen"), "everybody descends from the first");
        assert!(!descends_from(own, child).expect("seen"));
        assert!(descends_from(i32::MAX, own).is_err(), "of a process that is not there nothing is known");
    }
}

//! `policy.toml`: what this machine's administrator forbids. Read once, when a host starts.

use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the administrator's policy is.
const MACHINE_POLICY: &str = "/etc/bgfetch/policy.toml";

/// The administrator's user number.
const ADMINISTRATOR: u32 = 0;

/// The largest policy, in bytes.
const POLICY_BYTES_MAX: u64 = 64 << 10;

/// A policy's file, and who may write it.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// Where it is. It need not be there.
    pub path: PathBuf,
    /// The one user, by number, whose word it may be.
    pub owner: u32,
}

/// What a policy says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Policy {
    /// Whether background fetch is forbidden: no app is woken, and each is told that its user can not change that.
    pub restricted: bool,
}

/// Why a policy can not be followed. A host that does not know what is forbidden does not run.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It can not be read.
    #[error("the policy `{}` can not be read: {source}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else than the administrator could have written it.
    #[error(
        "the policy `{0}` {why}: expected a file and a folder that user {owner} owns and nobody else may write, as after \
         `chown {owner} {0}; chmod 644 {0}`",
        path.display()
    )]
    Unsafe {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Who has to own it.
        owner: u32,
    },
    /// It is not TOML, or a member is unknown or has the wrong form.
    #[error("the policy `{}` is broken: {detail}", path.display())]
    Broken {
        /// Where.
        path: PathBuf,
        /// What, with its line.
        detail: String,
    },
}

impl PolicyFile {
    /// The administrator's.
    pub fn of_machine() -> Self {
        Self { path: PathBuf::from(MACHINE_POLICY), owner: ADMINISTRATOR }
    }

    /// Reads it; a file that is not there forbids nothing.
    pub fn read(&self) -> Result<Policy, PolicyError> {
        let unreadable = |source| PolicyError::Unreadable { path: self.path.clone(), source };
        // A pipe in its place must not hold the host up.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(Policy::default()),
            Err(error) => return Err(unreadable(error.into())),
        };
        self.check(&file)?;
        let mut text = String::new();
        file.take(POLICY_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
        toml::from_str(&text)
            .map_err(|error| PolicyError::Broken { path: self.path.clone(), detail: error.to_string() })
    }

    fn check(&self, file: &File) -> Result<(), PolicyError> {
        let unreadable = |source| PolicyError::Unreadable { path: self.path.clone(), source };
        let found = file.metadata().map_err(unreadable)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let around = std::fs::metadata(folder).map_err(unreadable)?;
        let may_others_write = |mode: u32| mode & 0o022 != 0;
        let why = if !found.is_file() {
            "is not a file".to_owned()
        } else if found.uid() != self.owner {
            format!("belongs to user {}", found.uid())
        } else if may_others_write(found.mode()) {
            format!("can be written by others (its mode is {:04o})", found.mode() & 0o7777)
        } else if around.uid() != self.owner || may_others_write(around.mode()) {
            format!("is in a folder that others may write (`{}`)", folder.display())
        } else {
            return Ok(());
        };
        Err(PolicyError::Unsafe { path: self.path.clone(), why, owner: self.owner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A policy that this test's user may write.
    fn policy(text: &str) -> (tempfile::TempDir, PolicyFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
        let owner = rustix::process::geteuid().as_raw();
        (folder, PolicyFile { path, owner })
    }

    #[test]
    fn it_forbids_only_what_it_says() {
        for (text, restricted) in [("", false), ("restricted = false", false), ("restricted = true", true)] {
            assert_eq!(policy(text).1.read().expect(text), Policy { restricted });
        }
        let missing = PolicyFile { path: "/nonexistent/policy.toml".into(), owner: 0 };
        assert_eq!(missing.read().expect("none is none"), Policy::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for text in ["restrict = true", "restricted = 'yes'", "restricted"] {
            let error = policy(text).1.read().expect_err(text).to_string();
            assert!(error.contains("policy.toml` is broken"), "{error}");
        }
    }

    #[test]
    fn one_that_others_could_have_written_is_refused() {
        let (_folder, file) = policy("");
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o646)).expect("its mode");
        let error = file.read().expect_err("unsafe").to_string();
        assert!(error.contains("its mode is 0646") && error.contains("chmod 644"), "{error}");
        let (folder, file) = policy("");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("its mode");
        let error = file.read().expect_err("unsafe").to_string();
        assert!(error.contains("in a folder that others may write"), "{error}");
        let (_folder, file) = policy("");
        let other = PolicyFile { owner: file.owner + 1, ..file.clone() };
        let error = other.read().expect_err("unsafe").to_string();
        assert!(error.contains(&format!("belongs to user {}", file.owner)), "{error}");
        std::fs::remove_file(&file.path).expect("removed");
        let made = std::process::Command::new("mkfifo").arg(&file.path).status();
        assert!(made.expect("`mkfifo` starts").success());
        let error = file.read().expect_err("no file").to_string();
        assert!(error.contains("is not a file"), "{error}");
    }
}

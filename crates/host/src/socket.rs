//! The host's socket: in a folder of its user's alone, claimed before a stale one is replaced.

use crate::claim::{Claim, ClaimError};
use rustix::process::geteuid;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The socket, listening, and the claim on its path.
#[derive(Debug)]
pub(crate) struct Listening {
    /// Accepts connections.
    pub(crate) listener: UnixListener,
    path: PathBuf,
    _claim: Claim,
}

/// Why the socket can not be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its folder can not be made or looked at.
    #[error("the socket's folder `{}` can not be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the user may open its folder.
    #[error("the socket's folder `{}` {why}: expected a folder of this user's with mode 0700", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something else has the path.
    #[error("`{}` is there already and is not a socket: move it away, or set `BGFETCH_SOCKET`", .0.display())]
    NotSocket(PathBuf),
    /// Another host has it.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The kernel refuses.
    #[error("the socket `{}` can not be opened: {source}", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Listening {
    /// Opens the socket at `path`. A socket that a dead host left is replaced; a living host's is not.
    pub(crate) fn open(path: &Path) -> Result<Self, SocketError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        check_folder(folder)?;
        let claim = Claim::take(&path.with_extension("lock"))?;
        let bind = |source| SocketError::Bind { path: path.to_owned(), source };
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::NotSocket(path.to_owned()));
            }
            Ok(_) => std::fs::remove_file(path).map_err(bind)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(bind(source)),
        }
        let listener = UnixListener::bind(path).map_err(bind)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(bind)?;
        Ok(Self { listener, path: path.to_owned(), _claim: claim })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A socket without a host answers nobody; one that stays is replaced by the next host.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn check_folder(folder: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Folder { path: folder.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(failed(source)),
    }
    if look_at(folder)? { Ok(()) } else { Err(failed(io::ErrorKind::NotFound.into())) }
}

/// Whether the socket's folder is there; one that is has to be this user's alone.
pub(crate) fn look_at(folder: &Path) -> Result<bool, SocketError> {
    let found = match std::fs::symlink_metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(SocketError::Folder { path: folder.to_owned(), source }),
    };
    let user = geteuid().as_raw();
    let why = if !found.is_dir() {
        "is not a folder".to_owned()
    } else if found.uid() != user {
        format!("belongs to user {} and not to user {user}", found.uid())
    } else if found.mode() & 0o077 != 0 {
        format!("can be opened by others (its mode is {:04o})", found.mode() & 0o7777)
    } else {
        return Ok(true);
    };
    Err(SocketError::Unsafe { path: folder.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("its mode");
        folder
    }

    #[tokio::test]
    async fn a_folder_that_others_may_open_is_refused() {
        let folder = folder(0o755);
        let error = Listening::open(&folder.path().join("host.sock")).expect_err("unsafe").to_string();
        assert!(error.contains("its mode is 0755") && error.contains("mode 0700"), "{error}");
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
        let folder = folder(0o700);
        let path = folder.path().join("host.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket that nobody listens on"));
        let first = Listening::open(&path).expect("the stale one is replaced");
        let error = Listening::open(&path).expect_err("the living one stays");
        assert!(matches!(error, SocketError::Claim(ClaimError::Held { .. })), "{error}");
        drop(first);
        Listening::open(&path).expect("free again");
    }

    #[tokio::test]
    async fn a_file_in_its_place_is_left_alone() {
        let folder = folder(0o700);
        let path = folder.path().join("host.sock");
        std::fs::write(&path, "precious").expect("written");
        assert!(matches!(Listening::open(&path), Err(SocketError::NotSocket(_))));
        assert_eq!(std::fs::read_to_string(&path).expect("still there"), "precious");
    }
}

//! Where the host's socket is. The environment is an argument; who may open the directory is the host's part.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes: the kernel's field less its closing zero.
#[cfg(target_os = "linux")]
pub const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The longest path of a Unix socket, in bytes: the kernel's field less its closing zero.
#[cfg(not(target_os = "linux"))]
pub const SOCKET_PATH_BYTES_MAX: usize = 103;

/// What decides where the socket is. Empty counts as not set.
#[derive(Clone, Copy, Debug)]
pub struct SocketEnvironment<'a> {
    /// `$BGFETCH_SOCKET`.
    pub socket: Option<&'a OsStr>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<&'a OsStr>,
    /// The user's number.
    pub user_id: u32,
}

/// Why there is no path for the socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketPathError {
    /// The kernel takes no path so long.
    #[error(
        "the socket path `{}` is {} bytes long: at most {SOCKET_PATH_BYTES_MAX} are allowed; set `BGFETCH_SOCKET` \
         to a shorter one", .0.display(), .0.as_os_str().len()
    )]
    TooLong(PathBuf),
    /// It would mean another place for every program.
    #[error("`BGFETCH_SOCKET` is `{}`, which is not absolute: expected a form like `/run/user/1000/my.sock`", .0.display())]
    NotAbsolute(PathBuf),
}

/// `$BGFETCH_SOCKET`, else `$XDG_RUNTIME_DIR/bgfetch/host.sock`, else `/tmp/bgfetch-UID/host.sock`. A relative
/// `$XDG_RUNTIME_DIR` is ignored, as its specification asks.
pub fn socket_path(environment: &SocketEnvironment<'_>) -> Result<PathBuf, SocketPathError> {
    let path = match (set(environment.socket), set(environment.runtime_directory)) {
        (Some(socket), _) if socket.is_absolute() => socket.to_owned(),
        (Some(socket), _) => return Err(SocketPathError::NotAbsolute(socket.to_owned())),
        (None, Some(directory)) if directory.is_absolute() => directory.join("bgfetch/host.sock"),
        (None, _) => PathBuf::from(format!("/tmp/bgfetch-{}/host.sock", environment.user_id)),
    };
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        Err(SocketPathError::TooLong(path))
    } else {
        Ok(path)
    }
}

fn set(variable: Option<&OsStr>) -> Option<&Path> {
    variable.filter(|text| !text.is_empty()).map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(socket: Option<&str>, runtime_directory: Option<&str>) -> Result<PathBuf, SocketPathError> {
        let (socket, runtime_directory) = (socket.map(OsStr::new), runtime_directory.map(OsStr::new));
        socket_path(&SocketEnvironment { socket, runtime_directory, user_id: 7 })
    }

    #[test]
    fn the_most_specific_wins() {
        let run = Some("/run/user/7");
        assert_eq!(path(Some("/s"), run), Ok("/s".into()));
        assert_eq!(path(Some(""), run), Ok("/run/user/7/bgfetch/host.sock".into()));
        assert_eq!(path(None, Some("relative")), Ok("/tmp/bgfetch-7/host.sock".into()));
        assert_eq!(path(None, None), Ok("/tmp/bgfetch-7/host.sock".into()));
        assert_eq!(path(Some("s"), run), Err(SocketPathError::NotAbsolute("s".into())));
    }

    #[test]
    fn a_path_that_the_kernel_would_refuse_is_refused_with_its_length() {
        let longest = format!("/{}", "a".repeat(SOCKET_PATH_BYTES_MAX - 1));
        assert_eq!(path(Some(&longest), None), Ok(longest.clone().into()));
        let error = path(Some(&format!("{longest}a")), None).expect_err("too long");
        assert!(
            error.to_string().contains(&format!("is {} bytes long", SOCKET_PATH_BYTES_MAX + 1)),
            "{error}"
        );
    }
}

//! The control socket: its owner's only, and one daemon's at a time.
//!
//! Promises: only a socket that nobody listens on is ever replaced or removed, and at the end only
//! the daemon's own.

use std::borrow::Cow;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::serve::Listener;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

use crate::files::FileIdentity;
use crate::report::Hint;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A daemon answers there.
    #[error("another daemon listens on {}", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{} is not a socket, and was left as it is", .0.display())]
    NotASocket(PathBuf),
    /// The socket cannot be made.
    #[error("cannot open the control socket {}", path.display())]
    Open {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Hint for ControlError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::InUse(_) => "stop it, or give this one its own `control.socket`".into(),
            Self::NotASocket(_) | Self::Open { .. } => {
                "name another with --socket or `control.socket`".into()
            }
        })
    }
}

/// A socket that is listened on. It is removed when it is dropped, unless another one stands in its
/// place by then.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    place: FileIdentity,
}

impl ControlSocket {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is.
    pub(super) const fn place(&self) -> FileIdentity {
        self.place
    }

    /// The next connection.
    pub(super) async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        Listener::accept(&mut self.listener).await
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if self.place.is_at(&self.path) {
            // What stays is a dead socket, which the next start replaces.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Opens the socket with mode 0600. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// If a daemon listens there, or the socket cannot be made.
pub fn bind(path: &Path) -> Result<ControlSocket, ControlError> {
    let failed = |source| ControlError::Open {
        path: path.into(),
        source,
    };
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
    }
    make_room(path)?;
    // Bound under another name and moved once its mode is right, so that nobody else can ever
    // connect. The kernel takes no long path, so the folder is named by its number: whatever path
    // fits has room for the other name too.
    let folder = match path.parent().filter(|d| !d.as_os_str().is_empty()) {
        Some(folder) => folder,
        None => Path::new("."),
    };
    let opened = std::fs::File::open(folder).map_err(failed)?;
    let name = format!(".{}", std::process::id());
    let by_number = format!("/proc/self/fd/{}/{name}", opened.as_raw_fd());
    let fresh = folder.join(&name);
    let listener = UnixListener::bind(by_number).map_err(failed)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let place = FileIdentity::at(&fresh).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)?;
    Ok(ControlSocket {
        listener,
        path: path.into(),
        place,
    })
}

/// Removes a socket that nobody listens on any more, and nothing else.
fn make_room(path: &Path) -> Result<(), ControlError> {
    let failed = |source| ControlError::Open {
        path: path.into(),
        source,
    };
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !found.file_type().is_socket() {
        return Err(ControlError::NotASocket(path.into()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(ControlError::InUse(path.into())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_that_nobody_listens_on_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        std::fs::write(&path, "a diary").expect("written");
        let refused = bind(&path).expect_err("somebody's file");
        assert!(matches!(refused, ControlError::NotASocket(_)), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "a diary");
        std::fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &path).expect("linked");
        let refused = bind(&path).expect_err("a link");
        assert!(matches!(refused, ControlError::NotASocket(_)), "{refused}");
        std::fs::remove_file(&path).expect("removed");
        let first = bind(&path).expect("bound");
        let refused = bind(&path).expect_err("somebody listens");
        assert!(matches!(refused, ControlError::InUse(_)), "{refused}");
        drop(first);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        let _second = bind(&path).expect("the dead one is replaced");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn any_path_that_the_kernel_takes_can_be_listened_on() {
        let folder = tempfile::tempdir().expect("a folder");
        // `sun_path` has 108 bytes with the one that ends it.
        let longest = 107;
        let free = longest - folder.path().as_os_str().len() - 1;
        for length in [longest - 4, longest] {
            let path = folder.path().join("x".repeat(free - (longest - length)));
            assert_eq!(path.as_os_str().len(), length);
            let _listener = bind(&path).expect("bound");
            UnixStream::connect(&path).await.expect("connected");
        }
    }
}

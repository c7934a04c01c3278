//! The control socket: its owner's only, and one daemon's at a time.

use std::borrow::Cow;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::report::Hint;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A daemon answers there.
    #[error("another daemon listens on {}", .0.display())]
    InUse(PathBuf),
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
            Self::Open { .. } => "name another with --socket or `control.socket`".into(),
        })
    }
}

/// Opens the socket with mode 0600. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// If a daemon listens there, or the socket cannot be made.
pub fn bind(path: &Path) -> Result<UnixListener, ControlError> {
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
    if path.exists() {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ControlError::InUse(path.into()));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    // Bound under another name and moved once its mode is right, so that nobody else can ever
    // connect.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    let listener = UnixListener::bind(&fresh).map_err(failed)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)?;
    Ok(listener)
}

//! The control socket: its owner's only, one daemon's at a time, and with a bound on what is kept
//! open.

use std::borrow::Cow;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

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
    std::fs::rename(&fresh, path).map_err(failed)?;
    Ok(listener)
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

/// How many connections are served at once; further ones wait until one of them ends.
pub(super) const MOST_CONNECTIONS: usize = 64;
/// How long a connection may say nothing.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The socket, with a bound on what is kept open.
pub(super) struct BoundedListener {
    listener: UnixListener,
    room: Arc<Semaphore>,
    silence: Duration,
}

impl BoundedListener {
    pub(super) fn new(listener: UnixListener, most: usize, silence: Duration) -> Self {
        Self {
            listener,
            room: Arc::new(Semaphore::new(most)),
            silence,
        }
    }
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed; without a permit the connection would only be unbounded.
        let place = self.room.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(self.silence));
        stream.set_write_timeout(Some(self.silence));
        let stream = BoundedStream {
            stream: Box::pin(stream),
            _place: place,
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when it has been silent for long, and its place among those that are
/// served.
pub(super) struct BoundedStream {
    stream: Pin<Box<TimeoutStream<UnixStream>>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

    #[tokio::test]
    async fn connections_that_say_nothing_make_room_for_one_that_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let listener = bind(&path).expect("bound");
        let listener = BoundedListener::new(listener, 2, Duration::from_millis(50));
        let router = Router::new().route("/", get(async || "here"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut idle = Vec::new();
        for _ in 0..5 {
            idle.push(UnixStream::connect(&path).await.expect("connected"));
        }
        let mut asking = UnixStream::connect(&path).await.expect("connected");
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        asking.write_all(request).await.expect("asked");
        let mut answer = String::new();
        asking.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.ends_with("here"), "{answer}");
    }
}

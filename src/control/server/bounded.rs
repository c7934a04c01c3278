//! What the control socket keeps open, and that it stays where it is.
//!
//! Promises: no more than [`MOST_CONNECTIONS`] are served at once, and none that stays silent; a
//! socket that was removed is opened again when it is looked after next, and what somebody else has
//! put in its place is left there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::SocketAddr;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use crate::report::line;

use super::socket::{ControlError, ControlSocket, bind};

/// How many connections are served at once; further ones wait until one of them ends.
pub(super) const MOST_CONNECTIONS: usize = 64;
/// How long a connection may say nothing.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The socket, with a bound on what is kept open.
pub(super) struct BoundedListener {
    socket: ControlSocket,
    room: Arc<Semaphore>,
    silence: Duration,
    /// Told when it is time to look after the socket.
    look: Arc<Notify>,
    /// Whether it was logged that the socket is gone and cannot be opened again.
    gone: bool,
}

impl BoundedListener {
    pub(super) fn new(socket: ControlSocket, most: usize, silence: Duration) -> Self {
        Self {
            socket,
            room: Arc::new(Semaphore::new(most)),
            silence,
            look: Arc::default(),
            gone: false,
        }
    }

    /// Looks after the socket whenever it is told to.
    pub(super) fn looked_after(self, look: Arc<Notify>) -> Self {
        Self { look, ..self }
    }

    /// The next connection, and its place among those that are served.
    async fn next(&mut self) -> (UnixStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed; without a permit the connection would only be unbounded.
        let place = self.room.clone().acquire_owned().await.ok();
        let (stream, address) = self.socket.accept().await;
        (stream, address, place)
    }

    /// Opens the socket again where it was removed.
    async fn look_after(&mut self) {
        let (place, path) = (self.socket.place(), self.socket.path().to_owned());
        // A file system that hangs must not keep others waiting.
        let looked = tokio::task::spawn_blocking(move || match place.is_at(&path) {
            true => None,
            false => Some(bind(&path)),
        });
        match looked.await {
            Ok(Some(bound)) => self.opened_again(bound),
            Ok(None) => self.gone = false,
            // A look that panics ends the process, but for tests.
            Err(_) => {}
        }
    }

    fn opened_again(&mut self, bound: Result<ControlSocket, ControlError>) {
        let path = self.socket.path().display();
        match bound {
            Ok(socket) => {
                tracing::warn!("the control socket {path} was removed, and is open again");
                (self.socket, self.gone) = (socket, false);
            }
            Err(error) if !self.gone => {
                tracing::error!(
                    "the control socket {path} was removed, and cannot be opened again yet: {}",
                    line(&error)
                );
                self.gone = true;
            }
            Err(_) => {}
        }
    }
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let look = self.look.clone();
        let (stream, address, place) = loop {
            tokio::select! {
                accepted = self.next() => break accepted,
                () = look.notified() => {}
            }
            self.look_after().await;
        };
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
        self.socket.local_addr()
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
    use std::path::Path;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn connections_that_say_nothing_make_room_for_one_that_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let socket = bind(&path).expect("bound");
        let listener = BoundedListener::new(socket, 2, Duration::from_millis(50));
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

    /// Looks after a socket, as after a pass.
    async fn look_after(listener: &mut BoundedListener) -> bool {
        listener.look_after().await;
        listener.gone
    }

    async fn answers(listener: &mut BoundedListener, path: &Path) -> bool {
        let (connected, _) = tokio::join!(UnixStream::connect(path), listener.accept());
        connected.is_ok()
    }

    #[tokio::test]
    async fn a_socket_that_was_removed_is_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run").join("control.sock");
        let socket = bind(&path).expect("bound");
        let mut listener = BoundedListener::new(socket, 2, Duration::from_secs(9));
        assert!(!look_after(&mut listener).await);
        assert!(answers(&mut listener, &path).await);
        std::fs::remove_file(&path).expect("removed");
        assert!(!look_after(&mut listener).await);
        assert!(answers(&mut listener, &path).await);
        // Its folder too, as by whatever tidies up.
        std::fs::remove_dir_all(folder.path().join("run")).expect("removed");
        assert!(!look_after(&mut listener).await);
        assert!(answers(&mut listener, &path).await);
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_somebody_has_put_in_its_place_is_left_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let socket = bind(&path).expect("bound");
        let mut listener = BoundedListener::new(socket, 2, Duration::from_secs(9));
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, "a diary").expect("written");
        assert!(look_after(&mut listener).await);
        assert!(look_after(&mut listener).await);
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "a diary");
        std::fs::remove_file(&path).expect("removed");
        let other = bind(&path).expect("another daemon's");
        assert!(look_after(&mut listener).await);
        drop(listener);
        assert!(other.place().is_at(&path));
        UnixStream::connect(&path).await.expect("it is left alone");
    }
}

//! The answers that the HTTP library gives by itself where it cannot read a request: sent with the
//! protocol's own body and headers in their place.
//!
//! The library has no hook for them, and they are told from ours by what they lack.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::format::WireFormat;
use super::limits::{LARGEST_HEAD, MOST_HEADERS};
use super::problem::Problem;
use super::response::{AnswerKind, HttpResponse, with_standard_headers};

/// A stream on which no answer is without a body that says what was wrong.
#[derive(Debug)]
pub(super) struct ParseErrors<S> {
    stream: Pin<Box<S>>,
    format: WireFormat,
    /// What is to be written in the place of an answer of so many bytes.
    instead: Option<(Bytes, usize)>,
}

impl<S> ParseErrors<S> {
    pub(super) fn new(stream: S, format: WireFormat) -> Self {
        Self {
            stream: Box::pin(stream),
            format,
            instead: None,
        }
    }
}

impl<S: AsyncWrite> ParseErrors<S> {
    /// Writes what stands in the place of an answer, and reports that answer as written.
    fn write_instead(
        &mut self,
        cx: &mut Context<'_>,
        mut rest: Bytes,
        replaced: usize,
    ) -> Poll<io::Result<usize>> {
        while !rest.is_empty() {
            match self.stream.as_mut().poll_write(cx, &rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => rest = rest.split_off(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.instead = Some((rest, replaced));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(replaced))
    }
}

/// What to send in the place of an answer of the library's own.
fn in_full(bytes: &[u8], format: WireFormat) -> Option<Bytes> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let status = StatusCode::from_bytes(status).ok()?;
    let ours = |bytes: &[u8]| bytes.windows(MARK.len()).any(|w| w == MARK);
    if !status.is_client_error() || ours(bytes) {
        return None;
    }
    let answer = problem(status).closing().answer(format);
    let answer = with_standard_headers(answer, AnswerKind::other(false));
    let date = bytes
        .split(|byte| *byte == b'\r')
        .find(|line| line.starts_with(b"\ndate: "))?;
    Some(written(answer, date)?.into())
}

/// The header that all of our answers have.
const MARK: &[u8] = b"\r\nms-cv: ";

fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let message = format!(
                "The request line and headers are larger than {LARGEST_HEAD} bytes, or there are \
                 more than {MOST_HEADERS} headers."
            );
            Problem::new(status, "RequestHeaderFieldsTooLarge", message)
        }
        StatusCode::URI_TOO_LONG => {
            Problem::new(status, "UriTooLong", "The request's address is too long.")
        }
        _ => Problem::new(status, "BadRequest", "The request is not valid HTTP/1.1."),
    }
}

/// An answer as bytes, with the library's line for the date.
fn written(answer: HttpResponse, date: &[u8]) -> Option<Vec<u8>> {
    let (head, body) = answer.into_parts();
    // The whole body is there.
    let body = body.collect().now_or_never()?.ok()?.to_bytes();
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r", body.len()).as_bytes());
    bytes.extend_from_slice(date);
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(&body);
    Some(bytes)
}

impl<S: AsyncWrite> AsyncWrite for ParseErrors<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let instead = self.instead.take();
        match instead.or_else(|| Some((in_full(buf, self.format)?, buf.len()))) {
            Some((rest, replaced)) => self.write_instead(cx, rest, replaced),
            None => self.stream.as_mut().poll_write(cx, buf),
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer of the library's own has no body, and so is one piece.
        let Some(first) = bufs.first() else {
            return self.stream.as_mut().poll_write_vectored(cx, bufs);
        };
        let instead = self.instead.take();
        match instead.or_else(|| Some((in_full(first, self.format)?, first.len()))) {
            Some((rest, replaced)) => self.write_instead(cx, rest, replaced),
            None => self.stream.as_mut().poll_write_vectored(cx, bufs),
        }
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: AsyncRead> AsyncRead for ParseErrors<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.stream.as_mut().poll_read(cx, buf))?;
        Poll::Ready(Ok(()))
    }
}

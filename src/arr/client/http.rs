//! One exchange with the service: a request with its headers, and its answer. No retries here.

use std::error::Error;

use reqwest::header;
use tokio_rustls::rustls::{self, CertificateError};
use url::Url;

use crate::arr::protocol::reply::{NoReply, Reply};
use crate::arr::protocol::text::sanitize;
use crate::clock::Clock;
use crate::units::Span;

/// The largest body that is read.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Sends one request and reads its answer, within `limit`.
pub(in crate::arr) async fn exchange(
    request: reqwest::RequestBuilder,
    clock: &dyn Clock,
    limit: Span,
) -> Result<Reply, NoReply> {
    let sent = clock.now();
    let work = async {
        let mut response = request.send().await.map_err(|e| no_reply(&e))?;
        let text = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(sanitize)
        };
        let (request_id, retry_after) = (text("ms-cv"), text("retry-after"));
        let (location, date) = (text("location"), text("date"));
        let status = response.status().as_u16();
        let body = body_of(&mut response).await?;
        Ok(Reply {
            sent,
            received: clock.now(),
            status,
            request_id,
            retry_after,
            location,
            date,
            body,
        })
    };
    tokio::time::timeout(limit.to_std(), work)
        .await
        .unwrap_or_else(|_| Err(NoReply::TooLate(rounded(limit))))
}

/// A limit as it is told: what preparing the request took of it is of no interest.
fn rounded(limit: Span) -> Span {
    match limit.as_millis() {
        1_000.. => Span::seconds(limit.as_millis().saturating_add(999) / 1_000),
        _ => limit,
    }
}

/// The body of an answer, up to a bound.
pub(super) async fn body_of(response: &mut reqwest::Response) -> Result<Vec<u8>, NoReply> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| no_reply(&e))? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(NoReply::BodyTooLarge(
                "the answer is larger than 8 MiB".into(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a failed sending comes to: its deepest cause, without the URL, which the sentence around it
/// names.
pub(super) fn no_reply(error: &reqwest::Error) -> NoReply {
    let mut cause: &(dyn Error + 'static) = error;
    let (mut tls, mut not_http) = (None, false);
    while let Some(source) = cause.source() {
        cause = source;
        not_http |= cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse);
        tls = tls.or_else(|| tls_error(cause));
    }
    let why = cause.to_string();
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            NoReply::Untrusted(why)
        }
        Some(rustls::Error::InvalidMessage(_)) => NoReply::NotTls(why),
        Some(_) => NoReply::BadTls(why),
        None if not_http => NoReply::NotHttp(why),
        None => NoReply::Broken(why),
    }
}

/// What TLS said, if it was TLS. An error of the system that wraps another one shows that one's
/// text, and is not its source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = error.downcast_ref::<std::io::Error>();
    match wrapped.and_then(std::io::Error::get_ref) {
        Some(wrapped) => tls_error(wrapped),
        None => error.downcast_ref(),
    }
}

/// A path of the protocol on an endpoint. Each part is one segment, whatever it holds.
pub(in crate::arr) fn versioned<'a>(
    endpoint: &Url,
    path: impl IntoIterator<Item = &'a str>,
    version: &str,
) -> Url {
    let mut url = endpoint.clone();
    url.set_query(None);
    // Endpoints are http or https, whose URLs have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(path);
    }
    url.query_pairs_mut().append_pair("api-version", version);
    url
}

/// The headers that every request carries.
pub(in crate::arr) fn with_auth_headers(
    request: reqwest::RequestBuilder,
    bearer: &str,
) -> reqwest::RequestBuilder {
    let id = uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
    let cv = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        fastrand::u128(..).to_be_bytes(),
    );
    let mut value = header::HeaderValue::from_str(&format!("Bearer {bearer}"))
        .unwrap_or_else(|_| header::HeaderValue::from_static("Bearer unreadable"));
    value.set_sensitive(true);
    request
        .header(header::AUTHORIZATION, value)
        .header("x-ms-client-request-id", id.to_string())
        .header("MS-CV", format!("{cv}.0"))
}

//! One exchange with the service: a request with its headers, and its answer. No retries here.

use reqwest::header;

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
        let mut response = request.send().await.map_err(|e| NoReply::Broken(why(&e)))?;
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
        .unwrap_or_else(|_| Err(NoReply::Broken(format!("no answer within {limit}"))))
}

/// The body of an answer, up to a bound.
pub(super) async fn body_of(response: &mut reqwest::Response) -> Result<Vec<u8>, NoReply> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| NoReply::Broken(why(&e)))?
    {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(NoReply::BodyTooLarge(
                "the answer is larger than 8 MiB".into(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The cause of a failed sending, without the URL, which the sentence around it names.
pub(in crate::arr) fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The headers that every request carries.
pub(in crate::arr) fn with_auth_headers(
    request: reqwest::RequestBuilder,
    bearer: &str,
) -> reqwest::RequestBuilder {
    let id = format!("{:032x}", fastrand::u128(..));
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &id[..8],
        &id[8..12],
        &id[12..16],
        &id[16..20],
        &id[20..]
    );
    let cv = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        fastrand::u128(..).to_be_bytes(),
    );
    let mut value = header::HeaderValue::from_str(&format!("Bearer {bearer}"))
        .unwrap_or_else(|_| header::HeaderValue::from_static("Bearer unreadable"));
    value.set_sensitive(true);
    request
        .header(header::AUTHORIZATION, value)
        .header("x-ms-client-request-id", uuid)
        .header("MS-CV", format!("{cv}.0"))
}

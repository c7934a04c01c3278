//! The body of a request, read within its limits of length and time.

use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Bytes};

use super::limits::LARGEST_BODY;
use super::problem::Problem;

/// Reads a whole body.
pub(super) async fn read_body<B>(body: B, timeout: Duration) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = || {
        let message = format!("The request body is larger than {LARGEST_BODY} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", message).closing()
    };
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(timeout, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad("The request body broke off.").closing()),
        Err(_) => {
            let message = "The request body did not arrive in time.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message).closing())
        }
    }
}

//! The routes that let a hold go on: by its client, and by whoever has the link of its warning.
//!
//! A link is shown by GET and acts by POST, so that a mail scanner's look at it does nothing.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use crate::control::api::{
    DEFAULT_SNOOZE, LONGEST_SNOOZE, ProblemCode, SnoozeReply, SnoozeRequest, WarningView,
};
use crate::control::links::LinkKey;
use crate::daemon::Shared;
use crate::keeper::Refusal;
use crate::report::line;
use crate::units::{HoldId, Span};

use super::extract::{JsonBody, NoQuery};
use super::problem::ApiError;

/// What a link's path ends with, whatever that is.
type LinkToken = Result<Path<String>, PathRejection>;

/// What is said of a link that does nothing.
const USED_UP: &str = "This link does nothing any more: the session goes on, or it has ended.";

/// `POST /v1/holds/{hold}/snooze`.
pub(super) async fn snooze(
    State(shared): State<Arc<Shared>>,
    hold: Result<Path<String>, PathRejection>,
    _: NoQuery,
    JsonBody(request): JsonBody<SnoozeRequest>,
) -> Result<Json<SnoozeReply>, ApiError> {
    let Path(hold) = hold.map_err(|e| ApiError::bad(e.body_text()))?;
    let hold: HoldId = hold.parse()?;
    let SnoozeRequest { client, length } = request;
    if length <= Span::ZERO || length > LONGEST_SNOOZE {
        let detail = format!("`for` must be above 0s and at most {LONGEST_SNOOZE}, not {length}");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::new(status, ProblemCode::BadRequest, detail));
    }
    let granted = shared.grant_session(|keeper, now, policy| {
        keeper.snooze(now, policy, hold, Some(client.as_str()), length)
    });
    let granted = granted.await?;
    Ok(Json(SnoozeReply {
        hold,
        until: granted.answer,
        unwritten: granted.unwritten.map(|error| line(&*error)),
    }))
}

/// `GET /v1/snooze/{token}`.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(links): Extension<Arc<LinkKey>>,
    token: LinkToken,
    _: NoQuery,
) -> Response {
    let Path(token) = token.unwrap_or_else(|_| Path(String::new()));
    let state = shared.lock();
    let Some(held) = links.hold(&state.keeper, &token) else {
        return page(StatusCode::GONE, &format!("<p>{USED_UP}</p>"));
    };
    let client = held.hold.as_ref().map_or("", |hold| &hold.client);
    let Some(warning) = links.warning(&state.policy, held) else {
        return page(StatusCode::GONE, &format!("<p>{USED_UP}</p>"));
    };
    let text = format!(
        "<p>The session of {} in {} ends at {}: {}.{}</p>\
         <form method=\"post\"><button>Stay for {DEFAULT_SNOOZE}</button></form>",
        escaped(client),
        escaped(held.slot.pool.as_str()),
        warning.at,
        warning.by,
        price(&warning),
    );
    page(StatusCode::OK, &text)
}

/// `POST /v1/snooze/{token}`.
pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Extension(links): Extension<Arc<LinkKey>>,
    token: LinkToken,
    _: NoQuery,
) -> Result<Response, ApiError> {
    let Path(token) = token.unwrap_or_else(|_| Path(String::new()));
    let hold = {
        let state = shared.lock();
        let held = links.hold(&state.keeper, &token);
        held.and_then(|held| held.hold.as_ref()).map(|hold| hold.id)
    };
    let Some(hold) = hold else {
        return Ok(page(StatusCode::GONE, &format!("<p>{USED_UP}</p>")));
    };
    let granted = shared.grant_session(|keeper, now, policy| {
        // It may have been used since by somebody else who has it.
        if links.hold(keeper, &token).is_none() {
            let hold = crate::keeper::HoldRef::Hold(hold);
            return Err(Refusal::NotHeld { hold });
        }
        keeper.snooze(now, policy, hold, None, DEFAULT_SNOOZE)
    });
    Ok(match granted.await {
        Ok(granted) => {
            let text = format!("<p>The session stays until {}.</p>", granted.answer);
            page(StatusCode::OK, &text)
        }
        Err(error) => {
            let why = ApiError::from(error);
            page(why.status(), &format!("<p>{}</p>", escaped(why.detail())))
        }
    })
}

fn price(warning: &WarningView) -> String {
    let price = warning.hour.zip(warning.currency.as_ref());
    price.map_or_else(String::new, |(hour, currency)| {
        format!(" One more hour costs {hour} {}.", escaped(&currency.0))
    })
}

/// A small page. It names no other page, is kept by nobody, and tells nobody where it was.
fn page(status: StatusCode, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>leasekeeper</title>\
         <body>{body}</body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'",
        ),
    ];
    (status, headers, text).into_response()
}

/// A text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_that_would_be_more_than_text_is_text() {
        assert_eq!(
            super::escaped("<b>\"Zoë\" & 'co'</b>"),
            "&lt;b&gt;&quot;Zoë&quot; &amp; &#39;co&#39;&lt;/b&gt;"
        );
    }
}

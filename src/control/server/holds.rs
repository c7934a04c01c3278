//! The routes that give a client a session: it asks for one of a pool, with a key of its own for
//! the request or without.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

use crate::control::api::{AcquireReply, AcquireRequest, HoldRequest, IDEMPOTENCY_KEY};
use crate::daemon::{Granted, Shared};
use crate::keeper::{Acquired, Claimant, Event, EventKind, Refusal};
use crate::report::line;
use crate::units::{HoldKey, PoolName};

use super::extract::{JsonBody, NoQuery};
use super::problem::ApiError;

/// What was given, and whether it is given with this request.
type Given = (Acquired, bool);

/// `POST /v1/acquire`.
pub(super) async fn acquire(
    State(shared): State<Arc<Shared>>,
    _: NoQuery,
    JsonBody(request): JsonBody<AcquireRequest>,
) -> Result<(StatusCode, Json<AcquireReply>), ApiError> {
    let AcquireRequest { pool, client, team } = request;
    let given = give(&shared, &pool, &HoldRequest { client, team }, None).await?;
    let status = match given.answer.0 {
        Acquired::Ready { .. } => StatusCode::OK,
        Acquired::Waiting { .. } => StatusCode::ACCEPTED,
    };
    Ok((status, Json(reply(given))))
}

/// `POST /v1/pools/{pool}/holds`.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    pool: Result<Path<String>, PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    JsonBody(request): JsonBody<HoldRequest>,
) -> Result<(StatusCode, Json<AcquireReply>), ApiError> {
    let Path(pool) = pool.map_err(|e| ApiError::bad(e.body_text()))?;
    let pool: PoolName = pool.parse()?;
    let key = key(&headers)?;
    let given = give(&shared, &pool, &request, key.as_ref()).await?;
    let status = match given.answer {
        (Acquired::Ready { .. }, true) => StatusCode::CREATED,
        (Acquired::Ready { .. }, false) => StatusCode::OK,
        (Acquired::Waiting { .. }, _) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(reply(given))))
}

async fn give(
    shared: &Shared,
    pool: &PoolName,
    request: &HoldRequest,
    key: Option<&HoldKey>,
) -> Result<Granted<Given>, ApiError> {
    let claimant = Claimant {
        client: request.client.as_str(),
        team: request.team.as_ref(),
    };
    let granted = shared.grant_session(|keeper, now, policy| {
        let (acquired, events) = match key {
            Some(key) => keeper.acquire_once(now, policy, pool, claimant, key)?,
            None => keeper.acquire(now, policy, pool, claimant)?,
        };
        let is_new = |event: &Event| matches!(event.what, EventKind::Held { .. });
        let is_new = events.iter().any(is_new);
        Ok::<_, Refusal>(((acquired, is_new), events))
    });
    Ok(granted.await?)
}

/// A client's own key for a request. The header's standard writes it as a string in quotes, and
/// most clients without.
fn key(headers: &HeaderMap) -> Result<Option<HoldKey>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(ApiError::bad("`Idempotency-Key` is given twice"));
    }
    let text = value.to_str().unwrap_or("\u{fffd}").trim();
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let key: Result<HoldKey, _> = inner.unwrap_or(text).parse();
    let refused = |e| ApiError::bad(format!("`Idempotency-Key` cannot be used: {e}"));
    key.map(Some).map_err(refused)
}

fn reply(granted: Granted<Given>) -> AcquireReply {
    let unwritten = granted.unwritten.map(|error| line(&*error));
    match granted.answer.0 {
        Acquired::Ready {
            hold,
            id,
            address,
            team,
            leased,
            ends,
        } => AcquireReply::Ready {
            hold,
            session: id,
            address,
            team,
            leased_until: leased,
            hold_ends: ends,
            unwritten,
        },
        Acquired::Waiting {
            hold,
            team,
            place,
            outlook,
        } => AcquireReply::Waiting {
            waiting: true,
            hold,
            team,
            place,
            why: outlook.to_string(),
            until: outlook.until(),
        },
    }
}

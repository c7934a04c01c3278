//! The routes that give a client a session: it asks for one of a pool, with a key of its own for
//! the request or without.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::control::api::{
    AcquireReply, AcquireRequest, HoldRequest, IDEMPOTENCY_KEY, WarningView,
};
use crate::control::links::LinkKey;
use crate::daemon::{Granted, Shared};
use crate::keeper::{Acquired, Claimant, Event, EventKind, Refusal};
use crate::report::line;
use crate::units::{HoldKey, PoolName};

use super::extract::{JsonBody, NoQuery};
use super::problem::ApiError;

/// What was given, whether it is given with this request, and what warning it carries.
type Given = (Acquired, bool, Option<WarningView>);

type Links = Extension<Arc<LinkKey>>;

/// `POST /v1/acquire`.
pub(super) async fn acquire(
    State(shared): State<Arc<Shared>>,
    Extension(links): Links,
    _: NoQuery,
    JsonBody(request): JsonBody<AcquireRequest>,
) -> Result<(StatusCode, Json<AcquireReply>), ApiError> {
    let AcquireRequest {
        pool,
        client,
        team,
        size,
    } = request;
    let request = HoldRequest { client, team, size };
    let given = give(&shared, &links, &pool, &request, None).await?;
    let status = match given.answer.0 {
        Acquired::Ready { .. } => StatusCode::OK,
        Acquired::Waiting { .. } => StatusCode::ACCEPTED,
    };
    Ok((status, Json(reply(given))))
}

/// `POST /v1/pools/{pool}/holds`.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(links): Links,
    pool: Result<Path<String>, PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    JsonBody(request): JsonBody<HoldRequest>,
) -> Result<(StatusCode, Json<AcquireReply>), ApiError> {
    let Path(pool) = pool.map_err(|e| ApiError::bad(e.body_text()))?;
    let pool: PoolName = pool.parse()?;
    let key = key(&headers)?;
    let given = give(&shared, &links, &pool, &request, key.as_ref()).await?;
    let status = match given.answer {
        (Acquired::Ready { .. }, true, _) => StatusCode::CREATED,
        (Acquired::Ready { .. }, false, _) => StatusCode::OK,
        (Acquired::Waiting { .. }, ..) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(reply(given))))
}

async fn give(
    shared: &Shared,
    links: &LinkKey,
    pool: &PoolName,
    request: &HoldRequest,
    key: Option<&HoldKey>,
) -> Result<Granted<Given>, ApiError> {
    let claimant = Claimant {
        client: request.client.as_str(),
        team: request.team.as_ref(),
        size: request.size.as_ref(),
    };
    let granted = shared.grant_session(|keeper, now, policy| {
        let (acquired, events) = match key {
            Some(key) => keeper.acquire_once(now, policy, pool, claimant, key)?,
            None => keeper.acquire(now, policy, pool, claimant)?,
        };
        let is_new = |event: &Event| matches!(event.what, EventKind::Held { .. });
        let is_new = events.iter().any(is_new);
        let warning = match &acquired {
            Acquired::Ready { id, .. } => keeper.sessions.get(id),
            Acquired::Waiting { .. } => None,
        };
        let warning = warning.and_then(|managed| links.warning(policy, managed));
        Ok::<_, Refusal>(((acquired, is_new, warning), events))
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
    let (acquired, _, warning) = granted.answer;
    match acquired {
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
            warning,
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

//! The server side: routes over the daemon's shared state.
//!
//! A change is made in memory and ledger under the lock, then the loop is woken. Nothing here talks
//! to the service.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::UnixListener;

use crate::daemon::{Shared, WishError};
use crate::keeper::{Acquired, Refusal, Target};
use crate::ledger::{By, DateRange, EventFilter, LedgerError, SpendRequest};
use crate::units::{PoolName, SessionId, SlotId};

use super::views;

/// The largest request that is read.
const LARGEST_BODY: usize = 16 * 1024;
/// The most events that one answer tells.
const MOST_EVENTS: usize = 1_000;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A daemon answers there.
    #[error("another daemon listens on {}; stop it, or give this one its own `control.socket`", .0.display())]
    InUse(PathBuf),
    /// The socket cannot be made.
    #[error("cannot open the control socket {}: {source}; name another with --socket or `control.socket`", path.display())]
    Open {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
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

/// Serves until the future given is done.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: UnixListener,
    shared: Arc<Shared>,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(shared))
        .with_graceful_shutdown(until)
        .await
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/health", get(|| async { Json(json!({"ok": true})) }))
        .route("/v1/status", get(status))
        .route("/v1/plan", get(plan))
        .route("/v1/touch", post(touch))
        .route("/v1/park", post(park))
        .route("/v1/wake", post(wake))
        .route("/v1/acquire", post(acquire))
        .route("/v1/release", post(release))
        .route("/v1/why", get(why))
        .route("/v1/spend", get(spend))
        .fallback(async || {
            ApiError(
                StatusCode::NOT_FOUND,
                "not-found",
                "the control API has no such path".into(),
            )
        })
        .method_not_allowed_fallback(async || {
            ApiError(
                StatusCode::METHOD_NOT_ALLOWED,
                "bad-request",
                "this path takes another method".into(),
            )
        })
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

/// An error answer.
struct ApiError(StatusCode, &'static str, String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (
            self.0,
            Json(json!({"error": {"code": self.1, "message": self.2}})),
        )
            .into_response()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::HeldByAnother { .. } => StatusCode::CONFLICT,
            _ => StatusCode::NOT_FOUND,
        };
        Self(status, "refused", refusal.to_string())
    }
}

impl From<WishError> for ApiError {
    fn from(error: WishError) -> Self {
        match error {
            WishError::Refused(refusal) => refusal.into(),
            WishError::Ledger(error) => Self::from(&*error),
        }
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        Self::from(&error)
    }
}

impl From<&LedgerError> for ApiError {
    fn from(error: &LedgerError) -> Self {
        Self(
            StatusCode::INTERNAL_SERVER_ERROR,
            "ledger",
            error.to_string(),
        )
    }
}

fn bad(error: impl std::fmt::Display) -> ApiError {
    ApiError(StatusCode::BAD_REQUEST, "bad-request", error.to_string())
}

/// What a request's query says; what cannot be read is refused in our own form of error.
struct ApiQuery<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(asked) = Query::from_request_parts(parts, state)
            .await
            .map_err(|e| bad(e.body_text()))?;
        Ok(Self(asked))
    }
}

/// What a request's body says; what cannot be read is refused in our own form of error.
struct JsonBody<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let refused = |e: JsonRejection| ApiError(e.status(), "bad-request", e.body_text());
        let Json(told) = Json::from_request(request, state).await.map_err(refused)?;
        Ok(Self(told))
    }
}

type SharedState = axum::extract::State<Arc<Shared>>;
type JsonResult<T> = Result<Json<T>, ApiError>;

async fn status(State(shared): SharedState) -> Json<views::StatusView> {
    Json(views::status(shared.clock.now(), &shared.lock()))
}

async fn plan(State(shared): SharedState) -> Json<views::PlanView> {
    let state = shared.lock();
    Json(views::planned(
        shared.clock.now(),
        &state.policy,
        &state.keeper,
    ))
}

#[derive(Deserialize)]
struct TargetBody {
    target: String,
}

#[derive(Serialize)]
struct Done {
    events: Vec<String>,
}

/// What somebody wishes to change, from a body that names a target.
async fn change(
    shared: &Shared,
    named: &TargetBody,
    wish: impl FnOnce(
        &mut crate::keeper::KeeperState,
        crate::units::Timestamp,
        &crate::policy::Policy,
        &Target,
    ) -> Result<Vec<crate::keeper::Event>, Refusal>,
) -> JsonResult<Done> {
    let target: Target = named.target.parse().map_err(bad)?;
    let events = shared
        .grant(|keeper, now, policy| {
            let events = wish(keeper, now, policy, &target)?;
            let told = events
                .iter()
                .map(|e| {
                    format!(
                        "{} {}",
                        e.slot
                            .as_ref()
                            .map_or_else(String::new, ToString::to_string),
                        e.what
                    )
                })
                .collect();
            Ok((told, events))
        })
        .await?;
    Ok(Json(Done { events }))
}

async fn touch(
    State(shared): SharedState,
    JsonBody(named): JsonBody<TargetBody>,
) -> JsonResult<Done> {
    change(&shared, &named, crate::keeper::KeeperState::touch).await
}

async fn park(
    State(shared): SharedState,
    JsonBody(named): JsonBody<TargetBody>,
) -> JsonResult<Done> {
    change(&shared, &named, |keeper, now, policy, target| {
        keeper.park(now, policy, target).map(|()| Vec::new())
    })
    .await
}

async fn wake(
    State(shared): SharedState,
    JsonBody(named): JsonBody<TargetBody>,
) -> JsonResult<Done> {
    change(&shared, &named, crate::keeper::KeeperState::wake).await
}

#[derive(Deserialize)]
struct Claim {
    pool: PoolName,
    client: String,
}

async fn acquire(
    State(shared): SharedState,
    JsonBody(claim): JsonBody<Claim>,
) -> Result<Response, ApiError> {
    let acquired = shared
        .grant(|keeper, now, policy| keeper.acquire(now, policy, &claim.pool, &claim.client))
        .await?;
    Ok(match acquired {
        Acquired::Ready { id, address } => {
            Json(json!({"session": id, "address": address})).into_response()
        }
        Acquired::Waiting => (StatusCode::ACCEPTED, Json(json!({"waiting": true}))).into_response(),
    })
}

#[derive(Deserialize)]
struct Return {
    session: SessionId,
    client: String,
}

async fn release(State(shared): SharedState, JsonBody(back): JsonBody<Return>) -> JsonResult<Done> {
    shared
        .grant(|keeper, now, _| Ok(((), vec![keeper.release(now, &back.session, &back.client)?])))
        .await?;
    Ok(Json(Done { events: Vec::new() }))
}

#[derive(Deserialize)]
struct About {
    slot: String,
    #[serde(default = "some_events")]
    limit: usize,
}

const fn some_events() -> usize {
    20
}

async fn why(
    State(shared): SharedState,
    ApiQuery(about): ApiQuery<About>,
) -> JsonResult<Vec<crate::keeper::Event>> {
    let filter = if about.slot.contains('/') {
        EventFilter::Slot(about.slot.parse::<SlotId>().map_err(bad)?)
    } else {
        EventFilter::Pool(about.slot.parse().map_err(bad)?)
    };
    let ledger = shared.lock().ledger.clone();
    let limit = about.limit.min(MOST_EVENTS);
    let events = ledger
        .read(move |ledger| ledger.events(&filter, limit))
        .await?;
    Ok(Json(events))
}

#[derive(Deserialize)]
struct Spending {
    #[serde(default = "by_pool")]
    by: By,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

const fn by_pool() -> By {
    By::Pool
}

async fn spend(
    State(shared): SharedState,
    ApiQuery(asked): ApiQuery<Spending>,
) -> JsonResult<crate::ledger::SpendReport> {
    let now = shared.clock.now();
    let (policy, keeper, ledger) = {
        let state = shared.lock();
        (
            state.policy.clone(),
            state.keeper.clone(),
            state.ledger.clone(),
        )
    };
    let (zone, currency) = (policy.time_zone, policy.prices.currency.clone());
    let range = DateRange::named(asked.from, asked.to, now, zone).map_err(bad)?;
    let request = SpendRequest {
        by: asked.by,
        range,
        zone,
        currency,
    };
    let report = ledger
        .read(move |ledger| ledger.spend(&request, &keeper, |size| policy.prices.of(size), now))
        .await?;
    Ok(Json(report))
}

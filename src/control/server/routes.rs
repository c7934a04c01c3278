//! What each path does.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use tokio::sync::oneshot;

use crate::control::api::{
    ChangeReply, ChargesQuery, HealthReply, MOST_EVENTS, PlanView, ProblemCode, ReleaseRequest,
    ReloadReply, ReloadRequest, SpendQuery, StatusView, TargetRequest, WhyQuery, path,
};
use crate::control::links::LinkKey;
use crate::control::{openapi, views};
use crate::daemon::{self, Granted, Shared};
use crate::keeper::{Event, HoldRef, KeeperState, Refusal, Target};
use crate::ledger::{
    ChargeReport, DateRange, EventFilter, LedgerHandle, SpendReport, SpendRequest,
};
use crate::policy::Policy;
use crate::report::line;
use crate::units::{PoolName, SlotId, Timestamp};

use super::extract::{ApiQuery, JsonBody, LARGEST_BODY, NoQuery};
use super::holds;
use super::problem::ApiError;
use super::snooze;

type SharedState = State<Arc<Shared>>;
type JsonResult<T> = Result<Json<T>, ApiError>;

/// Makes a router of routes, and the list of them for who holds it against what is told of them.
macro_rules! routes {
    ($($method:ident $path:ident => $answer:expr;)*) => {
        fn routes() -> Router<Arc<Shared>> {
            Router::new()$(.route(path::$path, $method($answer)))*
        }
        /// Every route: its method and its path.
        #[cfg(test)]
        pub(in crate::control) const ROUTES: &[(&str, &str)] =
            &[$((stringify!($method), path::$path)),*];
    };
}

routes! {
    get HEALTH => async |_: NoQuery| Json(HealthReply { ok: true });
    get READY => ready;
    get STATUS => status;
    get PLAN => plan;
    post TOUCH => touch;
    post PARK => park;
    post WAKE => wake;
    post ACQUIRE => holds::acquire;
    post HOLDS => holds::create;
    post SNOOZE => snooze::snooze;
    post RELEASE => release;
    post RELOAD => reload;
    get WHY => why;
    get SPEND => spend;
    get CHARGES => charges;
    get OPENAPI => async |_: NoQuery| Json(openapi::document());
}

/// The whole API over a daemon's state.
pub(super) fn router(shared: Arc<Shared>, links: Arc<LinkKey>) -> Router {
    routes()
        // Pages for people, which are no part of the document that programs read.
        .route(path::SNOOZE_LINK, get(snooze::show).post(snooze::act))
        .fallback(async || {
            let detail = "the control API has no such path";
            ApiError::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "this path takes another method";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            ApiError::new(status, ProblemCode::BadRequest, detail)
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(Extension(links))
        .with_state(shared)
}

async fn status(
    State(shared): SharedState,
    Extension(links): Extension<Arc<LinkKey>>,
    _: NoQuery,
) -> Json<StatusView> {
    Json(views::status(shared.clock.now(), &shared.lock(), &links))
}

/// Whether the daemon can do what it is there for.
async fn ready(State(shared): SharedState, _: NoQuery) -> JsonResult<HealthReply> {
    let trouble = views::trouble(&shared.lock());
    match trouble.is_empty() {
        true => Ok(Json(HealthReply { ok: true })),
        false => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let detail = trouble.join("; ");
            Err(ApiError::new(status, ProblemCode::Unavailable, detail))
        }
    }
}

async fn plan(State(shared): SharedState, _: NoQuery) -> Json<PlanView> {
    let state = shared.lock();
    let now = shared.clock.now();
    Json(PlanView {
        trouble: views::trouble(&state),
        ..views::planned(now, &state.policy, &state.keeper)
    })
}

/// Grants what a body that names a target asks for.
async fn change(
    shared: &Shared,
    request: &TargetRequest,
    wish: impl FnOnce(&mut KeeperState, Timestamp, &Policy, &Target) -> Result<Vec<Event>, Refusal>,
) -> JsonResult<ChangeReply> {
    let target: Target = request.target.parse()?;
    let granted = shared.grant(|keeper, now, policy| {
        let slots = keeper.slots_of(policy, &target)?;
        let events = wish(keeper, now, policy, &target)?;
        let (used, slots) = views::changed(now, policy, keeper, &slots);
        let reply = ChangeReply {
            events: events.iter().map(sentence).collect(),
            used,
            slots,
            unwritten: None,
        };
        Ok((reply, events))
    });
    Ok(Json(answer(granted.await?)))
}

/// The answer to a change, with why the ledger does not have it yet.
fn answer(granted: Granted<ChangeReply>) -> ChangeReply {
    ChangeReply {
        unwritten: granted.unwritten.map(|error| line(&*error)),
        ..granted.answer
    }
}

fn sentence(event: &Event) -> String {
    let slot = event.slot.as_ref().map(ToString::to_string);
    match slot {
        Some(slot) => format!("{slot} {}", event.what),
        None => event.what.to_string(),
    }
}

async fn touch(
    State(shared): SharedState,
    _: NoQuery,
    JsonBody(request): JsonBody<TargetRequest>,
) -> JsonResult<ChangeReply> {
    change(&shared, &request, KeeperState::touch).await
}

async fn park(
    State(shared): SharedState,
    _: NoQuery,
    JsonBody(request): JsonBody<TargetRequest>,
) -> JsonResult<ChangeReply> {
    change(&shared, &request, |keeper, now, policy, target| {
        keeper.park(now, policy, target).map(|()| Vec::new())
    })
    .await
}

async fn wake(
    State(shared): SharedState,
    _: NoQuery,
    JsonBody(request): JsonBody<TargetRequest>,
) -> JsonResult<ChangeReply> {
    change(&shared, &request, KeeperState::wake).await
}

async fn release(
    State(shared): SharedState,
    _: NoQuery,
    JsonBody(request): JsonBody<ReleaseRequest>,
) -> JsonResult<ChangeReply> {
    let hold = match (request.hold, request.session) {
        (Some(hold), None) => HoldRef::Hold(hold),
        (None, Some(session)) => HoldRef::Session(session),
        _ => return Err(ApiError::bad("name either `hold` or `session`")),
    };
    let released = shared.grant(|keeper, now, _| {
        let released = keeper.release(now, &hold, request.client.as_str())?;
        let reply = ChangeReply {
            events: vec![sentence(&released)],
            ..ChangeReply::default()
        };
        Ok((reply, vec![released]))
    });
    Ok(Json(answer(released.await?)))
}

/// How long a pass that is under way may keep a reload waiting: less than a connection may be
/// silent.
const LONGEST_PASS: std::time::Duration = std::time::Duration::from_secs(50);

async fn reload(
    State(shared): SharedState,
    _: NoQuery,
    JsonBody(request): JsonBody<ReloadRequest>,
) -> JsonResult<ReloadReply> {
    let (reply, outcome) = oneshot::channel();
    let accept = request.accept;
    shared.ask_to_reload(daemon::ReloadRequest { accept, reply });
    let unavailable = |detail| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        ApiError::new(status, ProblemCode::Unavailable, detail)
    };
    match tokio::time::timeout(LONGEST_PASS, outcome).await {
        Ok(Ok(Ok(review))) => Ok(Json(views::reviewed(&review, true))),
        Ok(Ok(Err(refused))) => Err(refused.into()),
        Ok(Err(_)) => Err(unavailable("the daemon ends")),
        Err(_) => {
            let detail = "the pass under way takes long; the policy was not read";
            let hint = "try again once `leasekeeper status` shows a newer pass";
            Err(unavailable(detail).with_hint(Some(hint)))
        }
    }
}

async fn why(
    State(shared): SharedState,
    ApiQuery(query): ApiQuery<WhyQuery>,
) -> JsonResult<Vec<Event>> {
    let (target, filter) = if query.slot.contains('/') {
        let slot: SlotId = query.slot.parse()?;
        (Target::Slot(slot.clone()), EventFilter::Slot(slot))
    } else {
        let pool: PoolName = query.slot.parse()?;
        (Target::Pool(pool.clone()), EventFilter::Pool(pool))
    };
    let limit = query.limit.min(MOST_EVENTS);
    let ledger = shared.lock().ledger.clone();
    let events = ledger.read(move |ledger| ledger.events(&filter, limit));
    let events = events.await?;
    if events.is_empty() {
        // A pool that the policy has no more still has its history; a name that never was has none.
        let state = shared.lock();
        state.keeper.slots_of(&state.policy, &target)?;
    }
    Ok(Json(events))
}

async fn spend(
    State(shared): SharedState,
    ApiQuery(query): ApiQuery<SpendQuery>,
) -> JsonResult<SpendReport> {
    let (now, policy, keeper, ledger) = for_report(&shared);
    let zone = policy.time_zone;
    let request = SpendRequest {
        by: query.by,
        range: DateRange::named(query.from, query.to, now, zone)?,
        zone,
        prices: policy.prices.clone(),
    };
    let report = ledger.read(move |ledger| ledger.spend(&request, &keeper, now));
    Ok(Json(report.await?))
}

async fn charges(
    State(shared): SharedState,
    ApiQuery(query): ApiQuery<ChargesQuery>,
) -> JsonResult<ChargeReport> {
    let (now, policy, keeper, ledger) = for_report(&shared);
    let range = DateRange::named(query.from, query.to, now, policy.time_zone)?;
    let report = ledger.read(move |ledger| ledger.charges(&policy, range, &keeper, now));
    Ok(Json(report.await?))
}

/// What a report of spend is made of, copied out from under the lock.
fn for_report(shared: &Shared) -> (Timestamp, Arc<Policy>, KeeperState, LedgerHandle) {
    let state = shared.lock();
    let (policy, keeper) = (state.policy.clone(), state.keeper.clone());
    (shared.clock.now(), policy, keeper, state.ledger.clone())
}

//! Every operation of the control API: what it takes, what it answers, and what can go wrong.

use serde_json::{Value, json};

use crate::control::api::{
    AcquireReply, AcquireRequest, ChangeReply, ChargesQuery, HealthReply, HoldRequest, PlanView,
    ReleaseRequest, ReloadReply, ReloadRequest, SnoozeReply, SnoozeRequest, SpendQuery, StatusView,
    TargetRequest, WhyQuery, path,
};
use crate::keeper::Event;
use crate::ledger::{By, ChargeReport, SpendReport};
use crate::units::{HoldId, PoolName};

use super::schemas::{Schemas, parameters};

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// The parameters of its query, its path and its headers.
    pub(super) parameters: Option<Value>,
    /// The schema of its body.
    pub(super) body: Option<Value>,
    /// Status, meaning and schema of what it answers where all is well.
    pub(super) answers: Vec<(u16, &'static str, Value)>,
    /// Status and meaning of its problems.
    pub(super) problems: Vec<(u16, &'static str)>,
}

impl Operation {
    fn get(path: &'static str, id: &'static str, summary: &'static str, answer: Value) -> Self {
        Self {
            method: "get",
            path,
            id,
            summary,
            parameters: None,
            body: None,
            answers: vec![(200, "The answer.", answer)],
            problems: vec![(400, "`bad-request`: the query cannot be read.")],
        }
    }

    fn post(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        body: Value,
        answer: Value,
    ) -> Self {
        Self {
            method: "post",
            body: Some(body),
            ..Self::get(path, id, summary, answer)
        }
        .or(413, "`bad-request`: the body is too large.")
        .or(
            415,
            "`bad-request`: the body has no `content-type: application/json`.",
        )
        .or(
            422,
            "`bad-request`: the body is JSON, and not what the path takes.",
        )
    }

    /// The same with parameters.
    fn with(self, parameters: Value) -> Self {
        Self {
            parameters: Some(parameters),
            ..self
        }
    }

    /// The same with what can keep a client from a session.
    fn or_no_session(self) -> Self {
        self.or(
            402,
            "`budget`: a budget allows no session before the instant in `until`.",
        )
        .or(403, "`refused`: the client is no member of the team.")
        .or(404, "`refused`: there is no such pool or team.")
        .or(
            409,
            "`no-slots`: the pool has no slots. `team-full`: the team has all the sessions \
                 that it may. `refused`: the client's hold counts to another team.",
        )
        .or(423, "`parked`: a person has parked the pool.")
        .or(
            503,
            "`closed`: the schedule is closed until the instant in `until`. `refused`: \
                 another rule keeps the pool from giving a session.",
        )
        .or_ledger()
    }

    /// The same with one problem more.
    fn or(mut self, status: u16, meaning: &'static str) -> Self {
        self.problems.retain(|(known, _)| *known != status);
        self.problems.push((status, meaning));
        self
    }

    /// The same with the problem of a ledger.
    fn or_ledger(self) -> Self {
        self.or(500, "`ledger`: the ledger cannot be read or written.")
    }
}

const NO_TARGET: &str = "`refused`: there is no such pool, slot or session.";

/// All of them.
pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = reports(schemas);
    all.extend(requests(schemas));
    all
}

fn reports(schemas: &mut Schemas) -> Vec<Operation> {
    schemas.of::<By>();
    let health = schemas.of::<HealthReply>();
    let events = json!({ "type": "array", "items": schemas.of::<Event>() });
    vec![
        Operation::get(
            path::HEALTH,
            "health",
            "Whether the daemon runs",
            health.clone(),
        ),
        Operation::get(
            path::READY,
            "ready",
            "Whether the daemon can do what it is there for",
            health,
        )
        .or(503, "`unavailable`: what keeps it from that."),
        Operation::get(
            path::STATUS,
            "status",
            "Every slot with its session, decision and reason; budgets; unmanaged sessions",
            schemas.of::<StatusView>(),
        ),
        Operation::get(
            path::PLAN,
            "plan",
            "What the next pass would do",
            schemas.of::<PlanView>(),
        ),
        Operation::get(
            path::WHY,
            "why",
            "What happened to a slot or a pool, newest first",
            events,
        )
        .with(parameters::<WhyQuery>())
        .or(404, NO_TARGET)
        .or_ledger(),
        Operation::get(
            path::SPEND,
            "spend",
            "What was spent",
            schemas.of::<SpendReport>(),
        )
        .with(parameters::<SpendQuery>())
        .or_ledger(),
        Operation::get(
            path::CHARGES,
            "charges",
            "What each session was billed on each day",
            schemas.of::<ChargeReport>(),
        )
        .with(parameters::<ChargesQuery>())
        .or_ledger(),
        Operation::get(
            path::OPENAPI,
            "openapi",
            "This document",
            json!({ "type": "object", "description": "An OpenAPI 3.1 document." }),
        ),
    ]
}

fn requests(schemas: &mut Schemas) -> Vec<Operation> {
    let target = schemas.strict::<TargetRequest>();
    let changed = schemas.of::<ChangeReply>();
    let change = |path, id, summary| {
        Operation::post(path, id, summary, target.clone(), changed.clone())
            .or(404, NO_TARGET)
            .or_ledger()
    };
    let touch = change(
        path::TOUCH,
        "touch",
        "Report use of a session; wakes a parked pool",
    )
    .or(
        404,
        "`refused`: there is no such target, or its pool does not count heartbeats.",
    );
    let park = change(path::PARK, "park", "Keep slots empty until they are woken");
    let wake = change(path::WAKE, "wake", "Let slots be filled again");
    let reply = schemas.of::<AcquireReply>();
    let waiting = (
        202,
        "A place in the queue, kept by asking again.",
        reply.clone(),
    );
    let mut acquire = Operation::post(
        path::ACQUIRE,
        "acquire",
        "Take a Ready session, or a place in the queue for one",
        schemas.strict::<AcquireRequest>(),
        reply.clone(),
    )
    .or_no_session();
    acquire.answers = vec![
        (200, "A Ready session, held for the client.", reply.clone()),
        waiting.clone(),
    ];
    let mut hold = Operation::post(
        path::HOLDS,
        "createHold",
        "The same for the pool in the path, with a client's own key for the request",
        schemas.strict::<HoldRequest>(),
        reply.clone(),
    )
    .or_no_session()
    .or(
        409,
        "`no-slots`: the pool has no slots. `team-full`: the team has all the sessions that it \
         may. `hold-over`: the hold that the key stands for is over. `refused`: the client's hold \
         counts to another team.",
    )
    .or(
        422,
        "`bad-request`: the body is not what the path takes. `key-reused`: the key stands for \
         another body.",
    )
    .with(json!([
        {
            "name": "pool",
            "in": "path",
            "required": true,
            "description": "The pool to take a session of.",
            "schema": schemas.of::<PoolName>(),
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The client's own name for this request: the same key and body have \
                the same hold, however often they arrive.",
            "schema": { "type": "string", "pattern": "^[!#-~]([ -~]{0,253}[!#-~])?$" },
        },
    ]));
    hold.answers = vec![
        (200, "A session that the client had already.", reply.clone()),
        (
            201,
            "A Ready session, held for the client from now on.",
            reply,
        ),
        waiting,
    ];
    let body = schemas.strict::<ReleaseRequest>();
    let release = Operation::post(
        path::RELEASE,
        "release",
        "Give a session back, or a place in the queue",
        body,
        changed.clone(),
    )
    .or(404, "`refused`: there is no such session.")
    .or(409, "`refused`: another client holds it, or nobody does.")
    .or_ledger();
    let (body, reply) = (
        schemas.strict::<ReloadRequest>(),
        schemas.of::<ReloadReply>(),
    );
    let reload = Operation::post(
        path::RELOAD,
        "reload",
        "Read the policy again, and tell what that changes",
        body,
        reply,
    )
    .or(
        409,
        "`stops-held`: it would stop sessions that clients hold. `invalid-policy`: it cannot \
        take effect in a running daemon.",
    )
    .or(
        422,
        "`bad-request`: the body is not what the path takes. `invalid-policy`: the policy \
        cannot be used.",
    )
    .or(
        503,
        "`unavailable`: the daemon ends, or its pass takes too long.",
    )
    .or_ledger();
    let snooze = snooze(schemas);
    vec![touch, park, wake, acquire, hold, snooze, release, reload]
}

fn snooze(schemas: &mut Schemas) -> Operation {
    Operation::post(
        path::SNOOZE,
        "snooze",
        "Let a hold go on for a while, within schedule and budget",
        schemas.strict::<SnoozeRequest>(),
        schemas.of::<SnoozeReply>(),
    )
    .or(
        402,
        "`budget`: a budget has no room for it before the instant in `until`.",
    )
    .or(
        409,
        "`closed`: the schedule closes before, at the instant in `until`. `refused`: another \
         client holds it, or nobody holds a session by it.",
    )
    .or(
        422,
        "`bad-request`: the body is not what the path takes, or `for` is more than a day.",
    )
    .or_ledger()
    .with(json!([{
        "name": "hold",
        "in": "path",
        "required": true,
        "description": "The hold.",
        "schema": schemas.of::<HoldId>(),
    }]))
}

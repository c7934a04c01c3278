//! Error answers of the server.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::control::api::{PROBLEM_JSON, Problem, ProblemCode};
use crate::control::views;
use crate::daemon::{PolicyError, Refused, WishError};
use crate::keeper::{Reason, Refusal};
use crate::ledger::{BadRange, LedgerError};
use crate::report::{Hint, detail};
use crate::units::{BadId, Timestamp};

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct ApiError(Box<Problem>);

impl ApiError {
    pub(super) fn new(status: StatusCode, code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            until: None,
            hint: None,
            reload: None,
        }))
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or_default()
    }

    /// What is wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// A request that cannot be read.
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ProblemCode::BadRequest, detail)
    }

    pub(super) fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.0.hint = hint.map(Into::into);
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        // A problem has texts and a number, which JSON can always hold.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (status, code, until) = match &refusal {
            Refusal::HeldByAnother { .. } | Refusal::NotHeld { .. } | Refusal::OtherTeam { .. } => {
                (StatusCode::CONFLICT, ProblemCode::Refused, None)
            }
            Refusal::NotAMember { .. } => (StatusCode::FORBIDDEN, ProblemCode::Refused, None),
            Refusal::KeyReused { .. } => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                (status, ProblemCode::KeyReused, None)
            }
            Refusal::HoldOver { .. } => (StatusCode::CONFLICT, ProblemCode::HoldOver, None),
            Refusal::TeamFull { .. } => (StatusCode::CONFLICT, ProblemCode::TeamFull, None),
            Refusal::NoSlots { .. } => (StatusCode::CONFLICT, ProblemCode::NoSlots, None),
            Refusal::Unavailable { why, .. } | Refusal::CannotStay { why, .. } => unavailable(why),
            Refusal::Closes { at, .. } => (StatusCode::CONFLICT, ProblemCode::Closed, Some(*at)),
            _ => (StatusCode::NOT_FOUND, ProblemCode::Refused, None),
        };
        let mut error = Self::new(status, code, refusal.to_string()).with_hint(refusal.hint());
        error.0.until = until;
        error
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

impl From<&LedgerError> for ApiError {
    fn from(error: &LedgerError) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, ProblemCode::Ledger, detail(error)).with_hint(error.hint())
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        Self::from(&error)
    }
}

impl From<Box<Refused>> for ApiError {
    fn from(refused: Box<Refused>) -> Self {
        let error = &refused.error;
        let (status, code) = match error {
            PolicyError::StopsHeld(_) => (StatusCode::CONFLICT, ProblemCode::StopsHeld),
            PolicyError::ServiceInUse(_) | PolicyError::NeedsRestart { .. } => {
                (StatusCode::CONFLICT, ProblemCode::InvalidPolicy)
            }
            PolicyError::Read { .. }
            | PolicyError::Invalid { .. }
            | PolicyError::Calendar(_)
            | PolicyError::Connect(_) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                (status, ProblemCode::InvalidPolicy)
            }
        };
        let said = match error.is_drawn() {
            true => error.to_string(),
            false => detail(error),
        };
        let mut answer = Self::new(status, code, said).with_hint(error.hint());
        let review = refused.review.as_ref();
        answer.0.reload = review.map(|review| Box::new(views::reviewed(review, false)));
        answer
    }
}

impl From<BadRange> for ApiError {
    fn from(error: BadRange) -> Self {
        Self::bad(error.to_string())
    }
}

impl From<BadId> for ApiError {
    fn from(error: BadId) -> Self {
        Self::bad(error.to_string())
    }
}

/// A rule keeps a pool from giving a session: which, and until when.
const fn unavailable(why: &Reason) -> (StatusCode, ProblemCode, Option<Timestamp>) {
    match why {
        Reason::ParkedByPerson { .. } => (StatusCode::LOCKED, ProblemCode::Parked, None),
        Reason::Budget { until, .. } => (StatusCode::PAYMENT_REQUIRED, ProblemCode::Budget, *until),
        Reason::ScheduleClosed { opens } => {
            (StatusCode::SERVICE_UNAVAILABLE, ProblemCode::Closed, *opens)
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, ProblemCode::Refused, None),
    }
}

//! The two shapes of a session on the wire: empty fields left out, or `null`, `0` and `0.0` in
//! their place as in early 2021.

use hyper::StatusCode;
use serde::Serialize;

use crate::arr::wire::{ErrorBody, ErrorDetail, ListBody, SessionBody};

use super::format::WireFormat;
use super::response::{HttpResponse, json};

/// A session with every field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Legacy {
    id: String,
    creation_time: Option<String>,
    arr_inspector_port: i64,
    handshake_port: i64,
    elapsed_time_minutes: i64,
    hostname: Option<String>,
    max_lease_time_minutes: i64,
    size: Option<String>,
    status: String,
    teraflops: serde_json::Number,
    error: Option<LegacyError>,
}

/// An error with every field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegacyError {
    code: String,
    message: String,
    details: Option<Vec<Self>>,
    target: Option<String>,
    inner_error: Option<Box<Self>>,
}

impl From<ErrorDetail> for LegacyError {
    fn from(error: ErrorDetail) -> Self {
        let details = error.details;
        Self {
            code: error.code,
            message: error.message,
            details: details.map(|all| all.into_iter().map(Self::from).collect()),
            target: error.target,
            inner_error: error.inner_error.map(|inner| Box::new((*inner).into())),
        }
    }
}

#[derive(Serialize)]
struct LegacyErrorBody {
    error: LegacyError,
}

impl From<SessionBody> for Legacy {
    fn from(body: SessionBody) -> Self {
        Self {
            id: body.id,
            creation_time: body.creation_time,
            arr_inspector_port: body.arr_inspector_port.unwrap_or(0),
            handshake_port: body.handshake_port.unwrap_or(0),
            elapsed_time_minutes: body.elapsed_time_minutes.unwrap_or(0),
            hostname: body.hostname,
            max_lease_time_minutes: body.max_lease_time_minutes.unwrap_or(0),
            size: body.size,
            status: body.status,
            teraflops: body
                .teraflops
                .or_else(|| serde_json::Number::from_f64(0.0))
                .unwrap_or_else(|| 0.into()),
            error: body.error.map(LegacyError::from),
        }
    }
}

#[derive(Serialize)]
struct LegacyList {
    sessions: Vec<Legacy>,
    #[serde(rename = "@nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

impl WireFormat {
    /// One session as an answer.
    pub(in crate::host) fn session(self, status: StatusCode, body: SessionBody) -> HttpResponse {
        match self {
            Self::Modern => json(status, &body),
            Self::LegacyNulls => json(status, &Legacy::from(body)),
        }
    }

    /// An error as an answer.
    pub(super) fn error(self, status: StatusCode, error: ErrorDetail) -> HttpResponse {
        match self {
            Self::Modern => json(status, &ErrorBody { error }),
            Self::LegacyNulls => {
                let error = error.into();
                json(status, &LegacyErrorBody { error })
            }
        }
    }

    /// A page of a list as an answer.
    pub(in crate::host) fn list(
        self,
        sessions: Vec<SessionBody>,
        next_link: Option<String>,
    ) -> HttpResponse {
        match self {
            Self::Modern => json(
                StatusCode::OK,
                &ListBody {
                    sessions,
                    next_link,
                },
            ),
            Self::LegacyNulls => {
                let sessions = sessions.into_iter().map(Legacy::from).collect();
                json(
                    StatusCode::OK,
                    &LegacyList {
                        sessions,
                        next_link,
                    },
                )
            }
        }
    }
}

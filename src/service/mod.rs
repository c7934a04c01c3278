//! The seam between the keeper and the live session service.
//!
//! [`Service`] is what the executor talks to: a [`Fleet`] of [`RegionService`]s, which are the
//! clients of `arr`, or the lines of the simulator. Every answer carries the instants between which
//! the service worked it out, because a reading takes time.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::report::{Hint, detail, escaped};
use crate::units::{Minutes, Region, SessionId, Size};

mod fleet;

pub use crate::keeper::{FailureKind, Listing, Operation, SessionReading};
pub use crate::policy::{ExtensionLimits, Limits};
pub use fleet::{Fleet, RegionService};

/// A request to the service that failed, after all the retries it was entitled to.
#[derive(Clone, Debug)]
pub struct ServiceError {
    /// What was being done.
    pub operation: Operation,
    /// To which session, if to one.
    pub session: Option<SessionId>,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What happened, in words, with the service's own `code: message` where it sent one. Never a
    /// secret.
    pub detail: String,
    /// What to do about it, if there is anything to do.
    pub hint: Option<Arc<str>>,
    /// What the system or a library said, where it was not the service that refused.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
    /// The service's `MS-CV`, for whoever runs it.
    pub request_id: Option<String>,
}

impl ServiceError {
    /// What the service, or the way to it, said, without what was asked for and when.
    pub fn said(&self) -> String {
        let causes = self
            .source()
            .map(detail)
            .filter(|cause| !self.detail.contains(cause));
        match causes {
            Some(cause) => format!("{}: {cause}", escaped(&self.detail)),
            None => escaped(&self.detail).into_owned(),
        }
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl Hint for ServiceError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        self.hint.as_deref().map(|hint| hint.to_owned().into())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} ", self.operation.verb())?;
        match (&self.session, self.operation) {
            (Some(id), _) => write!(f, "session {id}")?,
            (None, Operation::Token) => write!(f, "the account")?,
            (None, _) => write!(f, "sessions")?,
        }
        write!(f, ": {}", self.detail)?;
        match &self.request_id {
            Some(cv) => write!(f, " (MS-CV {cv})"),
            None => Ok(()),
        }
    }
}

/// What the executor asks of the live session service. Implementations retry inside a deadline of
/// their own.
///
/// A policy may name several regions, each of which knows its own sessions only; `region` says
/// which one is meant. It is `None` where there is only one, and where a session's region is not
/// known, which is then found.
pub trait Service: Send + Sync {
    /// PUT: creates the session, or finds that the same one exists.
    fn create(
        &self,
        region: Option<&Region>,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// GET one session, live or ended.
    fn get(
        &self,
        region: Option<&Region>,
        id: &SessionId,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// GET all live sessions of the account, of all regions that answer. An error where none does.
    fn list(&self) -> impl Future<Output = Result<Listing, ServiceError>> + Send;
    /// PATCH: sets the total lease, which must be larger than the present one.
    fn extend(
        &self,
        region: Option<&Region>,
        id: &SessionId,
        lease: Minutes,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// POST `:stop`. Success means the stop was accepted, not yet that the session has ended.
    fn stop(
        &self,
        region: Option<&Region>,
        id: &SessionId,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

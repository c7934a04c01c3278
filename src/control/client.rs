//! The client side: one typed call for each route, over the unix socket.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keeper::Event;
use crate::ledger::{ChargeReport, SpendReport};
use crate::report::Hint;
use crate::units::HoldId;

use super::api::{
    AcquireReply, AcquireRequest, ChangeReply, ChargesQuery, HealthReply, PlanView, Problem,
    ProblemCode, ReleaseRequest, ReloadReply, ReloadRequest, SnoozeReply, SnoozeRequest,
    SpendQuery, StatusView, TargetRequest, WhyQuery, path,
};

/// How long the daemon may take to answer; it answers from memory.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for a reload, which waits for the pass that is under way.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(58);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// Nobody answers.
    #[error("no daemon answers at {}", socket.display())]
    NoDaemon {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The daemon refused.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The answer is not what this version understands.
    #[error(
        "the daemon at {} answered what this version does not understand",
        socket.display()
    )]
    NotUnderstood {
        /// The socket.
        socket: PathBuf,
        /// What is not understood.
        source: serde_json::Error,
    },
}

impl Hint for CallError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Client(_) => None,
            Self::NoDaemon { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("run this as the user that the daemon runs as, or with sudo".into())
            }
            Self::NoDaemon { .. } => Some(
                "start it with `leasekeeper run`, or name its socket with --socket or \
                 LEASEKEEPER_SOCKET"
                    .into(),
            ),
            Self::Refused(problem) => problem.hint.clone().map(Cow::Owned),
            Self::NotUnderstood { .. } => {
                Some("restart the daemon if this program was upgraded since it started".into())
            }
        }
    }

    fn is_drawn(&self) -> bool {
        let is_invalid = |problem: &Problem| problem.code == ProblemCode::InvalidPolicy;
        let is_drawn = |problem: &Problem| problem.detail.contains('\n');
        matches!(self, Self::Refused(problem) if is_invalid(problem) && is_drawn(problem))
    }
}

/// A daemon, through its socket.
pub struct ControlClient {
    http: reqwest::Client,
    socket: PathBuf,
}

impl ControlClient {
    /// The daemon that listens on a socket. Nothing is sent yet.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn at(socket: &Path) -> Result<Self, CallError> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            // No TLS is spoken on it, and a machine without authorities is as good as any other.
            .tls_certs_only([])
            .timeout(REPLY_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(CallError::Client)?;
        Ok(Self {
            http,
            socket: socket.into(),
        })
    }

    /// Asks whether the daemon runs.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn health(&self) -> Result<HealthReply, CallError> {
        self.get(path::HEALTH, &()).await
    }

    /// Asks for slots, sessions and budgets.
    ///
    /// # Errors
    /// If nobody answers, or the answer is not understood.
    pub async fn status(&self) -> Result<StatusView, CallError> {
        self.get(path::STATUS, &()).await
    }

    /// Asks what the next pass would do.
    ///
    /// # Errors
    /// If nobody answers, or the answer is not understood.
    pub async fn plan(&self) -> Result<PlanView, CallError> {
        self.get(path::PLAN, &()).await
    }

    /// Reports use of a pool, a slot or a session.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn touch(&self, request: &TargetRequest) -> Result<ChangeReply, CallError> {
        self.post(path::TOUCH, request).await
    }

    /// Keeps slots empty until somebody wakes them.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn park(&self, request: &TargetRequest) -> Result<ChangeReply, CallError> {
        self.post(path::PARK, request).await
    }

    /// Lets slots be filled again.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn wake(&self, request: &TargetRequest) -> Result<ChangeReply, CallError> {
        self.post(path::WAKE, request).await
    }

    /// Takes a Ready session of a pool, or asks for one.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn acquire(&self, request: &AcquireRequest) -> Result<AcquireReply, CallError> {
        self.post(path::ACQUIRE, request).await
    }

    /// Lets a hold go on for a while.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn snooze(
        &self,
        hold: HoldId,
        request: &SnoozeRequest,
    ) -> Result<SnoozeReply, CallError> {
        let path = path::SNOOZE.replace("{hold}", &hold.to_string());
        self.post(&path, request).await
    }

    /// Gives a session back.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn release(&self, request: &ReleaseRequest) -> Result<ChangeReply, CallError> {
        self.post(path::RELEASE, request).await
    }

    /// Has the policy read again.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses the policy, or the answer is not understood.
    pub async fn reload(&self, request: &ReloadRequest) -> Result<ReloadReply, CallError> {
        let request = self.http.post(url(path::RELOAD)).json(request);
        self.call(request.timeout(RELOAD_TIMEOUT)).await
    }

    /// Asks for the history of a slot or a pool, newest first.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn why(&self, query: &WhyQuery) -> Result<Vec<Event>, CallError> {
        self.get(path::WHY, query).await
    }

    /// Asks what was spent.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn spend(&self, query: &SpendQuery) -> Result<SpendReport, CallError> {
        self.get(path::SPEND, query).await
    }

    /// Asks what each session was billed on each day.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn charges(&self, query: &ChargesQuery) -> Result<ChargeReport, CallError> {
        self.get(path::CHARGES, query).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, CallError> {
        self.call(self.http.get(url(path)).query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        self.call(self.http.post(url(path)).json(body)).await
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let no_daemon = |error: reqwest::Error| CallError::NoDaemon {
            socket: self.socket.clone(),
            source: io_cause(&error),
        };
        let not_understood = |source| CallError::NotUnderstood {
            socket: self.socket.clone(),
            source,
        };
        let response = request.send().await.map_err(no_daemon)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(no_daemon)?;
        if !status.is_success() {
            let problem = serde_json::from_slice(&bytes).map_err(not_understood)?;
            return Err(CallError::Refused(problem));
        }
        serde_json::from_slice(&bytes).map_err(not_understood)
    }
}

/// The socket decides who is asked; a URL needs a host name all the same.
fn url(path: &str) -> String {
    format!("http://leasekeeper{path}")
}

/// What the operating system said, which is all that a failed call over a socket comes down to.
fn io_cause(error: &reqwest::Error) -> io::Error {
    if error.is_timeout() {
        return io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    }
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let code = deepest
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error);
    code.map_or_else(
        || io::Error::other(deepest.to_string()),
        io::Error::from_raw_os_error,
    )
}

//! What the service does with a request: who asks, what for, and the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};

use crate::arr::wire::{SessionBody, TokenBody};
use crate::clock::Clock;
use crate::host::auth::account::HostAccount;
use crate::host::auth::entra::EntraVerifier;
use crate::host::auth::key::is_same;
use crate::host::auth::signer::Signer;
use crate::host::engine::Engine;
use crate::host::faults::{Effect, Faults};
use crate::host::sessions::registries::Registries;
use crate::host::sessions::registry::SessionRegistry;
use crate::host::store::PendingWrite;
use crate::units::{SessionId, Span, Timestamp};

use super::limits::{LARGEST_BODY, MOST_SESSIONS, Timeouts};
use super::operation::ApiOperation;
use super::problem::Problem;
use super::request::{Query, RequestTarget, settings, total};
use super::response::{HttpResponse, echo, empty, json, with_standard_headers};
use super::wire_format::WireFormat;

/// Everything that answers need.
pub(super) struct SessionApi {
    pub(in crate::host) clock: Arc<dyn Clock>,
    pub(in crate::host) accounts: Vec<HostAccount>,
    pub(super) signer: Signer,
    pub(in crate::host) entra: EntraVerifier,
    pub(super) page_size: usize,
    pub(in crate::host) format: WireFormat,
    pub(super) timeouts: Timeouts,
    /// The address under which clients that send no `Host` find this service.
    pub(super) origin: Origin,
    pub(in crate::host) faults: Mutex<Faults>,
    pub(in crate::host) registries: Mutex<Registries>,
}

/// The connection is to be cut instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("a fault rule cuts the connection")]
pub(super) struct Cut;

/// How this service is reached.
pub(super) struct Origin {
    pub(super) scheme: &'static str,
    pub(super) address: String,
}

/// One request, read.
struct ParsedRequest<'a> {
    target: RequestTarget<'a>,
    query: Query<'a>,
    headers: &'a HeaderMap,
}

impl SessionApi {
    /// Answers one request.
    pub(in crate::host) async fn answer<B>(&self, request: Request<B>) -> Result<HttpResponse, Cut>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let answer = match RequestTarget::read(&head.method, head.uri.path()) {
            Err(problem) => Err(problem),
            Ok(target) => {
                let query = Query::read(head.uri.query().unwrap_or_default());
                let request = ParsedRequest {
                    target,
                    query,
                    headers: &head.headers,
                };
                let effect = self.inject_faults(request.target.operation).await;
                let past = match effect {
                    Some(Effect::ResetBefore) => return Err(Cut),
                    Some(Effect::Stale(by)) => by,
                    _ => Span::ZERO,
                };
                let answer = match effect.as_ref().and_then(Problem::fault) {
                    Some(problem) => Err(problem),
                    None => self.act(&request, past, body).await,
                };
                if effect == Some(Effect::ResetAfter) {
                    return Err(Cut);
                }
                answer
            }
        };
        Ok(with_standard_headers(
            answer.unwrap_or_else(Problem::answer),
            &head.method,
            echo(&head.headers),
        ))
    }

    /// Delays a request as the rules say, and returns what else goes wrong with it.
    async fn inject_faults(&self, operation: ApiOperation) -> Option<Effect> {
        // Rules are whole at every moment, so a poisoned lock still holds good ones.
        let (late, effect) = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .request(operation);
        if late > Span::ZERO {
            #[expect(
                clippy::disallowed_methods,
                reason = "a delay is what the rule asks for"
            )]
            tokio::time::sleep(late.to_std()).await;
        }
        effect
    }

    async fn act<B>(
        &self,
        request: &ParsedRequest<'_>,
        past: Span,
        body: B,
    ) -> Result<HttpResponse, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let now = self.clock.now();
        let ParsedRequest {
            target,
            query,
            headers,
        } = request;
        if target.operation == ApiOperation::Token {
            query.version(target.operation)?;
            return self.token(&target.account, headers, now);
        }
        // A token outlives a restart, and the account that it was issued for may have been taken
        // away.
        let known = self.account(&target.account).zip(bearer(headers));
        if !known.is_some_and(|(account, token)| self.signer.accepts(token, &account.id, now)) {
            return Err(Problem::unauthorized());
        }
        let version = query.version(target.operation)?;
        if target.operation == ApiOperation::List {
            return self.list(request, version, now, past);
        }
        let id = target.session()?;
        let body = self.read(body).await?;
        // Reading may have taken a while.
        let now = self.clock.now();
        let (answer, pending) = self.apply(target, &id, &body, now)?;
        let persisted = match pending {
            Some(write) => write.confirmed().await,
            None => true,
        };
        if persisted {
            Ok(answer)
        } else {
            Err(Problem::internal("The session could not be kept."))
        }
    }

    /// Acts on one session. What changed is on its way to where it is kept, in the order in which
    /// it was done.
    fn apply(
        &self,
        target: &RequestTarget<'_>,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(HttpResponse, Option<PendingWrite>), Problem> {
        let mut registries = self.registries();
        let one = |registry: &mut SessionRegistry, engine: &mut dyn Engine| {
            self.one(target.operation, registry, engine, id, body, now)
        };
        let answer = registries.act(&target.account, now, one)?;
        let pending = if target.operation == ApiOperation::Get {
            None
        } else {
            registries.persist(&target.account, id)
        };
        Ok((answer, pending))
    }

    fn one(
        &self,
        operation: ApiOperation,
        registry: &mut SessionRegistry,
        engine: &mut dyn Engine,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let refuse = |why| Problem::refused(why, id);
        let (status, session) = match operation {
            ApiOperation::Create => {
                let (size, lease) = settings(body)?;
                if registry.len() >= MOST_SESSIONS && registry.get(id).is_err() {
                    let full = "The account has too many sessions; those that ended are forgotten after 30 days.";
                    return Err(Problem::new(
                        StatusCode::TOO_MANY_REQUESTS,
                        "TooManyRequests",
                        full,
                    )
                    .retry_after(FULL_ACCOUNT_RETRY));
                }
                let (new, session) = registry
                    .create(engine, id, &size, lease, now)
                    .map_err(refuse)?;
                (
                    if new {
                        StatusCode::CREATED
                    } else {
                        StatusCode::OK
                    },
                    session,
                )
            }
            ApiOperation::Update => (
                StatusCode::OK,
                registry
                    .extend(engine, id, total(body)?, now)
                    .map_err(refuse)?,
            ),
            ApiOperation::Stop => {
                registry.stop(engine, id, now).map_err(refuse)?;
                return Ok(empty(StatusCode::NO_CONTENT));
            }
            ApiOperation::Get | ApiOperation::List | ApiOperation::Token => {
                (StatusCode::OK, registry.get(id).map_err(refuse)?)
            }
        };
        Ok(self.format.session(status, session.body(now)))
    }

    fn list(
        &self,
        request: &ParsedRequest<'_>,
        version: &str,
        now: Timestamp,
        past: Span,
    ) -> Result<HttpResponse, Problem> {
        let ParsedRequest {
            target,
            query,
            headers,
        } = request;
        let after = query.after()?;
        let page = |sessions: &mut dyn Iterator<Item = SessionBody>| {
            let page: Vec<_> = sessions.take(self.page_size).collect();
            (page, sessions.next().is_some())
        };
        let (sessions, more) = self.registries().act(&target.account, now, |registry, _| {
            let then = now - past;
            if past > Span::ZERO {
                page(
                    &mut registry
                        .live_as_of(then, after.as_ref())
                        .map(|s| s.body(then)),
                )
            } else {
                page(&mut registry.live(now, after.as_ref()).map(|s| s.body(now)))
            }
        });
        let last = sessions.last().filter(|_| more);
        let Origin { scheme, address } = &self.origin;
        let host = headers
            .get(header::HOST)
            .and_then(|h| h.to_str().ok())
            .unwrap_or(address);
        let link = last.map(|last| {
            let (account, id) = (&target.account, &last.id);
            format!(
                "{scheme}://{host}/accounts/{account}/sessions?api-version={version}&after={id}"
            )
        });
        Ok(self.format.list(sessions, link))
    }

    fn account(&self, id: &str) -> Option<&HostAccount> {
        self.accounts.iter().find(|a| a.id.eq_ignore_ascii_case(id))
    }

    fn token(
        &self,
        account: &str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let enters = self
            .account(account)
            .zip(bearer(headers))
            .is_some_and(|(known, given)| match given.split_once(':') {
                Some((id, key)) => id.eq_ignore_ascii_case(&known.id) && is_same(key, &known.key),
                None => self.entra.accepts(given, now),
            });
        let token = enters.then(|| self.signer.issue(account, now)).flatten();
        token
            .map(|access_token| json(StatusCode::OK, &TokenBody { access_token }))
            .ok_or_else(Problem::unauthorized)
    }

    /// The body of a request, within its limits of length and time.
    async fn read<B>(&self, body: B) -> Result<Bytes, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let too_large = || {
            let message = format!("The request body is larger than {LARGEST_BODY} bytes.");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", message).closing()
        };
        if body.size_hint().lower() > LARGEST_BODY as u64 {
            return Err(too_large());
        }
        match tokio::time::timeout(
            self.timeouts.body,
            Limited::new(body, LARGEST_BODY).collect(),
        )
        .await
        {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Problem::bad("The request body broke off.").closing()),
            Err(_) => {
                let message = "The request body did not arrive in time.";
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message).closing())
            }
        }
    }

    fn registries(&self) -> MutexGuard<'_, Registries> {
        // A panic ends the process in release; in tests poisoned registries are still whole.
        self.registries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a client of an account with too many sessions may try again, in seconds.
const FULL_ACCOUNT_RETRY: i64 = 60;

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

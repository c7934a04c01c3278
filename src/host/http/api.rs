//! What the service does with a request: who asks, what for, and the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, StatusCode};

use crate::arr::wire::{SessionBody, TokenBody};
use crate::clock::Clock;
use crate::host::auth::account::HostAccount;
use crate::host::auth::entra::EntraVerifier;
use crate::host::auth::key::is_same;
use crate::host::auth::signer::Signer;
use crate::host::engine::Engine;
use crate::host::faults::{Effect, Faults};
use crate::host::sessions::registries::Registries;
use crate::host::sessions::registry::{RegistryError, SessionRegistry};
use crate::host::sessions::session::HostedSession;
use crate::host::store::PendingWrite;
use crate::units::{Minutes, SessionId, Span, Timestamp};

use super::admission::Peer;
use super::altered::{altered, altered_list};
use super::body::read_body;
use super::format::WireFormat;
use super::limits::{MOST_SESSIONS, Timeouts};
use super::operation::ApiOperation;
use super::origin::Origin;
use super::problem::Problem;
use super::request::{Query, RequestTarget, settings, total};
use super::response::{AnswerKind, HttpResponse, empty, html, json, with_standard_headers};

/// Everything that answers need.
pub(super) struct SessionApi {
    pub(in crate::host) clock: Arc<dyn Clock>,
    pub(in crate::host) accounts: Vec<HostAccount>,
    pub(super) signer: Signer,
    pub(in crate::host) entra: EntraVerifier,
    pub(super) page_size: usize,
    pub(in crate::host) format: WireFormat,
    pub(super) timeouts: Timeouts,
    pub(super) origin: Origin,
    pub(in crate::host) faults: Mutex<Faults>,
    pub(in crate::host) registries: Mutex<Registries>,
}

/// The connection is to be cut instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("a fault rule cuts the connection")]
pub(super) struct Cut;

/// One request, read.
struct ParsedRequest<'a> {
    target: RequestTarget<'a>,
    query: Query<'a>,
    headers: &'a HeaderMap,
    /// The connection it came by; none in tests without one.
    peer: Option<&'a Peer>,
    /// What a rule says goes wrong with it.
    effect: Option<Effect>,
}

impl ParsedRequest<'_> {
    /// Lets the connection stay, as what came by it is let in.
    async fn admit(&self) {
        if let Some(peer) = self.peer {
            peer.place.admit().await;
        }
    }
}

impl SessionApi {
    /// Answers one request.
    pub(in crate::host) async fn answer<B>(&self, request: Request<B>) -> Result<HttpResponse, Cut>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let target = match RequestTarget::read(&head.method, head.uri.path()) {
            Ok(target) => target,
            Err(problem) => {
                let kind = AnswerKind::other(head.method == Method::GET);
                return Ok(with_standard_headers(problem.answer(self.format), kind));
            }
        };
        let operation = target.operation;
        let request = ParsedRequest {
            target,
            query: Query::read(head.uri.query().unwrap_or_default()),
            headers: &head.headers,
            peer: head.extensions.get(),
            effect: self.inject_faults(operation).await,
        };
        if request.effect == Some(Effect::ResetBefore) {
            return Err(Cut);
        }
        let answer = match request.effect.as_ref().and_then(Problem::fault) {
            Some(problem) => Err(problem),
            None => self.act(&request, body).await,
        };
        if request.effect == Some(Effect::ResetAfter) {
            return Err(Cut);
        }
        let mut answer = answer.unwrap_or_else(|problem| problem.answer(self.format));
        if request.effect == Some(Effect::Html) {
            answer = html(answer.status());
        }
        let kind = AnswerKind::of(operation, &head.method, answer.status(), self.format);
        Ok(with_standard_headers(answer, kind))
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

    async fn act<B>(&self, request: &ParsedRequest<'_>, body: B) -> Result<HttpResponse, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let now = self.clock.now();
        let ParsedRequest { target, query, .. } = request;
        let version = || query.version(target.operation);
        if target.operation == ApiOperation::Token {
            version()?;
            return self.token(request, now).await;
        }
        // A token outlives a restart, and the account that it was issued for may have been taken
        // away.
        let known = self.account(&target.account).zip(bearer(request.headers));
        if !known.is_some_and(|(account, token)| self.signer.accepts(token, &account.id, now)) {
            return Err(Problem::unauthorized());
        }
        request.admit().await;
        let version = version()?;
        if target.operation == ApiOperation::List {
            return self.list(request, version, now);
        }
        let id = target.session()?;
        let body = read_body(body, self.timeouts.body).await?;
        // Reading may have taken a while.
        let now = self.clock.now();
        let (answer, pending) = self.apply(request, &id, &body, now)?;
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
        request: &ParsedRequest<'_>,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(HttpResponse, Option<PendingWrite>), Problem> {
        let ParsedRequest { target, effect, .. } = request;
        let mut registries = self.registries();
        let one = |registry: &mut SessionRegistry, engine: &mut dyn Engine| {
            self.one(
                target.operation,
                effect.as_ref(),
                registry,
                engine,
                id,
                body,
                now,
            )
        };
        let answer = registries.act(&target.account, now, one)?;
        let pending = if target.operation == ApiOperation::Get {
            None
        } else {
            registries.persist(&target.account, id)
        };
        Ok((answer, pending))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one request, and all that it acts on"
    )]
    fn one(
        &self,
        operation: ApiOperation,
        effect: Option<&Effect>,
        registry: &mut SessionRegistry,
        engine: &mut dyn Engine,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let refuse = |why| Problem::refused(why, id);
        let granted = |lease: Minutes| effect.map_or(lease, |effect| effect.granted(lease));
        let (status, session) = match operation {
            ApiOperation::Create => {
                let (size, lease) = settings(body)?;
                if registry.len() >= MOST_SESSIONS && registry.get(id).is_err() {
                    return Err(Problem::full_account());
                }
                let (new, session) = registry
                    .create_granting(engine, id, &size, lease, granted(lease), now)
                    .map_err(refuse)?;
                let status = if new {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                (status, session)
            }
            ApiOperation::Update => {
                let lease = total(body)?;
                let session = extend(registry, engine, id, lease, granted(lease), now);
                (StatusCode::OK, session.map_err(refuse)?)
            }
            ApiOperation::Stop => {
                registry.stop(engine, id, now).map_err(refuse)?;
                return Ok(empty(StatusCode::NO_CONTENT));
            }
            ApiOperation::Get | ApiOperation::List | ApiOperation::Token => {
                (StatusCode::OK, registry.get(id).map_err(refuse)?)
            }
        };
        let body = altered(session.body(now), effect);
        Ok(self.format.session(status, body))
    }

    fn list(
        &self,
        request: &ParsedRequest<'_>,
        version: &str,
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let ParsedRequest {
            target,
            query,
            headers,
            peer,
            effect,
        } = request;
        let after = query.after()?;
        let past = match effect {
            Some(Effect::Stale(by)) => *by,
            _ => Span::ZERO,
        };
        let page = |sessions: &mut dyn Iterator<Item = SessionBody>| {
            let page: Vec<_> = sessions.take(self.page_size).collect();
            (page, sessions.next().is_some())
        };
        let (sessions, more) = self.registries().act(&target.account, now, |registry, _| {
            let (then, after) = (now - past, after.as_ref());
            if past > Span::ZERO {
                page(&mut registry.live_as_of(then, after).map(|s| s.body(then)))
            } else {
                page(&mut registry.live(now, after).map(|s| s.body(now)))
            }
        });
        let base = || self.origin.base(headers, peer.map(|peer| peer.address));
        let link = |after| Origin::page(base(), &target.account, version, after);
        let last = sessions.last().filter(|_| more).map(|last| &*last.id);
        let next = if *effect == Some(Effect::Circle) {
            Some(link(after.as_ref().map(SessionId::as_str)))
        } else {
            last.map(|last| link(Some(last)))
        };
        Ok(self
            .format
            .list(altered_list(sessions, effect.as_ref()), next))
    }

    fn account(&self, id: &str) -> Option<&HostAccount> {
        self.accounts.iter().find(|a| a.id.eq_ignore_ascii_case(id))
    }

    async fn token(
        &self,
        request: &ParsedRequest<'_>,
        now: Timestamp,
    ) -> Result<HttpResponse, Problem> {
        let account = &request.target.account;
        let enters = self
            .account(account)
            .zip(bearer(request.headers))
            .is_some_and(|(known, given)| match given.split_once(':') {
                Some((id, key)) => id.eq_ignore_ascii_case(&known.id) && is_same(key, &known.key),
                None => self.entra.accepts(given, now),
            });
        let token = enters.then(|| self.signer.issue(account, now)).flatten();
        let access_token = token.ok_or_else(Problem::no_token)?;
        request.admit().await;
        Ok(json(StatusCode::OK, &TokenBody { access_token }))
    }

    fn registries(&self) -> MutexGuard<'_, Registries> {
        // A panic ends the process in release; in tests poisoned registries are still whole.
        self.registries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a session's lease to what a rule grants of what was asked for. Where that is no more than
/// it has, the session stays as it is, and the answer says so.
fn extend<'a>(
    registry: &'a mut SessionRegistry,
    engine: &mut dyn Engine,
    id: &SessionId,
    asked: Minutes,
    granted: Minutes,
    now: Timestamp,
) -> Result<&'a HostedSession, RegistryError> {
    let there = registry.get(id)?;
    let ignored = granted <= there.lease && there.may_extend(asked, now).is_ok();
    if ignored {
        return registry.get(id);
    }
    registry.extend(engine, id, asked.min(granted), now)
}

/// The credentials of a request. The scheme may be written in any case (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = given.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credentials.trim_start_matches(' '))
}

//! The client: one method per operation of the session API, each inside one deadline.
//!
//! Promises: the token goes to the endpoint's own host only; redirects are not followed; a list's
//! pages are bounded and stay on the host; a request that is repeated means the same, because
//! create names its id and update sets a total.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use url::Url;

use crate::arr::auth::account::AccountAuth;
use crate::arr::protocol::decode::Source;
use crate::arr::protocol::error::{failure, throttled, unreachable};
use crate::arr::protocol::reply::{NoReply, Reply};
use crate::arr::protocol::wire::{CreateBody, UpdateBody};
use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::service::{Listing, Operation, RegionService, ServiceError, SessionReading};
use crate::units::{Minutes, Region, SessionId, Size, Span, Timestamp};

use super::http::{exchange, versioned, with_auth_headers};
use super::retry::{Throttle, hold_of, may_pass, pause, retry_after_of};
use super::transport::Http;

/// The version of the session API that is spoken.
const API_VERSION: &str = "2021-01-01";
/// The most pages of one list that are followed.
const MOST_PAGES: usize = 1_000;
/// After so many sessions no further page of one list is followed.
const MOST_SESSIONS: usize = 100_000;

/// A client of one account at one endpoint of a session service.
pub struct Client {
    pub(in crate::arr) http: Http,
    pub(in crate::arr) account: Arc<AccountAuth>,
    pub(in crate::arr) region: Option<Region>,
    pub(in crate::arr) endpoint: Url,
    pub(in crate::arr) timeout: Span,
    pub(in crate::arr) clock: Arc<dyn Clock>,
    pub(in crate::arr) throttle: Throttle,
    /// The entries of the last list that could not be read.
    pub(in crate::arr) unreadable: Mutex<BTreeSet<String>>,
}

/// One request, as often as it has to be sent.
struct Call<'a> {
    operation: Operation,
    session: Option<&'a SessionId>,
    method: Method,
    url: Url,
    body: Option<serde_json::Value>,
    deadline: Timestamp,
}

impl Client {
    fn call<'a>(
        &self,
        operation: Operation,
        method: Method,
        session: Option<&'a SessionId>,
        tail: Option<&str>,
    ) -> Call<'a> {
        let id = session.map(SessionId::as_str);
        let path = ["accounts", &self.account.id, "sessions"]
            .into_iter()
            .chain(id)
            .chain(tail);
        let url = versioned(&self.endpoint, path, API_VERSION);
        Call {
            operation,
            session,
            method,
            url,
            body: None,
            deadline: self.clock.now() + self.timeout,
        }
    }

    /// Sends a request until it is answered for good or its deadline is reached.
    async fn send(&self, call: &Call<'_>) -> Result<Reply, ServiceError> {
        let mut sendings = 0;
        let mut fresh_token_tried = false;
        let mut before = None;
        loop {
            let held = self
                .throttle
                .wait(call.operation, &*self.clock, call.deadline)
                .await;
            held.map_err(|until| throttled(call.operation, call.session, until))?;
            let token = self.account.token(call.deadline).await?;
            let mut request = with_auth_headers(
                self.http
                    .to(&call.url)
                    .request(call.method.clone(), call.url.clone()),
                token.expose(),
            );
            if let Some(body) = &call.body {
                request = request.json(body);
            }
            sendings += 1;
            let left = call.deadline - self.clock.now();
            let result = exchange(request, &*self.clock, left).await;
            let error = match result {
                Ok(reply) if reply.status < 300 => return Ok(reply),
                Ok(reply) => {
                    if reply.status == 401
                        && !fresh_token_tried
                        && self.account.refused(&token).await
                    {
                        fresh_token_tried = true;
                        continue;
                    }
                    let error = self.failed(call, &reply);
                    let now = self.clock.now();
                    if matches!(error.kind, FailureKind::Throttled { until } if until > now) {
                        continue;
                    }
                    if !may_pass(reply.status) {
                        return if sendings > 1 {
                            Err(lost(error))
                        } else {
                            Err(error)
                        };
                    }
                    error
                }
                Err(why) if !why.may_pass() => {
                    return Err(unreachable(call.operation, call.session, &call.url, why));
                }
                // A try that the deadline cut short does not hide why those before it failed.
                Err(why @ NoReply::TooLate(_)) => match before {
                    Some(before) => return Err(before),
                    None => unreachable(call.operation, call.session, &call.url, why),
                },
                Err(why) => unreachable(call.operation, call.session, &call.url, why),
            };
            pause(&*self.clock, sendings, call.deadline, error.clone()).await?;
            before = Some(error);
        }
    }

    /// A reply that is no success; a 429 holds back that kind of request.
    fn failed(&self, call: &Call<'_>, reply: &Reply) -> ServiceError {
        let until = reply.received + hold_of(call.operation, retry_after_of(reply));
        if reply.status == 429 {
            self.throttle.hold_until(call.operation, until);
        }
        failure(call.operation, call.session, &call.url, reply, until)
    }

    /// Says once of each entry of a list that it cannot be read, for as long as it is there.
    fn report_unreadable(&self, entries: BTreeSet<String>) {
        let mut reported = self
            .unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for entry in entries.difference(&reported) {
            let host = self.endpoint.host_str().unwrap_or("the service");
            tracing::warn!("an entry of the list of {host} was left out: {entry}");
        }
        *reported = entries;
    }

    /// Where a reply to a call came from.
    fn source(&self, call: &Call<'_>) -> Source<'_> {
        Source {
            operation: call.operation,
            endpoint: &self.endpoint,
            region: self.region.as_ref(),
        }
    }
}

/// A refusal of a repeated request: the first sending may have taken effect.
fn lost(error: ServiceError) -> ServiceError {
    match error.kind {
        // Not sent again, and yet it may have happened: the keeper looks by GET.
        FailureKind::Conflict | FailureKind::Refused => ServiceError {
            kind: FailureKind::Unavailable,
            ..error
        },
        _ => error,
    }
}

impl RegionService for Client {
    fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    async fn create(
        &self,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        let mut call = self.call(Operation::Create, Method::PUT, Some(id), None);
        let body = CreateBody {
            max_lease_time_minutes: lease.get().into(),
            size: size.as_str().into(),
        };
        call.body = serde_json::to_value(body).ok();
        let reply = self.send(&call).await?;
        self.source(&call).answer(Some(id), &reply)
    }

    async fn get(&self, id: &SessionId) -> Result<SessionReading, ServiceError> {
        let call = self.call(Operation::Get, Method::GET, Some(id), None);
        let reply = self.send(&call).await?;
        self.source(&call).answer(Some(id), &reply)
    }

    async fn list(&self) -> Result<Listing, ServiceError> {
        let mut call = self.call(Operation::List, Method::GET, None, None);
        let (mut sessions, mut unreadable) = (Vec::new(), BTreeSet::new());
        let mut pages = BTreeSet::from([call.url.to_string()]);
        let mut sent = None;
        let endless = |why: String| {
            let why = NoReply::BodyTooLarge(why);
            Err(unreachable(Operation::List, None, &self.endpoint, why))
        };
        loop {
            let reply = self.send(&call).await?;
            let sent = *sent.get_or_insert(reply.sent);
            let page = self.source(&call).page(&reply)?;
            sessions.extend(page.sessions);
            unreadable.extend(page.unreadable);
            let Some(next) = page.next else {
                self.report_unreadable(unreadable);
                return Ok(Listing {
                    sent,
                    received: reply.received,
                    sessions,
                    listed: self.region.iter().cloned().collect(),
                    ..Listing::default()
                });
            };
            if !pages.insert(next.to_string()) {
                return endless("its @nextLink leads back to a page that was read".into());
            }
            if pages.len() > MOST_PAGES || sessions.len() > MOST_SESSIONS {
                return endless(format!(
                    "the list has more than {MOST_PAGES} pages or {MOST_SESSIONS} sessions"
                ));
            }
            call.url = next;
        }
    }

    async fn extend(&self, id: &SessionId, lease: Minutes) -> Result<SessionReading, ServiceError> {
        let mut call = self.call(Operation::Extend, Method::PATCH, Some(id), None);
        call.body = serde_json::to_value(UpdateBody {
            max_lease_time_minutes: lease.get().into(),
        })
        .ok();
        match self.send(&call).await {
            Ok(reply) => self.source(&call).answer(Some(id), &reply),
            Err(error) if error.kind == FailureKind::Unavailable => {
                // A reply may have been lost after the update took effect: the session itself
                // knows.
                match self.get(id).await {
                    Ok(answer) if answer.session.max_lease >= lease => Ok(answer),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn stop(&self, id: &SessionId) -> Result<(), ServiceError> {
        let call = self.call(Operation::Stop, Method::POST, Some(id), Some(":stop"));
        self.send(&call).await.map(|_| ())
    }
}

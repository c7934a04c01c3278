//! What the service does with a request: who asks, what for, and the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};

use crate::arr::wire::{SessionBody, TokenBody};
use crate::clock::Clock;
use crate::units::{SessionId, Span, Timestamp};

use super::answer::{Answer, Problem, dress, echo, empty, json};
use super::auth::{Account, Signer, same};
use super::book::Book;
use super::books::Books;
use super::engine::Engine;
use super::entra::Entra;
use super::faults::{Effect, Faults};
use super::limits::{LARGEST_BODY, MOST_SESSIONS, Patience};
use super::request::{Operation, Query, Target, settings, total};
use super::shape::Shape;
use super::store::Kept;

/// Everything that answers need.
pub(super) struct Service {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) accounts: Vec<Account>,
    pub(super) signer: Signer,
    pub(super) entra: Entra,
    pub(super) page_size: usize,
    pub(super) shape: Shape,
    pub(super) patience: Patience,
    /// The address under which clients that send no `Host` find this service.
    pub(super) origin: Origin,
    pub(super) faults: Mutex<Faults>,
    pub(super) books: Mutex<Books>,
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
struct Asked<'a> {
    target: Target<'a>,
    query: Query<'a>,
    headers: &'a HeaderMap,
}

impl Service {
    /// Answers one request.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Result<Answer, Cut>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let answer = match Target::read(&head.method, head.uri.path()) {
            Err(problem) => Err(problem),
            Ok(target) => {
                let query = Query::read(head.uri.query().unwrap_or_default());
                let asked = Asked {
                    target,
                    query,
                    headers: &head.headers,
                };
                let effect = self.disturb(asked.target.operation).await;
                let past = match effect {
                    Some(Effect::ResetBefore) => return Err(Cut),
                    Some(Effect::Stale(by)) => by,
                    _ => Span::ZERO,
                };
                let answer = match effect.as_ref().and_then(Problem::fault) {
                    Some(problem) => Err(problem),
                    None => self.act(&asked, past, body).await,
                };
                if effect == Some(Effect::ResetAfter) {
                    return Err(Cut);
                }
                answer
            }
        };
        Ok(dress(
            answer.unwrap_or_else(Problem::answer),
            &head.method,
            echo(&head.headers),
        ))
    }

    /// Delays a request as the rules say, and returns what else goes wrong with it.
    async fn disturb(&self, operation: Operation) -> Option<Effect> {
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

    async fn act<B>(&self, asked: &Asked<'_>, past: Span, body: B) -> Result<Answer, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let now = self.clock.now();
        let Asked {
            target,
            query,
            headers,
        } = asked;
        if target.operation == Operation::Token {
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
        if target.operation == Operation::List {
            return self.list(asked, version, now, past);
        }
        let id = target.session()?;
        let body = self.read(body).await?;
        // Reading may have taken a while.
        let now = self.clock.now();
        let (answer, kept) = self.settled(target, &id, &body, now)?;
        let safe = match kept {
            Some(kept) => kept.confirmed().await,
            None => true,
        };
        if safe {
            Ok(answer)
        } else {
            Err(Problem::internal("The session could not be kept."))
        }
    }

    /// Acts on one session. What changed is on its way to where it is kept, in the order in which
    /// it was done.
    fn settled(
        &self,
        target: &Target<'_>,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(Answer, Option<Kept>), Problem> {
        let mut books = self.books();
        let one = |book: &mut Book, engine: &mut dyn Engine| {
            self.one(target.operation, book, engine, id, body, now)
        };
        let answer = books.act(&target.account, now, one)?;
        let kept = if target.operation == Operation::Get {
            None
        } else {
            books.keep(&target.account, id)
        };
        Ok((answer, kept))
    }

    fn one(
        &self,
        operation: Operation,
        book: &mut Book,
        engine: &mut dyn Engine,
        id: &SessionId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let refuse = |why| Problem::refused(why, id);
        let (status, rented) = match operation {
            Operation::Create => {
                let (size, lease) = settings(body)?;
                if book.len() >= MOST_SESSIONS && book.get(id).is_err() {
                    let full = "The account has too many sessions; those that ended are forgotten after 30 days.";
                    return Err(Problem::new(
                        StatusCode::TOO_MANY_REQUESTS,
                        "TooManyRequests",
                        full,
                    )
                    .retry_after(FULL_ACCOUNT_RETRY));
                }
                let (new, rented) = book.create(engine, id, &size, lease, now).map_err(refuse)?;
                (
                    if new {
                        StatusCode::CREATED
                    } else {
                        StatusCode::OK
                    },
                    rented,
                )
            }
            Operation::Update => (
                StatusCode::OK,
                book.extend(engine, id, total(body)?, now).map_err(refuse)?,
            ),
            Operation::Stop => {
                book.stop(engine, id, now).map_err(refuse)?;
                return Ok(empty(StatusCode::NO_CONTENT));
            }
            Operation::Get | Operation::List | Operation::Token => {
                (StatusCode::OK, book.get(id).map_err(refuse)?)
            }
        };
        Ok(self.shape.session(status, rented.body(now)))
    }

    fn list(
        &self,
        asked: &Asked<'_>,
        version: &str,
        now: Timestamp,
        past: Span,
    ) -> Result<Answer, Problem> {
        let Asked {
            target,
            query,
            headers,
        } = asked;
        let after = query.after()?;
        let page = |sessions: &mut dyn Iterator<Item = SessionBody>| {
            let page: Vec<_> = sessions.take(self.page_size).collect();
            (page, sessions.next().is_some())
        };
        let (sessions, more) = self.books().act(&target.account, now, |book, _| {
            let then = now - past;
            if past > Span::ZERO {
                page(&mut book.live_as_of(then, after.as_ref()).map(|s| s.body(then)))
            } else {
                page(&mut book.live(now, after.as_ref()).map(|s| s.body(now)))
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
        Ok(self.shape.list(sessions, link))
    }

    fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.id.eq_ignore_ascii_case(id))
    }

    fn token(&self, account: &str, headers: &HeaderMap, now: Timestamp) -> Result<Answer, Problem> {
        let enters = self
            .account(account)
            .zip(bearer(headers))
            .is_some_and(|(known, given)| match given.split_once(':') {
                Some((id, key)) => {
                    id.eq_ignore_ascii_case(&known.id) && same(key, known.key.expose())
                }
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
            self.patience.body,
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

    fn books(&self) -> MutexGuard<'_, Books> {
        // A panic ends the process in release; in tests a poisoned book is still whole.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
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

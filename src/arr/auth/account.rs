//! An account at its token service (STS): one access token for every region that the account uses.
//!
//! What gets in (an account key, or a token of Entra ID) is exchanged at the STS. Nothing but the
//! resulting access token is kept: a key is read, and an Entra token is asked for, afresh at each
//! exchange, so a secret that was replaced counts at the next one and there is no second cache to
//! go stale.

use std::sync::Arc;

use url::Url;

use crate::arr::client::http::{exchange, versioned, with_auth_headers};
use crate::arr::client::retry::{Throttle, may_pass, pause, retry_after_of};
use crate::arr::client::transport::Http;
use crate::arr::protocol::decode::token_in;
use crate::arr::protocol::error::{
    failure, throttled, unauthorized, unreachable, unusable_credential,
};
use crate::arr::protocol::reply::{NoReply, Reply};
use crate::clock::Clock;
use crate::policy::SecretSource;
use crate::service::{Operation, ServiceError};
use crate::units::{Secret, Timestamp};

use super::entra::Identity;
use super::token::{Credential, Tokens, read_secret};

/// The version of the token service that is spoken.
const STS_VERSION: &str = "2019-02-28-preview";

/// One account of a session service.
pub(in crate::arr) struct AccountAuth {
    pub(in crate::arr) id: String,
    sts: Url,
    http: Http,
    credential: Credential,
    tokens: Tokens<ServiceError>,
    throttle: Throttle,
    clock: Arc<dyn Clock>,
}

impl AccountAuth {
    pub(in crate::arr) fn new(
        id: String,
        sts: Url,
        http: Http,
        credential: Credential,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            id,
            sts,
            http,
            credential,
            tokens: Tokens::default(),
            throttle: Throttle::default(),
            clock,
        }
    }

    /// The access token in use, or a fresh one.
    pub(in crate::arr) async fn token(&self, deadline: Timestamp) -> Result<Secret, ServiceError> {
        if let Credential::Token(source) = &self.credential {
            return read_secret(source).map_err(unusable_credential);
        }
        let fetch = async |old_is_good: bool| {
            // Whoever waits for it has a request to send as well.
            let now = self.clock.now();
            let left = deadline - now;
            self.exchange(if old_is_good {
                now + left.div(2)
            } else {
                deadline
            })
            .await
        };
        self.tokens.get(&*self.clock, fetch).await
    }

    /// Drops a token that the service refused. Returns whether asking again can bring another one.
    pub(in crate::arr) async fn refused(&self, token: &Secret) -> bool {
        self.tokens.refused(token).await;
        !matches!(self.credential, Credential::Token(_))
    }

    /// What the STS is to take for an access token.
    async fn bearer(&self, deadline: Timestamp) -> Result<Secret, ServiceError> {
        match &self.credential {
            Credential::Token(source) => read_secret(source).map_err(unusable_credential),
            Credential::AccountKey(source) => {
                let key = read_secret(source).map_err(unusable_credential)?;
                Ok(Secret::new(&format!("{}:{}", self.id, key.expose())))
            }
            Credential::Entra(entra) => {
                let scope = format!(
                    "https://{}/.default",
                    self.sts.host_str().unwrap_or_default()
                );
                let identity = Identity {
                    entra,
                    transport: Arc::new(self.http.clone()),
                    clock: &*self.clock,
                };
                identity.token(&scope, deadline).await
            }
        }
    }

    async fn exchange(&self, deadline: Timestamp) -> Result<Secret, ServiceError> {
        let bearer = self.bearer(deadline).await?;
        let url = versioned(&self.sts, ["Accounts", &self.id, "token"], STS_VERSION);
        let (mut tried, mut before) = (0, None);
        loop {
            self.throttle
                .wait(Operation::Token, &*self.clock, deadline)
                .await
                .map_err(|until| throttled(Operation::Token, None, until))?;
            tried += 1;
            let request = with_auth_headers(self.http.to(&url).get(url.clone()), bearer.expose());
            let left = deadline - self.clock.now();
            let error = match exchange(request, &*self.clock, left).await {
                Ok(reply) if reply.status == 200 => return token_in(&reply),
                Ok(reply) if matches!(reply.status, 401 | 403) => {
                    return Err(self.turned_away(&reply));
                }
                Ok(reply) => {
                    let until = reply.received + retry_after_of(&reply);
                    let error = failure(Operation::Token, None, &url, &reply, until);
                    if reply.status == 429 && until > self.clock.now() {
                        self.throttle.hold_until(Operation::Token, until);
                        continue;
                    }
                    if !may_pass(reply.status) {
                        return Err(error);
                    }
                    error
                }
                Err(why) if !why.may_pass() => {
                    return Err(unreachable(Operation::Token, None, &url, why));
                }
                // A try that the deadline cut short does not hide why those before it failed.
                Err(why @ NoReply::TooLate(_)) => match before {
                    Some(before) => return Err(before),
                    None => unreachable(Operation::Token, None, &url, why),
                },
                Err(why) => unreachable(Operation::Token, None, &url, why),
            };
            pause(&*self.clock, tried, deadline, error.clone()).await?;
            before = Some(error);
        }
    }

    /// The STS knows the account and does not let us in, or does not know it.
    fn turned_away(&self, reply: &Reply) -> ServiceError {
        let (host, status) = (
            self.sts.host_str().unwrap_or("the token service"),
            reply.status,
        );
        let (what, hint) = match &self.credential {
            Credential::Entra(_) => (
                "Entra ID token",
                "has this identity a role on the account, and is `service.account_id` right?",
            ),
            _ => (
                "account key",
                "is it the key of this account, and is `service.account_id` right?",
            ),
        };
        ServiceError {
            hint: Some(hint.into()),
            request_id: reply.request_id.clone(),
            ..unauthorized(format!("the {what} was refused by {host} ({status})"))
        }
    }
}

impl Credential {
    /// A key that is written in the policy, or was made by this process.
    pub fn key(text: &str) -> Self {
        Self::AccountKey(SecretSource::Inline(text.into()))
    }
}

//! Access tokens: a credential exchanged at the STS, kept until well before its end.
//!
//! Promises: one exchange at a time however many ask; a token is renewed when a quarter of its life
//! is left, judged by the daemon's clock, which runs on while the machine sleeps, and is used to
//! its end where it cannot be renewed; no secret is in any `Debug` or error.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::files;
use crate::policy::{EntraSettings, SecretSource};
use crate::report::{Hint, line};
use crate::units::{Secret, Span, Timestamp};

/// The largest file of a secret that is read; tokens are the longest, at a few KiB.
const LARGEST_SECRET: u64 = 64 * 1024;

/// What gets a client in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An account key, exchanged at the STS.
    AccountKey(SecretSource),
    /// A ready-made access token.
    Token(SecretSource),
    /// An identity of Entra ID, exchanged at the STS.
    Entra(EntraSettings),
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("cannot read the secret in {}", path.display())]
    File {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("the environment variable {0}, which is to hold the secret, is not set")]
    Env(String),
    #[error("the secret in {0} is empty")]
    Empty(String),
}

impl Hint for SecretError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::File { .. } => Some("the daemon's user must be able to read it".into()),
            Self::Env(_) => Some("set it for the daemon, not in a shell".into()),
            Self::Empty(_) => None,
        }
    }
}

/// Reads a secret afresh, so that a file that was replaced counts at once.
pub(super) fn read_secret(source: &SecretSource) -> Result<Secret, SecretError> {
    let (text, place) = match source {
        SecretSource::File(path) => {
            let text =
                files::read_string(path, LARGEST_SECRET).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?;
            (text, path.display().to_string())
        }
        SecretSource::Env(name) => (
            std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?,
            name.clone(),
        ),
        SecretSource::Inline(text) => (text.clone(), "the policy".into()),
    };
    let secret = Secret::new(&text);
    if secret.expose().is_empty() {
        Err(SecretError::Empty(place))
    } else {
        Ok(secret)
    }
}

/// A token, when it is to be replaced, and when it ends.
#[derive(Clone, Debug)]
struct CachedToken {
    token: Secret,
    got: Timestamp,
    refresh_at: Timestamp,
    ends: Timestamp,
}

/// What became of the fetches so far.
#[derive(Debug)]
struct Fetched<E> {
    kept: Option<CachedToken>,
    /// How the newest one failed.
    failed: Option<E>,
}

/// The token in use.
#[derive(Debug)]
pub(super) struct Tokens<E> {
    fetched: Mutex<Fetched<E>>,
    /// How many fetches have come to an end.
    fetches: AtomicU64,
}

impl<E> Default for Tokens<E> {
    fn default() -> Self {
        Self {
            fetched: Mutex::new(Fetched {
                kept: None,
                failed: None,
            }),
            fetches: AtomicU64::new(0),
        }
    }
}

impl<E: Clone + Hint> Tokens<E> {
    /// The token in use, or a fresh one. While one is fetched, everyone else waits for it, and
    /// shares its failure. A token that is only old, and cannot be replaced now, is used on;
    /// `fetch` is told whether there is one.
    pub(in crate::arr) async fn get(
        &self,
        clock: &dyn Clock,
        fetch: impl AsyncFnOnce(bool) -> Result<Secret, E>,
    ) -> Result<Secret, E> {
        let before = self.fetches.load(Ordering::Relaxed);
        let mut fetched = self.fetched.lock().await;
        let now = clock.now();
        if let Some(kept) = fetched
            .kept
            .as_ref()
            .filter(|k| (k.got..k.refresh_at).contains(&now))
        {
            return Ok(kept.token.clone());
        }
        if let Some(error) = fetched
            .failed
            .as_ref()
            .filter(|_| self.fetches.load(Ordering::Relaxed) > before)
        {
            return Err(error.clone());
        }
        let old = fetched
            .kept
            .clone()
            .filter(|k| (k.got..k.ends).contains(&now));
        let result = fetch(old.is_some()).await;
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let now = clock.now();
        match (result, old) {
            (Ok(token), _) => {
                let life = life(token.expose(), now);
                let (refresh_at, ends) = (now + life - life.div(4), now + life);
                *fetched = Fetched {
                    kept: Some(CachedToken {
                        token: token.clone(),
                        got: now,
                        refresh_at,
                        ends,
                    }),
                    failed: None,
                };
                Ok(token)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(
                    "{}; the access token in use is good until {}",
                    line(&error),
                    old.ends
                );
                fetched.kept = Some(CachedToken {
                    refresh_at: now + ASK_AGAIN,
                    ..old.clone()
                });
                Ok(old.token)
            }
            (Err(error), None) => {
                fetched.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Drops a token that the service refused, unless somebody has replaced it already.
    pub(in crate::arr) async fn refused(&self, token: &Secret) {
        let mut fetched = self.fetched.lock().await;
        if fetched.kept.as_ref().is_some_and(|k| k.token == *token) {
            fetched.kept = None;
        }
    }
}

/// How long an old token is used on before another try to replace it.
const ASK_AGAIN: Span = Span::minutes(1);
/// How long a token without a readable end is kept.
const UNTOLD_LIFE: Span = Span::hours(1);
/// No token is kept for less, so that a clock that is ahead of the service's does not ask for one
/// at every request.
const SHORTEST_LIFE: Span = Span::minutes(1);
/// No token is kept for longer, whatever it says: the STS issues none beyond a day.
const LONGEST_LIFE: Span = Span::hours(24);

/// How long a token lives from `now`, when it was issued. By its own issue and end where it has
/// both, so that a clock that differs from the service's does not matter.
fn life(token: &str, now: Timestamp) -> Span {
    let Some(claims) = claims(token) else {
        return UNTOLD_LIFE;
    };
    let instant = |name| {
        let seconds = claims.get(name).and_then(serde_json::Value::as_i64)?;
        Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
    };
    let life = instant("exp").map(|end| end - instant("iat").unwrap_or(now));
    life.unwrap_or(UNTOLD_LIFE)
        .max(SHORTEST_LIFE)
        .min(LONGEST_LIFE)
}

/// The claims of a JWT (RFC 7519). Not verified: the service does that.
fn claims(token: &str) -> Option<serde_json::Value> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!(
            "e30.{}.s",
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims)
        )
    }

    #[test]
    fn a_token_lives_by_its_own_issue_and_end_whatever_our_clock_says() {
        for now in [0, 1_700_000_000_000, 9_000_000_000_000] {
            let now = Timestamp::from_millis(now);
            assert_eq!(
                life(&jwt(r#"{"iat":1700000000,"exp":1700003600}"#), now),
                Span::hours(1)
            );
        }
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(life(&jwt(r#"{"exp":1700007200}"#), now), Span::hours(2));
        assert_eq!(life(&jwt(r#"{"exp":1600000000}"#), now), SHORTEST_LIFE);
        assert_eq!(life(&jwt(r#"{"exp":"soon"}"#), now), UNTOLD_LIFE);
        assert_eq!(life("opaque", now), UNTOLD_LIFE);
    }

    proptest! {
        #[test]
        fn any_token_lives_for_a_minute_to_a_day(
            token in "\\PC{0,80}", claims in "\\PC{0,80}", exp: i64, iat: i64, now: i64,
        ) {
            let now = Timestamp::from_millis(now);
            let both = jwt(&format!(r#"{{"exp":{exp},"iat":{iat}}}"#));
            let one = jwt(&format!(r#"{{"exp":{exp}}}"#));
            for token in [token, jwt(&claims), both, one] {
                let allowed = SHORTEST_LIFE..=LONGEST_LIFE;
                prop_assert!(allowed.contains(&life(&token, now)), "{}", token);
            }
        }
    }
}

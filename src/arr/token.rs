//! Access tokens: a credential exchanged at the STS, kept until well before its end.
//!
//! Promises: one exchange at a time however many ask; a token is renewed when a quarter of its life is left, judged by the
//! daemon's clock, which runs on while the machine sleeps; no secret is in any `Debug` or error.

use base64::Engine;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::policy::{Entra, SecretSource};
use crate::units::{Span, Timestamp};

/// A secret. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret; surrounding white space is dropped.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }
    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// What gets a client in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An account key, exchanged at the STS.
    AccountKey(SecretSource),
    /// A ready-made access token.
    Token(SecretSource),
    /// An identity of Entra ID, exchanged at the STS.
    Entra(Entra),
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("cannot read the secret in {}: {source}", path.display())]
    File { path: std::path::PathBuf, source: std::io::Error },
    #[error("the environment variable {0}, which is to hold the secret, is not set")]
    Env(String),
    #[error("the secret in {0} is empty")]
    Empty(String),
}

/// Reads a secret afresh, so that a file that was replaced counts at once.
pub(super) fn read_secret(source: &SecretSource) -> Result<Secret, SecretError> {
    let (text, place) = match source {
        SecretSource::File(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|source| SecretError::File { path: path.clone(), source })?;
            (text, path.display().to_string())
        }
        SecretSource::Env(name) => (std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?, name.clone()),
        SecretSource::Inline(text) => (text.clone(), "the policy".into()),
    };
    let secret = Secret::new(&text);
    if secret.0.is_empty() { Err(SecretError::Empty(place)) } else { Ok(secret) }
}

/// A token and when it is to be replaced.
#[derive(Clone, Debug)]
struct Kept {
    token: Secret,
    got: Timestamp,
    refresh_at: Timestamp,
}

/// The token in use.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    kept: Mutex<Option<Kept>>,
}

impl Tokens {
    /// The token in use, or a fresh one. While one is fetched, everyone else waits for it.
    pub(super) async fn get<E>(
        &self,
        clock: &dyn Clock,
        fetch: impl AsyncFnOnce() -> Result<Secret, E>,
    ) -> Result<Secret, E> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|k| (k.got..k.refresh_at).contains(&clock.now())) {
            return Ok(kept.token.clone());
        }
        let token = fetch().await?;
        let now = clock.now();
        let life = life(token.expose(), now);
        *kept = Some(Kept { token: token.clone(), got: now, refresh_at: now + life - life.div(4) });
        Ok(token)
    }

    /// Drops a token that the service refused, unless somebody has replaced it already.
    pub(super) async fn refused(&self, token: &Secret) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|k| k.token == *token) {
            *kept = None;
        }
    }
}

/// How long a token without a readable end is kept.
const UNTOLD_LIFE: Span = Span::hours(1);
/// No token is kept for less, so that a clock that is ahead of the service's does not ask for one at every request.
const SHORTEST_LIFE: Span = Span::minutes(1);
/// No token is kept for longer, whatever it says: the STS issues none beyond a day.
const LONGEST_LIFE: Span = Span::hours(24);

/// How long a token lives from `now`, when it was issued. By its own issue and end where it has both, so that a clock that
/// differs from the service's does not matter.
fn life(token: &str, now: Timestamp) -> Span {
    let Some(claims) = claims(token) else { return UNTOLD_LIFE };
    let instant = |name| {
        let seconds = claims.get(name).and_then(serde_json::Value::as_i64)?;
        Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
    };
    let life = instant("exp").map(|end| end - instant("iat").unwrap_or(now));
    life.unwrap_or(UNTOLD_LIFE).max(SHORTEST_LIFE).min(LONGEST_LIFE)
}

/// The claims of a JWT (RFC 7519). Not verified: the service does that.
fn claims(token: &str) -> Option<serde_json::Value> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.s", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_lives_by_its_own_issue_and_end_whatever_our_clock_says() {
        for now in [0, 1_700_000_000_000, 9_000_000_000_000] {
            let now = Timestamp::from_millis(now);
            assert_eq!(life(&jwt(r#"{"iat":1700000000,"exp":1700003600}"#), now), Span::hours(1));
        }
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(life(&jwt(r#"{"exp":1700007200}"#), now), Span::hours(2));
        assert_eq!(life(&jwt(r#"{"exp":1600000000}"#), now), SHORTEST_LIFE);
        assert_eq!(life(&jwt(r#"{"exp":"soon"}"#), now), UNTOLD_LIFE);
        assert_eq!(life("opaque", now), UNTOLD_LIFE);
    }

    proptest! {
        #[test]
        fn any_token_lives_for_a_minute_to_a_day(token in "\\PC{0,80}", claims in "\\PC{0,80}", exp: i64, iat: i64, now: i64) {
            let now = Timestamp::from_millis(now);
            for token in [token, jwt(&claims), jwt(&format!(r#"{{"exp":{exp},"iat":{iat}}}"#)), jwt(&format!(r#"{{"exp":{exp}}}"#))] {
                prop_assert!((SHORTEST_LIFE..=LONGEST_LIFE).contains(&life(&token, now)), "{}", token);
            }
        }
    }
}

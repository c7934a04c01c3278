//! Access tokens: a credential exchanged at the STS, kept until well before its end.
//!
//! Promises: one exchange at a time however many ask; a token is renewed when a quarter of its life is left, judged by the
//! daemon's clock, which runs on while the machine sleeps; no secret is in any `Debug` or error.

use base64::Engine;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::policy::SecretSource;
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
        if let Some(kept) = kept.as_ref().filter(|k| clock.now() < k.refresh_at) {
            return Ok(kept.token.clone());
        }
        let token = fetch().await?;
        let now = clock.now();
        let life = expiry(token.expose()).map_or(UNTOLD_LIFE, |at| at - now);
        *kept = Some(Kept { token: token.clone(), refresh_at: now + life - life.div(4) });
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

/// When a JWT says that it ends (RFC 7519, section 4.1.4). Not verified: the service does that.
fn expiry(token: &str) -> Option<Timestamp> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let seconds = claims.get("exp")?.as_i64()?;
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
}

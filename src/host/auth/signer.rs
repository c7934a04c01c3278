//! The tokens that the service issues, and checks with a key of its own.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::units::{Span, Timestamp};

/// How long a token lasts, as at the real token service.
const TOKEN_LIFE: Span = Span::hours(24);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
}

/// Issues tokens and checks them, with a key of its own.
pub(in crate::host) struct Signer {
    issue: EncodingKey,
    check: DecodingKey,
    life: Span,
}

impl Signer {
    /// Signs with this key; tokens last 24 hours, or as long as is said.
    pub(in crate::host) fn new(key: &[u8], life: Option<Span>) -> Self {
        let life = life.unwrap_or(TOKEN_LIFE);
        Self {
            issue: EncodingKey::from_secret(key),
            check: DecodingKey::from_secret(key),
            life,
        }
    }

    /// A token for an account.
    pub(in crate::host) fn issue(&self, account: &str, now: Timestamp) -> Option<String> {
        let seconds = |at: Timestamp| at.millis().div_euclid(1_000);
        let claims = Claims {
            sub: account.into(),
            iat: seconds(now),
            exp: seconds(now + self.life),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.issue).ok()
    }

    /// Whether a token was issued here, for this account, and has not ended. Judged by the
    /// service's own clock.
    pub(in crate::host) fn accepts(&self, token: &str, account: &str, now: Timestamp) -> bool {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let claims = decode::<Claims>(token, &self.check, &rules).map(|t| t.claims);
        claims.is_ok_and(|c| {
            c.sub.eq_ignore_ascii_case(account)
                && Timestamp::from_millis(c.exp.saturating_mul(1_000)) > now
        })
    }
}

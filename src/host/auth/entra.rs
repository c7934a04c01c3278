//! Tokens of an identity provider in the form of Entra ID, which the token service exchanges for
//! its own.
//!
//! Promises: a token counts only with a signature by one of the configured keys, made in an
//! algorithm of that key's own family, with an end that has not come, and for the configured
//! audience. Whoever the provider lets in may use every account: there are no roles here.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::files;
use crate::units::{Secret, Span, Timestamp};

/// By how much the provider's clock may be ahead.
const SLACK: Span = Span::minutes(1);
/// The largest file of keys that is read: a provider publishes a handful.
const LARGEST_KEY_FILE: u64 = 1024 * 1024;

/// Why the provider's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EntraError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not a key set.
    #[error("{} is not a JSON Web Key Set", path.display())]
    NotAKeySet {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The set has no key that can check a signature.
    #[error("{} has no public RSA, EC or Ed25519 key for signatures", .0.display())]
    NoKey(PathBuf),
    /// The file of the secret holds nothing.
    #[error("the secret in {} is empty", .0.display())]
    Empty(PathBuf),
}

impl crate::report::Hint for EntraError {}

/// One key of the provider, and its name, if it has one.
#[derive(Clone)]
struct Key {
    name: Option<String>,
    key: DecodingKey,
    algorithms: &'static [Algorithm],
}

/// What is known of the provider.
#[derive(Clone, Default)]
pub struct EntraVerifier {
    keys: Vec<Key>,
    audience: Option<String>,
}

impl std::fmt::Debug for EntraVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntraVerifier")
            .field("keys", &self.keys.len())
            .field("audience", &self.audience)
            .finish()
    }
}

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const EC: &[Algorithm] = &[Algorithm::ES256, Algorithm::ES384];
const ED: &[Algorithm] = &[Algorithm::EdDSA];
const SHARED: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    aud: Option<Audiences>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl EntraVerifier {
    /// Accepts only tokens for the token service of this account domain.
    #[must_use]
    pub fn for_domain(mut self, domain: &str) -> Self {
        self.audience = Some(format!("https://sts.{domain}"));
        self
    }

    /// Accepts tokens that are signed with a key of this JSON Web Key Set.
    ///
    /// # Errors
    /// If the file cannot be read, or has no key that can check a signature.
    pub fn with_key_set(mut self, path: &Path) -> Result<Self, EntraError> {
        let text = files::read(path, LARGEST_KEY_FILE).map_err(|source| EntraError::File {
            path: path.into(),
            source,
        })?;
        let set: JwkSet =
            serde_json::from_slice(&text).map_err(|source| EntraError::NotAKeySet {
                path: path.into(),
                source,
            })?;
        let before = self.keys.len();
        for jwk in set.keys {
            let algorithms = match &jwk.algorithm {
                AlgorithmParameters::RSA(_) => RSA,
                AlgorithmParameters::EllipticCurve(_) => EC,
                AlgorithmParameters::OctetKeyPair(_) => ED,
                // A shared secret has no place among public keys.
                _ => continue,
            };
            let signs = jwk
                .common
                .public_key_use
                .as_ref()
                .is_none_or(|u| *u == PublicKeyUse::Signature);
            if let Some(key) = DecodingKey::from_jwk(&jwk).ok().filter(|_| signs) {
                self.keys.push(Key {
                    name: jwk.common.key_id,
                    key,
                    algorithms,
                });
            }
        }
        if self.keys.len() == before {
            Err(EntraError::NoKey(path.into()))
        } else {
            Ok(self)
        }
    }

    /// Accepts tokens that are signed with this shared secret, as a test's own provider makes them.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn with_secret(mut self, path: &Path) -> Result<Self, EntraError> {
        let text =
            files::read_string(path, LARGEST_KEY_FILE).map_err(|source| EntraError::File {
                path: path.into(),
                source,
            })?;
        let secret = Secret::new(&text);
        if secret.expose().is_empty() {
            return Err(EntraError::Empty(path.into()));
        }
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        self.keys.push(Key {
            name: None,
            key,
            algorithms: SHARED,
        });
        Ok(self)
    }

    /// Whether a token lets its bearer in.
    pub(in crate::host) fn accepts(&self, token: &str, now: Timestamp) -> bool {
        let Ok(header) = decode_header(token) else {
            return false;
        };
        // What a token calls critical must be understood (RFC 7515, section 4.1.11); nothing is.
        if header.crit.is_some() {
            return false;
        }
        let named =
            |key: &&Key| key.name.is_none() || header.kid.is_none() || key.name == header.kid;
        let fits = |key: &&Key| key.algorithms.contains(&header.alg);
        self.keys.iter().filter(named).filter(fits).any(|key| {
            let mut rules = Validation::new(header.alg);
            // Time is told by the service's own clock, and the audience below.
            (rules.validate_exp, rules.validate_aud) = (false, false);
            rules.required_spec_claims.clear();
            decode::<Claims>(token, &key.key, &rules).is_ok_and(|t| self.admits(&t.claims, now))
        })
    }

    fn admits(&self, claims: &Claims, now: Timestamp) -> bool {
        // Seconds may have a fraction (RFC 7519, section 2); beyond what a float holds they are
        // clamped.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped to what an instant can be"
        )]
        let at = |seconds: f64| Timestamp::from_millis((seconds * 1_000.0) as i64);
        let in_time = at(claims.exp) > now && claims.nbf.is_none_or(|from| at(from) <= now + SLACK);
        let right = |given: &String| {
            self.audience
                .as_ref()
                .is_none_or(|a| given.trim_end_matches('/') == a)
        };
        let meant = match &claims.aud {
            Some(Audiences::One(one)) => right(one),
            Some(Audiences::Many(many)) => many.iter().any(right),
            None => self.audience.is_none(),
        };
        in_time && meant
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn provider() -> EntraVerifier {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "shared\n").expect("written");
        EntraVerifier::default()
            .with_secret(&path)
            .expect("a secret")
            .for_domain("studio.example")
    }
    fn signed(claims: &Value, secret: &str) -> String {
        encode(
            &Header::new(Algorithm::HS256),
            claims,
            &EncodingKey::from_secret(secret.as_bytes()),
        )
        .expect("signed")
    }
    fn accepts(claims: &Value) -> bool {
        provider().accepts(
            &signed(claims, "shared"),
            Timestamp::from_millis(NOW * 1_000),
        )
    }

    #[test]
    fn a_token_is_judged_by_signature_time_and_audience() {
        let sts = "https://sts.studio.example";
        assert!(accepts(&json!({"exp": NOW + 1, "aud": sts})));
        assert!(accepts(
            &json!({"exp": NOW + 1, "aud": [sts, "https://elsewhere"], "nbf": NOW, "sub": "anyone"})
        ));
        for refused in [
            json!({"exp": NOW, "aud": sts}),
            json!({"aud": sts}),
            json!({"exp": "never", "aud": sts}),
            json!({"exp": NOW + 9_999, "nbf": NOW + 3_600, "aud": sts}),
            json!({"exp": NOW + 1}),
            json!({"exp": NOW + 1, "aud": "https://sts.elsewhere.example"}),
        ] {
            assert!(!accepts(&refused), "{refused}");
        }
        let now = Timestamp::from_millis(NOW * 1_000);
        assert!(!provider().accepts(&signed(&json!({"exp": NOW + 1, "aud": sts}), "other"), now));
    }

    #[test]
    fn a_token_that_calls_anything_critical_is_refused() {
        let mut header = Header::new(Algorithm::HS256);
        let claims = json!({"exp": NOW + 1, "aud": "https://sts.studio.example"});
        let key = EncodingKey::from_secret(b"shared");
        for (critical, accepted) in [
            (None, true),
            (Some(vec!["b64".into()]), false),
            (Some(vec![]), false),
        ] {
            header.crit = critical;
            let token = encode(&header, &claims, &key).expect("signed");
            let now = Timestamp::from_millis(NOW * 1_000);
            assert_eq!(
                provider().accepts(&token, now),
                accepted,
                "{:?}",
                header.crit
            );
        }
    }

    #[test]
    fn a_public_key_cannot_be_used_as_a_shared_secret() {
        // The key of RFC 7515, appendix A.3.
        let (x, y) = (
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        );
        let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig"}]});
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jwks.json");
        std::fs::write(&path, set.to_string()).expect("written");
        let provider = EntraVerifier::default().with_key_set(&path).expect("a key");
        let forged = signed(&json!({"exp": NOW + 1}), x);
        assert!(!provider.accepts(&forged, Timestamp::from_millis(NOW * 1_000)));
        // The token of the same appendix has a signature that is right, and ended in 2011.
        let token = "eyJhbGciOiJFUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
            Ijp0cnVlfQ.\
            DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU\
            1Q";
        assert!(provider.accepts(token, Timestamp::from_millis(1_300_819_379_000)));
        assert!(!provider.accepts(token, Timestamp::from_millis(1_300_819_380_000)));
        std::fs::write(&path, r#"{"keys": [{"kty": "oct", "k": "c2hhcmVk"}]}"#).expect("written");
        assert!(matches!(
            EntraVerifier::default().with_key_set(&path),
            Err(EntraError::NoKey(_))
        ));
    }

    proptest! {
        #[test]
        fn no_token_brings_the_reader_down(
            token in ".{0,200}",
            parts in proptest::collection::vec("[A-Za-z0-9_-]{0,80}", 3),
        ) {
            let parts = parts.join(".");
            let provider = provider();
            prop_assert!(!provider.accepts(&token, Timestamp::default()));
            prop_assert!(!provider.accepts(&parts, Timestamp::default()));
        }
    }
}

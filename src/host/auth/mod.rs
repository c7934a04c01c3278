//! Accounts, their keys, and the tokens that the service issues and checks.

pub(super) mod entra;

use std::path::{Path, PathBuf};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::units::{Secret, Span, Timestamp};

/// How long a token lasts, as at the real token service.
const TOKEN_LIFE: Span = Span::hours(24);
/// The bytes of a key: as long as the hash that signs with it.
const KEY_BYTES: usize = 32;

/// One account and the key that gets in.
#[derive(Clone, Debug)]
pub struct HostAccount {
    /// Its id, a UUID.
    pub id: String,
    /// Its key.
    pub key: Secret,
}

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a key: {0}")]
    Random(std::io::Error),
    /// The key's file cannot be read or written.
    #[error("cannot use the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds nothing.
    #[error("the key file {} is empty", .0.display())]
    Empty(PathBuf),
}

impl crate::report::Hint for KeyError {}

/// Random bytes that nobody can guess.
pub(super) fn random() -> Result<[u8; KEY_BYTES], KeyError> {
    let mut bytes = [0; KEY_BYTES];
    let source = std::fs::File::open("/dev/urandom")
        .and_then(|mut f| std::io::Read::read_exact(&mut f, &mut bytes));
    source.map(|()| bytes).map_err(KeyError::Random)
}

impl HostAccount {
    /// An account with a key made afresh.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn fresh() -> Result<Self, KeyError> {
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, random()?);
        let id = format!(
            "{:032x}",
            u128::from_be_bytes(random()?[..16].try_into().unwrap_or_default())
        );
        let id = format!(
            "{}-{}-{}-{}-{}",
            &id[..8],
            &id[8..12],
            &id[12..16],
            &id[16..20],
            &id[20..]
        );
        Ok(Self {
            id,
            key: Secret::new(&key),
        })
    }

    /// An account whose key stands in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn from_file(id: &str, path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::File {
            path: path.into(),
            source,
        })?;
        let key = Secret::new(&text);
        if key.expose().is_empty() {
            return Err(KeyError::Empty(path.into()));
        }
        Ok(Self { id: id.into(), key })
    }

    /// Writes the key to a new file that only its owner can read.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_key(&self, path: &Path) -> Result<(), KeyError> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path);
        file.and_then(|mut f| writeln!(f, "{}", self.key.expose()))
            .map_err(|source| KeyError::File {
                path: path.into(),
                source,
            })
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
}

/// Issues tokens and checks them, with a key of its own.
pub(super) struct Signer {
    issue: EncodingKey,
    check: DecodingKey,
    life: Span,
}

impl Signer {
    /// Signs with this key; tokens last 24 hours, or as long as is said.
    pub(super) fn new(key: &[u8], life: Option<Span>) -> Self {
        let life = life.unwrap_or(TOKEN_LIFE);
        Self {
            issue: EncodingKey::from_secret(key),
            check: DecodingKey::from_secret(key),
            life,
        }
    }

    /// A token for an account.
    pub(super) fn issue(&self, account: &str, now: Timestamp) -> Option<String> {
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
    pub(super) fn accepts(&self, token: &str, account: &str, now: Timestamp) -> bool {
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

/// Compares without telling by its duration where the first difference is.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

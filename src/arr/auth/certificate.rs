//! An application's certificate, and the statements signed with it that Entra ID takes instead of a
//! secret.
//!
//! The file is PEM with the certificate first and its RSA key anywhere; further certificates are
//! passed over. A statement is a JWT that lives for a few minutes (Entra ID, "certificate
//! credentials"; RFC 7523).

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::{digest, rand, signature};
use azure_core::http::ClientMethodOptions;
use azure_core::time::OffsetDateTime;
use azure_identity::ClientAssertion;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::files;
use crate::report::Hint;

/// How long a statement may be used, in seconds.
const LIFE: i64 = 300;

/// The largest file that is read.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertificateError {
    #[error("cannot read the certificate in {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("there is no certificate in PEM in {}", path.display())]
    NoCertificate { path: PathBuf },
    #[error("there is no private key without a password in {}", path.display())]
    NoKey { path: PathBuf },
    #[error("the private key in {} is not an RSA key, and Entra ID takes no other", path.display())]
    NotRsa { path: PathBuf },
}

impl Hint for CertificateError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Read { .. } => Some("the daemon's user must be able to read it".into()),
            Self::NoCertificate { .. } => Some(
                "`openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes` makes one of a PKCS#12 file"
                    .into(),
            ),
            Self::NoKey { .. } => Some("the certificate and its key go into one PEM file".into()),
            Self::NotRsa { .. } => None,
        }
    }
}

/// A certificate with its key, and for whom and to whom it speaks.
pub(in crate::arr) struct Certificate {
    key: KeyPair,
    thumbprint: String,
    client_id: String,
    audience: String,
}

impl Certificate {
    pub(in crate::arr) fn read(
        path: &Path,
        client_id: &str,
        audience: String,
    ) -> Result<Self, CertificateError> {
        let pem = files::read(path, LARGEST_FILE).map_err(|source| CertificateError::Read {
            path: path.into(),
            source,
        })?;
        Self::from_pem(&pem, path, client_id, audience)
    }

    fn from_pem(
        pem: &[u8],
        path: &Path,
        client_id: &str,
        audience: String,
    ) -> Result<Self, CertificateError> {
        let certificate = CertificateDer::from_pem_slice(pem);
        let certificate =
            certificate.map_err(|_| CertificateError::NoCertificate { path: path.into() })?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| CertificateError::NoKey { path: path.into() })?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(CertificateError::NotRsa { path: path.into() }),
        };
        let key = key.map_err(|_| CertificateError::NotRsa { path: path.into() })?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &certificate));
        Ok(Self {
            key,
            thumbprint,
            client_id: client_id.into(),
            audience,
        })
    }

    /// A statement that counts from an instant, in seconds of the wall clock.
    pub(super) fn statement(&self, now: i64) -> Option<String> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": self.audience, "iss": self.client_id, "sub": self.client_id,
            "jti": format!("{:032x}", fastrand::u128(..)),
            "nbf": now, "iat": now, "exp": now + LIFE,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signed = vec![0; self.key.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.key
            .sign(
                &signature::RSA_PSS_SHA256,
                &random,
                message.as_bytes(),
                &mut signed,
            )
            .ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed)))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientAssertion for Certificate {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        // The authority compares with its own wall clock, so this is the one place that needs no
        // line of time.
        let statement = self.statement(OffsetDateTime::now_utc().unix_timestamp());
        let failed = || {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                "it cannot be signed",
            )
        };
        statement.ok_or_else(failed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_file_is_a_certificate_or_refused_with_its_place(
            kind in "(RSA |EC |ENCRYPTED )?PRIVATE KEY|CERTIFICATE|\\PC{0,9}",
            bytes in proptest::collection::vec(any::<u8>(), 0..99),
            noise in "\\PC{0,30}",
        ) {
            let block = |label: &str, bytes: &[u8]| {
                let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
            };
            let pem = format!("{noise}\n{}{}", block("CERTIFICATE", &bytes), block(&kind, &bytes));
            for file in [bytes.as_slice(), noise.as_bytes(), pem.as_bytes()] {
                let (place, to) = (Path::new("client.pem"), "aud".into());
                let read = Certificate::from_pem(file, place, "app", to);
                let error = read.expect_err("random bytes are no RSA key").to_string();
                prop_assert!(error.contains("client.pem"), "{}", error);
            }
        }
    }
}

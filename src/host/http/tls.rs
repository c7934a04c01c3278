//! TLS: a certificate and key from files, or made here for loopback.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::report::Hint;

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, then those between it and the authority that clients trust.
    pub cert: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read.
    #[error("cannot read {what} in {}", path.display())]
    Read {
        /// What should be there.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// The certificate's file holds no certificate.
    #[error("{} has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    /// The certificate and the key do not make a pair.
    #[error("cannot use the certificate {} with the key {}", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// A file of the made certificate cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The folder of a made certificate holds files that were not made here.
    #[error(
        "{} holds a certificate or key that was not made here; they were left as they are",
        .0.display()
    )]
    Foreign(PathBuf),
}

impl Hint for TlsError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Foreign(_) => Some(
                "give --tls-self-signed another folder, or use them with --tls-cert and --tls-key"
                    .into(),
            ),
            Self::Read { .. }
            | Self::NoCertificate(_)
            | Self::Pair { .. }
            | Self::Make(_)
            | Self::Write { .. } => None,
        }
    }
}

/// The one cryptography of this program.
pub(in crate::host) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The certificates in a PEM file.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Read {
        what: "the certificate",
        path: path.into(),
        source,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    if found.is_empty() {
        Err(TlsError::NoCertificate(path.into()))
    } else {
        Ok(found)
    }
}

impl Tls {
    /// What speaks TLS with these files.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let chain = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|source| TlsError::Read {
            what: "the key",
            path: self.key.clone(),
            source,
        })?;
        let pair = |source| TlsError::Pair {
            cert: self.cert.clone(),
            key: self.key.clone(),
            source,
        };
        let config =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = config.and_then(|c| c.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config).into())
    }
}

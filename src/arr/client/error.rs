//! Why no client can be made.

use std::path::PathBuf;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A URL that cannot be read.
    #[error("{url:?} is not a URL: {source}")]
    Url {
        /// What was given.
        url: String,
        /// Why it is not one.
        source: url::ParseError,
    },
    /// Neither the account's domain nor the token service is known.
    #[error(
        "where tokens are got is not known; give `service.account_domain` or `service.authentication_endpoint`"
    )]
    NoSts,
    /// The file of certificate authorities cannot be used.
    #[error("cannot use the certificate authorities in {}: {why}; `service.ca_file` names a PEM file", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Http(String),
    /// The embedded service is made by the daemon.
    #[error("the policy uses the embedded session service, which only `leasekeeper run` starts")]
    Embedded,
}

impl crate::report::Hint for ConnectError {}

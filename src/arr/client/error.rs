//! Why no client can be made.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::report::Hint;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A URL that cannot be read.
    #[error("{url:?} is not a URL")]
    Url {
        /// What was given.
        url: String,
        /// Why it is not one.
        source: url::ParseError,
    },
    /// Neither the account's domain nor the token service is known.
    #[error("where tokens are got is not known")]
    NoSts,
    /// The file of certificate authorities cannot be used.
    #[error("cannot use the certificate authorities in {}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: BadCa,
    },
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client")]
    Http(#[source] reqwest::Error),
    /// The embedded service is made by the daemon.
    #[error("the policy uses the embedded session service, which only `leasekeeper run` starts")]
    Embedded,
}

/// Why certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCa {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It holds no certificate.
    #[error("there is no certificate in PEM in it")]
    None,
    /// It holds something that is none.
    #[error("what it holds is not a certificate")]
    Unusable(#[source] reqwest::Error),
}

impl Hint for ConnectError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoSts => {
                Some("give `service.account_domain` or `service.authentication_endpoint`".into())
            }
            Self::Ca { .. } => {
                Some("`service.ca_file` names a PEM file with the authorities to trust".into())
            }
            Self::Http(_) => Some(
                "install the system's certificate authorities (`ca-certificates`), or name those \
                 to trust in `service.ca_file`"
                    .into(),
            ),
            Self::Url { .. } | Self::Embedded => None,
        }
    }
}

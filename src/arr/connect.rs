//! Making a client: from a policy, or from explicit settings.

use std::path::PathBuf;
use std::sync::Arc;

use url::{Host, Url};

use crate::clock::Clock;
use crate::policy::{Auth, Location, Policy, endpoint_of};
use crate::units::Span;

use super::client::Client;
use super::retry::Throttle;
use super::token::{Credential, Tokens};

/// Everything a client must know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the session service is.
    pub endpoint: Url,
    /// Where tokens are got.
    pub sts: Url,
    /// The account.
    pub account_id: String,
    /// Deadline of one operation with all its retries.
    pub timeout: Span,
    /// Extra certificate authorities to trust, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// What gets the client in.
    pub credential: Credential,
}

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
    #[error("where tokens are got is not known; give `service.account_domain` or `service.authentication_endpoint`")]
    NoSts,
    /// The file of certificate authorities cannot be used.
    #[error("cannot use the certificate authorities in {}: {why}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Http(String),
    /// A credential that this version cannot use yet.
    #[error("`auth.method = \"entra\"` is not built yet; use an account key or a token")]
    Entra,
    /// The embedded service is made by the daemon.
    #[error("the policy uses the embedded session service, which only `leasekeeper run` starts")]
    Embedded,
}

/// Reads a URL.
fn parse(url: &str) -> Result<Url, ConnectError> {
    Url::parse(url).map_err(|source| ConnectError::Url { url: url.into(), source })
}

/// Whether a URL leads to this machine itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Client {
    /// A client for the service that a policy names.
    ///
    /// # Errors
    /// If the policy's settings cannot be used; nothing is sent yet.
    pub fn connect(policy: &Policy, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let service = &policy.service;
        let endpoint = match &service.location {
            Location::Endpoint(url) => parse(url)?,
            Location::Region(region) => parse(&endpoint_of(region))?,
            Location::Embedded(_) => return Err(ConnectError::Embedded),
        };
        let sts = match (&service.authentication_endpoint, &service.account_domain) {
            (Some(url), _) => parse(url)?,
            (None, Some(domain)) => parse(&format!("https://sts.{domain}"))?,
            // A service on this machine has its token route beside the others.
            (None, None) if is_loopback(&endpoint) => endpoint.clone(),
            (None, None) => return Err(ConnectError::NoSts),
        };
        let credential = match &policy.auth {
            Auth::AccountKey(source) => Credential::AccountKey(source.clone()),
            Auth::Token(source) => Credential::Token(source.clone()),
            Auth::Entra(_) => return Err(ConnectError::Entra),
            Auth::Embedded => return Err(ConnectError::Embedded),
        };
        let ca_pem = match &service.ca_file {
            Some(path) => {
                let read = std::fs::read(path);
                Some(read.map_err(|e| ConnectError::Ca { path: path.clone(), why: e.to_string() })?)
            }
            None => None,
        };
        let config = Config {
            endpoint,
            sts,
            account_id: service.account_id.clone(),
            timeout: service.timeout,
            ca_pem,
            credential,
        };
        Self::new(config, clock)
    }

    /// A client with explicit settings.
    ///
    /// # Errors
    /// If the certificate authorities cannot be read, or no HTTP client can be made.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("leasekeeper/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&config.endpoint) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &config.ca_pem {
            let bad = |e: reqwest::Error| ConnectError::Http(format!("certificate authorities: {e}"));
            for certificate in reqwest::Certificate::from_pem_bundle(pem).map_err(bad)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let http = builder.build().map_err(|e| ConnectError::Http(e.to_string()))?;
        Ok(Self { http, config, clock, tokens: Tokens::default(), throttle: Throttle::default() })
    }
}

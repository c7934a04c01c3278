//! Making a client: from a policy, or from explicit settings.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::clock::Clock;
use crate::policy::{Auth, Location, Policy, endpoint_of};
use crate::units::Span;

use super::account::Account;
use super::client::Client;
use super::retry::Throttle;
use super::token::Credential;
use super::transport::{Http, is_loopback};

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
    /// The embedded service is made by the daemon.
    #[error("the policy uses the embedded session service, which only `leasekeeper run` starts")]
    Embedded,
}

/// Reads a URL.
fn parse(url: &str) -> Result<Url, ConnectError> {
    Url::parse(url).map_err(|source| ConnectError::Url { url: url.into(), source })
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
            Auth::Entra(entra) => Credential::Entra(entra.clone()),
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
        let http = Http::new(config.ca_pem.as_deref())?;
        let account = Account::new(config.account_id, config.sts, http.clone(), config.credential, clock.clone());
        let (endpoint, timeout) = (config.endpoint, config.timeout);
        Ok(Self { http, account: Arc::new(account), endpoint, timeout, clock, throttle: Throttle::default() })
    }
}

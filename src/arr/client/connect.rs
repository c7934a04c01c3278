//! Making a client: from a policy, or from explicit settings.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

use crate::arr::auth::account::AccountAuth;
use crate::arr::auth::token::Credential;
use crate::clock::Clock;
use crate::files;
use crate::policy::{Auth, Location, Policy};
use crate::units::{Region, Span};

use super::error::{BadCa, ConnectError};
use super::region_client::Client;
use super::retry::Throttle;
use super::transport::{Http, is_loopback};

/// The largest file of certificate authorities that is read: a whole system's is a tenth of it.
const LARGEST_CA: u64 = 4 * 1024 * 1024;

/// Everything a client must know.
#[derive(Clone, Debug)]
pub struct ClientConfig {
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

/// Reads a URL.
fn parse(url: &str) -> Result<Url, ConnectError> {
    Url::parse(url).map_err(|source| ConnectError::Url {
        url: url.into(),
        source,
    })
}

/// Reads certificate authorities. A file without any would trust nobody, and say nothing.
fn read_ca(path: &Path) -> Result<Vec<u8>, BadCa> {
    let pem = files::read(path, LARGEST_CA)?;
    match CertificateDer::pem_slice_iter(&pem).next() {
        Some(_) => Ok(pem),
        None => Err(BadCa::None),
    }
}

/// A place: its name, where there are several, and its endpoint.
pub(super) type NamedEndpoint = (Option<Region>, Url);

/// The places that a policy names, the first and the others, in order: its regions, or its only
/// place, which has no name.
pub(super) fn endpoints(
    policy: &Policy,
) -> Result<(NamedEndpoint, Vec<NamedEndpoint>), ConnectError> {
    let service = &policy.service;
    let named =
        |region: Region| parse(&service.endpoint_of(&region)).map(|url| (Some(region), url));
    let mut regions = policy.regions().into_iter();
    let only = match &service.location {
        Location::Embedded(_) => return Err(ConnectError::Embedded),
        Location::Endpoint(url) => parse(url)?,
        Location::Region(region) => parse(&service.endpoint_of(region))?,
    };
    match regions.next() {
        Some(first) => Ok((named(first)?, regions.map(named).collect::<Result<_, _>>()?)),
        None => Ok(((None, only), Vec::new())),
    }
}

/// Whether anything that a policy names is reached by TLS.
fn speaks_tls(policy: &Policy) -> Result<bool, ConnectError> {
    let service = &policy.service;
    let (first, others) = endpoints(policy)?;
    let endpoints = others.iter().chain([&first]).map(|(_, url)| url.scheme());
    let sts = service.authentication_endpoint.as_deref().map(parse);
    let sts = sts.transpose()?;
    Ok(matches!(policy.auth, Auth::Entra(_))
        || service.account_domain.is_some()
        || endpoints
            .chain(sts.as_ref().map(Url::scheme))
            .any(|scheme| scheme == "https"))
}

/// What the clients of all regions have in common.
pub(super) struct Settings {
    http: Http,
    account_id: String,
    credential: Credential,
    timeout: Span,
    clock: Arc<dyn Clock>,
}

impl Settings {
    pub(in crate::arr) fn of(policy: &Policy, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let service = &policy.service;
        let credential = match &policy.auth {
            Auth::AccountKey(source) => Credential::AccountKey(source.clone()),
            Auth::Token(source) => Credential::Token(source.clone()),
            Auth::Entra(entra) => Credential::Entra(entra.clone()),
            Auth::Embedded => return Err(ConnectError::Embedded),
        };
        let tls = speaks_tls(policy)?;
        let http = match &service.ca_file {
            None => Http::new(None, tls).map_err(ConnectError::Http)?,
            Some(path) => read_ca(path)
                .and_then(|pem| Http::new(Some(&pem), tls).map_err(BadCa::Unusable))
                .map_err(|source| ConnectError::Ca {
                    path: path.clone(),
                    source,
                })?,
        };
        Ok(Self {
            http,
            account_id: service.account_id.clone(),
            credential,
            timeout: service.timeout,
            clock,
        })
    }

    /// Where an endpoint's tokens are got.
    pub(in crate::arr) fn sts(&self, policy: &Policy, endpoint: &Url) -> Result<Url, ConnectError> {
        match (
            &policy.service.authentication_endpoint,
            &policy.service.account_domain,
        ) {
            (Some(url), _) => parse(url),
            (None, Some(domain)) => parse(&format!("https://sts.{domain}")),
            // A service on this machine has its token route beside the others.
            (None, None) if is_loopback(endpoint) => Ok(endpoint.clone()),
            (None, None) => Err(ConnectError::NoSts),
        }
    }

    pub(in crate::arr) fn account(&self, sts: Url) -> AccountAuth {
        AccountAuth::new(
            self.account_id.clone(),
            sts,
            self.http.clone(),
            self.credential.clone(),
            self.clock.clone(),
        )
    }

    pub(in crate::arr) fn client(
        &self,
        region: Option<Region>,
        endpoint: Url,
        account: Arc<AccountAuth>,
    ) -> Client {
        let (http, timeout, clock) = (self.http.clone(), self.timeout, self.clock.clone());
        Client {
            http,
            account,
            region,
            endpoint,
            timeout,
            clock,
            throttle: Throttle::default(),
            unreadable: Mutex::default(),
        }
    }
}

impl Client {
    /// A client of one place, with explicit settings.
    ///
    /// # Errors
    /// If the certificate authorities cannot be read, or no HTTP client can be made.
    pub(in crate::arr) fn new(
        config: ClientConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let ClientConfig {
            endpoint,
            sts,
            account_id,
            timeout,
            ca_pem,
            credential,
        } = config;
        let settings = Settings {
            http: Http::new(ca_pem.as_deref(), endpoint.scheme() == "https")
                .map_err(ConnectError::Http)?,
            account_id,
            credential,
            timeout,
            clock,
        };
        let account = Arc::new(settings.account(sts));
        Ok(settings.client(None, endpoint, account))
    }
}

//! How requests leave: two HTTP clients with the same certificate authorities, one through the
//! environment's proxy, if it names one, and one that goes straight to this machine itself and to
//! its metadata service.
//!
//! Redirects are followed by neither. The same transport serves `azure_identity`, and whoever else
//! reads a page.

use std::time::Duration;

use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request, StatusCode};
use url::{Host, Url};

use crate::arr::protocol::reply::NoReply;

use super::http::{body_of, no_reply};

/// How long a connection may take to be made: a service that answers slowly is worth waiting for,
/// an address that swallows packets is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The two clients.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    proxied: reqwest::Client,
    direct: reqwest::Client,
}

impl Http {
    /// Trusts the authorities in `ca_pem` besides the system's. A machine that has none is as
    /// good as any other where no TLS is spoken, so the system's are read only where it is.
    pub(crate) fn new(ca_pem: Option<&[u8]>, speaks_tls: bool) -> reqwest::Result<Self> {
        let authorities = ca_pem
            .map(reqwest::Certificate::from_pem_bundle)
            .transpose()?;
        let builder = || {
            let builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(concat!("leasekeeper/", env!("CARGO_PKG_VERSION")));
            let authorities = authorities.iter().flatten().cloned();
            match speaks_tls {
                true => builder.tls_certs_merge(authorities),
                false => builder.tls_certs_only(authorities),
            }
        };
        Ok(Self {
            proxied: builder().build()?,
            direct: builder().no_proxy().build()?,
        })
    }

    /// The client for a URL.
    pub(crate) fn to(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) || is_link_local(url) {
            &self.direct
        } else {
            &self.proxied
        }
    }
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

/// Whether a URL leads to what only this machine reaches, such as its metadata service.
fn is_link_local(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(ip)) if ip.is_link_local())
}

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            other => {
                return Err(Error::with_message(
                    ErrorKind::Other,
                    format!("a credential asked by {other}"),
                ));
            }
        };
        let Body::Bytes(body) = request.body() else {
            return Err(Error::with_message(
                ErrorKind::Other,
                "a credential asked with a stream",
            ));
        };
        let mut sending = self
            .to(request.url())
            .request(method, request.url().clone())
            .body(body.clone());
        for (name, value) in request.headers().iter() {
            sending = sending.header(name.as_str(), value.as_str());
        }
        let host = request.url().host_str().unwrap_or_default();
        let broken = |error: NoReply| match error {
            NoReply::BodyTooLarge(why) => {
                Error::with_message(ErrorKind::Other, format!("{host}: {why}"))
            }
            why => {
                let kind = if why.may_pass() {
                    ErrorKind::Io
                } else {
                    ErrorKind::Other
                };
                Error::with_message(kind, format!("cannot reach {host}: {why}"))
            }
        };
        let mut response = sending.send().await.map_err(|e| broken(no_reply(&e)))?;
        let status = StatusCode::from(response.status().as_u16());
        let body = body_of(&mut response).await.map_err(broken)?;
        Ok(AsyncRawResponse::from_bytes(status, Headers::new(), body))
    }
}

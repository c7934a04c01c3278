//! Pages that are read over HTTP: as the session service is reached, through the environment's
//! proxy where one is named and straight to this machine itself.

use std::sync::OnceLock;

use url::Url;

use crate::activity::source::{LookError, Watched, filled};
use crate::arr::Http;

/// The largest page that is read.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;
/// What is asked for: Prometheus's text, OpenMetrics's, or JSON.
const ACCEPTED: &str = "text/plain;version=0.0.4, \
    application/openmetrics-text;version=1.0.0;q=0.9, application/json;q=0.8, */*;q=0.1";

/// Where pages are read. Clients are made when they are first used.
#[derive(Debug, Default)]
pub(super) struct Pages {
    plain: OnceLock<Http>,
    tls: OnceLock<Http>,
}

impl Pages {
    /// A page as text.
    ///
    /// # Errors
    /// If it cannot be had as a whole.
    pub(super) async fn get(&self, url: &Url) -> Result<String, LookError> {
        let failed = |error: reqwest::Error| LookError::Io {
            doing: format!("cannot read {}", shown(url)),
            source: std::io::Error::other(error.without_url()),
        };
        let refused = |why: String| LookError::NoAnswer(format!("{}: {why}", shown(url)));
        let request = self.client(url).map_err(failed)?.to(url).get(url.clone());
        let request = request.header(reqwest::header::ACCEPT, ACCEPTED);
        let mut response = request.send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(refused(format!("the answer is {}", response.status())));
        }
        let mut page = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if page.len() + chunk.len() > LARGEST_PAGE {
                return Err(refused("the page is larger than 4 MiB".into()));
            }
            page.extend_from_slice(&chunk);
        }
        String::from_utf8(page).map_err(|_| refused("the page is not UTF-8".into()))
    }

    /// The client for a URL. A machine without certificate authorities is as good as any other
    /// where no TLS is spoken.
    fn client(&self, url: &Url) -> reqwest::Result<&Http> {
        let speaks_tls = url.scheme() == "https";
        let cell = if speaks_tls { &self.tls } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = Http::new(None, speaks_tls)?;
        Ok(cell.get_or_init(|| client))
    }
}

/// A URL as it is told: without its query, which may hold what is nobody's business.
fn shown(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// The page for a session. Its server's name comes from the service, and must be one.
pub(super) fn page_url(pattern: &str, session: &Watched) -> Result<Url, LookError> {
    let mut text = filled(pattern, session);
    if text.contains("{hostname}") {
        let none = || LookError::NoAnswer("the session has no server yet".into());
        let hostname = session.hostname.as_deref().ok_or_else(none)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if hostname.is_empty() || !hostname.chars().all(fits) {
            let why = format!("{hostname:?} is not the name of a server");
            return Err(LookError::NoAnswer(why));
        }
        let is_v6 = hostname.parse::<std::net::Ipv6Addr>().is_ok();
        let hostname = match is_v6 {
            true => format!("[{hostname}]"),
            false => hostname.to_owned(),
        };
        text = text.replace("{hostname}", &hostname);
    }
    text.parse()
        .map_err(|error| LookError::NoAnswer(format!("the page's URL cannot be: {error}")))
}

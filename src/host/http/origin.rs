//! The address under which a client knows this service: the one it used, or what a proxy before it
//! or the command line says.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderName};
use url::Url;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How this service is reached.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Where it listens, for clients that send no `Host`.
    pub(super) listens: Url,
    /// How clients reach it whatever they say themselves.
    pub(super) public: Option<Url>,
    /// The proxies that are believed about the scheme that a client uses.
    pub(super) proxies: Vec<IpAddr>,
}

impl Origin {
    /// The base of the addresses that a client is given.
    pub(super) fn base(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Url {
        if let Some(public) = &self.public {
            return public.clone();
        }
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let believed = peer.is_some_and(|peer| self.proxies.contains(&peer.to_canonical()));
        let scheme = text(&FORWARDED_PROTO)
            .filter(|_| believed)
            .and_then(known_scheme)
            .unwrap_or(self.listens.scheme());
        let own = || {
            let mut own = self.listens.clone();
            // Both are http or https, between which any URL with a host can change.
            let _ = own.set_scheme(scheme);
            own
        };
        text(&HOST)
            .and_then(|host| base_of(scheme, host))
            .unwrap_or_else(own)
    }

    /// The address of the page of a list that begins after a session, or of the first one.
    pub(super) fn page(mut base: Url, account: &str, version: &str, after: Option<&str>) -> String {
        // It is an http URL, which can have segments.
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty()
                .extend(["accounts", account, "sessions"]);
        }
        base.query_pairs_mut()
            .append_pair("api-version", version)
            .extend_pairs(after.map(|after| ("after", after)));
        base.into()
    }
}

/// The scheme that the client used, which the first proxy writes first.
fn known_scheme(forwarded: &str) -> Option<&'static str> {
    let first = forwarded.split(',').next()?.trim();
    ["http", "https"]
        .into_iter()
        .find(|scheme| first.eq_ignore_ascii_case(scheme))
}

/// A URL of nothing but a scheme and a host.
fn base_of(scheme: &str, host: &str) -> Option<Url> {
    let url = Url::parse(&format!("{scheme}://{host}")).ok()?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(public: Option<&str>) -> Origin {
        let url = |text: &str| Url::parse(text).expect("a URL");
        Origin {
            listens: url("http://127.0.0.1:8787"),
            public: public.map(url),
            proxies: vec!["127.0.0.1".parse().expect("an address")],
        }
    }
    fn link(origin: &Origin, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let headers = headers.iter().map(|(name, value)| {
            let value = value.parse().expect("a value");
            (HeaderName::from_static(name), value)
        });
        let peer = peer.parse().expect("an address");
        let base = origin.base(&headers.collect(), Some(peer));
        Origin::page(base, "acc", "2021-01-01", Some("s-1"))
    }

    #[test]
    fn a_client_is_sent_to_where_it_came_by() {
        const TAIL: &str = "/accounts/acc/sessions?api-version=2021-01-01&after=s-1";
        let proto = |value| ("x-forwarded-proto", value);
        let host = ("host", "arr.example");
        for (peer, headers, base) in [
            ("127.0.0.1", vec![], "http://127.0.0.1:8787"),
            ("127.0.0.1", vec![host], "http://arr.example"),
            (
                "127.0.0.1",
                vec![host, proto("https")],
                "https://arr.example",
            ),
            ("127.0.0.1", vec![proto("HTTPS")], "https://127.0.0.1:8787"),
            (
                "127.0.0.1",
                vec![host, proto("https, http")],
                "https://arr.example",
            ),
            (
                "127.0.0.1",
                vec![host, proto("gopher")],
                "http://arr.example",
            ),
            (
                "::ffff:127.0.0.1",
                vec![host, proto("https")],
                "https://arr.example",
            ),
            (
                "192.0.2.7",
                vec![host, proto("https")],
                "http://arr.example",
            ),
            (
                "127.0.0.1",
                vec![("host", "me@arr.example")],
                "http://127.0.0.1:8787",
            ),
            (
                "127.0.0.1",
                vec![("host", "arr.example/x?y")],
                "http://127.0.0.1:8787",
            ),
            (
                "127.0.0.1",
                vec![("host", "[::1]:8787")],
                "http://[::1]:8787",
            ),
        ] {
            let told = link(&origin(None), peer, &headers);
            assert_eq!(told, format!("{base}{TAIL}"), "{peer} {headers:?}");
        }
        for public in ["https://studio.example/arr", "https://studio.example/arr/"] {
            let told = link(&origin(Some(public)), "192.0.2.7", &[host]);
            assert_eq!(told, format!("https://studio.example/arr{TAIL}"));
        }
    }
}

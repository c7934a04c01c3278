//! Which session service a policy means, in a form in which two can be compared.
//!
//! Two spellings of one place are the same: upper case in scheme or host, a port that the scheme
//! has anyway, a slash at the end, a region and its endpoint. Nothing is resolved: two names of one
//! machine are two services as far as anybody here can tell.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use crate::units::Region;

use super::policy::Policy;
use super::service::{Location, ServiceConfig};

/// The session service and the account that a session lives on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceIdentity {
    /// leasekeeper's own, in the process of the daemon: its sessions end with that process.
    Embedded,
    /// An account of a service at a URL.
    Account {
        /// The URL, in the one spelling that stands for all.
        endpoint: String,
        /// The account's id.
        account: String,
    },
}

impl ServiceIdentity {
    /// An account of the service at a URL.
    pub fn new(endpoint: &str, account: &str) -> Self {
        Self::Account {
            endpoint: normalized(endpoint),
            account: account.to_ascii_lowercase(),
        }
    }
}

impl fmt::Display for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the embedded service"),
            Self::Account { endpoint, account } => write!(f, "{endpoint} (account {account})"),
        }
    }
}

impl ServiceConfig {
    fn identity(&self, endpoint: &str) -> ServiceIdentity {
        ServiceIdentity::new(endpoint, &self.account_id)
    }
}

impl Policy {
    /// Every place that the policy names, with the name of its region, where it has one.
    pub fn services(&self) -> Vec<(Option<Region>, ServiceIdentity)> {
        let service = &self.service;
        let of_region = |region: Region| {
            let identity = service.identity(&service.endpoint_of(&region));
            (Some(region), identity)
        };
        let regions = self.regions();
        match &service.location {
            Location::Embedded(_) => vec![(None, ServiceIdentity::Embedded)],
            Location::Endpoint(url) => vec![(None, service.identity(url))],
            Location::Region(home) if regions.is_empty() => vec![of_region(home.clone())],
            Location::Region(_) => regions.into_iter().map(of_region).collect(),
        }
    }

    /// Where a session lives that was asked for or seen in a region; `None` where the policy names
    /// several places and the session's is not known.
    pub fn service_of(&self, region: Option<&Region>) -> Option<ServiceIdentity> {
        let service = &self.service;
        match (&service.location, region) {
            (Location::Region(_), Some(region)) => {
                Some(service.identity(&service.endpoint_of(region)))
            }
            _ => match &self.services()[..] {
                [(_, only)] => Some(only.clone()),
                _ => None,
            },
        }
    }
}

/// A URL in the one spelling that stands for all that mean the same.
fn normalized(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let own_port = match &*scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = authority.strip_suffix(own_port).unwrap_or(authority);
    let host = host.to_ascii_lowercase();
    let host = short_ipv6(&host).unwrap_or(host);
    format!("{scheme}://{host}{}", path.trim_end_matches('/'))
}

/// The short form of an IPv6 address in brackets, with its port.
fn short_ipv6(host: &str) -> Option<String> {
    let (address, port) = host.strip_prefix('[')?.split_once(']')?;
    let address: Ipv6Addr = address.parse().ok()?;
    Some(format!("[{address}]{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load;

    fn services(service: &str, pool: &str) -> Vec<(Option<Region>, ServiceIdentity)> {
        let text = format!(
            "owner = \"st\"\n[service]\n{service}\n[auth]\nmethod = \"token\"\ntoken_env = \"T\"\n\
             [[pool]]\nname = \"a\"\n{pool}\n"
        );
        let loaded = load("policy.toml", &text);
        loaded.expect("a policy").policy.services()
    }

    fn of(endpoint: &str, account: &str) -> Vec<(Option<Region>, ServiceIdentity)> {
        services(
            &format!("endpoint = \"{endpoint}\"\naccount_id = \"{account}\""),
            "",
        )
    }

    const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";

    #[test]
    fn one_place_in_two_spellings_is_one_service() {
        for (one, other) in [
            ("https://a.example", "https://A.Example/"),
            ("https://a.example", "https://a.example:443"),
            ("http://localhost", "http://localhost:80/"),
            ("https://a.example/base", "https://a.example/base//"),
            ("http://[::1]:87", "http://[0:0:0:0:0:0:0:1]:87"),
        ] {
            let account = ACCOUNT.to_uppercase();
            assert_eq!(of(one, ACCOUNT), of(other, &account), "{one} {other}");
        }
        let by_region = services(
            &format!("region = \"westeurope\"\naccount_id = \"{ACCOUNT}\""),
            "",
        );
        let by_url = of(
            "https://remoterendering.westeurope.mixedreality.azure.com/",
            ACCOUNT,
        );
        assert_eq!(by_region[0].1, by_url[0].1);
    }

    #[test]
    fn another_host_port_path_or_account_is_another_service() {
        let one = of("https://a.example", ACCOUNT);
        for (other, account) in [
            ("https://b.example", ACCOUNT),
            ("https://a.example:8443", ACCOUNT),
            ("https://a.example/b", ACCOUNT),
            ("https://a.example", "00000000-0000-0000-0000-000000000000"),
        ] {
            assert_ne!(one, of(other, account), "{other} {account}");
        }
    }

    #[test]
    fn every_region_of_a_policy_is_a_place_with_its_name() {
        let places = services(
            &format!(
                "region = \"here\"\naccount_id = \"{ACCOUNT}\"\n\
                 [service.regions]\nhere = \"https://here.example\""
            ),
            "regions = [\"here\", \"westeurope\"]",
        );
        let told: Vec<String> = places
            .iter()
            .map(|(name, at)| format!("{} {at}", name.as_ref().map_or("-", Region::as_str)))
            .collect();
        let westeurope = "https://remoterendering.westeurope.mixedreality.azure.com";
        assert_eq!(
            told,
            [
                format!("here https://here.example (account {ACCOUNT})"),
                format!("westeurope {westeurope} (account {ACCOUNT})"),
            ]
        );
    }
}

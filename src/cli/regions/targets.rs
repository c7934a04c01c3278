//! What is measured: regions by name, or endpoints.

use std::borrow::Cow;

use url::Url;

use crate::policy::{Location, Policy, REGIONS, endpoint_of, nearest_name};
use crate::report::Hint;
use crate::units::Region;

/// The most endpoints that are measured at once.
const MOST_ENDPOINTS: usize = 256;

/// Why nothing is measured.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RegionsError {
    /// The embedded service is in the same process.
    #[error(
        "the policy uses the embedded session service, which is on this machine; there is \
         nothing to measure"
    )]
    Embedded,
    /// Neither a region nor an endpoint.
    #[error("{text:?} is neither a region nor an endpoint{near}")]
    Endpoint {
        /// What was given.
        text: String,
        /// Which region may have been meant.
        near: String,
        /// The regions there are.
        known: String,
    },
    /// More than anyone can mean.
    #[error("{0} endpoints are too many; at most {MOST_ENDPOINTS} are measured at once")]
    TooMany(usize),
}

impl Hint for RegionsError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Endpoint { known, .. } => {
                Some(format!("write https://… or host:port, or one of {known}").into())
            }
            Self::Embedded | Self::TooMany(_) => None,
        }
    }
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProbeTarget {
    pub(super) region: Option<Region>,
    pub(super) endpoint: Url,
}

/// What is given, or else what the policy names, or else the public service's regions.
pub(super) fn targets(
    given: &[String],
    policy: Option<&Policy>,
) -> Result<Vec<ProbeTarget>, RegionsError> {
    let known = known(policy);
    let targets = match (given, policy) {
        ([], None) => known,
        ([], Some(policy)) => named(policy)?,
        (given, _) => given
            .iter()
            .map(|text| target(text, &known))
            .collect::<Result<_, _>>()?,
    };
    if targets.len() > MOST_ENDPOINTS {
        Err(RegionsError::TooMany(targets.len()))
    } else {
        Ok(targets)
    }
}

/// Every region that has a name: the policy's own, and the public service's.
fn known(policy: Option<&Policy>) -> Vec<ProbeTarget> {
    let own = policy
        .map(|p| &p.service.regions)
        .into_iter()
        .flatten()
        .map(|(r, url)| (r.clone(), url.clone()));
    let public = REGIONS.iter().filter_map(|name| {
        let region: Region = name.parse().ok()?;
        Some((region.clone(), endpoint_of(&region)))
    });
    let mut all: Vec<ProbeTarget> = Vec::new();
    for (region, url) in own.chain(public) {
        let region = Some(region);
        if let Ok(endpoint) = Url::parse(&url)
            && !all.iter().any(|t| t.region == region)
        {
            all.push(ProbeTarget { region, endpoint });
        }
    }
    all
}

/// The places that a policy names.
fn named(policy: &Policy) -> Result<Vec<ProbeTarget>, RegionsError> {
    let mut regions: Vec<Region> = policy.service.regions.keys().cloned().collect();
    match &policy.service.location {
        Location::Embedded(_) => return Err(RegionsError::Embedded),
        Location::Endpoint(url) => return target(url, &[]).map(|t| vec![t]),
        Location::Region(home) => regions.extend([home.clone()]),
    }
    regions.extend(policy.pools.iter().flat_map(|p| p.regions.iter().cloned()));
    let wanted = |t: &ProbeTarget| t.region.as_ref().is_some_and(|r| regions.contains(r));
    Ok(known(Some(policy)).into_iter().filter(wanted).collect())
}

/// What a person means by a region's name, a URL, or `host:port`.
fn target(text: &str, known: &[ProbeTarget]) -> Result<ProbeTarget, RegionsError> {
    if let Some(target) = known
        .iter()
        .find(|t| t.region.as_ref().is_some_and(|r| r.as_str() == text))
    {
        return Ok(target.clone());
    }
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let near = nearest_name(text);
    let plain = text.contains([':', '.']);
    match Url::parse(&url) {
        Ok(endpoint)
            if plain
                && endpoint.host().is_some()
                && matches!(endpoint.scheme(), "http" | "https") =>
        {
            Ok(ProbeTarget {
                region: None,
                endpoint,
            })
        }
        _ => Err(RegionsError::Endpoint {
            text: text.into(),
            near: near
                .map(|n| format!(" (did you mean {n:?}?)"))
                .unwrap_or_default(),
            known: known
                .iter()
                .filter_map(|t| t.region.as_ref())
                .map(Region::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<ProbeTarget, RegionsError> {
        target(text, &known(None))
    }

    #[test]
    fn a_region_an_url_and_a_host_with_its_port_are_understood() {
        let endpoint = |text| of(text).expect("understood").endpoint.to_string();
        assert_eq!(
            endpoint("westeurope"),
            "https://remoterendering.westeurope.mixedreality.azure.com/"
        );
        assert_eq!(endpoint("http://127.0.0.1:8787"), "http://127.0.0.1:8787/");
        assert_eq!(
            endpoint("render.example:8443"),
            "https://render.example:8443/"
        );
        assert_eq!(endpoint("render.example"), "https://render.example/");
    }

    #[test]
    fn what_is_neither_says_what_may_have_been_meant() {
        let error = of("westeurop").expect_err("no such region");
        assert_eq!(
            error.to_string(),
            "\"westeurop\" is neither a region nor an endpoint (did you mean \"westeurope\"?)"
        );
        let hint = error.hint().expect("a way out");
        assert!(hint.ends_with("uksouth, westeurope, westus2"), "{hint}");
        for text in [
            "",
            "ftp://a.example",
            "a b.example",
            "https://",
            "http://[::1",
        ] {
            of(text).expect_err(text);
        }
    }
}

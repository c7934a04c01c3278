//! `regions`: how far away each region is, closest first.
//!
//! Only TCP connections are made, a few to each, and nothing is sent. Every wait has a bound.

use std::cmp::Ordering;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::clock::Stopwatch;
use crate::daemon::{PolicyError, read_policy};
use crate::policy::{Location, Policy, REGIONS, endpoint_of, nearest_name};
use crate::units::Region;

use super::Format;
use super::status::table;

/// How often each region is connected to; the median counts.
const TRIES: usize = 5;
/// The longest that a name may take to become an address, and a connection to be made.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// The most endpoints that are measured at once.
const MOST_ENDPOINTS: usize = 256;

/// Measure how far away each region is, and print them closest first
///
/// Measures what it takes to connect (TCP; nothing is sent) to the given endpoints, to every region
/// that a policy names, or to the public service's regions, which closed in October 2025. Exit
/// status 1 where none answers.
#[derive(Debug, Args)]
pub(super) struct RegionsArgs {
    /// Regions by name, or endpoints as https://… or host:port
    #[arg(value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    /// Measure the regions that this policy names; ENDPOINT may name its own regions then
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Why nothing is measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum RegionsError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The embedded service is in the same process.
    #[error(
        "the policy uses the embedded session service, which is on this machine; there is nothing to measure"
    )]
    Embedded,
    /// Neither a region nor an endpoint.
    #[error(
        "{text:?} is neither a region nor an endpoint{near}; write https://… or host:port, or one of {known}"
    )]
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
    /// Standard output failed.
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProbeTarget {
    region: Option<Region>,
    endpoint: Url,
}

/// One line of the result.
#[derive(Debug, Serialize)]
struct Measured {
    region: Option<Region>,
    endpoint: String,
    /// The median of what connecting took; `None` where it could not be done.
    latency_ms: Option<f64>,
    /// Why it could not.
    error: Option<String>,
}

/// Measures and prints. Exit status 1 where none answers.
pub(super) async fn regions(args: RegionsArgs) -> Result<u8, RegionsError> {
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let targets = targets(&args.endpoints, policy.as_ref())?;
    let measured = measure_all(targets).await;
    match args.format {
        Format::Json => super::json(&measured)?,
        Format::Text => std::io::stdout()
            .lock()
            .write_all(text(&measured).as_bytes())?,
    }
    if measured.iter().any(|m| m.latency_ms.is_some()) {
        return Ok(0);
    }
    eprintln!("none of them can be connected to");
    Ok(1)
}

fn targets(given: &[String], policy: Option<&Policy>) -> Result<Vec<ProbeTarget>, RegionsError> {
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

/// All at once, with a line of progress on a terminal; closest first, what cannot be reached last.
async fn measure_all(targets: Vec<ProbeTarget>) -> Vec<Measured> {
    let all = targets.len();
    let progress = std::io::stderr().is_terminal();
    let mut measured = Vec::new();
    let mut under_way: FuturesUnordered<_> = targets.into_iter().map(measure).collect();
    loop {
        if progress {
            eprint!("\rmeasured {} of {all} ", measured.len());
        }
        match under_way.next().await {
            Some(one) => measured.push(one),
            None => break,
        }
    }
    if progress {
        // Back to the beginning of the line, and clear it.
        eprint!("\r\x1b[K");
    }
    measured.sort_by(closest_first);
    measured
}

fn closest_first(a: &Measured, b: &Measured) -> Ordering {
    let by_latency = match (a.latency_ms, b.latency_ms) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    by_latency
        .then_with(|| a.region.cmp(&b.region))
        .then_with(|| a.endpoint.cmp(&b.endpoint))
}

async fn measure(target: ProbeTarget) -> Measured {
    let result = latency(&target.endpoint).await;
    let (region, endpoint) = (target.region, target.endpoint.to_string());
    match result {
        Ok(ms) => Measured {
            region,
            endpoint,
            latency_ms: Some(ms),
            error: None,
        },
        Err(why) => Measured {
            region,
            endpoint,
            latency_ms: None,
            error: Some(why),
        },
    }
}

/// What it takes to connect, in milliseconds: the median of a few tries to one address.
async fn latency(endpoint: &Url) -> Result<f64, String> {
    let host = endpoint
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    let port = endpoint.port_or_known_default().unwrap_or(443);
    let addresses: Vec<SocketAddr> = match timeout(PROBE_TIMEOUT, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(format!("its name has no address: {error}")),
        Err(_) => return Err(format!("its name has no address within {PROBE_TIMEOUT:?}")),
    };
    let mut why = "its name has no address".to_owned();
    for address in addresses {
        match connect(address).await {
            Err(error) => why = error,
            Ok(first) => {
                let mut took = vec![first];
                for _ in 1..TRIES {
                    took.extend(connect(address).await.ok());
                }
                return Ok(median(took));
            }
        }
    }
    Err(why)
}

async fn connect(address: SocketAddr) -> Result<f64, String> {
    let watch = Stopwatch::start();
    match timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(watch.elapsed().as_secs_f64() * 1_000.0),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {PROBE_TIMEOUT:?}")),
    }
}

/// The middle one, or the smaller of the two in the middle. Of nothing, nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or_default()
}

fn text(measured: &[Measured]) -> String {
    let mut rows = vec![["REGION", "LATENCY", "ENDPOINT"].map(String::from).to_vec()];
    for one in measured {
        let region = one
            .region
            .as_ref()
            .map_or_else(|| "-".into(), ToString::to_string);
        let latency = one
            .latency_ms
            .map_or_else(|| "-".into(), |ms| format!("{ms:.1} ms"));
        let why = one
            .error
            .as_ref()
            .map(|e| format!(" ({e})"))
            .unwrap_or_default();
        rows.push(vec![region, latency, format!("{}{why}", one.endpoint)]);
    }
    table(&rows)
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
        let told = of("westeurop").expect_err("no such region").to_string();
        assert!(told.starts_with(
            "\"westeurop\" is neither a region nor an endpoint (did you mean \"westeurope\"?)"
        ));
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

    #[tokio::test]
    async fn the_closest_comes_first_and_what_cannot_be_reached_comes_last_with_its_reason() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let at = |l: &tokio::net::TcpListener| l.local_addr().expect("bound").to_string();
        let (open_at, closed_at) = (at(&open), at(&closed));
        drop(closed);
        let measured =
            measure_all(targets(&[closed_at, open_at.clone()], None).expect("two endpoints")).await;
        assert_eq!(measured[0].endpoint, format!("https://{open_at}/"));
        assert!(measured[0].latency_ms.is_some() && measured[0].error.is_none());
        assert!(
            measured[1]
                .error
                .as_deref()
                .is_some_and(|e| e.contains("refused")),
            "{measured:?}"
        );
        assert!(measured[1].latency_ms.is_none());
    }

    #[test]
    fn a_table_reads_like_one_in_the_order_of_latency() {
        let one = |region: &str, latency_ms: Option<f64>, error: Option<&str>| {
            let region: Region = region.parse().expect("a region");
            let endpoint = endpoint_of(&region);
            Measured {
                region: Some(region),
                endpoint,
                latency_ms,
                error: error.map(Into::into),
            }
        };
        let mut measured = vec![
            one("eastus", None, Some("Connection refused")),
            one("westeurope", Some(31.25), None),
            one("northeurope", Some(8.0), None),
        ];
        measured.sort_by(closest_first);
        insta::assert_snapshot!(text(&measured), @r"
        REGION       LATENCY  ENDPOINT
        northeurope  8.0 ms   https://remoterendering.northeurope.mixedreality.azure.com
        westeurope   31.2 ms  https://remoterendering.westeurope.mixedreality.azure.com
        eastus       -        https://remoterendering.eastus.mixedreality.azure.com (Connection refused)
        ");
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
    }
}

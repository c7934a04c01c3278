//! What it takes to connect. Nothing is sent, and every wait has a bound.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::cli::output;
use crate::clock::Stopwatch;
use crate::units::Region;

use super::targets::ProbeTarget;

/// How often each region is connected to; the median counts.
const TRIES: usize = 5;
/// The longest that a name may take to become an address, and a connection to be made.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// One line of the result.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) region: Option<Region>,
    pub(super) endpoint: String,
    /// The median of what connecting took; `None` where it could not be done.
    pub(super) latency_ms: Option<f64>,
    /// Why it could not.
    pub(super) error: Option<String>,
}

/// All at once, with a line of progress on a terminal; closest first, what cannot be reached last.
pub(super) async fn measure_all(targets: Vec<ProbeTarget>) -> Vec<Measured> {
    let progress = output::progress("measured {pos} of {len} {wide_bar}", targets.len() as u64);
    let mut measured = Vec::new();
    let mut under_way: FuturesUnordered<_> = targets.into_iter().map(measure).collect();
    while let Some(one) = under_way.next().await {
        measured.push(one);
        progress.inc(1);
    }
    progress.finish_and_clear();
    measured.sort_by(closest_first);
    measured
}

pub(super) fn closest_first(a: &Measured, b: &Measured) -> Ordering {
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

#[cfg(test)]
mod tests {
    use super::super::targets::targets;
    use super::*;

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
    fn the_median_is_the_middle_one() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}

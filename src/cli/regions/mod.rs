//! `regions`: how far away each region is, closest first.
//!
//! Only TCP connections are made, a few to each, and nothing is sent.

mod measure;
mod targets;

use std::path::PathBuf;

use clap::Args;

use crate::daemon::read_policy;
use crate::layout::{Columns, table};

use super::Format;
use super::error::Failed;
use super::output;
use measure::{Measured, measure_all};
use targets::targets;

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

/// Measures and prints. Exit status 1 where none answers.
pub(super) async fn regions(args: RegionsArgs) -> Result<u8, Failed> {
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let targets = targets(&args.endpoints, policy.as_ref())?;
    let measured = measure_all(targets).await;
    match args.format {
        Format::Json => output::json(&measured)?,
        Format::Text => output::print(text(&measured))?,
    }
    if measured.iter().any(|m| m.latency_ms.is_some()) {
        return Ok(0);
    }
    output::note("none of them can be connected to");
    Ok(1)
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
    table(Columns::Left, rows)
}

#[cfg(test)]
mod tests {
    use super::measure::closest_first;
    use super::*;
    use crate::policy::endpoint_of;
    use crate::units::Region;

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
            one("eastus", None, Some("refused")),
            one("westeurope", Some(31.25), None),
            one("northeurope", Some(8.0), None),
        ];
        measured.sort_by(closest_first);
        insta::assert_snapshot!(text(&measured), @r"
        REGION       LATENCY  ENDPOINT
        northeurope  8.0 ms   https://remoterendering.northeurope.mixedreality.azure.com
        westeurope   31.2 ms  https://remoterendering.westeurope.mixedreality.azure.com
        eastus       -        https://remoterendering.eastus.mixedreality.azure.com (refused)
        ");
    }
}

//! The regions of the public service, which closed on 1 October 2025; a compatible service may
//! answer to their names.

use crate::units::Region;

/// The regions, by the name that stands in their endpoint.
pub const REGIONS: &[&str] = &[
    "australiaeast",
    "eastus",
    "eastus2",
    "japaneast",
    "northeurope",
    "southcentralus",
    "southeastasia",
    "uksouth",
    "westeurope",
    "westus2",
];

/// The endpoint of a region.
pub fn endpoint_of(region: &Region) -> String {
    format!("https://remoterendering.{region}.mixedreality.azure.com")
}

/// The region whose name is most like a text, if any is like it.
pub fn nearest_name(name: &str) -> Option<&'static str> {
    let near = REGIONS
        .iter()
        .map(|r| (strsim::damerau_levenshtein(r, name), *r))
        .min()?;
    (near.0 <= 3).then_some(near.1)
}

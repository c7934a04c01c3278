//! `[service]`: where the session service is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::policy::region::endpoint_of;
use crate::units::{Region, Span};

/// Which session service to talk to.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Where it is.
    pub location: Location,
    /// Endpoints of regions that are the studio's own, by name.
    pub regions: BTreeMap<Region, String>,
    /// The account's id, a UUID.
    pub account_id: String,
    /// The account's domain, which tells its STS: `westeurope.mixedreality.azure.com`.
    pub account_domain: Option<String>,
    /// URL of the token service, where it is not `https://sts.<account domain>`.
    pub authentication_endpoint: Option<String>,
    /// Deadline of one operation with all its retries.
    pub timeout: Span,
    /// A file of extra certificate authorities to trust, in PEM.
    pub ca_file: Option<PathBuf>,
}

impl ServiceConfig {
    /// The endpoint of a region: the policy's own of that name, else the public service's.
    pub fn endpoint_of(&self, region: &Region) -> String {
        self.regions
            .get(region)
            .cloned()
            .unwrap_or_else(|| endpoint_of(region))
    }
}

/// Where the session service is.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// leasekeeper's own, in the same process, spoken to over HTTP on loopback.
    Embedded(Embedded),
    /// A URL.
    Endpoint(String),
    /// A region, by name: one of the policy's own, or of the public service.
    Region(Region),
}

/// Settings of the embedded session service.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// Where it listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// How long a simulated server takes to boot.
    pub boot_delay: Span,
    /// How many sessions it can hold at once.
    pub capacity: u32,
}

//! The fleet of a policy: a client for each region, and one account, with its token, for all that
//! share an STS.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use crate::arr::auth::account::AccountAuth;
use crate::clock::Clock;
use crate::policy::{Location, Policy};
use crate::units::Region;

use super::connect::{ClientConfig, NamedEndpoint, Settings, endpoints};
use super::error::ConnectError;
use super::region_client::Client;

/// The client of a policy: of its one place, or of all its regions.
pub type ArrFleet = crate::service::Fleet<Client>;

impl ArrFleet {
    /// A client for the service that a policy names.
    ///
    /// # Errors
    /// If the policy's settings cannot be used; nothing is sent yet.
    pub fn connect(policy: &Policy, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let settings = Settings::of(policy, clock)?;
        let mut accounts: BTreeMap<Url, Arc<AccountAuth>> = BTreeMap::new();
        let mut client = |(region, endpoint): NamedEndpoint| {
            let sts = settings.sts(policy, &endpoint)?;
            let account = accounts
                .entry(sts)
                .or_insert_with_key(|sts| Arc::new(settings.account(sts.clone())))
                .clone();
            Ok(settings.client(region, endpoint, account))
        };
        let (first, others) = endpoints(policy)?;
        let first = client(first)?;
        let others: Vec<Client> = others
            .into_iter()
            .map(client)
            .collect::<Result<_, ConnectError>>()?;
        let name = match &policy.service.location {
            Location::Region(home) => Some(home.clone()),
            _ => None,
        };
        Ok(Self::of(first, others, name))
    }

    /// A client of one place, with explicit settings.
    ///
    /// # Errors
    /// If the certificate authorities cannot be read, or no HTTP client can be made.
    pub fn new(config: ClientConfig, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Ok(Self::of(Client::new(config, clock)?, Vec::new(), None))
    }

    /// Where the service is, for people.
    pub fn endpoint(&self) -> String {
        match self.places() {
            [only] => only.endpoint.to_string(),
            all => {
                let names: Vec<&str> = all
                    .iter()
                    .filter_map(|c| c.region.as_ref())
                    .map(Region::as_str)
                    .collect();
                names.join(", ")
            }
        }
    }
}

//! All regions of a policy as one service: a client for each, and one account, with its token, for all that share an STS.
//!
//! Promises: what is asked of one region is asked of no other; a list is of all regions that answer, and says which did
//! not, so that silence is never taken for absence; where it is not known which region has a session, the service is
//! said not to know it only once every region has said so.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use url::Url;

use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::policy::{Location, Policy};
use crate::service::{Answer, Listing, Operation, Service, ServiceError};
use crate::units::{Minutes, Region, SessionId, Size};

use super::account::Account;
use super::client::Client;
use super::connect::{Config, ConnectError, Settings, endpoints};

/// The client of a policy: of its one place, or of all its regions.
pub struct Fleet {
    /// In the order of the policy; never empty.
    clients: Vec<Client>,
    /// The name of the only place, if it has one: sessions may remember it from when there were more.
    only: Option<Region>,
}

impl Fleet {
    /// A client for the service that a policy names.
    ///
    /// # Errors
    /// If the policy's settings cannot be used; nothing is sent yet.
    pub fn connect(policy: &Policy, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let settings = Settings::of(policy, clock)?;
        let mut accounts: BTreeMap<Url, Arc<Account>> = BTreeMap::new();
        let mut clients = Vec::new();
        for (region, endpoint) in endpoints(policy)? {
            let sts = settings.sts(policy, &endpoint)?;
            let account = accounts.entry(sts).or_insert_with_key(|sts| Arc::new(settings.account(sts.clone()))).clone();
            clients.push(settings.client(region, endpoint, account));
        }
        let only = match &policy.service.location {
            Location::Region(home) if clients.len() == 1 => Some(home.clone()),
            _ => None,
        };
        Ok(Self { clients, only })
    }

    /// A client of one place, with explicit settings.
    ///
    /// # Errors
    /// If the certificate authorities cannot be read, or no HTTP client can be made.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Ok(Self { clients: vec![Client::new(config, clock)?], only: None })
    }

    /// Where the service is, for people.
    pub fn endpoint(&self) -> String {
        match &self.clients[..] {
            [only] => only.endpoint.to_string(),
            all => {
                let names: Vec<&str> = all.iter().filter_map(|c| c.region.as_ref()).map(Region::as_str).collect();
                names.join(", ")
            }
        }
    }

    /// The client of a region, or the only one.
    fn of(&self, region: Option<&Region>) -> Option<&Client> {
        match (&self.clients[..], region) {
            ([only], None) => Some(only),
            ([only], Some(_)) if region == self.only.as_ref() => Some(only),
            (all, Some(_)) => all.iter().find(|c| c.region.as_ref() == region),
            (_, None) => None,
        }
    }

    /// The client that has a session: of its region, or of whichever knows it.
    async fn holder(
        &self,
        operation: Operation,
        region: Option<&Region>,
        id: &SessionId,
    ) -> Result<&Client, ServiceError> {
        match (self.of(region), region) {
            (Some(client), _) => Ok(client),
            (None, Some(region)) => Err(not_named(operation, region, id)),
            (None, None) => {
                let (client, answer) = self.find(id).await;
                answer.map(|_| client)
            }
        }
    }

    /// Asks every region for a session, in turn. Returns the first that knows it, with its answer, else one that could not
    /// say, else one that does not know it.
    async fn find(&self, id: &SessionId) -> (&Client, Result<Answer, ServiceError>) {
        let mut worst: Option<(&Client, ServiceError)> = None;
        for client in &self.clients {
            match client.get(id).await {
                Ok(answer) => return (client, Ok(answer)),
                Err(error) => {
                    let certain = |e: &ServiceError| e.kind == FailureKind::NotFound;
                    if worst.as_ref().is_none_or(|(_, e)| certain(e)) {
                        worst = Some((client, error));
                    }
                }
            }
        }
        match worst {
            Some((client, error)) => (client, Err(error)),
            // A fleet is never without a client.
            None => unreachable!("a policy has at least one place"),
        }
    }
}

/// A session is in a region that the policy does not name any more.
fn not_named(operation: Operation, region: &Region, id: &SessionId) -> ServiceError {
    ServiceError {
        operation,
        session: Some(id.clone()),
        kind: FailureKind::Unavailable,
        detail: format!(
            "it is in {region}, which the policy names no more; keep it in a pool's `regions` until its sessions have ended"
        ),
        request_id: None,
    }
}

impl Service for Fleet {
    async fn create(
        &self,
        region: Option<&Region>,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> Result<Answer, ServiceError> {
        match (self.of(region), region) {
            (Some(client), _) => client.create(id, size, lease).await,
            (None, Some(region)) => Err(not_named(Operation::Create, region, id)),
            // By hand, without a region: where the policy's sessions go by default.
            (None, None) => self.clients[0].create(id, size, lease).await,
        }
    }

    async fn get(&self, region: Option<&Region>, id: &SessionId) -> Result<Answer, ServiceError> {
        match (self.of(region), region) {
            (Some(client), _) => client.get(id).await,
            (None, Some(region)) => Err(not_named(Operation::Get, region, id)),
            (None, None) => self.find(id).await.1,
        }
    }

    async fn list(&self) -> Result<Listing, ServiceError> {
        if let [only] = &self.clients[..] {
            return only.list().await;
        }
        let mut whole: Option<Listing> = None;
        let mut silent = BTreeMap::new();
        let mut first = None;
        for (client, listed) in self.clients.iter().zip(join_all(self.clients.iter().map(Client::list)).await) {
            match (listed, &mut whole) {
                (Ok(listing), None) => whole = Some(listing),
                (Ok(listing), Some(whole)) => {
                    whole.sent = whole.sent.min(listing.sent);
                    whole.received = whole.received.max(listing.received);
                    whole.sessions.extend(listing.sessions);
                    whole.heard.extend(listing.heard);
                }
                (Err(error), _) => {
                    silent.extend(client.region.clone().map(|region| (region, error.to_string())));
                    first.get_or_insert(error);
                }
            }
        }
        match (whole, first) {
            (Some(listing), _) => Ok(Listing { silent, ..listing }),
            (None, Some(error)) => Err(error),
            (None, None) => unreachable!("a policy has at least one place"),
        }
    }

    async fn extend(&self, region: Option<&Region>, id: &SessionId, lease: Minutes) -> Result<Answer, ServiceError> {
        self.holder(Operation::Extend, region, id).await?.extend(id, lease).await
    }

    async fn stop(&self, region: Option<&Region>, id: &SessionId) -> Result<(), ServiceError> {
        self.holder(Operation::Stop, region, id).await?.stop(id).await
    }
}

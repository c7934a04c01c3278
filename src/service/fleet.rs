//! All regions of a policy as one service.
//!
//! Promises: what is asked of one region is asked of no other; a list is of all regions that
//! answer, and says which did not, so that silence is never taken for absence; where it is not
//! known which region has a session, the service is said not to know it only once every region has
//! said so. It does not know how a region is reached.

use std::collections::BTreeMap;
use std::future::Future;

use futures_util::future::join_all;

use crate::report::line;
use crate::units::{Minutes, Region, SessionId, Size};

use super::{FailureKind, Listing, Operation, Service, ServiceError, SessionReading};

/// The operations of [`Service`], of one place: the only one that a policy names, or one region of
/// several.
pub trait RegionService: Send + Sync {
    /// Its name, where there are several.
    fn region(&self) -> Option<&Region>;
    /// PUT: creates the session, or finds that the same one exists.
    fn create(
        &self,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// GET one session, live or ended.
    fn get(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// GET all live sessions of the account here.
    fn list(&self) -> impl Future<Output = Result<Listing, ServiceError>> + Send;
    /// PATCH: sets the total lease, which must be larger than the present one.
    fn extend(
        &self,
        id: &SessionId,
        lease: Minutes,
    ) -> impl Future<Output = Result<SessionReading, ServiceError>> + Send;
    /// POST `:stop`. Success means the stop was accepted, not yet that the session has ended.
    fn stop(&self, id: &SessionId) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// The only place of a policy, or all its regions.
pub struct Fleet<P> {
    /// In the order of the policy; never empty.
    places: Vec<P>,
    /// The name of the only place, if it has one: sessions may remember it from when there were
    /// more.
    only: Option<Region>,
}

impl<P: RegionService> Fleet<P> {
    /// A fleet of at least one place, in the order of the policy. `name` is what sessions may
    /// remember as the name of the first, where it has none because there is no other.
    pub fn of(first: P, others: Vec<P>, name: Option<Region>) -> Self {
        let only = name.filter(|_| others.is_empty());
        Self {
            places: std::iter::once(first).chain(others).collect(),
            only,
        }
    }

    /// Its places, in the order of the policy.
    pub fn places(&self) -> &[P] {
        &self.places
    }

    /// The place of a region, or the only one.
    fn place(&self, region: Option<&Region>) -> Option<&P> {
        match (&self.places[..], region) {
            ([only], None) => Some(only),
            ([only], Some(_)) if region == self.only.as_ref() => Some(only),
            (all, Some(_)) => all.iter().find(|c| c.region() == region),
            (_, None) => None,
        }
    }

    /// The place that has a session: of its region, or of whichever knows it.
    async fn holder(
        &self,
        operation: Operation,
        region: Option<&Region>,
        id: &SessionId,
    ) -> Result<&P, ServiceError> {
        match (self.place(region), region) {
            (Some(place), _) => Ok(place),
            (None, Some(region)) => Err(not_named(operation, region, id)),
            (None, None) => {
                let (place, answer) = self.find(id).await;
                answer.map(|_| place)
            }
        }
    }

    /// Asks every region for a session, in turn. Returns the first that knows it, with its answer,
    /// else one that could not say, else one that does not know it.
    async fn find(&self, id: &SessionId) -> (&P, Result<SessionReading, ServiceError>) {
        let mut worst: Option<(&P, ServiceError)> = None;
        for place in &self.places {
            match place.get(id).await {
                Ok(answer) => return (place, Ok(answer)),
                Err(error) => {
                    let certain = |e: &ServiceError| e.kind == FailureKind::NotFound;
                    if worst.as_ref().is_none_or(|(_, e)| certain(e)) {
                        worst = Some((place, error));
                    }
                }
            }
        }
        match worst {
            Some((place, error)) => (place, Err(error)),
            // A fleet is never without a place.
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
        detail: format!("it is in {region}, which the policy names no more"),
        hint: Some("keep it in a pool's `regions` until its sessions have ended".into()),
        source: None,
        request_id: None,
    }
}

impl<P: RegionService> Service for Fleet<P> {
    async fn create(
        &self,
        region: Option<&Region>,
        id: &SessionId,
        size: &Size,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        match (self.place(region), region) {
            (Some(place), _) => place.create(id, size, lease).await,
            (None, Some(region)) => Err(not_named(Operation::Create, region, id)),
            // By hand, without a region: where the policy's sessions go by default.
            (None, None) => self.places[0].create(id, size, lease).await,
        }
    }

    async fn get(
        &self,
        region: Option<&Region>,
        id: &SessionId,
    ) -> Result<SessionReading, ServiceError> {
        match (self.place(region), region) {
            (Some(place), _) => place.get(id).await,
            (None, Some(region)) => Err(not_named(Operation::Get, region, id)),
            (None, None) => self.find(id).await.1,
        }
    }

    async fn list(&self) -> Result<Listing, ServiceError> {
        if let [only] = &self.places[..] {
            return only.list().await;
        }
        let mut whole: Option<Listing> = None;
        let mut unreachable = BTreeMap::new();
        let mut first = None;
        for (place, listed) in self
            .places
            .iter()
            .zip(join_all(self.places.iter().map(RegionService::list)).await)
        {
            match (listed, &mut whole) {
                (Ok(listing), None) => whole = Some(listing),
                (Ok(listing), Some(whole)) => {
                    whole.sent = whole.sent.min(listing.sent);
                    whole.received = whole.received.max(listing.received);
                    whole.sessions.extend(listing.sessions);
                    whole.listed.extend(listing.listed);
                }
                (Err(error), _) => {
                    unreachable
                        .extend(place.region().cloned().map(|region| (region, line(&error))));
                    first.get_or_insert(error);
                }
            }
        }
        match (whole, first) {
            (Some(listing), _) => Ok(Listing {
                unreachable,
                ..listing
            }),
            (None, Some(error)) => Err(error),
            (None, None) => unreachable!("a policy has at least one place"),
        }
    }

    async fn extend(
        &self,
        region: Option<&Region>,
        id: &SessionId,
        lease: Minutes,
    ) -> Result<SessionReading, ServiceError> {
        self.holder(Operation::Extend, region, id)
            .await?
            .extend(id, lease)
            .await
    }

    async fn stop(&self, region: Option<&Region>, id: &SessionId) -> Result<(), ServiceError> {
        self.holder(Operation::Stop, region, id)
            .await?
            .stop(id)
            .await
    }
}

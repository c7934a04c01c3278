//! Where the service has servers: a site for each region, with a registry and servers of its own.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use crate::host::{HostedSession, RegistryError, SessionRegistry};
use crate::keeper::Session;
use crate::units::{Region, SessionId, Span, Timestamp};

use crate::sim::clock::TrueTime;

use super::servers::Servers;

/// How many lists are remembered, to be answered again by a service that lags.
const OLD_LISTS: usize = 6;

/// One region of the service, or all of it.
#[derive(Debug)]
pub struct Site {
    /// Its sessions.
    pub registry: SessionRegistry,
    /// Its servers.
    pub servers: Servers,
    /// What it answered lately.
    lists: VecDeque<Vec<Session>>,
}

impl Site {
    /// An older list, drawn from those it answered lately.
    pub(in crate::sim) fn old_list(&self, rng: &mut Rng) -> Option<&Vec<Session>> {
        (!self.lists.is_empty()).then(|| &self.lists[rng.usize(0..self.lists.len())])
    }

    /// Remembers a list that it answered.
    pub(in crate::sim) fn remember(&mut self, list: Vec<Session>) {
        self.lists.push_back(list);
        if self.lists.len() > OLD_LISTS {
            self.lists.pop_front();
        }
    }
}

/// All of the service.
#[derive(Debug)]
pub struct Sites(BTreeMap<Option<Region>, Site>);

impl Sites {
    /// Sites without any session: one for each region, or a single one that has no name.
    pub(in crate::sim) fn new(
        time: &TrueTime,
        mut rng: Rng,
        boots: (Span, Span),
        regions: Vec<Region>,
    ) -> Self {
        let mut names: Vec<Option<Region>> = regions.into_iter().map(Some).collect();
        if names.is_empty() {
            names.push(None);
        }
        let site = |name| {
            let mine = rng.clone();
            rng = rng.fork();
            let servers = Servers::new(time.clone(), mine, boots);
            (
                name,
                Site {
                    registry: SessionRegistry::default(),
                    servers,
                    lists: VecDeque::new(),
                },
            )
        };
        Self(names.into_iter().map(site).collect())
    }

    /// The site of a region, if there is one.
    pub fn at(&mut self, region: Option<&Region>) -> Option<&mut Site> {
        self.0.get_mut(&region.cloned())
    }

    /// Every site.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Site> {
        self.0.values_mut()
    }

    /// The site that has a session, live or ended.
    pub fn of(&mut self, id: &SessionId) -> Option<&mut Site> {
        self.0
            .values_mut()
            .find(|site| site.registry.get(id).is_ok())
    }

    /// How many sites have a session of an id, live or ended. More than one is a mistake of whoever
    /// created them.
    pub(in crate::sim) fn copies(&self, id: &SessionId) -> usize {
        self.0
            .values()
            .filter(|site| site.registry.get(id).is_ok())
            .count()
    }

    /// One session, live or ended.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`].
    pub fn get(&self, id: &SessionId) -> Result<&HostedSession, RegistryError> {
        self.0
            .values()
            .find_map(|site| site.registry.get(id).ok())
            .ok_or(RegistryError::NotFound)
    }

    /// The sessions that are Starting or Ready, by region and id.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &HostedSession> {
        self.0
            .values()
            .flat_map(move |site| site.registry.live(now, None))
    }
}

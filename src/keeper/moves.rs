//! A policy that names another service than before: nothing is lost sight of, and nothing is paid
//! for without being counted.
//!
//! Promises: a policy that no longer names the service of a session that may still live is refused
//! as a whole, and nothing changes. A session that cannot live any more, because its service was
//! embedded in a process that has ended or because its lease is over whatever became of it, is
//! settled at the most that it can have billed; so whoever's old service is gone for good waits no
//! longer than a lease. The same holds for another owner's sessions in the same ledger.

use crate::policy::{Policy, ServiceIdentity};
use crate::units::{Owner, Region, SessionId, Span, Timestamp};

use super::event::Event;
use super::lease::LeaseClock;
use super::session::Status;
use super::state::{KeeperState, ManagedSession};

/// The longest that a policy lets a session boot; one that a daemon never saw Ready can become so
/// until then.
const LONGEST_BOOT: Span = Span::hours(1);

/// What of a session a policy does not name any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotNamed {
    /// The service and account that it lives on.
    Service(ServiceIdentity),
    /// Its owner.
    Owner(Owner),
}

/// A session that may still live, and that a policy does not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// The session.
    pub session: SessionId,
    /// Its region, where it has a name.
    pub region: Option<Region>,
    /// Why it is not reached.
    pub not_named: NotNamed,
    /// When it has ended at the latest.
    pub until: Timestamp,
}

/// What becomes of a session under a policy.
enum Fate {
    /// It is reached, in the region of this name.
    Reached(Option<Region>),
    /// It was asked for and never came to be.
    Dropped,
    /// It has ended, whatever became of it.
    Ended,
    /// It may live where the policy does not look.
    Left(LeftBehind),
}

impl KeeperState {
    /// Goes over to the services that a policy names, at the start and at a reload.
    ///
    /// # Errors
    /// The sessions that may still live elsewhere; nothing has changed then.
    pub fn move_to(
        &mut self,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Vec<Event>, Vec<LeftBehind>> {
        let services = policy.services();
        let fates: Vec<(SessionId, Fate)> = self
            .sessions
            .values()
            .map(|managed| {
                let fate = match self.former_owner(managed) {
                    Some(owner) => managed.fate_elsewhere(now, NotNamed::Owner(owner)),
                    None => fate(managed, now, policy, &services),
                };
                (managed.id.clone(), fate)
            })
            .collect();
        let left: Vec<LeftBehind> = fates
            .iter()
            .filter_map(|(_, fate)| match fate {
                Fate::Left(left) => Some(left.clone()),
                _ => None,
            })
            .collect();
        if !left.is_empty() {
            return Err(left);
        }
        let mut events = self.follow_renames(now, policy);
        for (id, fate) in fates {
            match fate {
                Fate::Reached(region) => self.reach(&id, region, policy),
                Fate::Dropped => self.forget(&id),
                Fate::Ended | Fate::Left(_) => {
                    self.settle_at_most(policy, &id, now, &mut events);
                }
            }
        }
        Ok(events)
    }

    /// Whose session it is, where it is not this owner's.
    fn former_owner(&self, managed: &ManagedSession) -> Option<Owner> {
        let (owner, _) = managed.id.as_str().split_once('-')?;
        Owner::new(owner).ok().filter(|owner| *owner != self.owner)
    }

    /// Notes where a session is, as the policy calls it.
    fn reach(&mut self, id: &SessionId, region: Option<Region>, policy: &Policy) {
        let Some(managed) = self.sessions.get(id) else {
            return;
        };
        let service = managed
            .service
            .clone()
            .or_else(|| policy.service_of(region.as_ref()));
        if (&service, &region) != (&managed.service, &managed.region)
            && let Some(managed) = self.session_mut(id)
        {
            (managed.service, managed.region) = (service, region);
        }
    }

    /// Closes the account of a session that cannot be asked for any more.
    fn settle_at_most(
        &mut self,
        policy: &Policy,
        id: &SessionId,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(most) = self.sessions.get(id).map(|managed| managed.most_billed(at)) else {
            return;
        };
        let gone = Status::Other("gone".into());
        self.settle(policy, id, at, gone, most, false, None, events);
    }
}

fn fate(
    managed: &ManagedSession,
    now: Timestamp,
    policy: &Policy,
    services: &[(Option<Region>, ServiceIdentity)],
) -> Fate {
    let Some(lives_on) = managed
        .service
        .clone()
        .or_else(|| policy.service_of(managed.region.as_ref()))
    else {
        return Fate::Reached(None);
    };
    if let Some((name, _)) = services.iter().find(|(_, service)| *service == lives_on) {
        // Where there is one place only, sessions need no name, and keep one that they have.
        let unnamed = services.len() == 1 && managed.region.is_none();
        return Fate::Reached(name.clone().filter(|_| !unnamed));
    }
    managed.fate_elsewhere(now, NotNamed::Service(lives_on))
}

impl ManagedSession {
    fn fate_elsewhere(&self, now: Timestamp, not_named: NotNamed) -> Fate {
        let until = self.latest_end(LONGEST_BOOT);
        if self.absent.is_some() {
            return Fate::Dropped;
        }
        if self.service == Some(ServiceIdentity::Embedded) || until <= now {
            return Fate::Ended;
        }
        Fate::Left(LeftBehind {
            session: self.id.clone(),
            region: self.region.clone(),
            not_named,
            until,
        })
    }

    /// The latest instant at which it can still be alive if nobody touches it any more, where it
    /// boots no longer than `boot`.
    pub fn latest_end(&self, boot: Span) -> Timestamp {
        self.clock.map_or(self.created + boot, LeaseClock::latest) + self.reserved.span()
    }
}

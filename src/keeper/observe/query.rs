//! Which sessions a pass must ask for one by one.

use crate::keeper::observation::{Listing, SessionQuery};
use crate::keeper::session::Session;
use crate::keeper::state::{KeeperState, ManagedSession};
use crate::units::{Region, SessionId, Span};

impl KeeperState {
    /// The sessions that a pass must ask for one by one, given the list: those the list does not
    /// show, those that boot or are to stop, those whose ready time is not known to within
    /// `interval` or whose lease must have run out, and strangers that carry our prefix. Nothing
    /// where the list itself went unanswered, be it by one region only.
    pub fn sessions_to_get(&self, listing: Option<&Listing>, interval: Span) -> Vec<SessionQuery> {
        let Some(listing) = listing else {
            return Vec::new();
        };
        let uncertain = |k: &ManagedSession| {
            k.clock.is_none_or(|c| {
                c.width() > interval.max(Span::seconds(5))
                    || c.latest_expiry(k.granted) < listing.received
            })
        };
        let unreachable = |k: &ManagedSession| {
            k.region
                .as_ref()
                .is_some_and(|r| listing.unreachable.contains_key(r))
        };
        let look = |id: &SessionId, region: &Option<Region>| SessionQuery {
            id: id.clone(),
            region: region.clone(),
        };
        // List and memory are gone through side by side. Lists come sorted as a rule, and are
        // sorted again for nothing then.
        let mut listed: Vec<&Session> = listing.sessions.iter().collect();
        listed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut listed = listed.into_iter().peekable();
        let (mut sessions_to_get, mut unknown) = (Vec::new(), Vec::new());
        for managed in self.sessions.values() {
            unknown.extend(std::iter::from_fn(|| listed.next_if(|s| s.id < managed.id)));
            let shown = std::iter::from_fn(|| listed.next_if(|s| s.id == managed.id))
                .last()
                .is_some();
            if !unreachable(managed)
                && (!managed.seen || managed.stop.is_some() || !shown || uncertain(managed))
            {
                sessions_to_get.push(look(&managed.id, &managed.region));
            }
        }
        let strangers = unknown.into_iter().chain(listed);
        let ours =
            strangers.filter(|s| !self.ended.contains_key(&s.id) && self.slot_of(&s.id).is_some());
        sessions_to_get.extend(ours.map(|s| look(&s.id, &s.region)));
        sessions_to_get
    }
}

//! A world for tests of the keeper: the smallest model of the service that can tell a story.
//!
//! Sessions boot after a while, expire at the end of their lease, and can be made to fail. Time
//! jumps from wake to wake. Every plan is audited, and every pass must come to a fixed point:
//! planning again right after it asks for nothing new.

mod checks;
mod clients;
mod quirks;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::keeper::*;
use crate::policy::Policy;
use crate::units::{Money, Region, SessionId, Size, Span, Timestamp};

use super::fixtures::blank;
pub(in crate::keeper) use super::fixtures::{LIMITS, policy, pool};
use quirks::Quirks;

/// One session of the modelled service.
struct Server {
    session: Session,
    ready: Timestamp,
    ended: Option<Timestamp>,
}

pub(in crate::keeper) struct TestWorld {
    pub(in crate::keeper) now: Timestamp,
    pub(in crate::keeper) policy: Policy,
    pub(in crate::keeper) state: KeeperState,
    servers: BTreeMap<SessionId, Server>,
    pub(in crate::keeper) boot: Span,
    /// Sizes of which there are no servers.
    pub(in crate::keeper) exhausted: Vec<Size>,
    /// Regions that have no servers.
    pub(in crate::keeper) full: Vec<Region>,
    /// Regions that do not answer.
    pub(in crate::keeper) unreachable: Vec<Region>,
    /// Whether the service answers at all.
    pub(in crate::keeper) down: bool,
    /// Until when leases from before an edit may be above an exposure cap.
    pub(in crate::keeper) exempt_from_cap: Option<Timestamp>,
    /// The next create takes effect and its reply is lost.
    pub(in crate::keeper) lose_reply: bool,
    /// The next create is lost on its way.
    pub(in crate::keeper) lose_request: bool,
    /// What is odd about the service.
    pub(in crate::keeper) quirks: Quirks,
    /// Sessions whose account is closed.
    pub(in crate::keeper) settled: Vec<Settled>,
    story: String,
    churn: usize,
}

impl TestWorld {
    pub(in crate::keeper) fn new(policy: Policy) -> Self {
        let state = KeeperState::new(policy.owner.clone(), 7, LIMITS);
        Self {
            now: "2026-03-02T08:00:00Z".parse().expect("an instant"),
            policy,
            state,
            servers: BTreeMap::new(),
            boot: Span::seconds(30),
            exhausted: Vec::new(),
            full: Vec::new(),
            unreachable: Vec::new(),
            down: false,
            exempt_from_cap: None,
            lose_reply: false,
            lose_request: false,
            quirks: Quirks::default(),
            settled: Vec::new(),
            story: String::new(),
            churn: 0,
        }
    }

    /// The story so far, with the number of requests that changed something.
    pub(in crate::keeper) fn told(&mut self) -> String {
        let ids: Vec<String> = self.servers.keys().map(ToString::to_string).collect();
        let mut story = format!(
            "{}({} actions)",
            std::mem::take(&mut self.story),
            self.churn
        );
        for (n, id) in ids.iter().enumerate() {
            story = story.replace(id, &format!("session {}", n + 1));
        }
        story
    }

    pub(in crate::keeper) fn says(&mut self, line: &str) {
        let _ = writeln!(self.story, "{} # {line}", self.time());
    }

    fn time(&self) -> String {
        self.now.to_utc().format("%a %H:%M:%S").to_string()
    }

    pub(in crate::keeper) fn tell(&mut self, events: &[Event]) {
        for event in events {
            let slot = event.slot.as_ref().map_or("-".into(), ToString::to_string);
            let _ = writeln!(self.story, "{} {slot} {}", self.time(), event.what);
        }
    }

    fn advance_servers(&mut self) {
        for server in self.servers.values_mut().filter(|s| s.ended.is_none()) {
            if server.session.status == Status::Starting && server.ready <= self.now {
                let full = server
                    .session
                    .region
                    .as_ref()
                    .is_some_and(|r| self.full.contains(r));
                let failed = full || self.exhausted.contains(&server.session.size);
                server.session.status = if failed { Status::Error } else { Status::Ready };
                server.session.error =
                    failed.then(|| "OutOfCapacity: no server of this size".into());
                server.ended = failed.then_some(self.now);
            }
            let fails = self.quirks.fails_after.map(|after| server.ready + after);
            if server.session.status == Status::Ready && fails.is_some_and(|at| at <= self.now) {
                server.session.status = Status::Error;
                server.ended = fails;
            }
            let end = server.ready + server.session.max_lease.span();
            let expires = end <= self.now && !self.quirks.expires_nothing;
            if server.session.status == Status::Ready && expires {
                server.session.status = Status::Expired;
                server.ended = Some(end);
            }
            if server.session.status != Status::Starting && server.session.status != Status::Error {
                server.session.elapsed =
                    (server.ended.unwrap_or(self.now) - server.ready).floor_minutes();
            }
        }
    }

    fn told_of(&self, session: &Session) -> Session {
        let mut session = session.clone();
        self.quirks
            .says
            .into_iter()
            .for_each(|says| says(&mut session));
        session
    }

    fn answer(&self, id: &SessionId) -> Option<SessionReading> {
        let session = self.told_of(&self.servers.get(id)?.session);
        Some(SessionReading {
            sent: self.now,
            received: self.now,
            session,
        })
    }

    fn observe(&mut self) -> Observation {
        self.advance_servers();
        if self.down {
            return Observation::default();
        }
        let (unreachable, listed): (Vec<Region>, Vec<Region>) = self
            .policy
            .regions()
            .into_iter()
            .partition(|r| self.unreachable.contains(r));
        let told = |s: &&Server| s.ended.is_none() && !self.is_silent(&s.session);
        let listing = Listing {
            sent: self.now,
            received: self.now,
            sessions: self
                .servers
                .values()
                .filter(told)
                .map(|s| self.told_of(&s.session))
                .collect(),
            listed: listed.into_iter().collect(),
            unreachable: unreachable
                .into_iter()
                .map(|r| (r, "no answer".into()))
                .collect(),
        };
        let sessions_to_get = self
            .state
            .sessions_to_get(Some(&listing), self.policy.reconcile.interval);
        let mut observation = Observation {
            listing: Some(listing),
            ..Observation::default()
        };
        for SessionQuery { id, region } in sessions_to_get {
            assert!(
                region.is_none_or(|r| !self.unreachable.contains(&r)),
                "a silent region is not asked"
            );
            match self.answer(&id) {
                Some(answer) if self.is_silent(&answer.session) => {}
                Some(answer) => observation.readings.push(answer),
                None => observation.unknown.push((id, self.now)),
            }
        }
        observation
    }

    fn is_silent(&self, session: &Session) -> bool {
        session
            .region
            .as_ref()
            .is_some_and(|r| self.unreachable.contains(r))
    }

    fn execute(&mut self, action: &Action) -> Result<Option<SessionReading>, RequestFailure> {
        let unavailable = || RequestFailure {
            kind: FailureKind::Unavailable,
            message: "no answer".into(),
        };
        let there = |id| {
            self.servers
                .get(id)
                .is_some_and(|s| self.is_silent(&s.session))
        };
        if self.down || there(action.session()) {
            return Err(unavailable());
        }
        let (now, boot) = (self.now, self.boot);
        match action {
            Action::Extend { .. } if self.quirks.extends_nothing => Err(unavailable()),
            Action::Create { .. } if std::mem::take(&mut self.lose_request) => Err(unavailable()),
            Action::Create {
                id,
                region,
                size,
                lease,
                ..
            } => {
                let session = Session {
                    id: id.clone(),
                    region: region.clone(),
                    size: size.clone(),
                    status: Status::Starting,
                    max_lease: *lease,
                    ..blank(id)
                };
                self.servers.entry(id.clone()).or_insert(Server {
                    session,
                    ready: now + boot,
                    ended: None,
                });
                if std::mem::take(&mut self.lose_reply) {
                    return Err(unavailable());
                }
                Ok(self.answer(id))
            }
            Action::Extend { id, to, .. } => {
                let server = self
                    .servers
                    .get_mut(id)
                    .expect("only sessions that exist are extended");
                assert!(
                    *to > server.session.max_lease,
                    "the service would refuse {to}"
                );
                let longest = self.quirks.longest.unwrap_or(*to);
                let ahead = self
                    .quirks
                    .ahead
                    .map(|ahead| ahead.plus(server.session.elapsed));
                let most = longest.min(ahead.unwrap_or(*to)).min(*to);
                server.session.max_lease = server.session.max_lease.max(most);
                Ok(self.answer(id))
            }
            Action::Stop { id, .. } => {
                if let Some(server) = self.servers.get_mut(id).filter(|s| s.ended.is_none()) {
                    server.session.status = Status::Stopped;
                    server.ended = Some(now);
                }
                Ok(None)
            }
        }
    }

    /// One pass. Returns when the next is due.
    pub(in crate::keeper) fn pass(&mut self) -> Timestamp {
        let observation = self.observe();
        let policy = self.policy.clone();
        let events = self
            .state
            .apply_observation(self.now, &policy, &observation);
        self.tell(&events);
        let events = self.state.end_lapsed(self.now, &policy);
        self.tell(&events);
        let planned = plan(self.now, &policy, &self.state);
        assert_eq!(audit(&policy, &self.state, &planned), Vec::new());
        assert_eq!(
            planned,
            plan(self.now, &policy, &self.state),
            "the same input gives the same plan"
        );
        let events = self.state.apply_plan(&policy, &planned);
        self.tell(&events);
        for action in &planned.actions {
            self.churn += 1;
            let events = self.state.start_action(self.now, &policy, action);
            self.tell(&events);
            let result = self.execute(action);
            let events = self.state.finish_action(self.now, &policy, action, &result);
            self.tell(&events);
        }
        self.settled.extend(self.state.take_changes().settled);
        let again = plan(self.now, &policy, &self.state);
        // An intent that was given up makes room in its slot, and a hold that moved on in its
        // team's budget; the next pass fills it.
        let holds = self.state.sessions.values().filter_map(|k| k.hold.as_ref());
        let mut of_teams = holds.filter(|hold| hold.team.is_some());
        let moved = of_teams.any(|hold| hold.here == Some(self.now));
        if planned.abandon.is_empty() && !moved {
            assert_eq!(again.actions, Vec::new(), "a pass comes to a fixed point");
        }
        self.check_promises();
        again.next_wake.max(self.now + Span::seconds(1))
    }

    /// Every session the service ever had: as it is, when it is or was Ready, whether it has ended.
    pub(in crate::keeper) fn hosted(&self) -> impl Iterator<Item = (&Session, Timestamp, bool)> {
        self.servers
            .values()
            .map(|s| (&s.session, s.ready, s.ended.is_some()))
    }

    /// The service says of a server what it likes.
    pub(in crate::keeper) fn set_status(&mut self, id: &SessionId, status: Status) {
        if let Some(server) = self.servers.get_mut(id) {
            server.ended = status.is_terminal().then_some(self.now);
            server.session.status = status;
        }
    }

    /// Brings the service's sessions to the present instant.
    pub(in crate::keeper) fn settle_servers(&mut self) {
        self.advance_servers();
    }

    /// The daemon is killed in the middle of a pass, with intents written and some requests not
    /// sent, and comes back with what its ledger knew.
    pub(in crate::keeper) fn crash(&mut self) {
        let observation = self.observe();
        let policy = self.policy.clone();
        let _ = self
            .state
            .apply_observation(self.now, &policy, &observation);
        let planned = plan(self.now, &policy, &self.state);
        for (n, action) in planned.actions.iter().enumerate() {
            let _ = self.state.start_action(self.now, &policy, action);
            if n % 2 == 0 {
                // Sent, and the reply is never read.
                let _ = self.execute(action);
            }
        }
        self.settled.extend(self.state.take_changes().settled);
        self.state.fresh = false;
        self.state.listed_regions.clear();
        self.state.unreachable_regions.clear();
        for managed in self.state.sessions.values_mut() {
            managed.ready_by = managed.known_ready_by();
            managed.clock = None;
            managed.starting_at = None;
            managed.last_read = None;
            managed.absent = None;
            managed.retry = Retry::default();
        }
    }

    /// Passes until an instant, each when it is due.
    pub(in crate::keeper) fn run(&mut self, length: Span) {
        let end = self.now + length;
        loop {
            let next = self.pass();
            if next > end {
                self.now = end;
                return;
            }
            self.now = next;
        }
    }

    pub(in crate::keeper) fn money(text: &str) -> Option<Money> {
        text.parse().ok()
    }
}

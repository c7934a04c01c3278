//! Longest hold: a session that one client has held for `max_hold` is stopped.
//!
//! Counted from when the client acquired it; a hold that moved to a successor goes on as the same
//! one. The wish for the slot ends with it, so nothing is created for a client that is to make
//! room; it may ask again like everybody else. A client that asked to stay is not ended before the
//! instant that it was granted. Activity does not put it off: that is what
//! `idle_timeout` is for. A session that nobody holds is never stopped here.

use crate::keeper::reason::Reason;

use super::context::{SessionContext, Verdict};

pub(super) fn rule(context: &SessionContext<'_>) -> Verdict {
    let (Some(limit), Some(hold)) = (context.pool.max_hold, &context.session.hold) else {
        return Verdict::Keep;
    };
    let since = hold.since;
    let due = hold.snoozed.max(Some(since + limit));
    Verdict::at(due.unwrap_or(since + limit), context.now, || {
        Reason::HeldTooLong {
            client: hold.client.clone(),
            since,
            limit,
        }
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::testing::{case, minutes, now};
    use super::*;
    use crate::keeper::Acquired;
    use crate::keeper::hold::Hold;
    use crate::keeper::tests::world::{TestWorld, policy};
    use crate::units::{Minutes, Span};

    #[test]
    fn only_a_hold_that_has_lasted_ends_a_session() {
        let mut case = case();
        case.pool.max_hold = Some(minutes(60));
        assert_eq!(case.judge(rule), Verdict::Keep, "nobody holds it");
        let hold = |age| Some(Hold::of("ann", now() - minutes(age)));
        case.session.hold = hold(59);
        assert_eq!(case.judge(rule), Verdict::RecheckAt(now() + minutes(1)));
        case.session.hold = hold(60);
        assert!(matches!(
            case.judge(rule),
            Verdict::Stop(Reason::HeldTooLong { .. })
        ));
        case.pool.max_hold = None;
        assert_eq!(case.judge(rule), Verdict::Keep);
    }

    #[test]
    fn a_hold_that_rolls_over_ends_as_long_after_its_beginning() {
        let mut policy = policy();
        policy.pools[0].max_lifetime = Minutes::new(45);
        policy.pools[0].idle_timeout = None;
        policy.pools[0].max_hold = Some(Span::minutes(60));
        let pool = policy.pools[0].name.clone();
        let mut world = TestWorld::new(policy.clone());
        world.run(Span::minutes(1));
        let acquired = world.state.acquire(world.now, &policy, &pool, "ann");
        let (held, events) = acquired.expect("the pool exists");
        assert!(matches!(held, Acquired::Ready { .. }));
        world.tell(&events);
        world.run(Span::minutes(62));
        assert_snapshot!(world.told(), @r"
        Mon 08:00:00 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
        Mon 08:00:00 a/0 booting
        Mon 08:00:30 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:20:30Z
        Mon 08:01:00 a/0 acquired by ann
        Mon 08:10:25 a/0 extending the lease 20m → 30m: 10m left of its 20m lease
        Mon 08:10:25 a/0 lease renewed to 30m, ends by 2026-03-02T08:30:30Z
        Mon 08:20:25 a/0 extending the lease 30m → 40m: 10m left of its 20m lease
        Mon 08:20:25 a/0 lease renewed to 40m, ends by 2026-03-02T08:40:30Z
        Mon 08:30:25 a/0 extending the lease 40m → 45m: 10m left of its 20m lease
        Mon 08:30:25 a/0 lease renewed to 45m, ends by 2026-03-02T08:45:30Z
        Mon 08:35:25 a/0 creating a Standard session, lease 20m: succeeds session 1, which ends by 2026-03-02T08:45:25Z
        Mon 08:35:25 a/0 booting
        Mon 08:35:55 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T08:55:55Z
        Mon 08:44:55 a/0 extending the lease 20m → 29m: 10m55s left of its 20m lease
        Mon 08:44:55 a/0 lease renewed to 29m, ends by 2026-03-02T09:04:55Z
        Mon 08:45:25 a/0 stopping: has lived its 45m
        Mon 08:45:25 a/0 acquired by ann
        Mon 08:45:30 a/0 ended Stopped after 44m billed, 4.40 EUR
        Mon 08:54:50 a/0 extending the lease 29m → 39m: 10m left of its 20m lease
        Mon 08:54:50 a/0 lease renewed to 39m, ends by 2026-03-02T09:14:55Z
        Mon 09:01:00 a/0 stopping: held by ann since 2026-03-02T08:01:00Z, and 1h is the most
        Mon 09:01:05 a/0 ended Stopped after 25m billed, 2.50 EUR
        Mon 09:01:05 a/0 creating a Standard session, lease 20m: the policy keeps 1 filled
        Mon 09:01:05 a/0 booting
        Mon 09:01:35 a/0 Ready after 30s at vm:50000, lease ends by 2026-03-02T09:21:35Z
        (10 actions)
        ");
    }
}

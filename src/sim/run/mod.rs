//! A run: a policy in a world without faults, with the visits of a usage, and the record that it
//! leaves.

pub mod record;
mod recorder;

use crate::ledger::LedgerError;
use crate::policy::Policy;

use self::record::Record;
use self::recorder::Recorder;
use crate::sim::usage::{Days, Visit};
use crate::sim::world::{SimConfig, World};

/// Runs a policy over whole days. `progress` is called with how many days are done.
///
/// # Errors
/// If the simulated daemon's ledger, which is kept in memory, cannot be made, read or written.
pub fn run(
    policy: &Policy,
    visits: &[Visit],
    days: Days,
    seed: u64,
    config: SimConfig,
    progress: impl FnMut(u32),
) -> Result<Record, LedgerError> {
    run_world(policy, visits, days, seed, config, true, progress)
}

/// The same, without or with the passes that would find nothing new.
fn run_world(
    policy: &Policy,
    visits: &[Visit],
    days: Days,
    seed: u64,
    config: SimConfig,
    skips_idle_passes: bool,
    mut progress: impl FnMut(u32),
) -> Result<Record, LedgerError> {
    let (from, to) = (days.start(), days.end());
    let mut world = World::new(policy.clone(), seed, from, config)?;
    world.skips_idle_passes = skips_idle_passes;
    for visit in visits {
        world.visit(
            visit.client.clone(),
            visit.pool.clone(),
            visit.from,
            visit.to,
        );
    }
    let mut recorder = Recorder::new(policy, from, to);
    for (done, date) in (1u32..).zip(days.dates()) {
        let end = crate::sim::usage::midnight(date.succ_opt().unwrap_or(date), days.zone);
        world.run_until(end);
        // The registry forgets what ended long ago, so it is read while it still knows.
        for event in world.take_events() {
            recorder.take(&event, &world);
        }
        if let Some(error) = world.ledger_error.take() {
            return Err(error);
        }
        progress(done);
    }
    Ok(recorder.close(&world, visits))
}

#[cfg(test)]
mod tests {
    use super::record::Visited;
    use super::*;
    use crate::sim::report::Report;
    use crate::sim::report::text::text;
    use crate::sim::testing::{at, heading, policy};
    use crate::sim::usage::model::Model;
    use crate::units::{Span, Timestamp};

    fn days(count: u32) -> Days {
        Days {
            count,
            ..heading().days
        }
    }

    fn record(policy: &Policy, count: u32, seed: u64) -> Record {
        let visits = Model::OfficeHours.visits(policy, days(count), 4, seed);
        run(
            policy,
            &visits,
            days(count),
            seed,
            SimConfig::default(),
            |_| (),
        )
        .expect("runs")
    }

    #[test]
    fn two_days_of_a_studio_read_as_a_report() {
        let record = record(&policy(), 2, 1);
        insta::assert_snapshot!(text(&Report::of(&record, &policy(), &heading()), 100));
    }

    #[test]
    fn the_same_seed_gives_the_same_record_and_another_one_another() {
        assert_eq!(record(&policy(), 3, 1), record(&policy(), 3, 1));
        assert_ne!(record(&policy(), 3, 1), record(&policy(), 3, 2));
    }

    #[test]
    fn what_the_record_bills_is_what_the_service_billed_and_no_budget_is_exceeded() {
        let mut policy = policy();
        policy.budget.daily = Some("21".parse().expect("money"));
        let record = record(&policy, 5, 3);
        let report = Report::of(
            &record,
            &policy,
            &crate::sim::Heading {
                days: days(5),
                ..heading()
            },
        );
        assert!(
            report.budgets.iter().all(|b| b.exceeded == 0),
            "{:?}",
            report.budgets
        );
        assert!(
            report.total.over_budget_minutes > 0 && report.total.clients.never > 0,
            "{:?}",
            report.total
        );
        for lived in &record.sessions {
            let order = [Some(lived.created), lived.ready, lived.ended];
            let order: Vec<Timestamp> = order.into_iter().flatten().collect();
            assert!(order.is_sorted(), "{lived:?}");
            let holds: Vec<Timestamp> = lived.used.iter().flat_map(|u| [u.from, u.to]).collect();
            assert!(
                holds.is_sorted() && holds.iter().all(|h| Some(*h) >= lived.ready),
                "{lived:?}"
            );
            assert!(
                lived
                    .ended
                    .is_none_or(|end| holds.iter().all(|h| *h <= end)),
                "{lived:?}"
            );
        }
    }

    #[test]
    fn passes_that_are_skipped_in_a_world_without_faults_would_have_changed_nothing() {
        let visits = Model::OfficeHours.visits(&policy(), days(2), 4, 1);
        let [every, few] = [false, true].map(|skips_idle_passes| {
            run_world(
                &policy(),
                &visits,
                days(2),
                1,
                SimConfig::default(),
                skips_idle_passes,
                |_| (),
            )
            .expect("runs")
        });
        assert_eq!(every, few);
    }

    #[test]
    fn exposure_is_at_most_the_lease_and_a_minute() {
        let exposure = record(&policy(), 2, 1)
            .exposure
            .expect("sessions were asked for");
        assert!(
            exposure.length <= exposure.lease.span() + Span::minutes(1),
            "{exposure:?}"
        );
    }

    #[test]
    fn a_visit_that_no_session_can_serve_is_recorded_as_such() {
        let mut policy = policy();
        policy.pools.truncate(1);
        let sunday = Visit {
            from: at("2026-03-08T10:00:00Z"),
            to: at("2026-03-08T11:00:00Z"),
            pool: policy.pools[0].name.clone(),
            client: "ann".into(),
        };
        let record = run(
            &policy,
            std::slice::from_ref(&sunday),
            days(7),
            1,
            SimConfig::default(),
            |_| (),
        )
        .expect("runs");
        assert_eq!(
            record.visits,
            [Visited {
                visit: sunday,
                waited: None,
                lost: 0
            }]
        );
    }
}

//! Usage by named models: what people in studios do, drawn from a seed.
//!
//! The same model, seed, days and clients give the same visits on every machine. Times are local to
//! the policy's time zone. Nobody works on Saturday or Sunday.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};
use fastrand::Rng;

use crate::policy::{Policy, local_instant};
use crate::units::PoolName;

use super::{Days, Visit};

/// A named model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A visit in the morning and one in the afternoon.
    OfficeHours,
    /// An early shift and a late one.
    TwoShifts,
    /// Nearly everybody at once, twice a week.
    ReviewBurst,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OfficeHours, Self::TwoShifts, Self::ReviewBurst];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OfficeHours => "office-hours",
            Self::TwoShifts => "two-shifts",
            Self::ReviewBurst => "review-burst",
        }
    }

    /// What it does, in one paragraph.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OfficeHours => {
                "On each weekday nine clients in ten come in the morning, between 8:00 and 10:30, \
                 and stay until a lunch that begins between 11:30 and 12:30; eight in ten come in \
                 the afternoon, between 12:45 and 14:30, and leave between 15:30 and 18:00"
            }
            Self::TwoShifts => {
                "On each weekday every second client works from 6:00 to 14:00, the others from \
                 14:00 to 22:00. Each comes up to 20 minutes after its shift has begun, leaves up \
                 to 30 minutes before it ends, and is away for half an hour in the middle"
            }
            Self::ReviewBurst => {
                "Every Tuesday and Thursday nine clients in ten come between 14:00 and 14:10 and \
                 stay for 45 to 90 minutes. Besides, on each weekday one client in five comes \
                 between 9:00 and 12:00 for 15 to 40 minutes"
            }
        }
    }

    /// The visits of so many clients, who take turns over the policy's pools, in the order in which
    /// they begin.
    pub fn visits(self, policy: &Policy, days: Days, clients: u32, seed: u64) -> Vec<Visit> {
        let mut rng = Rng::with_seed(seed);
        let mut visits = Vec::new();
        let digits = clients.to_string().len();
        for date in days
            .dates()
            .filter(|d| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun))
        {
            for (client, pool) in (0..clients).zip(policy.pools.iter().cycle()) {
                let name = format!("client-{:0digits$}", client + 1);
                let mut day = Day {
                    date,
                    days,
                    pool: &pool.name,
                    client: &name,
                    visits: &mut visits,
                };
                match self {
                    Self::OfficeHours => office_hours(&mut rng, &mut day),
                    Self::TwoShifts => two_shifts(&mut rng, &mut day, client),
                    Self::ReviewBurst => review_burst(&mut rng, &mut day),
                }
            }
        }
        visits.sort();
        visits
    }
}

/// One client's day.
struct Day<'a> {
    date: NaiveDate,
    days: Days,
    pool: &'a PoolName,
    client: &'a str,
    visits: &'a mut Vec<Visit>,
}

impl Day<'_> {
    /// Adds a visit; from and to in minutes after midnight.
    fn visit(&mut self, from: i64, to: i64) {
        let local = |minute| self.date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute);
        let instant = |minute, begins| local_instant(local(minute), self.days.zone, begins);
        let (from, to) = (instant(from, true), instant(to, false));
        if from < to {
            self.visits.push(Visit {
                from,
                to,
                pool: self.pool.clone(),
                client: self.client.into(),
            });
        }
    }
}

/// Minutes after midnight.
const fn at(hour: i64, minute: i64) -> i64 {
    hour * 60 + minute
}

fn of_ten(rng: &mut Rng, share: u32) -> bool {
    rng.u32(0..10) < share
}

fn office_hours(rng: &mut Rng, day: &mut Day<'_>) {
    let morning = (
        rng.i64(at(8, 0)..=at(10, 30)),
        rng.i64(at(11, 30)..=at(12, 30)),
    );
    let afternoon = (
        rng.i64(at(12, 45)..=at(14, 30)),
        rng.i64(at(15, 30)..=at(18, 0)),
    );
    if of_ten(rng, 9) {
        day.visit(morning.0, morning.1);
    }
    if of_ten(rng, 8) {
        day.visit(afternoon.0, afternoon.1);
    }
}

fn two_shifts(rng: &mut Rng, day: &mut Day<'_>, client: u32) {
    let begins = if client.is_multiple_of(2) {
        at(6, 0)
    } else {
        at(14, 0)
    };
    let (comes, leaves) = (
        begins + rng.i64(0..=20),
        begins + at(8, 0) - rng.i64(0..=30),
    );
    let away = begins + at(3, 45) + rng.i64(0..=30);
    day.visit(comes, away);
    day.visit(away + 30, leaves);
}

fn review_burst(rng: &mut Rng, day: &mut Day<'_>) {
    let (alone, stays) = (rng.i64(at(9, 0)..=at(12, 0)), rng.i64(15..=40));
    if of_ten(rng, 2) {
        day.visit(alone, alone + stays);
    }
    let (comes, stays) = (at(14, 0) + rng.i64(0..=10), rng.i64(45..=90));
    if matches!(day.date.weekday(), Weekday::Tue | Weekday::Thu) && of_ten(rng, 9) {
        day.visit(comes, comes + stays);
    }
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;
    use crate::sim::testing::policy;

    fn days(first: NaiveDate, count: u32) -> Days {
        Days {
            first,
            count,
            zone: chrono_tz::Europe::Berlin,
        }
    }

    #[test]
    fn every_model_has_visits_in_a_week_and_the_burst_is_one() {
        let week = days(NaiveDate::from_ymd_opt(2026, 3, 2).expect("a date"), 7);
        let count = |model: Model| model.visits(&policy(), week, 10, 1).len();
        assert!(count(Model::OfficeHours) > 70 && count(Model::TwoShifts) == 100);
        let burst = Model::ReviewBurst.visits(&policy(), week, 10, 1);
        let at_once = burst
            .iter()
            .filter(|v| v.from.to_string().starts_with("2026-03-03T13:0"))
            .count();
        assert!(at_once >= 5, "{burst:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
        #[test]
        fn visits_repeat_with_their_seed_in_order_within_hours_on_weekdays_one_at_a_time(
            model in 0usize..3,
            seed in any::<u64>(),
            clients in 0u32..12,
            first in 0u64..800,
            count in 0u32..15,
        ) {
            let model = Model::ALL[model];
            let start = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date");
            let days = days(start + chrono::Days::new(first), count);
            let visits = model.visits(&policy(), days, clients, seed);
            prop_assert_eq!(&visits, &model.visits(&policy(), days, clients, seed));
            prop_assert!(visits.is_sorted());
            let hours = match model {
                Model::OfficeHours => (8, 18),
                Model::TwoShifts => (6, 22),
                Model::ReviewBurst => (9, 16),
            };
            for visit in &visits {
                let (from, to) = (visit.from.to_utc(), visit.to.to_utc());
                let (from, to) = (from.with_timezone(&days.zone), to.with_timezone(&days.zone));
                prop_assert!(days.start() <= visit.from && visit.from < visit.to);
                prop_assert!(visit.to <= days.end());
                let within = from.hour() >= hours.0 && (to.hour(), to.minute()) <= (hours.1, 0);
                prop_assert!(within, "{} {}", from, to);
                prop_assert!(from.weekday().num_days_from_monday() < 5);
            }
            let mut by_client = visits.clone();
            by_client.sort_by(|a, b| (&a.client, a.from).cmp(&(&b.client, b.from)));
            let apart = |w: &[Visit]| w[0].client != w[1].client || w[0].to <= w[1].from;
            prop_assert!(by_client.windows(2).all(apart));
        }
    }
}

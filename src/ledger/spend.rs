//! Spend: what was billed in a range of days, by day, pool or session.
//!
//! A session over midnight is split at whole minutes, so the rows add up to the service's own
//! account, whatever they are grouped by. Money is Σ minutes × price ÷ 60, worked out once, when it
//! is shown. Sessions that still run stand apart from those that ended, and what the service never
//! said for certain is marked.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::keeper::{
    KeeperState, LeaseClock, ManagedSession, PeriodKind, Settled, first_date, split_days,
};
use crate::units::{
    Cost, Currency, Minutes, Money, Price, Region, SessionId, Size, SlotId, Span, Timestamp,
};

use super::Ledger;
use super::error::LedgerError;
use super::load::LONGEST_SESSION;
use super::range::DateRange;

/// How far a day's beginning in any time zone is from the same date's in UTC.
const LARGEST_OFFSET: Span = Span::hours(14);

/// What the rows of a report stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A calendar day.
    Day,
    /// A pool.
    Pool,
    /// A session.
    Session,
    /// A region; `-` where the policy named only one.
    Region,
}

/// What a report is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendRequest {
    /// What the rows stand for.
    pub by: By,
    /// Which days.
    pub range: DateRange,
    /// The time zone of the days.
    pub zone: Tz,
    /// The currency of the prices.
    pub currency: Currency,
}

/// So many sessions, and what they billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many sessions.
    pub sessions: u32,
    /// Whole minutes billed.
    pub minutes: Minutes,
    /// What they cost; rounded to the cent where it is written as text.
    #[serde(with = "as_money")]
    pub cost: Cost,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendRow {
    /// The day, the pool or the session.
    pub key: String,
    /// Sessions that ended.
    #[serde(flatten)]
    pub ended: Amount,
    /// Whether the service itself said all of `ended`; else it is the most that can have been
    /// billed.
    pub certain: bool,
    /// Sessions that still run, so far: the most that can have been billed until the report was
    /// made.
    pub live: Amount,
}

/// What was billed in a range of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendReport {
    /// What the rows stand for.
    pub by: By,
    /// Which days.
    #[serde(flatten)]
    pub range: DateRange,
    /// The time zone of the days.
    #[serde(with = "as_text")]
    pub time_zone: Tz,
    /// The currency of all costs.
    pub currency: Currency,
    /// When the ledger was made. Sessions that ended before are not in the report.
    pub ledger_since: Timestamp,
    /// The lines, in the order of their keys.
    pub rows: Vec<SpendRow>,
    /// All of it. A session that ran on two days is counted once.
    pub total: SpendRow,
}

impl Ledger {
    /// What the owner of `memory` was billed: sessions that ended from the ledger, and what those
    /// in `memory` have billed until `now` at their present price.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn spend(
        &self,
        request: &SpendRequest,
        keeper: &KeeperState,
        price: impl Fn(&Size) -> Price,
        now: Timestamp,
    ) -> Result<SpendReport, LedgerError> {
        let mut sheet = Sheet {
            request,
            rows: BTreeMap::new(),
            total: SpendRow::empty("total".into()),
        };
        let first = Timestamp::from_utc(request.range.from.and_time(NaiveTime::MIN).and_utc());
        self.each_settled(
            &keeper.owner,
            first - LARGEST_OFFSET - LONGEST_SESSION,
            |settled| {
                sheet.enter(&Entry::ended(&settled));
            },
        )?;
        for known in keeper.sessions.values().filter(|known| known.is_ready()) {
            sheet.enter(&Entry::live(known, price(&known.size), now));
        }
        Ok(SpendReport {
            by: request.by,
            range: request.range,
            time_zone: request.zone,
            currency: request.currency.clone(),
            ledger_since: self.made()?,
            rows: sheet.rows.into_values().collect(),
            total: sheet.total,
        })
    }
}

/// One session, as a report reckons it.
struct Entry<'a> {
    id: &'a SessionId,
    slot: &'a SlotId,
    region: Option<&'a Region>,
    ready: Timestamp,
    minutes: Minutes,
    price: Price,
    live: bool,
    certain: bool,
}

impl<'a> Entry<'a> {
    fn ended(settled: &'a Settled) -> Self {
        let Settled {
            id,
            slot,
            region,
            minutes,
            price,
            certain,
            ..
        } = settled;
        let ready = settled.ready_or_guess().latest();
        let region = region.as_ref();
        Self {
            id,
            slot,
            region,
            ready,
            minutes: *minutes,
            price: *price,
            live: false,
            certain: *certain,
        }
    }

    /// The most that it can have billed: all the time since it was Ready, at most its lease.
    /// Without a lease clock, as in a ledger that is read beside the daemon, all that went by since
    /// it was asked for or found, and what it had billed.
    fn live(known: &'a ManagedSession, price: Price, now: Timestamp) -> Self {
        let ManagedSession {
            id,
            slot,
            region,
            elapsed,
            reserved,
            ..
        } = known;
        let most = known.clock.map_or_else(
            || elapsed.plus((now - known.created).ceil_minutes()),
            |clock| (now - clock.earliest()).floor_minutes(),
        );
        let minutes = most.min(*reserved).max(*elapsed);
        let ready = known.clock.map_or(now - minutes.span(), LeaseClock::latest);
        let region = region.as_ref();
        Self {
            id,
            slot,
            region,
            ready,
            minutes,
            price,
            live: true,
            certain: true,
        }
    }

    /// Its minutes by day. A session that billed nothing still counts as one, on the day on which
    /// it was over.
    fn days(&self, zone: Tz) -> Vec<(NaiveDate, Minutes)> {
        if self.minutes == Minutes::ZERO {
            return vec![(first_date(PeriodKind::Day, self.ready, zone), Minutes::ZERO)];
        }
        split_days(self.ready, self.minutes, zone)
    }
}

/// The rows of a report while they are made.
struct Sheet<'a> {
    request: &'a SpendRequest,
    rows: BTreeMap<String, SpendRow>,
    total: SpendRow,
}

impl Sheet<'_> {
    fn enter(&mut self, entry: &Entry<'_>) {
        let mut parts: BTreeMap<String, Minutes> = BTreeMap::new();
        for (day, minutes) in entry.days(self.request.zone) {
            if self.request.range.contains(day) {
                let part = parts.entry(self.key(entry, day)).or_default();
                *part = part.plus(minutes);
            }
        }
        if parts.is_empty() {
            return;
        }
        self.total.add(
            entry,
            parts
                .values()
                .fold(Minutes::ZERO, |sum, part| sum.plus(*part)),
        );
        for (key, minutes) in parts {
            self.rows
                .entry(key.clone())
                .or_insert_with(|| SpendRow::empty(key))
                .add(entry, minutes);
        }
    }

    fn key(&self, entry: &Entry<'_>, day: NaiveDate) -> String {
        match self.request.by {
            By::Day => day.to_string(),
            By::Pool => entry.slot.pool.to_string(),
            By::Session => entry.id.to_string(),
            By::Region => entry.region.map_or_else(|| "-".into(), ToString::to_string),
        }
    }
}

impl SpendRow {
    fn empty(key: String) -> Self {
        Self {
            key,
            ended: Amount::default(),
            certain: true,
            live: Amount::default(),
        }
    }

    fn add(&mut self, entry: &Entry<'_>, minutes: Minutes) {
        let amount = if entry.live {
            &mut self.live
        } else {
            &mut self.ended
        };
        amount.sessions = amount.sessions.saturating_add(1);
        amount.minutes = amount.minutes.plus(minutes);
        amount.cost += entry.price.cost(minutes);
        self.certain &= entry.certain;
    }
}

/// A cost as the money that is shown; reading it back gives the same money.
mod as_money {
    use super::{Cost, Deserialize, Deserializer, Money, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(cost: &Cost, serializer: S) -> Result<S::Ok, S::Error> {
        cost.to_money().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Cost, D::Error> {
        Money::deserialize(deserializer).map(Money::as_cost)
    }
}

/// Dates and time zones by their names.
mod as_text {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keeper::Status;
    use crate::ledger::testing::{at, ended, intent, keeper, ledger, owner, settled};

    fn request(by: By, from: &str, to: &str) -> SpendRequest {
        let day = |text: &str| text.parse().expect("a date");
        SpendRequest {
            by,
            range: DateRange {
                from: day(from),
                to: day(to),
            },
            zone: chrono_tz::Europe::Berlin,
            currency: Currency("EUR".into()),
        }
    }

    fn premium(_: &Size) -> Price {
        "11.50".parse().expect("a price")
    }

    /// Three sessions that ended, one of them over midnight in Berlin, one not known for certain,
    /// and one that runs.
    fn story(by: By) -> SpendReport {
        let now = at("2026-03-04T09:00:00Z");
        let mut unsure = settled(
            "studio7-dr-1-b",
            "design-review/1",
            at("2026-03-04T08:00:00Z"),
            20,
            "2.99",
        );
        unsure.certain = false;
        let never_ready = settled(
            "studio7-bk-0-c",
            "baking/0",
            at("2026-03-04T08:30:00Z"),
            0,
            "11.50",
        );
        let over_midnight = settled(
            "studio7-dr-0-a",
            "design-review/0",
            at("2026-03-03T22:30:00Z"),
            95,
            "2.99",
        );
        let mut ledger = ledger();
        ledger
            .write(
                &owner(),
                now,
                &ended(vec![unsure, never_ready, over_midnight]),
                &[],
            )
            .expect("writes");
        let mut runs = intent("studio7-bk-0-d", "baking/0", now);
        runs.status = Status::Ready;
        runs.clock = LeaseClock::new(
            now - Span::millis(12 * 60_000),
            now - Span::millis(11 * 60_000 + 30_000),
        );
        let boots = intent("studio7-bk-1-e", "baking/1", now);
        let request = request(by, "2026-03-01", "2026-03-31");
        ledger
            .spend(&request, &keeper(vec![runs, boots]), premium, now)
            .expect("reads")
    }

    #[test]
    fn spend_by_day_splits_a_session_at_midnight_and_marks_what_is_not_certain() {
        insta::assert_snapshot!(story(By::Day), @r"
        Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

        day         sessions     time    cost  live  live time  live cost
        2026-03-03         1      30m    1.50
        2026-03-04         3  ≤ 1h25m  ≤ 4.24     1        12m       2.30
        total              3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

        ≤     the service could not say how long it billed; this is the most it can have been
        live  sessions that still run; the most they can have billed until now
        ");
    }

    #[test]
    fn spend_by_pool() {
        insta::assert_snapshot!(story(By::Pool), @r"
        Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

        pool           sessions     time    cost  live  live time  live cost
        baking                1       0m    0.00     1        12m       2.30
        design-review         2  ≤ 1h55m  ≤ 5.73
        total                 3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

        ≤     the service could not say how long it billed; this is the most it can have been
        live  sessions that still run; the most they can have billed until now
        ");
    }

    #[test]
    fn spend_by_session() {
        insta::assert_snapshot!(story(By::Session), @r"
        Spend from 2026-03-01 to 2026-03-31 (Europe/Berlin), in EUR

        session         sessions     time    cost  live  live time  live cost
        studio7-bk-0-c         1       0m    0.00
        studio7-bk-0-d                                1        12m       2.30
        studio7-dr-0-a         1    1h35m    4.73
        studio7-dr-1-b         1    ≤ 20m  ≤ 1.00
        total                  3  ≤ 1h55m  ≤ 5.73     1        12m       2.30

        ≤     the service could not say how long it billed; this is the most it can have been
        live  sessions that still run; the most they can have billed until now
        ");
    }

    #[test]
    fn a_report_without_anything_says_so_and_since_when_it_would_know() {
        let now = at("2026-03-04T09:00:00Z");
        let request = request(By::Day, "2026-02-01", "2026-02-28");
        let report = ledger()
            .spend(&request, &keeper(vec![]), premium, now)
            .expect("reads");
        insta::assert_snapshot!(report, @r"
        Spend from 2026-02-01 to 2026-02-28 (Europe/Berlin), in EUR
        The ledger was made on 2026-03-01; sessions that ended before are not in it.
        Nothing was billed.
        ");
    }

    #[test]
    fn a_report_is_the_same_after_a_trip_through_json() {
        let report = story(By::Pool);
        let json = serde_json::to_string_pretty(&report).expect("serializes");
        insta::assert_snapshot!(json, @r#"
        {
          "by": "pool",
          "from": "2026-03-01",
          "to": "2026-03-31",
          "time_zone": "Europe/Berlin",
          "currency": "EUR",
          "ledger_since": "2026-03-01T00:00:00Z",
          "rows": [
            {
              "key": "baking",
              "sessions": 1,
              "minutes": 0,
              "cost": "0.00",
              "certain": true,
              "live": {
                "sessions": 1,
                "minutes": 12,
                "cost": "2.30"
              }
            },
            {
              "key": "design-review",
              "sessions": 2,
              "minutes": 115,
              "cost": "5.73",
              "certain": false,
              "live": {
                "sessions": 0,
                "minutes": 0,
                "cost": "0.00"
              }
            }
          ],
          "total": {
            "key": "total",
            "sessions": 3,
            "minutes": 115,
            "cost": "5.73",
            "certain": false,
            "live": {
              "sessions": 1,
              "minutes": 12,
              "cost": "2.30"
            }
          }
        }
        "#);
        let back: SpendReport = serde_json::from_str(&json).expect("reads back");
        assert_eq!(back.to_string(), report.to_string());
    }

    #[test]
    fn a_live_session_without_a_lease_clock_is_told_with_the_most_it_can_have_billed() {
        let now = at("2026-03-04T09:00:00Z");
        let so_far = |asked_for: i64, elapsed: u32| {
            let mut known = intent("s", "a/0", now - Span::minutes(asked_for));
            (known.status, known.elapsed) = (Status::Ready, Minutes::new(elapsed));
            Entry::live(&known, premium(&known.size), now).minutes.get()
        };
        // The lease is 20 minutes.
        assert_eq!(
            (so_far(7, 0), so_far(7, 5), so_far(60, 5), so_far(60, 30)),
            (7, 12, 20, 30)
        );
    }

    #[test]
    fn a_session_whose_end_was_learnt_late_is_in_the_days_it_ran_in() {
        let mut late = settled("s", "a/0", at("2026-02-10T10:00:00Z"), 60, "6");
        late.ended = at("2026-03-04T09:00:00Z");
        let mut ledger = ledger();
        ledger
            .write(&owner(), late.ended, &ended(vec![late]), &[])
            .expect("writes");
        let minutes = |from, to| {
            let report = ledger.spend(
                &request(By::Day, from, to),
                &keeper(vec![]),
                premium,
                at("2026-03-05T00:00:00Z"),
            );
            report.expect("reads").total.ended.minutes
        };
        assert_eq!(minutes("2026-02-10", "2026-02-10"), Minutes::new(60));
        assert_eq!(minutes("2026-03-01", "2026-03-31"), Minutes::ZERO);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn rows_add_up_to_the_accounts_whatever_they_are_grouped_by(
            runs in proptest::collection::vec((0i64..90 * 1440, 0u32..1440, 0u32..3, 1u32..20_000), 0..12),
        ) {
            let first = at("2026-01-01T00:00:00Z");
            let all: Vec<Settled> = runs.iter().enumerate().map(|(n, (start, minutes, pool, price))| {
                let price = format!("{}.{:03}", price / 1_000, price % 1_000);
                let ready = first + Span::minutes(*start);
                settled(&format!("s{n}"), &format!("p{pool}/0"), ready, *minutes, &price)
            }).collect();
            let mut ledger = ledger();
            ledger.write(&owner(), first, &ended(all.clone()), &[]).expect("writes");
            let truth: Cost = all.iter().map(|s| s.price.cost(s.minutes)).sum();
            let now = at("2026-05-01T00:00:00Z");
            for by in [By::Day, By::Pool, By::Session] {
                let of = |from, to| ledger.spend(&request(by, from, to), &keeper(vec![]), premium, now).expect("reads");
                let whole = of("2025-12-01", "2026-04-30");
                prop_assert_eq!(whole.rows.iter().map(|row| row.ended.cost).sum::<Cost>(), truth);
                prop_assert_eq!((whole.total.ended.cost, whole.total.ended.sessions as usize), (truth, all.len()));
                // Wherever the range is cut in two, nothing is lost and nothing is told twice.
                let (before, after) = (of("2025-12-01", "2026-02-14"), of("2026-02-15", "2026-04-30"));
                prop_assert_eq!(before.total.ended.cost + after.total.ended.cost, truth);
            }
        }
    }
}

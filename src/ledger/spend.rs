//! Spend: what was billed in a range of days, by day, pool, session, region, team
//! or client.
//!
//! A session over midnight is split at whole minutes, so the rows add up to the service's own
//! account, whatever they are grouped by. Money is Σ minutes × price ÷ 60, worked out once, when it
//! is shown. Sessions that still run stand apart from those that ended, and what the service never
//! said for certain is marked.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::keeper::{KeeperState, Use};
use crate::policy::Prices;
use crate::units::{Cost, Currency, Minutes, Money, Timestamp};

use super::Ledger;
use super::error::LedgerError;
use super::holders::holders;
use super::range::DateRange;
use super::spend_entry::Entry;

/// What the rows of a report stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// A team; `-` for what was held for none, or by nobody.
    Team,
    /// A client; `-` for what nobody held.
    Client,
}

impl By {
    /// Whether rows tell of who held a session, so that several can share one.
    const fn needs_uses(self) -> bool {
        matches!(self, Self::Team | Self::Client)
    }
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
    /// What an hour costs now.
    pub prices: Prices,
}

/// So many sessions, and what they billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Amount {
    /// How many sessions.
    pub sessions: u32,
    /// Whole minutes billed.
    pub minutes: Minutes,
    /// What they cost; `None` where the policy names no price.
    pub cost: Option<Money>,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendRow {
    /// The day, the pool, the session, the region, the team or the client.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendReport {
    /// What the rows stand for.
    pub by: By,
    /// Which days.
    #[serde(flatten)]
    pub range: DateRange,
    /// The time zone of the days.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub time_zone: Tz,
    /// The currency of all costs; `None` where the policy names no price.
    pub currency: Option<Currency>,
    /// Whether of every session that still runs it is known when it became Ready, as its daemon
    /// knows it. Else some count from when they were asked for.
    pub live_measured: bool,
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
        now: Timestamp,
    ) -> Result<SpendReport, LedgerError> {
        let prices = &request.prices;
        let sheet = self.sheet(request, keeper, now)?;
        let mut running = keeper.sessions.values().filter(|known| known.is_ready());
        Ok(SpendReport {
            by: request.by,
            range: request.range,
            time_zone: request.zone,
            currency: prices.known_currency(),
            live_measured: running.all(|known| known.clock.is_some()),
            ledger_since: self.made()?,
            rows: sheet
                .rows
                .into_iter()
                .map(|(key, sums)| sums.shown(key, prices))
                .collect(),
            total: sheet.total.shown("total".into(), prices),
        })
    }

    /// The sums of a report, not yet rounded.
    fn sheet<'a>(
        &self,
        request: &'a SpendRequest,
        keeper: &KeeperState,
        now: Timestamp,
    ) -> Result<Sheet<'a>, LedgerError> {
        let mut sheet = Sheet {
            request,
            rows: BTreeMap::new(),
            total: Sums::default(),
        };
        let (range, prices, uses) = (request.range, &request.prices, request.by.needs_uses());
        self.each_entry(range, prices, uses, keeper, now, |entry| sheet.enter(entry))?;
        Ok(sheet)
    }
}

/// The rows of a report while they are made.
struct Sheet<'a> {
    request: &'a SpendRequest,
    rows: BTreeMap<String, Sums>,
    total: Sums,
}

impl Sheet<'_> {
    fn enter(&mut self, entry: &Entry<'_>) {
        let mut parts: BTreeMap<String, Minutes> = BTreeMap::new();
        let mut counted = 0;
        for (day, minutes) in entry.days(self.request.zone) {
            let of_day = counted..counted + minutes.get();
            counted = of_day.end;
            if self.request.range.contains(day) {
                for (key, minutes) in self.shares(entry, day, of_day) {
                    let part = parts.entry(key).or_default();
                    *part = part.plus(minutes);
                }
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
            self.rows.entry(key).or_default().add(entry, minutes);
        }
    }

    /// The rows that share the minutes of a session on a day.
    fn shares(
        &self,
        entry: &Entry<'_>,
        day: NaiveDate,
        of_day: Range<u32>,
    ) -> Vec<(String, Minutes)> {
        let whole = Minutes::new(of_day.end - of_day.start);
        if !self.request.by.needs_uses() || whole == Minutes::ZERO {
            return vec![(self.key(entry, day, None), whole)];
        }
        let parts = holders(entry.ready, entry.minutes, &entry.uses).into_iter();
        let of_day = parts.filter_map(|(part, whose)| {
            let common = part.start.max(of_day.start)..part.end.min(of_day.end);
            let minutes = Minutes::new(common.end.saturating_sub(common.start));
            (!common.is_empty()).then(|| (self.key(entry, day, whose), minutes))
        });
        of_day.collect()
    }

    fn key(&self, entry: &Entry<'_>, day: NaiveDate, whose: Option<&Use>) -> String {
        let nobody = || "-".to_owned();
        match self.request.by {
            By::Team => whose
                .and_then(|used| used.team.as_ref())
                .map_or_else(nobody, ToString::to_string),
            By::Client => whose.map_or_else(nobody, |used| used.client.clone()),
            By::Day => day.to_string(),
            By::Pool => entry.slot.pool.to_string(),
            By::Session => entry.id.to_string(),
            By::Region => entry.region.map_or_else(nobody, ToString::to_string),
        }
    }
}

/// An amount that is not yet rounded.
#[derive(Clone, Copy, Default)]
struct Sum {
    sessions: u32,
    minutes: Minutes,
    cost: Cost,
}

/// A row that is not yet rounded.
#[derive(Clone, Copy, Default)]
struct Sums {
    ended: Sum,
    uncertain: bool,
    live: Sum,
}

impl Sum {
    fn shown(self, prices: &Prices) -> Amount {
        Amount {
            sessions: self.sessions,
            minutes: self.minutes,
            cost: prices.money(self.cost),
        }
    }
}

impl Sums {
    fn shown(self, key: String, prices: &Prices) -> SpendRow {
        SpendRow {
            key,
            ended: self.ended.shown(prices),
            certain: !self.uncertain,
            live: self.live.shown(prices),
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
        self.uncertain |= !entry.certain;
    }
}

/// Dates and time zones by their names.
pub(super) mod as_text {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer};

    pub(in crate::ledger) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::ledger) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
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
#[path = "spend_tests.rs"]
mod tests;

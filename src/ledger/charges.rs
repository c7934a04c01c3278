//! Charges: what each session was billed on each day, with all that an invoice would say of it.
//!
//! Promises: the charges of a range add up to the spend report of the same range. Days are those
//! of the budgets' time zone. Money is not worked out here: a charge is whole minutes at a price.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::keeper::KeeperState;
use crate::policy::{Location, Policy, ServiceConfig};
use crate::units::{Currency, Minutes, Owner, Price, Region, SessionId, Size, SlotId, Timestamp};

use super::Ledger;
use super::error::LedgerError;
use super::range::DateRange;
use super::spend::as_text;
use super::spend_entry::Entry;

/// What one session was billed on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Charge {
    /// The session.
    pub session: SessionId,
    /// The slot that it filled.
    pub slot: SlotId,
    /// Its region; `None` where the policy names none.
    pub region: Option<Region>,
    /// The kind of server.
    pub size: Size,
    /// The day, in the time zone of the report.
    #[schema(value_type = String, format = Date)]
    pub day: NaiveDate,
    /// Whole minutes billed on that day.
    pub minutes: Minutes,
    /// The price of an hour that applied.
    pub price: Price,
    /// Whether the service itself said how long it billed; else it is the most that it can be.
    pub certain: bool,
    /// Whether it still runs: the minutes are then the most that it can have billed so far.
    pub live: bool,
}

/// What was billed in a range of days, session by session and day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChargeReport {
    /// Whose sessions these are.
    pub owner: Owner,
    /// Who provides the service: the host of its endpoint, `Microsoft` for the public service,
    /// `leasekeeper` for the embedded one.
    pub provider: String,
    /// The account of the service that pays, by its id; `embedded` for the embedded service's.
    pub account: String,
    /// Which days.
    #[serde(flatten)]
    pub range: DateRange,
    /// The time zone of the days.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub time_zone: Tz,
    /// The currency of all prices; `None` where the policy names no price.
    pub currency: Option<Currency>,
    /// The charges, by session and then by day. A session that billed nothing has none.
    pub charges: Vec<Charge>,
}

impl Ledger {
    /// What the policy's owner was billed in a range of days, as [`Ledger::spend`] reckons it.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn charges(
        &self,
        policy: &Policy,
        range: DateRange,
        keeper: &KeeperState,
        now: Timestamp,
    ) -> Result<ChargeReport, LedgerError> {
        let only_region = match &policy.service.location {
            Location::Region(region) => Some(region),
            Location::Embedded(_) | Location::Endpoint(_) => None,
        };
        let mut charges = Vec::new();
        let billed = |(day, minutes): &(NaiveDate, Minutes)| {
            range.contains(*day) && *minutes > Minutes::ZERO
        };
        self.each_entry(range, &policy.prices, false, keeper, now, |entry| {
            let days = entry.days(policy.time_zone).into_iter().filter(billed);
            charges.extend(days.map(|(day, minutes)| charge(entry, only_region, day, minutes)));
        })?;
        charges.sort_by(|a, b| (&a.session, a.day).cmp(&(&b.session, b.day)));
        Ok(ChargeReport {
            owner: policy.owner.clone(),
            provider: provider(&policy.service),
            account: account(&policy.service),
            range,
            time_zone: policy.time_zone,
            currency: policy.prices.known_currency(),
            charges,
        })
    }
}

fn charge(
    entry: &Entry<'_>,
    only_region: Option<&Region>,
    day: NaiveDate,
    minutes: Minutes,
) -> Charge {
    Charge {
        session: entry.id.clone(),
        slot: entry.slot.clone(),
        region: entry.region.or(only_region).cloned(),
        size: entry.size.clone(),
        day,
        minutes,
        price: entry.price,
        certain: entry.certain,
        live: entry.live,
    }
}

/// The account that pays. The embedded service makes itself one at each start, which tells nothing.
fn account(service: &ServiceConfig) -> String {
    match &service.location {
        Location::Embedded(_) => "embedded".into(),
        Location::Endpoint(_) | Location::Region(_) => service.account_id.clone(),
    }
}

fn provider(service: &ServiceConfig) -> String {
    let host = |endpoint: &str| {
        let url = Url::parse(endpoint).ok();
        let host = url.as_ref().and_then(Url::host_str);
        host.unwrap_or(endpoint).to_owned()
    };
    match &service.location {
        Location::Embedded(_) => "leasekeeper".into(),
        Location::Endpoint(endpoint) => host(endpoint),
        Location::Region(region) => service
            .regions
            .get(region)
            .map_or_else(|| "Microsoft".into(), |own| host(own)),
    }
}

#[cfg(test)]
#[path = "charges_tests.rs"]
mod tests;

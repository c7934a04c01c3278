//! A spend report as a table for people.

use std::fmt;

use crate::keeper::{PeriodKind, first_date};
use crate::layout::{Columns, table};

use super::spend::{Amount, By, SpendReport, SpendRow};

impl fmt::Display for SpendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.range.from, self.range.to);
        write!(f, "Spend from {from} to {to} ({}), ", self.time_zone)?;
        match &self.currency {
            Some(currency) => writeln!(f, "in {currency}")?,
            None => writeln!(f, "in minutes alone: the policy names no prices")?,
        }
        let since = first_date(PeriodKind::Day, self.ledger_since, self.time_zone);
        if self.range.from < since {
            writeln!(
                f,
                "The ledger was made on {since}; sessions that ended before are not in it."
            )?;
        }
        if self.rows.is_empty() {
            return writeln!(f, "Nothing was billed.");
        }
        let any_live = self.total.live.sessions > 0;
        let first = match self.by {
            By::Day => "day",
            By::Pool => "pool",
            By::Session => "session",
            By::Region => "region",
            By::Team => "team",
            By::Client => "client",
        };
        let mut lines = vec![
            [
                first,
                "sessions",
                "time",
                "cost",
                "live",
                "live time",
                "live cost",
            ]
            .map(String::from),
        ];
        let of = |row| cells(row, self.live_measured);
        lines.extend(self.rows.iter().chain([&self.total]).map(of));
        let columns = if any_live { 7 } else { 4 };
        writeln!(f)?;
        let rows = lines.iter().map(|line| &line[..columns]);
        f.write_str(&table(Columns::Figures, rows))?;
        if !self.total.certain || any_live {
            writeln!(f)?;
        }
        if !self.total.certain {
            writeln!(
                f,
                "≤     the service could not say how long it billed; this is the most it can have \
                 been"
            )?;
        }
        let live = match self.live_measured {
            true => "the most they can have billed until now",
            false => {
                "counted from when they were asked for; when they became Ready only their daemon \
                 knows, so `leasekeeper spend` without --policy may say less"
            }
        };
        if any_live {
            writeln!(f, "live  sessions that still run; {live}")?;
        }
        Ok(())
    }
}

fn cells(row: &SpendRow, live_measured: bool) -> [String; 7] {
    let at_most = |known: bool| if known { "" } else { "≤ " };
    let amount = |a: &Amount, mark: &str| {
        if a.sessions == 0 {
            return [const { String::new() }; 3];
        }
        [
            a.sessions.to_string(),
            format!("{mark}{}", a.minutes),
            a.cost
                .map_or_else(|| "-".into(), |cost| format!("{mark}{cost}")),
        ]
    };
    let [sessions, time, cost] = amount(&row.ended, at_most(row.certain));
    let [live, live_time, live_cost] = amount(&row.live, at_most(live_measured));
    [
        row.key.clone(),
        sessions,
        time,
        cost,
        live,
        live_time,
        live_cost,
    ]
}

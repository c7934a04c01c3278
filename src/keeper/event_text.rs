//! Events in words: the one rendering that the log, `why` and `status` share.

use std::fmt;

use crate::units::Span;

use super::event::EventKind;

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating {
                region: None,
                size,
                lease,
                why,
            } => {
                write!(f, "creating a {size} session, lease {lease}: {why}")
            }
            Self::Creating {
                region: Some(region),
                size,
                lease,
                why,
            } => {
                write!(
                    f,
                    "creating a {size} session in {region}, lease {lease}: {why}"
                )
            }
            Self::Extending { from, to, why } => {
                write!(f, "extending the lease {from} → {to}: {why}")
            }
            Self::Stopping { why } => write!(f, "stopping: {why}"),
            Self::Booting => write!(f, "booting"),
            Self::Ready {
                address,
                after,
                ends,
            } => {
                write!(f, "Ready after {}", Span::seconds(after.as_secs()))?;
                if let Some(a) = address {
                    write!(f, " at {a}")?;
                }
                write!(f, ", lease ends by {ends}")
            }
            Self::Renewed { to, ends } => write!(f, "lease renewed to {to}, ends by {ends}"),
            Self::Adopted { status, lease } => {
                write!(f, "adopted: {status}, lease {lease}; counted as active now")
            }
            Self::Ended {
                status,
                minutes,
                cost,
                currency,
                certain,
                error,
            } => {
                let most = if *certain { "" } else { "at most " };
                write!(f, "ended {status} after {most}{minutes} billed")?;
                if let (Some(cost), Some(currency)) = (cost, currency) {
                    write!(f, ", {cost} {currency}")?;
                }
                error.as_ref().map_or(Ok(()), |e| write!(f, ": {e}"))
            }
            Self::NeverCreated => write!(f, "never came to be"),
            Self::Failed {
                message,
                retry: Some(at),
                ..
            } => write!(f, "{message}; next try at {at}"),
            Self::Failed {
                message,
                retry: None,
                ..
            } => f.write_str(message),
            Self::SlotAlarm { failures } => write!(
                f,
                "{failures} sessions in a row have failed or could not be had; waiting longer \
                 each time, up to 10m"
            ),
            Self::Parked { why } => write!(f, "parked: {why}"),
            Self::Woken { by } => write!(f, "woken by {by}"),
            Self::Held { client, team: None } => write!(f, "acquired by {client}"),
            Self::Held {
                client,
                team: Some(team),
            } => write!(f, "acquired by {client} for team {team}"),
            Self::Queued {
                client,
                pool,
                place,
            } => write!(f, "{client} waits for a session of {pool}, place {place}"),
            Self::LeftQueue { client, pool } => {
                write!(f, "{client} no longer waits for a session of {pool}")
            }
            Self::HoldLapsed { client, since } => {
                write!(
                    f,
                    "no sign of {client} since {since}; it holds the session no more"
                )
            }
            Self::Released { client } => write!(f, "released by {client}"),
            Self::Warned {
                client,
                ends,
                by,
                hour,
                currency,
            } => {
                write!(f, "the hold of {client} ends at {ends}: {by}")?;
                match hour.zip(currency.as_ref()) {
                    Some((hour, currency)) => {
                        write!(f, "; one more hour costs {hour} {}", currency.0)
                    }
                    None => Ok(()),
                }
            }
            Self::Preparing { why, by } => write!(f, "stopping after its hook, by {by}: {why}"),
            Self::Snoozed { client, until } => write!(f, "{client} stays until {until}"),
            Self::Renamed { from, to } => write!(f, "the pool {from} is called {to} now"),
            Self::ClockReset => {
                write!(
                    f,
                    "readings of its elapsed time contradict each other; measuring its lease afresh"
                )
            }
            Self::Incredible { elapsed, lease } => write!(
                f,
                "the service says that it has been Ready for {elapsed} of a lease of {lease}, \
                 which cannot be; going on by what is known"
            ),
            Self::ActivityUnknown {
                source,
                message,
                until,
            } => {
                write!(f, "the activity source `{source}` cannot say: {message}")?;
                match until {
                    Some(until) => write!(f, "; it counts as use until {until}"),
                    None => Ok(()),
                }
            }
            Self::ActivityAlarm { source, since } => write!(
                f,
                "the activity source `{source}` has not been able to say since {since}, and counts \
                 as use no more"
            ),
            Self::ActivityKnown { source } => {
                write!(f, "the activity source `{source}` answers again")
            }
            Self::LeaseAlarm { ends } => write!(
                f,
                "its lease may end at {ends} and could not be renewed yet"
            ),
            Self::BudgetAlert {
                budget,
                percent,
                committed,
                limit,
                currency,
            } => {
                write!(
                    f,
                    "the {budget} is {percent}% committed: {committed} of {limit} {currency}"
                )
            }
            Self::Unmanaged { status } => write!(f, "not ours and left alone: {status}"),
            Self::UnknownWord { word } => {
                write!(
                    f,
                    "the service says {word:?}, which this version does not know; treated as live \
                     and billing"
                )
            }
            Self::AuditFailed { message } => write!(
                f,
                "a planned action failed its audit and was left out: {message}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::session::Status;
    use crate::units::{Currency, Minutes};

    #[test]
    fn an_end_tells_what_it_cost_where_there_is_a_price() {
        let told = |cost: Option<&str>| {
            let ended = EventKind::Ended {
                status: Status::Stopped,
                minutes: Minutes::new(20),
                cost: cost.and_then(|cost| cost.parse().ok()),
                currency: cost.map(|_| Currency("EUR".into())),
                certain: false,
                error: None,
            };
            ended.to_string()
        };
        let minutes = "ended Stopped after at most 20m billed";
        assert_eq!(told(Some("1.00")), format!("{minutes}, 1.00 EUR"));
        assert_eq!(told(None), minutes);
    }
}

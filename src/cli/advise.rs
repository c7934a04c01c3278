//! `advise`: which idle time-out and how many spares a pool should have, by its own history.

use std::borrow::Cow;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use crate::calendar::{Horizon, with_calendars};
use crate::daemon::{PolicyError, read_policy};
use crate::ledger::LedgerError;
use crate::policy::{Policy, Pool};
use crate::report::Hint;
use crate::sim::Heading;
use crate::sim::advice::{Grid, Replay, picture, text};
use crate::units::{PoolName, Span};

use super::error::Failed;
use super::output;
use super::simulate::{self, SimulateError, boots};

/// How far it is, in one line.
const PROGRESS: &str = "replaying {msg}  {bar:30}  {pos} of {len} settings";
/// The fewest visits that say anything: of fewer, nineteen in twenty are all of them.
const LEAST_VISITS: usize = 20;

/// What to advise on.
#[derive(Debug, Args)]
pub(super) struct AdviseArgs {
    /// The pool
    pool: PoolName,
    /// The policy file, with the pool as it is now
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Read the history of this ledger instead of the policy's
    #[arg(long, value_name = "FILE", conflicts_with = "usage")]
    ledger: Option<PathBuf>,
    /// Replay the visits of a CSV file instead, as `simulate --usage` does
    #[arg(long, value_name = "FILE")]
    usage: Option<PathBuf>,
    /// How many days. Default: as many as the history covers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: Option<u32>,
    /// The first day, as 2026-03-02. Default: the first day of the history
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Idle time-outs to try, besides the pool's own; "never" is one
    #[arg(long, value_name = "SPAN,…", value_delimiter = ',', value_parser = idle,
        default_value = "5m,15m,30m,1h")]
    idle: Vec<IdleTimeout>,
    /// Numbers of spares to try, besides the pool's own, as far as it has slots
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "0,1,2"
    )]
    spare: Vec<u32>,
    /// What the boots of servers are drawn from; the same seed gives the same advice
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long servers boot: at least and at most. Default: 20s-90s, or what the embedded service
    /// is set to
    #[arg(long, value_name = "SPAN-SPAN", value_parser = boots)]
    boot: Option<(Span, Span)>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: AdviceFormat,
}

/// How advice is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AdviceFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// A picture
    Svg,
}

/// An idle time-out; `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct IdleTimeout(Option<Span>);

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
enum AdviseError {
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There is no history.
    #[error(transparent)]
    Usage(#[from] SimulateError),
    /// A simulated ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The policy has no such pool.
    #[error("{} has no pool {pool}; it has {}", policy.display(), pools.join(", "))]
    NoPool {
        /// The policy.
        policy: PathBuf,
        /// What was asked for.
        pool: PoolName,
        /// What there is.
        pools: Vec<String>,
    },
    /// A history that says nothing.
    #[error(
        "too little history to advise on {pool}: {usage} has {found} of the {LEAST_VISITS} visits \
         to it that this takes"
    )]
    TooLittle {
        /// The pool.
        pool: PoolName,
        /// Where the visits come from.
        usage: String,
        /// How many there are.
        found: usize,
    },
}

impl Hint for AdviseError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Usage(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::NoPool { .. } => None,
            Self::TooLittle { .. } => Some(
                "ask again once clients have come more often, or describe their visits in a file \
                 and name it with --usage"
                    .into(),
            ),
        }
    }

    fn is_drawn(&self) -> bool {
        match self {
            Self::Policy(error) => error.is_drawn(),
            Self::Usage(error) => error.is_drawn(),
            _ => false,
        }
    }
}

/// Replays, and prints what follows from it.
pub(super) fn advise(args: &AdviseArgs) -> Result<u8, Failed> {
    let mut policy = read_policy(&args.policy)?;
    policy.ledger = args.ledger.clone().or(policy.ledger);
    pool(args, &policy)?;
    let found = simulate::usage::recorded(args.usage.as_deref(), &policy, args.from, args.days)?;
    let horizon = Horizon::around(found.days.start(), found.days.end());
    let policy = with_calendars(policy, &args.policy, horizon)?;
    let pool = pool(args, &policy)?;
    let own = found.visits.iter().filter(|v| v.pool == pool.name).count();
    if own < LEAST_VISITS {
        let (pool, usage) = (pool.name.clone(), found.description);
        return Err(AdviseError::TooLittle {
            pool,
            usage,
            found: own,
        }
        .into());
    }
    let idle: Vec<Option<Span>> = args.idle.iter().map(|idle| idle.0).collect();
    let grid = Grid::around(pool, &idle, &args.spare);
    let replay = Replay {
        policy: &policy,
        pool,
        visits: &found.visits,
        heading: Heading {
            policy: args.policy.display().to_string(),
            usage: found.description,
            days: found.days,
        },
        seed: args.seed,
        config: simulate::config(&policy, args.boot),
    };
    let bar = output::progress(PROGRESS, grid.settings.len() as u64);
    let bar = bar.with_message(pool.name.to_string());
    let advice = replay.advice(&grid, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let advice = advice?;
    match args.format {
        AdviceFormat::Text => output::print(text::text(&advice, simulate::width()))?,
        AdviceFormat::Json => output::json(&advice)?,
        AdviceFormat::Svg => output::print(picture::svg(&advice))?,
    }
    Ok(0)
}

fn pool<'a>(args: &AdviseArgs, policy: &'a Policy) -> Result<&'a Pool, AdviseError> {
    let found = policy.pools.iter().find(|pool| pool.name == args.pool);
    found.ok_or_else(|| AdviseError::NoPool {
        policy: args.policy.clone(),
        pool: args.pool.clone(),
        pools: policy.pools.iter().map(|p| p.name.to_string()).collect(),
    })
}

/// An idle time-out as the policy has it.
fn idle(text: &str) -> Result<IdleTimeout, String> {
    if text == "never" {
        return Ok(IdleTimeout(None));
    }
    let span: Span = text.parse().map_err(|e| format!("{e}"))?;
    if span < Span::seconds(1) || span > Span::hours(24) {
        return Err("an idle time-out is between 1s and 24h, or \"never\"".into());
    }
    Ok(IdleTimeout(Some(span)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_timeout_is_a_span_that_a_policy_may_have() {
        assert_eq!(idle("never"), Ok(IdleTimeout(None)));
        assert_eq!(idle("90s"), Ok(IdleTimeout(Some(Span::seconds(90)))));
        assert_eq!(idle("24h"), Ok(IdleTimeout(Some(Span::hours(24)))));
        for text in ["25h", "0s", "5"] {
            assert!(idle(text).is_err(), "{text}");
        }
    }
}

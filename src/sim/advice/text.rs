//! Advice for people: a table of what was tried, what stands out, and what to write into the
//! policy.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::layout::{Columns, table, wrapped};
use crate::sim::report::text::{counted, hours};
use crate::units::Span;

use super::{Advice, Trial, written};

/// All that is said, in lines of at most so many columns but for the table.
pub fn text(advice: &Advice, width: usize) -> String {
    let mut text = heading(advice) + "\n\n";
    text += &table(Columns::Figures, rows(advice));
    text += "\n";
    for sentence in conclusion(advice) {
        text += &wrapped(&sentence, width, "", "");
    }
    if let Some(best) = advice.best().filter(|best| advice.is_change(best)) {
        text += "\n";
        text += &lines(advice, best);
    }
    text
}

/// What was replayed, in a line.
pub(super) fn heading(advice: &Advice) -> String {
    let first = advice.first_day.format("%a %-d %b %Y");
    format!(
        "{}, pool {}: {} from {first} ({}), {}",
        advice.policy,
        advice.pool,
        counted(advice.days.into(), "day"),
        advice.time_zone,
        advice.usage
    )
}

fn rows(advice: &Advice) -> Vec<Vec<String>> {
    let cost = match &advice.currency {
        Some(currency) => format!("cost {currency}"),
        None => "ready".into(),
    };
    let head = [
        "idle timeout",
        "spare",
        &cost,
        "waited",
        "median",
        "p95",
        "mean",
        "never",
        "lost",
        "",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(advice.trials.iter().enumerate().map(|(at, trial)| {
        let of = |seconds| Span::seconds(seconds).to_string();
        let mut marks = Vec::new();
        marks.extend((at == advice.now).then_some("now"));
        marks.extend((Some(at) == advice.knee).then_some("knee"));
        marks.extend((!trial.on_front).then_some("beaten"));
        vec![
            written(trial.idle_timeout),
            trial.spare.to_string(),
            amount(trial),
            format!("{} of {}", trial.waited, trial.visits),
            of(trial.median_wait_seconds),
            of(trial.p95_wait_seconds),
            mean(trial),
            trial.never.to_string(),
            trial.lost.to_string(),
            marks.join(", "),
        ]
    }));
    rows
}

/// What a setting costs, in money or in time.
pub(super) fn amount(trial: &Trial) -> String {
    trial
        .cost
        .map_or_else(|| hours(trial.ready_minutes), |cost| cost.to_string())
}

/// Waiting per visit, to the second.
fn mean(trial: &Trial) -> String {
    let seconds = trial.mean_wait().round().to_i64();
    Span::seconds(seconds.unwrap_or(i64::MAX)).to_string()
}

/// What follows from the table: a sentence each.
pub(super) fn conclusion(advice: &Advice) -> Vec<String> {
    let Some(best) = advice.best() else {
        return vec![
            "There is no knee: along the front, waiting is bought at the same price or a falling \
             one. Choose what waiting is worth; any row that is not beaten is as good as another."
                .into(),
        ];
    };
    let why = match advice.knee {
        Some(_) => {
            "What is dearer saves little waiting for its money; what is cheaper costs much of it."
        }
        None => "Nothing else that was tried is cheaper, or makes clients wait less.",
    };
    let setting = format!(
        "idle_timeout {} and spare {}",
        written(best.idle_timeout),
        best.spare
    );
    if !advice.is_change(best) {
        return vec![format!("Keep {setting}. {why}")];
    }
    vec![format!(
        "Take {setting}. {why} {}",
        difference(advice, best)
    )]
}

fn difference(advice: &Advice, best: &Trial) -> String {
    let now = &advice.trials[advice.now];
    let cost = best.price() - now.price();
    let unit = match &advice.currency {
        Some(currency) => format!("{} {currency}", cost.abs()),
        None => hours(best.ready_minutes.abs_diff(now.ready_minutes)),
    };
    let cost = match cost.cmp(&Decimal::ZERO) {
        std::cmp::Ordering::Less => format!("{unit} less"),
        std::cmp::Ordering::Equal => "as much".into(),
        std::cmp::Ordering::Greater => format!("{unit} more"),
    };
    let (then, before) = (mean(best), mean(now));
    let wait = match then == before {
        true => format!("clients would have waited {then} as before"),
        false => format!("clients would have waited {then} instead of {before}"),
    };
    let days = counted(advice.days.into(), "day");
    let verb = if advice.currency.is_some() {
        "cost"
    } else {
        "billed"
    };
    format!("In these {days} it would have {verb} {cost}, and on average {wait}.")
}

/// The lines of the policy that change.
fn lines(advice: &Advice, best: &Trial) -> String {
    let now = advice.trials[advice.now].setting();
    let mut text = format!("[[pool]]  # {}\n", advice.pool);
    if best.idle_timeout != now.idle_timeout {
        let (new, old) = (written(best.idle_timeout), written(now.idle_timeout));
        text += &format!("idle_timeout = \"{new}\"  # was \"{old}\"\n");
    }
    if best.spare != now.spare {
        text += &format!("spare = {}  # was {}\n", best.spare, now.spare);
    }
    text
}

impl Advice {
    /// Whether a setting is another than the policy's own.
    pub(super) fn is_change(&self, trial: &Trial) -> bool {
        trial.setting() != self.trials[self.now].setting()
    }
}

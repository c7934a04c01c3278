//! The bars: what each day cost, pool upon pool, with the daily bound.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::keeper::PeriodKind;
use crate::sim::report::figures::{DayFigures, Report};
use crate::sim::usage::midnight;
use crate::units::Money;

use super::axis;
use super::canvas::{Canvas, EDGE, LETTER, WIDTH, short};

/// Height of the bars of days.
const BARS: i64 = 1_100;
/// How many pools have a colour of their own; the others share the last.
const SHADES: usize = 8;

/// Draws the bars and their scale, which reaches up to `dearest`.
pub(super) fn bars(canvas: &mut Canvas, report: &Report, dearest: Money) {
    let head = format!("Cost of each day, in {}", report.currency);
    canvas.text(EDGE, canvas.y, "head", &head);
    if report.pools.len() > 1 {
        let after = EDGE + LETTER * 4 / 3 * i64::try_from(head.chars().count()).unwrap_or(0) + 200;
        canvas.swatches(after, pools(report).into_iter());
    }
    canvas.y += 200;
    let bottom = canvas.y + BARS;
    let step = nice_step(dearest.decimal());
    let mut most = step;
    while most < dearest.decimal() {
        most += step;
    }
    let height = |amount: Decimal| {
        (amount * Decimal::from(BARS) / most)
            .trunc()
            .to_i64()
            .unwrap_or(0)
    };
    let mut line = Decimal::ZERO;
    while line <= most {
        let y = bottom - height(line);
        canvas.line("grid", (canvas.left, y), (WIDTH - EDGE, y));
        canvas.text(
            canvas.left - 100,
            y + 40,
            "end quiet",
            &line.normalize().to_string(),
        );
        line += step;
    }
    let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
    for day in report.daily.iter().filter(|d| d.cost > Money::ZERO) {
        let next = day.date.succ_opt().map_or(report.to, |d| midnight(d, zone));
        let (from, to) = (
            canvas.x(report, midnight(day.date, zone)),
            canvas.x(report, next),
        );
        let (gap, mut below) = ((to - from) / 6, 0);
        for (shade, reaches) in parts(day) {
            let above = height(reaches);
            canvas.rect(
                &shade,
                from + gap,
                bottom - above,
                to - from - 2 * gap,
                above - below,
            );
            below = above;
        }
    }
    if let Some(bound) = daily_bound(report) {
        let y = bottom - height(bound.decimal());
        canvas.line("bound", (canvas.left, y), (WIDTH - EDGE, y));
        canvas.text(
            WIDTH - EDGE - 40,
            y - 50,
            "end bound-text",
            &format!("daily budget {bound}"),
        );
    }
    axis::days(canvas, report, bottom, bottom);
    canvas.y = bottom + 300;
}

/// The daily bound of the whole policy.
pub(super) fn daily_bound(report: &Report) -> Option<Money> {
    let whole = report
        .budgets
        .iter()
        .find(|b| b.pool.is_none() && b.period == PeriodKind::Day);
    whole.map(|b| b.limit)
}

/// The colour of a pool's part of a bar, by its place in the policy.
pub(super) fn shade(pool: usize) -> String {
    format!("shade-{}", pool.min(SHADES - 1))
}

/// The pools by their colours, in the order of the policy.
fn pools(report: &Report) -> Vec<(String, String)> {
    let names = report.pools.iter().map(|p| short(p.pool.as_str()));
    let mut pools: Vec<_> = names
        .enumerate()
        .take(SHADES)
        .map(|(n, name)| (shade(n), name))
        .collect();
    if report.pools.len() > SHADES
        && let Some(last) = pools.last_mut()
    {
        last.1 = "others".into();
    }
    pools
}

/// A day's bar: the colour of each part, and which amount it reaches up to.
pub(super) fn parts(day: &DayFigures) -> Vec<(String, Decimal)> {
    let mut sum = Decimal::ZERO;
    let mut parts = Vec::new();
    for (n, pool) in day
        .pools
        .iter()
        .enumerate()
        .filter(|(_, p)| p.cost > Money::ZERO)
    {
        sum += pool.cost.decimal();
        parts.push((shade(n), sum.min(day.cost.decimal())));
    }
    // Each pool's cost is rounded by itself, and pools of older policies have none.
    match parts.last_mut() {
        Some(last) => last.1 = day.cost.decimal(),
        None => parts.push((shade(0), day.cost.decimal())),
    }
    parts
}

/// A step of 1, 2 or 5 times a power of ten that divides an amount into two to five parts.
pub(in crate::sim) fn nice_step(most: Decimal) -> Decimal {
    let most = if most.is_zero() { Decimal::ONE } else { most };
    let mut unit = Decimal::new(1, 2);
    loop {
        for factor in [1, 2, 5] {
            let step = unit * Decimal::from(factor);
            if most <= step * Decimal::from(5) {
                return step;
            }
        }
        // Amounts are below a billion each: a few dozen rounds at the most.
        unit *= Decimal::TEN;
    }
}

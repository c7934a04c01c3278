//! A report as a picture: figures, a lane for each slot, and what each day cost. One file, nothing
//! else is needed to show it.
//!
//! Coordinates are tenths of a pixel, in whole numbers. Every text is escaped.

use std::fmt::{self, Write};

use chrono::{Datelike, Weekday};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::units::{Money, Span, Timestamp};

use super::text::{counted, hours};
use super::timeline::{Lane, SlotPhase};
use super::{DayFigures, Report};
use crate::sim::usage::midnight;

/// Width of the picture.
const WIDTH: i64 = 12_000;
/// Free space at the edges.
const EDGE: i64 = 280;
/// Height of a lane, its gap to the next included.
const LANE: i64 = 200;
/// Height of the bars of days.
const BARS: i64 = 1_100;
/// How many pools have a colour of their own; the others share the last.
const SHADES: usize = 8;
/// Width of a character of a label.
const LETTER: i64 = 72;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 32;

/// A length in tenths of a pixel.
#[derive(Clone, Copy)]
struct Px(i64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 10 == 0 {
            return write!(f, "{}", self.0 / 10);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", self.0.abs() / 10, self.0.abs() % 10)
    }
}

/// The picture of one report, or of several below each other with the same scales.
pub fn svg(reports: &[&Report]) -> String {
    let dearest = reports
        .iter()
        .flat_map(|r| r.daily.iter().map(|d| d.cost).chain(daily_bound(r)))
        .max();
    let dearest = dearest.unwrap_or(Money::ZERO);
    let label = |lane: &Lane| short(&lane.slot.to_string()).chars().count();
    let longest = reports
        .iter()
        .flat_map(|r| r.slots.iter().map(label))
        .max()
        .unwrap_or(0);
    let left = EDGE + LETTER * i64::try_from(longest.max(7)).unwrap_or(0) + 100;
    let mut canvas = Canvas {
        body: String::new(),
        left,
        y: EDGE,
    };
    for report in reports {
        canvas.report(report, dearest);
    }
    let height = Px(canvas.y);
    let (width, body) = (Px(WIDTH), canvas.body);
    format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{}</title>
<style>
text {{ font-family: "Inter", "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; font-size: 12px; fill: #1d2530 }}
.title {{ font-size: 22px; font-weight: 600 }} .head {{ font-size: 14px; font-weight: 600 }}
.figure {{ font-size: 24px; font-weight: 600 }} .quiet {{ fill: #5b6675 }} .end {{ text-anchor: end }} .mid {{ text-anchor: middle }}
.grid {{ stroke: #d5dae1; stroke-width: 1 }} .week {{ stroke: #aab3bf; stroke-width: 1 }} .bound {{ stroke: #b3261e; stroke-width: 1.5; stroke-dasharray: 6 3 }}
.held {{ fill: #1b5e8c }} .ready {{ fill: #f0b64a }} .booting {{ fill: #8e7cc3 }} .over-budget {{ fill: #cf4436 }} .closed {{ fill: #e3e7ec }} .empty {{ fill: #f7f8fa }} 
.swatch {{ stroke: #aab3bf; stroke-width: 0.5 }} .bound-text {{ fill: #b3261e }}
.shade-0 {{ fill: #4d7ea8 }} .shade-1 {{ fill: #e0a030 }} .shade-2 {{ fill: #5a9e6f }} .shade-3 {{ fill: #a05195 }}
.shade-4 {{ fill: #c9604b }} .shade-5 {{ fill: #6fb6c9 }} .shade-6 {{ fill: #8d7b52 }} .shade-7 {{ fill: #aab3bf }}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
{body}</svg>
"##,
        escaped(&title(reports))
    )
}

fn title(reports: &[&Report]) -> String {
    let names: Vec<&str> = reports.iter().map(|r| r.policy.as_str()).collect();
    format!("What {} would cost", names.join(" and "))
}

/// The daily bound of the whole policy.
fn daily_bound(report: &Report) -> Option<Money> {
    let whole = report
        .budgets
        .iter()
        .find(|b| b.pool.is_none() && b.period == crate::keeper::PeriodKind::Day);
    whole.map(|b| b.limit)
}

struct Canvas {
    body: String,
    /// Where lanes and bars begin.
    left: i64,
    /// How far down the picture is drawn.
    y: i64,
}

impl Canvas {
    fn text(&mut self, x: i64, y: i64, class: &str, text: &str) {
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" class="{class}">{}</text>"#,
            Px(x),
            Px(y),
            escaped(text)
        );
    }

    fn line(&mut self, class: &str, from: (i64, i64), to: (i64, i64)) {
        let (x1, y1, x2, y2) = (Px(from.0), Px(from.1), Px(to.0), Px(to.1));
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        );
    }

    fn rect(&mut self, class: &str, x: i64, y: i64, width: i64, height: i64) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width), Px(height));
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
    }

    fn report(&mut self, report: &Report, dearest: Money) {
        let first = report
            .daily
            .first()
            .map(|d| d.date.format("%-d %B %Y").to_string())
            .unwrap_or_default();
        let days = counted(report.days.into(), "day");
        self.text(
            EDGE,
            self.y + 180,
            "title",
            &format!("What {} would cost", report.policy),
        );
        let said = format!(
            "{days} from {first} ({}), {}",
            report.time_zone, report.usage
        );
        self.text(EDGE, self.y + 390, "quiet", &said);
        self.y += 640;
        self.figures(report);
        self.text(EDGE, self.y, "head", "Slots");
        self.legend(report);
        self.y += 170;
        self.lanes(report);
        if report.priced {
            self.bars(report, dearest);
        }
        self.y += EDGE;
    }

    /// The figures that matter, side by side.
    fn figures(&mut self, report: &Report) {
        let (total, currency) = (&report.total, &report.currency);
        let (clients, ready) = (&total.clients, total.ready_minutes.max(1));
        let wait = clients.cold_wait.map_or_else(
            || "nobody waited".to_owned(),
            |w| {
                format!(
                    "waited, median {}, longest {}",
                    Span::seconds(w.median_seconds),
                    Span::seconds(w.max_seconds)
                )
            },
        );
        let cost = match report.priced {
            true => (
                format!("{} {currency}", total.cost),
                format!("{} Ready", hours(total.ready_minutes)),
            ),
            false => (
                hours(total.ready_minutes),
                "Ready; the policy names no prices".into(),
            ),
        };
        let wasted = if report.priced {
            format!("wasted, {} {currency}", total.wasted_cost)
        } else {
            "wasted".into()
        };
        let figures = [
            cost,
            (
                format!("{}%", total.held_minutes * 100 / ready),
                format!("held, {}", hours(total.held_minutes)),
            ),
            (hours(total.wasted_minutes), wasted),
            (format!("{} of {}", clients.cold, clients.visits), wait),
            (
                clients.never.to_string(),
                format!("never got one; {} lost one", clients.lost),
            ),
        ];
        // In percent of the width: as wide as the words below need.
        for ((figure, words), place) in figures.into_iter().zip([0, 19, 35, 55, 82]) {
            let x = EDGE + (WIDTH - 2 * EDGE) * place / 100;
            self.text(x, self.y + 160, "figure", &figure);
            self.text(x, self.y + 350, "quiet", &words);
        }
        self.y += 720;
    }

    fn legend(&mut self, report: &Report) {
        let present = |s: &SlotPhase| {
            report
                .slots
                .iter()
                .any(|l| l.segments.iter().any(|x| x.state == *s))
        };
        let states = SlotPhase::ALL.into_iter().rev().filter(present);
        self.swatches(
            self.left,
            states.map(|state| (class(state).into(), state.words().into())),
        );
    }

    /// Colours and what they stand for, side by side as far as there is room.
    fn swatches(&mut self, mut x: i64, of: impl Iterator<Item = (String, String)>) {
        for (class, words) in of {
            let wide = 170 + LETTER * i64::try_from(words.chars().count()).unwrap_or(0) + 250;
            if x + wide > WIDTH - EDGE {
                return self.text(x, self.y, "quiet", "…");
            }
            self.rect(&format!("{class} swatch"), x, self.y - 95, 110, 110);
            self.text(x + 170, self.y, "", &words);
            x += wide;
        }
    }

    fn x(&self, report: &Report, at: Timestamp) -> i64 {
        let (passed, whole) = (
            (at - report.from).as_millis(),
            (report.to - report.from).as_millis().max(1),
        );
        // At most a century in milliseconds times the picture's width: far inside 64 bits.
        self.left + (WIDTH - EDGE - self.left) * passed / whole
    }

    fn lanes(&mut self, report: &Report) {
        let top = self.y;
        for lane in &report.slots {
            let name = short(&lane.slot.to_string());
            self.text(self.left - 100, self.y + 125, "end", &name);
            for state in SlotPhase::ALL {
                let mut path = String::new();
                for stretch in lane.segments.iter().filter(|s| s.state == state) {
                    let (from, to) = (self.x(report, stretch.from), self.x(report, stretch.to));
                    // However short a session was, it can be seen.
                    let width = (to - from).max(if state > SlotPhase::Closed { 6 } else { 0 });
                    let _ = write!(
                        path,
                        "M{},{}h{}v{}h-{2}z",
                        Px(from),
                        Px(self.y + 20),
                        Px(width),
                        Px(LANE - 40)
                    );
                }
                if !path.is_empty() {
                    let _ = writeln!(self.body, r#"<path class="{}" d="{path}"/>"#, class(state));
                }
            }
            self.y += LANE;
        }
        self.days(report, top, self.y);
        self.y += 480;
    }

    /// Lines and labels at midnights, as close as they have room.
    fn days(&mut self, report: &Report, top: i64, bottom: i64) {
        let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
        let wide = (WIDTH - EDGE - self.left) / i64::from(report.days.max(1));
        for day in &report.daily {
            let x = self.x(report, midnight(day.date, zone));
            let monday = day.date.weekday() == Weekday::Mon;
            if wide >= 40 || monday {
                self.line(if monday { "week" } else { "grid" }, (x, top), (x, bottom));
            }
            let form = match wide {
                600.. => "%a %-d %b",
                220.. => "%-d",
                20.. if monday => "%-d %b",
                _ if day.date.day() == 1 => "%b",
                _ => continue,
            };
            self.text(
                x + wide / 2,
                bottom + 160,
                "mid quiet",
                &day.date.format(form).to_string(),
            );
        }
        let end = self.x(report, report.to);
        self.line("grid", (end, top), (end, bottom));
    }

    /// What each day cost, pool upon pool, with the daily bound.
    fn bars(&mut self, report: &Report, dearest: Money) {
        let head = format!("Cost of each day, in {}", report.currency);
        self.text(EDGE, self.y, "head", &head);
        if report.pools.len() > 1 {
            let after =
                EDGE + LETTER * 4 / 3 * i64::try_from(head.chars().count()).unwrap_or(0) + 200;
            self.swatches(after, pools(report).into_iter());
        }
        self.y += 200;
        let bottom = self.y + BARS;
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
            self.line("grid", (self.left, y), (WIDTH - EDGE, y));
            self.text(
                self.left - 100,
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
                self.x(report, midnight(day.date, zone)),
                self.x(report, next),
            );
            let (gap, mut below) = ((to - from) / 6, 0);
            for (shade, reaches) in parts(day) {
                let above = height(reaches);
                self.rect(
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
            self.line("bound", (self.left, y), (WIDTH - EDGE, y));
            self.text(
                WIDTH - EDGE - 40,
                y - 50,
                "end bound-text",
                &format!("daily budget {bound}"),
            );
        }
        self.days(report, bottom, bottom);
        self.y = bottom + 300;
    }
}

/// The colour of a pool's part of a bar, by its place in the policy.
fn shade(pool: usize) -> String {
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
fn parts(day: &DayFigures) -> Vec<(String, Decimal)> {
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
fn nice_step(most: Decimal) -> Decimal {
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

const fn class(state: SlotPhase) -> &'static str {
    match state {
        SlotPhase::Empty => "empty",
        SlotPhase::Closed => "closed",
        SlotPhase::OverBudget => "over-budget",
        SlotPhase::Booting => "booting",
        SlotPhase::Ready => "ready",
        SlotPhase::Held => "held",
    }
}

/// A label, cut where it is too long.
fn short(label: &str) -> String {
    let length = label.chars().count();
    if length <= LONGEST_LABEL {
        return label.into();
    }
    // The end tells the slots of one pool apart.
    format!(
        "…{}",
        label
            .chars()
            .skip(length + 1 - LONGEST_LABEL)
            .collect::<String>()
    )
}

/// Text as it may stand in XML. What XML cannot hold at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::testing::{heading, policy, record};

    fn report() -> Report {
        Report::of(&record(), &policy(), &heading())
    }

    #[test]
    fn a_picture_is_well_formed_and_has_a_lane_for_each_slot_and_a_part_of_a_bar_for_each_day_and_pool()
     {
        let report = report();
        let text = svg(&[&report]);
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let texts: Vec<&str> = document.descendants().filter_map(|n| n.text()).collect();
        for lane in &report.slots {
            assert!(texts.contains(&lane.slot.to_string().as_str()), "{texts:?}");
        }
        let parts = |pool: usize| {
            let costs = report
                .daily
                .iter()
                .filter(|d| d.pools[pool].cost > Money::ZERO)
                .count();
            let class = shade(pool);
            let drawn = document
                .descendants()
                .filter(|n| n.attribute("class") == Some(class.as_str()))
                .count();
            (costs, drawn)
        };
        assert!(
            (0..report.pools.len()).all(|pool| parts(pool).0 == parts(pool).1) && parts(0).0 > 0
        );
        assert!(
            !text.contains("href") && !text.contains("url("),
            "it needs nothing else to be shown"
        );
    }

    #[test]
    fn two_reports_make_one_picture_with_one_scale() {
        let (one, mut two) = (report(), report());
        two.daily[0].cost = "400".parse().expect("money");
        let text = svg(&[&one, &two]);
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let steps = document
            .descendants()
            .filter(|n| n.is_element() && n.text() == Some("400"))
            .count();
        assert_eq!(steps, 2);
    }

    #[test]
    fn the_parts_of_a_bar_reach_what_the_day_cost() {
        for day in report().daily.iter().filter(|d| d.cost > Money::ZERO) {
            let parts = parts(day);
            assert!(parts.is_sorted_by_key(|(_, reaches)| *reaches), "{parts:?}");
            assert_eq!(
                parts.last().map(|(_, reaches)| *reaches),
                Some(day.cost.decimal())
            );
        }
    }

    #[test]
    fn steps_of_the_scale_are_round_and_few() {
        for (most, step) in [
            ("0", "0.2"),
            ("0.01", "0.01"),
            ("4.9", "1"),
            ("42", "10"),
            ("99", "20"),
            ("60000", "20000"),
        ] {
            let (most, step): (Decimal, Decimal) = (
                most.parse().expect("a number"),
                step.parse().expect("a number"),
            );
            assert_eq!(nice_step(most), step, "{most}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_or_a_usage_is_called_the_picture_is_well_formed(policy in any::<String>(), usage in ".{0,40}") {
            let report = Report { policy, usage, ..report() };
            let text = svg(&[&report]);
            prop_assert!(roxmltree::Document::parse(&text).is_ok());
        }

        #[test]
        fn no_rectangle_leaves_the_picture(from in 0i64..4_000, length in 1i64..4_000) {
            let mut report = report();
            report.to = report.from + Span::minutes(from + length);
            let canvas = Canvas { body: String::new(), left: 1_000, y: 0 };
            let x = canvas.x(&report, report.from + Span::minutes(from));
            prop_assert!((1_000..=WIDTH - EDGE).contains(&x));
        }
    }
}

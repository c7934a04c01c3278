//! A report as a picture: figures, a lane for each slot, and what each day cost. One file, nothing
//! else is needed to show it.

mod axis;
mod bars;
pub(in crate::sim) mod canvas;
mod document;
mod lanes;

use crate::units::{Money, Span};

use super::figures::Report;
use super::text::{counted, hours};
use super::timeline::{Lane, SlotPhase};

use self::canvas::{Canvas, EDGE, LETTER, WIDTH, short};

pub(in crate::sim) use self::bars::nice_step;
pub(in crate::sim) use self::document::document;

/// The picture of one report, or of several below each other with the same scales.
pub fn svg(reports: &[&Report]) -> String {
    let dearest = reports
        .iter()
        .flat_map(|r| r.daily.iter().map(|d| d.cost).chain(bars::daily_bound(r)))
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
        self::report(&mut canvas, report, dearest);
    }
    document(canvas, &title(reports))
}

fn title(reports: &[&Report]) -> String {
    let names: Vec<&str> = reports.iter().map(|r| r.policy.as_str()).collect();
    format!("What {} would cost", names.join(" and "))
}

/// One report, below what is there.
fn report(canvas: &mut Canvas, report: &Report, dearest: Money) {
    let first = report
        .daily
        .first()
        .map(|d| d.date.format("%-d %B %Y").to_string())
        .unwrap_or_default();
    let days = counted(report.days.into(), "day");
    canvas.text(
        EDGE,
        canvas.y + 180,
        "title",
        &format!("What {} would cost", report.policy),
    );
    let said = format!(
        "{days} from {first} ({}), {}",
        report.time_zone, report.usage
    );
    canvas.text(EDGE, canvas.y + 390, "quiet", &said);
    canvas.y += 640;
    figures(canvas, report);
    canvas.text(EDGE, canvas.y, "head", "Slots");
    legend(canvas, report);
    canvas.y += 170;
    lanes::lanes(canvas, report);
    if report.priced {
        bars::bars(canvas, report, dearest);
    }
    canvas.y += EDGE;
}

/// The figures that matter, side by side.
fn figures(canvas: &mut Canvas, report: &Report) {
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
        canvas.text(x, canvas.y + 160, "figure", &figure);
        canvas.text(x, canvas.y + 350, "quiet", &words);
    }
    canvas.y += 720;
}

fn legend(canvas: &mut Canvas, report: &Report) {
    let present = |s: &SlotPhase| {
        report
            .slots
            .iter()
            .any(|l| l.segments.iter().any(|x| x.state == *s))
    };
    let states = SlotPhase::ALL.into_iter().rev().filter(present);
    canvas.swatches(
        canvas.left,
        states.map(|state| (lanes::class(state).into(), state.words().into())),
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::bars::{parts, shade};
    use super::*;
    use crate::sim::testing::{heading, policy, record};

    fn report() -> Report {
        Report::of(&record(), &policy(), &heading())
    }

    #[test]
    fn a_picture_is_well_formed_and_has_a_lane_for_each_slot_and_bars_for_each_pool() {
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
        fn whatever_a_file_or_a_usage_is_called_the_picture_is_well_formed(
            policy in any::<String>(),
            usage in ".{0,40}",
        ) {
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

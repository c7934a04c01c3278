//! The axis of time below lanes and bars: lines and labels at midnights, as close as they have
//! room.

use chrono::{Datelike, Weekday};
use chrono_tz::Tz;

use crate::sim::report::figures::Report;
use crate::sim::usage::midnight;

use super::canvas::{Canvas, EDGE, WIDTH};

/// Draws the lines from `top` to `bottom`, and the labels below.
pub(super) fn days(canvas: &mut Canvas, report: &Report, top: i64, bottom: i64) {
    let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
    let wide = (WIDTH - EDGE - canvas.left) / i64::from(report.days.max(1));
    for day in &report.daily {
        let x = canvas.x(report, midnight(day.date, zone));
        let monday = day.date.weekday() == Weekday::Mon;
        if wide >= 40 || monday {
            canvas.line(if monday { "week" } else { "grid" }, (x, top), (x, bottom));
        }
        let form = match wide {
            600.. => "%a %-d %b",
            220.. => "%-d",
            20.. if monday => "%-d %b",
            _ if day.date.day() == 1 => "%b",
            _ => continue,
        };
        canvas.text(
            x + wide / 2,
            bottom + 160,
            "mid quiet",
            &day.date.format(form).to_string(),
        );
    }
    let end = canvas.x(report, report.to);
    canvas.line("grid", (end, top), (end, bottom));
}

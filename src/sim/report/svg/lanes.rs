//! The lanes: for each slot, what it was when.

use std::fmt::Write;

use crate::sim::report::figures::Report;
use crate::sim::report::timeline::SlotPhase;

use super::axis;
use super::canvas::{Canvas, Px, short};

/// Height of a lane, its gap to the next included.
const LANE: i64 = 200;

/// Draws a lane for each slot, and the axis of time below.
pub(super) fn lanes(canvas: &mut Canvas, report: &Report) {
    let top = canvas.y;
    for lane in &report.slots {
        let name = short(&lane.slot.to_string());
        canvas.text(canvas.left - 100, canvas.y + 125, "end", &name);
        for state in SlotPhase::ALL {
            let mut path = String::new();
            for stretch in lane.segments.iter().filter(|s| s.state == state) {
                let (from, to) = (canvas.x(report, stretch.from), canvas.x(report, stretch.to));
                // However short a session was, it can be seen.
                let width = (to - from).max(if state > SlotPhase::Closed { 6 } else { 0 });
                let _ = write!(
                    path,
                    "M{},{}h{}v{}h-{2}z",
                    Px(from),
                    Px(canvas.y + 20),
                    Px(width),
                    Px(LANE - 40)
                );
            }
            if !path.is_empty() {
                let _ = writeln!(
                    canvas.body,
                    r#"<path class="{}" d="{path}"/>"#,
                    class(state)
                );
            }
        }
        canvas.y += LANE;
    }
    axis::days(canvas, report, top, canvas.y);
    canvas.y += 480;
}

/// The style of a slot's state.
pub(super) const fn class(state: SlotPhase) -> &'static str {
    match state {
        SlotPhase::Empty => "empty",
        SlotPhase::Closed => "closed",
        SlotPhase::OverBudget => "over-budget",
        SlotPhase::Booting => "booting",
        SlotPhase::Ready => "ready",
        SlotPhase::Held => "held",
    }
}

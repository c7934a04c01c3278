//! The timeline: for each slot, what it was when; and the same as one line of characters.
//!
//! Where a slot has two sessions, as during a rollover, the one that is more use to somebody is
//! shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;
use serde::Serialize;

use crate::policy::Policy;
use crate::units::{SlotId, Span, Timestamp};

use crate::sim::run::record::Record;

/// What a slot is. Of two at once, the later one here is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotPhase {
    /// The schedule is open, and nobody needs a session.
    Empty,
    /// The schedule is closed.
    Closed,
    /// A session is wanted, and no budget allows it.
    OverBudget,
    /// A server is being found and booted.
    Booting,
    /// Ready, and nobody holds it.
    Ready,
    /// Ready, and somebody holds it.
    Held,
}

impl SlotPhase {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Empty,
        Self::Closed,
        Self::OverBudget,
        Self::Booting,
        Self::Ready,
        Self::Held,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Closed => "closed",
            Self::OverBudget => "over budget",
            Self::Booting => "booting",
            Self::Ready => "ready, unused",
            Self::Held => "held",
        }
    }

    /// As a character.
    const fn character(self) -> char {
        match self {
            Self::Empty => '·',
            Self::Closed => ' ',
            Self::OverBudget => '!',
            Self::Booting => ':',
            Self::Ready => '░',
            Self::Held => '█',
        }
    }
}

/// Held for less than most of a character's time.
const HELD_IN_PART: char = '▄';

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// What the slot is.
    pub state: SlotPhase,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// One slot's line of time: stretches that follow each other without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// The slot.
    pub slot: SlotId,
    /// What it was.
    pub segments: Vec<Segment>,
}

/// A lane for each slot that was ever filled or kept empty by a budget, in the order of the policy.
/// A pool without any shows its first slot.
pub fn lanes(record: &Record, policy: &Policy) -> Vec<Lane> {
    let mut marks: BTreeMap<&SlotId, Vec<Segment>> = BTreeMap::new();
    for lived in &record.sessions {
        let marks = marks.entry(&lived.slot).or_default();
        let end = lived.ended.unwrap_or(record.to);
        let ready = lived.ready.unwrap_or(end);
        marks.push(Segment {
            state: SlotPhase::Booting,
            from: lived.created,
            to: ready.min(end),
        });
        marks.push(Segment {
            state: SlotPhase::Ready,
            from: ready,
            to: end,
        });
        marks.extend(lived.used.iter().map(|u| Segment {
            state: SlotPhase::Held,
            from: u.from,
            to: u.to.min(end),
        }));
    }
    for (slot, from, to) in &record.unaffordable {
        marks.entry(slot).or_default().push(Segment {
            state: SlotPhase::OverBudget,
            from: *from,
            to: *to,
        });
    }
    let mut lanes = Vec::new();
    for pool in &policy.pools {
        let mut closed = Vec::new();
        let mut at = record.from;
        while at < record.to {
            let until = pool
                .schedule
                .next_edge(at)
                .map_or(record.to, |e| e.at.min(record.to));
            let state = if pool.schedule.is_open(at) {
                SlotPhase::Empty
            } else {
                SlotPhase::Closed
            };
            closed.push(Segment {
                state,
                from: at,
                to: until,
            });
            at = until;
        }
        let first = SlotId {
            pool: pool.name.clone(),
            ordinal: 0,
        };
        let mut slots: BTreeSet<&SlotId> = marks
            .keys()
            .copied()
            .filter(|s| s.pool == pool.name)
            .collect();
        if slots.is_empty() {
            slots.insert(&first);
        }
        for slot in slots {
            let own = marks.get(slot).into_iter().flatten();
            let segments = lay(own.chain(&closed), record.from, record.to);
            lanes.push(Lane {
                slot: slot.clone(),
                segments,
            });
        }
    }
    lanes
}

/// Lays stretches over each other: at each instant the highest state shows.
fn lay<'a>(
    marks: impl Iterator<Item = &'a Segment>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Segment> {
    let mut edges = Vec::new();
    for mark in marks {
        let (start, end) = (mark.from.clamp(from, to), mark.to.clamp(from, to));
        if start < end {
            edges.extend([(start, 1i32, mark.state), (end, -1, mark.state)]);
        }
    }
    edges.sort_unstable();
    let (mut laid, mut at, mut open) = (Vec::<Segment>::new(), from, [0i32; SlotPhase::ALL.len()]);
    for (edge, change, state) in edges.into_iter().chain([(to, 0, SlotPhase::Empty)]) {
        if at < edge {
            let top = SlotPhase::ALL
                .into_iter()
                .rev()
                .find(|s| open[*s as usize] > 0)
                .unwrap_or(SlotPhase::Empty);
            match laid.last_mut().filter(|last| last.state == top) {
                Some(last) => last.to = edge,
                None => laid.push(Segment {
                    state: top,
                    from: at,
                    to: edge,
                }),
            }
            at = edge;
        }
        open[state as usize] += change;
    }
    laid
}

/// How long one character may stand for.
const INTERVALS: [Span; 15] = [
    Span::minutes(1),
    Span::minutes(2),
    Span::minutes(5),
    Span::minutes(10),
    Span::minutes(15),
    Span::minutes(30),
    Span::hours(1),
    Span::hours(2),
    Span::hours(3),
    Span::hours(4),
    Span::hours(6),
    Span::hours(8),
    Span::hours(12),
    Span::hours(24),
    Span::hours(24 * 7),
];

/// All lanes as lines of text, with a scale above and the legend below.
pub fn draw(lanes: &[Lane], from: Timestamp, to: Timestamp, zone: Tz, width: usize) -> String {
    let names: Vec<String> = lanes.iter().map(|l| l.slot.to_string()).collect();
    let margin = names.iter().map(|n| n.chars().count()).max().unwrap_or(0) + 2;
    let room = i64::try_from(width.saturating_sub(margin).max(20)).unwrap_or(i64::MAX);
    let columns = |step: Span| ((to - from).as_millis() + step.as_millis() - 1) / step.as_millis();
    let step = INTERVALS
        .into_iter()
        .find(|step| columns(*step) <= room)
        .unwrap_or(INTERVALS[INTERVALS.len() - 1]);
    let count = usize::try_from(columns(step)).unwrap_or(0);
    let mut out = format!("{:margin$}{}\n", "", scale(from, step, count, zone));
    for (lane, name) in lanes.iter().zip(&names) {
        let line: String = (0i64..)
            .take(count)
            .map(|i| character(lane, from + step.times(i), step))
            .collect();
        let _ = writeln!(out, "{name:margin$}{}", line.trim_end());
    }
    let drawn: String = out
        .lines()
        .skip(1)
        .flat_map(|l| l.chars().skip(margin))
        .collect();
    let mut marks: Vec<(char, &str)> = SlotPhase::ALL
        .into_iter()
        .rev()
        .map(|s| (s.character(), s.words()))
        .collect();
    marks.insert(1, (HELD_IN_PART, "held in part"));
    marks.retain(|(c, _)| *c != ' ' && drawn.contains(*c));
    let legend: Vec<String> = marks
        .into_iter()
        .map(|(c, words)| format!("{c} {words}"))
        .chain(["blank closed".into()])
        .collect();
    let _ = writeln!(
        out,
        "\n{:2}one character is {step}:  {}",
        "",
        legend.join("   ")
    );
    out
}

/// What takes most of a character's time; a use is shown however short it was.
fn character(lane: &Lane, from: Timestamp, step: Span) -> char {
    let mut times = [Span::ZERO; SlotPhase::ALL.len()];
    let begin = lane.segments.partition_point(|s| s.to <= from);
    for stretch in lane.segments[begin..]
        .iter()
        .take_while(|s| s.from < from + step)
    {
        times[stretch.state as usize] += stretch.to.min(from + step) - stretch.from.max(from);
    }
    let most = SlotPhase::ALL
        .into_iter()
        .max_by_key(|s| (times[*s as usize], *s))
        .unwrap_or(SlotPhase::Empty);
    if most != SlotPhase::Held && times[SlotPhase::Held as usize] > Span::ZERO {
        HELD_IN_PART
    } else {
        most.character()
    }
}

/// Marks above the characters: hours, days or Mondays, as close as they have room.
fn scale(from: Timestamp, step: Span, count: usize, zone: Tz) -> String {
    let local = |at: Timestamp| at.to_utc().with_timezone(&zone);
    let day = |date: NaiveDate| date.format("%a %-d").to_string();
    let mut line = vec![' '; count];
    let day_width = usize::try_from(Span::hours(24).as_millis() / step.as_millis()).unwrap_or(0);
    let mut free = 0;
    for (column, i) in (0..count).zip(0i64..) {
        let (now, before) = (local(from + step.times(i)), local(from + step.times(i - 1)));
        let new_day = column == 0 || now.date_naive() != before.date_naive();
        let text = match day_width {
            // Six-hour marks between the days.
            48.. if !new_day && now.hour() % 6 == 0 && now.hour() != before.hour() => {
                now.format("%H:%M").to_string()
            }
            8.. if new_day => day(now.date_naive()),
            1..8 if new_day && now.weekday() == chrono::Weekday::Mon => {
                now.format("Mon %-d %b").to_string()
            }
            0 if now.month() != before.month() => now.format("%b").to_string(),
            _ => continue,
        };
        let length = text.chars().count();
        if column >= free && column + length <= count {
            line.splice(column..column + length, text.chars());
            free = column + length + 1;
        }
    }
    line.into_iter().collect::<String>().trim_end().into()
}

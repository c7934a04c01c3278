//! What everything in the picture is drawn with: lengths, texts, lines and rectangles.
//!
//! Coordinates are tenths of a pixel, in whole numbers. Every text is escaped.

use std::fmt::{self, Write};

use crate::sim::report::figures::Report;
use crate::units::Timestamp;

/// Width of the picture.
pub(in crate::sim) const WIDTH: i64 = 12_000;
/// Free space at the edges.
pub(in crate::sim) const EDGE: i64 = 280;
/// Width of a character of a label.
pub(in crate::sim) const LETTER: i64 = 72;
/// The longest label, in characters.
pub(in crate::sim) const LONGEST_LABEL: usize = 32;

/// A length in tenths of a pixel.
#[derive(Clone, Copy)]
pub(in crate::sim) struct Px(pub(in crate::sim) i64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 10 == 0 {
            return write!(f, "{}", self.0 / 10);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", self.0.abs() / 10, self.0.abs() % 10)
    }
}

/// The picture so far.
pub(in crate::sim) struct Canvas {
    /// The elements.
    pub(in crate::sim) body: String,
    /// Where lanes and bars begin.
    pub(in crate::sim) left: i64,
    /// How far down the picture is drawn.
    pub(in crate::sim) y: i64,
}

impl Canvas {
    pub(in crate::sim) fn text(&mut self, x: i64, y: i64, class: &str, text: &str) {
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" class="{class}">{}</text>"#,
            Px(x),
            Px(y),
            escaped(text)
        );
    }

    pub(in crate::sim) fn line(&mut self, class: &str, from: (i64, i64), to: (i64, i64)) {
        let (x1, y1, x2, y2) = (Px(from.0), Px(from.1), Px(to.0), Px(to.1));
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        );
    }

    pub(in crate::sim) fn rect(&mut self, class: &str, x: i64, y: i64, width: i64, height: i64) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width), Px(height));
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
    }

    pub(in crate::sim) fn circle(&mut self, class: &str, x: i64, y: i64, radius: i64) {
        let (x, y, radius) = (Px(x), Px(y), Px(radius));
        let _ = writeln!(
            self.body,
            r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#
        );
    }

    /// Colours and what they stand for, side by side as far as there is room.
    pub(in crate::sim) fn swatches(
        &mut self,
        mut x: i64,
        of: impl Iterator<Item = (String, String)>,
    ) {
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

    /// How far to the right an instant stands.
    pub(in crate::sim) fn x(&self, report: &Report, at: Timestamp) -> i64 {
        let (passed, whole) = (
            (at - report.from).as_millis(),
            (report.to - report.from).as_millis().max(1),
        );
        // At most a century in milliseconds times the picture's width: far inside 64 bits.
        self.left + (WIDTH - EDGE - self.left) * passed / whole
    }
}

/// A label, cut where it is too long.
pub(in crate::sim) fn short(label: &str) -> String {
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
pub(in crate::sim) fn escaped(text: &str) -> String {
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

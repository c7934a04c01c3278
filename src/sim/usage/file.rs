//! Usage from a CSV file with the columns client, pool, from and to.
//!
//! Instants are RFC 3339, or a local `2026-03-02 09:00` in the policy's time zone. Every line that
//! cannot be used is found in one go, and named with line and column.

use std::ops::Range;

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::policy::{Diagnostic, Diagnostics, Policy, Severity, local_instant};
use crate::units::{PoolName, Timestamp};

use super::Visit;

/// The columns, in order.
const HEADER: [&str; 4] = ["client", "pool", "from", "to"];
/// The most visits that a file may have.
const MOST_VISITS: usize = 500_000;
/// The most problems that are reported of one file; the rest is counted.
const MOST_PROBLEMS: usize = 50;

/// Reads the visits of a file, in the order in which they begin.
///
/// # Errors
/// If any line cannot be used; all of them are reported.
pub fn read(file: &str, text: &str, policy: &Policy) -> Result<Vec<Visit>, Diagnostics> {
    let mut reading = Reading {
        text,
        policy,
        problems: Vec::new(),
        more: 0,
    };
    let mut visits = reading.lines();
    if reading.problems.is_empty() {
        visits.sort();
        return Ok(visits);
    }
    if let Some(last) = reading.problems.last_mut().filter(|_| reading.more > 0) {
        last.help = Some(format!("{} more problems are not shown", reading.more));
    }
    Err(Diagnostics {
        file: file.into(),
        text: text.into(),
        problems: reading.problems,
    })
}

struct Reading<'t> {
    text: &'t str,
    policy: &'t Policy,
    problems: Vec<Diagnostic>,
    more: usize,
}

impl Reading<'_> {
    fn problem(&mut self, span: Range<usize>, message: String, label: &str, help: Option<String>) {
        if self.problems.len() == MOST_PROBLEMS {
            self.more += 1;
            return;
        }
        self.problems.push(Diagnostic::of(
            self.text,
            Severity::Error,
            span,
            message,
            label.into(),
            help,
        ));
    }

    fn lines(&mut self) -> Vec<Visit> {
        let mut visits = Vec::new();
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All);
        for (number, record) in reader
            .from_reader(self.text.as_bytes())
            .records()
            .enumerate()
        {
            // The text is UTF-8 and in memory, and lines may differ in length: nothing is left that
            // could fail.
            let Ok(record) = record else { break };
            let start = record
                .position()
                .map_or(0, |p| usize::try_from(p.byte()).unwrap_or(0));
            let fields = fields(self.text, start);
            if number == 0 {
                if record.iter().ne(HEADER) {
                    let help = Some(format!(
                        "write {} there, and a visit in each line below",
                        HEADER.join(",")
                    ));
                    self.problem(
                        whole(&fields),
                        "the first line does not name the columns".into(),
                        "",
                        help,
                    );
                    return visits;
                }
                continue;
            }
            if visits.len() == MOST_VISITS {
                self.problem(
                    whole(&fields),
                    format!("more than {MOST_VISITS} visits"),
                    "the first one too many",
                    None,
                );
                break;
            }
            visits.extend(self.visit(&record, &fields));
        }
        if self.text.trim().is_empty() {
            self.problem(
                0..0,
                "the file is empty".into(),
                "",
                Some(format!("begin it with {}", HEADER.join(","))),
            );
        }
        visits
    }

    fn visit(&mut self, record: &csv::StringRecord, fields: &[Range<usize>]) -> Option<Visit> {
        let (Some(client), Some(pool), Some(from), Some(to), 4) = (
            record.get(0),
            record.get(1),
            record.get(2),
            record.get(3),
            record.len(),
        ) else {
            let message = format!("this line has {} fields instead of 4", record.len());
            self.problem(whole(fields), message, HEADER.join(",").as_str(), None);
            return None;
        };
        let span = |i: usize| fields.get(i).cloned().unwrap_or(0..0);
        if client.is_empty() {
            self.problem(whole(fields), "this visit has no client".into(), "", None);
        }
        let pool = self.pool(pool, span(1));
        let from = self.instant(from, true, span(2));
        let until = self.instant(to, false, span(3));
        let (pool, from, to) = (pool?, from?, until?);
        if to <= from {
            self.problem(
                span(3),
                "this visit does not end after it begins".into(),
                "not after `from`",
                None,
            );
            return None;
        }
        (!client.is_empty()).then(|| Visit {
            from,
            to,
            pool,
            client: client.into(),
        })
    }

    fn pool(&mut self, name: &str, span: Range<usize>) -> Option<PoolName> {
        let pools = &self.policy.pools;
        if let Some(pool) = pools.iter().find(|p| p.name.as_str() == name) {
            return Some(pool.name.clone());
        }
        let near = pools
            .iter()
            .map(|p| {
                (
                    strsim::damerau_levenshtein(p.name.as_str(), name),
                    p.name.as_str(),
                )
            })
            .min();
        let label = near
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, near)| format!("did you mean {near}?"));
        let names: Vec<&str> = pools.iter().map(|p| p.name.as_str()).collect();
        let help = Some(format!("the policy's pools are {}", names.join(", ")));
        self.problem(
            span,
            format!("the policy has no pool {name:?}"),
            label.as_deref().unwrap_or(""),
            help,
        );
        None
    }

    fn instant(&mut self, text: &str, begins: bool, span: Range<usize>) -> Option<Timestamp> {
        let found = instant(text, self.policy.time_zone, begins);
        if found.is_none() {
            let help = "write it like \"2026-03-02 09:00\", in the policy's time zone, \
                        or \"2026-03-02T08:00:00Z\"";
            self.problem(
                span,
                format!("{text:?} is not a date and time"),
                "",
                Some(help.into()),
            );
        }
        found
    }
}

/// An instant as a person or a program writes it.
fn instant(text: &str, zone: Tz, begins: bool) -> Option<Timestamp> {
    let local = |form| NaiveDateTime::parse_from_str(text, form).ok();
    let local = local("%Y-%m-%d %H:%M")
        .or_else(|| local("%Y-%m-%d %H:%M:%S"))
        .or_else(|| local("%Y-%m-%dT%H:%M"));
    local
        .map(|l| local_instant(l, zone, begins))
        .or_else(|| text.parse().ok())
}

/// The bytes of each field of the line that begins at a byte, quotes included.
fn fields(text: &str, start: usize) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    // The reader counts the end of the line before, and empty lines, as part of the next one.
    let mut from = start
        + bytes[start.min(bytes.len())..]
            .iter()
            .take_while(|b| b"\r\n".contains(b))
            .count();
    let (mut fields, mut quoted) = (Vec::new(), false);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                fields.push(from..at);
                from = at + 1;
            }
            b'\n' | b'\r' if !quoted => {
                fields.push(from..at);
                return fields;
            }
            _ => {}
        }
    }
    fields.push(from.min(bytes.len())..bytes.len());
    fields
}

/// The bytes of a whole line.
fn whole(fields: &[Range<usize>]) -> Range<usize> {
    fields.first().map_or(0, |f| f.start)..fields.last().map_or(0, |f| f.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::testing::policy;

    #[test]
    fn instants_are_local_or_rfc_3339_and_visits_come_in_order() {
        let text = "client,pool,from,to\r\n\
                    \"Bob, the second\",baking,2026-03-02 09:00,2026-03-02 10:30:30\r\n\r\n\
                    ann , review,2026-03-02T07:00:00Z,2026-03-02T12:00";
        let visits = read("u.csv", text, &policy()).expect("reads");
        let shown: Vec<String> = visits
            .iter()
            .map(|v| format!("{} {} {} {}", v.client, v.pool, v.from, v.to))
            .collect();
        assert_eq!(
            shown,
            [
                "ann review 2026-03-02T07:00:00Z 2026-03-02T11:00:00Z",
                "Bob, the second baking 2026-03-02T08:00:00Z 2026-03-02T09:30:30Z"
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_or_never_is_read_as_schedules_read_it() {
        let zone = chrono_tz::Europe::Berlin;
        let said = |t, begins| instant(t, zone, begins).expect("an instant").to_string();
        assert_eq!(said("2026-03-29 02:30", true), "2026-03-29T01:00:00Z");
        assert_eq!(said("2026-10-25 02:30", true), "2026-10-25T00:30:00Z");
        assert_eq!(said("2026-10-25 02:30", false), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn every_bad_line_is_told_in_one_go_with_line_and_column() {
        let text = "client,pool,from,to\n\
                    ann,reviev,2026-03-02 09:00,2026-03-02 10:00\n\
                    bob,baking,yesterday,2026-03-02\n\
                    \"c, d\",baking,2026-03-02 09:00\n,baking,2026-03-02 09:00,2026-03-02 10:00\n\
                    ém,baking,2026-03-02 09:00,2026-03-02 09:00\n";
        let problems = read("usage.csv", text, &policy()).expect_err("refused");
        let places: Vec<(usize, usize)> = problems
            .problems
            .iter()
            .map(|p| (p.line, p.column))
            .collect();
        assert_eq!(places, [(2, 5), (3, 12), (3, 22), (4, 1), (5, 1), (6, 28)]);
        insta::assert_snapshot!(problems);
    }

    #[test]
    fn a_file_without_its_first_line_and_an_empty_one_say_what_is_missing() {
        let said = |text| {
            read("usage.csv", text, &policy())
                .expect_err("refused")
                .to_string()
        };
        assert!(
            said("ann,review,2026-03-02 09:00,2026-03-02 10:00\n")
                .contains("write client,pool,from,to there")
        );
        assert!(said("\n").contains("the file is empty"));
    }

    #[test]
    fn of_very_many_problems_the_first_are_shown_and_the_rest_counted() {
        let text = format!("client,pool,from,to\n{}", "x\n".repeat(80));
        let said = read("usage.csv", &text, &policy())
            .expect_err("refused")
            .to_string();
        assert!(said.contains("30 more problems are not shown"), "{said}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_but_never_panics(
            text in "(client,pool,from,to\n)?[a,\"\r\n é0-9:-]{0,60}",
        ) {
            let _ = read("u", &text, &policy());
        }
    }
}

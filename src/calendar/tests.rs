//! Calendars as programs write them, and texts that nobody writes.

use proptest::prelude::*;

use super::expand::MOST_OCCURRENCES;
use super::{BadCalendar, DefaultZones, Horizon, Occurrence, occurrences};
use crate::units::{Span, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The year 2026 and the days around it.
fn year() -> Horizon {
    Horizon {
        from: at("2026-01-01T00:00:00Z"),
        to: at("2027-01-08T00:00:00Z"),
    }
}

fn zones() -> DefaultZones {
    DefaultZones {
        own: Some(chrono_tz::Europe::Berlin),
        last: chrono_tz::UTC,
    }
}

/// A calendar of some lines, each in its own, as programs write them.
fn calendar(lines: &str) -> String {
    let whole = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{lines}\nEND:VCALENDAR\n");
    whole.replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    calendar(&format!("BEGIN:VEVENT\nUID:one\n{lines}\nEND:VEVENT"))
}

fn found(text: &str) -> Vec<Occurrence> {
    occurrences(text, year(), zones()).expect("a calendar")
}

fn told(text: &str) -> Vec<String> {
    let one = |o: &Occurrence| {
        let busy = if o.busy { "" } else { " (free)" };
        format!("{} {} {}{busy}", o.from, o.to, o.summary)
    };
    found(text).iter().map(one).collect()
}

fn refused(text: &str) -> BadCalendar {
    occurrences(text, year(), zones()).expect_err("refused")
}

#[test]
fn google_exports_whole_days_and_moved_occurrences() {
    insta::assert_debug_snapshot!(told(include_str!("samples/google.ics")));
}

#[test]
fn outlook_names_zones_as_windows_does() {
    insta::assert_debug_snapshot!(told(include_str!("samples/outlook.ics")));
}

#[test]
fn nextcloud_exports_zones_with_their_rules_and_cancelled_occurrences() {
    insta::assert_debug_snapshot!(told(include_str!("samples/nextcloud.ics")));
}

#[test]
fn a_series_keeps_its_local_time_when_the_clock_is_changed() {
    let weekly = event(
        "DTSTART;TZID=Europe/Berlin:20260323T090000\nDTEND;TZID=Europe/Berlin:20260323T100000\n\
         RRULE:FREQ=WEEKLY;COUNT=2",
    );
    assert_eq!(
        told(&weekly),
        [
            "2026-03-23T08:00:00Z 2026-03-23T09:00:00Z ",
            "2026-03-30T07:00:00Z 2026-03-30T08:00:00Z "
        ]
    );
    // A time that the clock jumps over is the first after it, and one that comes twice is met once.
    let nightly = event("DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=2");
    assert_eq!(found(&nightly)[1].from, at("2026-03-29T01:00:00Z"));
    let nightly = event("DTSTART;TZID=Europe/Berlin:20261024T023000\nRRULE:FREQ=DAILY;COUNT=2");
    let starts: Vec<Timestamp> = found(&nightly).iter().map(|o| o.from).collect();
    assert_eq!(
        starts,
        [at("2026-10-24T00:30:00Z"), at("2026-10-25T00:30:00Z")]
    );
}

#[test]
fn the_end_of_a_series_in_utc_is_an_instant() {
    // The last one begins where the rule ends, which is another day in UTC.
    let tokyo = event(
        "DTSTART;TZID=Asia/Tokyo:20260308T080000\nDURATION:PT1H\n\
         RRULE:FREQ=DAILY;UNTIL=20260309T230000Z",
    );
    assert_eq!(found(&tokyo).len(), 3);
    let until_day = event(
        "DTSTART;TZID=Asia/Tokyo:20260308T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260310",
    );
    assert_eq!(found(&until_day), found(&tokyo));
}

#[test]
fn what_has_no_zone_is_in_the_calendars_or_the_readers() {
    let floating = event("DTSTART:20260601T090000\nDURATION:PT1H");
    assert_eq!(found(&floating)[0].from, at("2026-06-01T07:00:00Z"));
    let own = floating.replace("PRODID", "X-WR-TIMEZONE:America/New_York\r\nPRODID");
    assert_eq!(found(&own)[0].from, at("2026-06-01T13:00:00Z"));
    // Its days are the reader's, who has the pool, unless the reader has none.
    let day = event("DTSTART;VALUE=DATE:20260601")
        .replace("PRODID", "X-WR-TIMEZONE:Asia/Tokyo\r\nPRODID");
    assert_eq!(told(&day), ["2026-05-31T22:00:00Z 2026-06-01T22:00:00Z "]);
    let nobody = DefaultZones {
        own: None,
        ..zones()
    };
    let theirs = occurrences(&day, year(), nobody).expect("a calendar");
    assert_eq!(theirs[0].from, at("2026-05-31T15:00:00Z"));
}

#[test]
fn further_dates_count_and_excepted_ones_do_not() {
    let dates = event(
        "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3\n\
         RDATE;VALUE=DATE:20260201,20260202\n\
         EXDATE;VALUE=DATE:20260106\nEXDATE;VALUE=DATE:20260202",
    );
    let starts: Vec<String> = found(&dates).iter().map(|o| o.from.to_string()).collect();
    let expected = [
        "2026-01-04T23:00:00Z",
        "2026-01-06T23:00:00Z",
        "2026-01-31T23:00:00Z",
    ];
    assert_eq!(starts, expected);
    // A day stands for whatever begins on it.
    let day =
        event("DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260106");
    assert_eq!(found(&day).len(), 2);
    let period = event("DTSTART:20260105T090000Z\nRDATE;VALUE=PERIOD:20260110T090000Z/PT3H");
    let ends: Vec<Timestamp> = found(&period).iter().map(|o| o.to).collect();
    assert_eq!(
        ends,
        [at("2026-01-05T09:00:00Z"), at("2026-01-10T12:00:00Z")]
    );
}

#[test]
fn only_what_meets_the_horizon_is_told() {
    let old = event("DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY");
    let week = Horizon {
        from: at("2026-06-01T00:00:00Z"),
        to: at("2026-06-08T00:00:00Z"),
    };
    assert_eq!(
        occurrences(&old, week, zones()).expect("a calendar").len(),
        8
    );
    assert!(found(&event("DTSTART:20300101T000000Z\nRRULE:FREQ=DAILY")).is_empty());
}

#[test]
fn what_cannot_be_used_is_refused_with_its_line() {
    for (text, line, said) in [
        (String::new(), 1, "begins with BEGIN:VCALENDAR"),
        ("hello: world\n".into(), 1, "begins with BEGIN:VCALENDAR"),
        (
            calendar("BEGIN:VEVENT\nUID:1"),
            6,
            "END:VCALENDAR ends what has not begun",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\n".into(),
            2,
            "is the file whole?",
        ),
        (event("SUMMARY:x"), 4, "no DTSTART"),
        (event("DTSTART:tomorrow"), 4, "its DTSTART cannot be read"),
        (event("DTSTART:20260230T000000Z"), 4, "DTSTART"),
        (
            event("DTSTART:20260102T000000Z\nDTEND:20260101T000000Z"),
            4,
            "ends before it begins",
        ),
        (
            event("DTSTART:20260102T000000Z\nDURATION:long"),
            4,
            "its DURATION cannot be read",
        ),
        (
            event("DTSTART;TZID=Moon/Base:20260102T000000"),
            4,
            "zone \"Moon/Base\" is not known",
        ),
        (
            event("DTSTART:20260102T000000Z\nRRULE:FREQ=SOMETIMES"),
            4,
            "its RRULE cannot be read",
        ),
        (
            event("DTSTART:20260102T000000Z\nRRULE:FREQ=DAILY;BYWEEKNO=60"),
            4,
            "recurrence rule",
        ),
        (
            event("DTSTART:20100102T000000Z\nRRULE:FREQ=SECONDLY"),
            4,
            "more than 100000",
        ),
        (
            event("DTSTART:20260102T000000Z\nRRULE:FREQ=HOURLY"),
            4,
            "more than 5000",
        ),
        (
            event("DTSTART:20260102T000000Z\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260102T000000Z"),
            4,
            "THISANDFUTURE is not supported",
        ),
    ] {
        let why = refused(&text);
        assert!(why.to_string().contains(said), "{why}");
        assert_eq!(why.line, line, "{why}");
    }
    let many = "BEGIN:VEVENT\nDTSTART:20260102T000000Z\nRRULE:FREQ=YEARLY;COUNT=1\nEND:VEVENT\n";
    let why = refused(&calendar(many.repeat(1_001).trim_end()));
    assert!(why.to_string().contains("more than 1000 events"), "{why}");
}

/// Lines that a calendar may have, and what may go wrong in them.
fn line() -> impl Strategy<Value = String> {
    let number = prop_oneof![(-400i32..400), Just(0), Just(i32::MAX)];
    let rule = (
        prop::sample::select(vec![
            "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "SECONDLY",
        ]),
        prop::collection::vec(
            (
                prop::sample::select(vec![
                    "COUNT",
                    "INTERVAL",
                    "BYDAY",
                    "BYMONTHDAY",
                    "BYYEARDAY",
                    "BYWEEKNO",
                    "BYMONTH",
                    "BYSETPOS",
                    "BYHOUR",
                    "WKST",
                    "UNTIL",
                ]),
                prop_oneof![
                    number.prop_map(|n| n.to_string()),
                    "[+-]?[0-9]{0,2}(MO|TU|SU)(,(MO|FR))?",
                    "20[0-9]{6}(T[0-9]{6}Z?)?",
                ],
            ),
            0..4,
        ),
    );
    let rule = rule.prop_map(|(frequency, parts)| {
        let parts = parts.iter().map(|(key, value)| format!(";{key}={value}"));
        format!("RRULE:FREQ={frequency}{}", parts.collect::<String>())
    });
    prop_oneof![
        rule,
        "(DTSTART|DTEND|RDATE|EXDATE|RECURRENCE-ID):[0-9]{8}(T[0-9]{6}Z?)?",
        "(DTSTART|DTEND);TZID=(Europe/Berlin|Pacific/Apia):20[0-9]{2}0[1-9][0-2][1-8]T0[0-9]3000",
        "(DTSTART|RDATE|EXDATE);VALUE=(DATE|PERIOD|RECUR|TEXT):20[0-9]{2}0[1-9][0-2][1-8]",
        "DURATION:-?P[0-9]{1,10}[WDHMS]",
        "(BEGIN|END):(VEVENT|VTIMEZONE|STANDARD|VALARM)",
        "STATUS:CANCELLED|UID:[ab]|TZID:[ -~]{0,12}",
        "[A-Z-]{1,10}[;:][ -~]{0,20}",
        "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_it_finds_is_within_bounds(
        lines in prop::collection::vec(line(), 0..12),
        from in 0i64..20_000,
    ) {
        let from = Timestamp::from_millis(0) + Span::hours(24 * from);
        let horizon = Horizon { from, to: from + Span::hours(24 * 48) };
        let alone = lines.join("\r\n");
        for text in [event(&lines.join("\n")), calendar(&lines.join("\n")), alone] {
            if let Ok(found) = occurrences(&text, horizon, zones()) {
                prop_assert!(found.len() <= MOST_OCCURRENCES);
                for one in found {
                    prop_assert!(one.from <= one.to);
                    prop_assert!(one.from < horizon.to && horizon.from <= one.to);
                }
            }
        }
    }
}

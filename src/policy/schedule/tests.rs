//! When schedules open and close, and what is refused as one.

use proptest::prelude::*;

use chrono::Datelike;
use chrono_tz::Tz;

use crate::units::{Span, Timestamp};

use super::{Dates, Edge, Schedule, Window, nearest_zone};

fn schedule(windows: &[&str]) -> Schedule {
    Schedule::new(
        windows
            .iter()
            .map(|w| w.parse().expect("a window"))
            .collect(),
    )
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn windows_open_and_close_by_their_zones_clock() {
    let s = schedule(&["Mon-Fri 08:00-18:00 Europe/Berlin"]);
    // Friday 2026-03-27 is winter time, Monday the 30th summer time.
    assert_eq!(
        s.next_edge(at("2026-03-27T06:59:59Z")),
        Some(Edge {
            at: at("2026-03-27T07:00:00Z"),
            opens: true
        })
    );
    assert_eq!(
        s.next_edge(at("2026-03-27T07:00:00Z")),
        Some(Edge {
            at: at("2026-03-27T17:00:00Z"),
            opens: false
        })
    );
    assert_eq!(
        s.next_edge(at("2026-03-27T17:00:00Z")),
        Some(Edge {
            at: at("2026-03-30T06:00:00Z"),
            opens: true
        })
    );
    assert_eq!(
        s.last_opening(at("2026-03-29T12:00:00Z")),
        Some(at("2026-03-27T07:00:00Z"))
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
    let s = schedule(&["Fri 22:00-06:00 UTC"]);
    assert!(s.is_open(at("2026-03-28T05:59:00Z")) && !s.is_open(at("2026-03-28T06:00:00Z")));
    assert!(!s.is_open(at("2026-03-27T05:00:00Z")));
}

#[test]
fn a_window_may_go_on_for_several_days() {
    let weekend = schedule(&["Fri 18:00-Mon 06:00 UTC"]);
    let edge = |at_text: &str, opens| {
        Some(Edge {
            at: at(at_text),
            opens,
        })
    };
    let friday = at("2026-03-27T17:59:00Z");
    assert_eq!(
        weekend.next_edge(friday),
        edge("2026-03-27T18:00:00Z", true)
    );
    let saturday = at("2026-03-28T12:00:00Z");
    assert!(weekend.is_open(saturday));
    assert_eq!(
        weekend.next_edge(saturday),
        edge("2026-03-30T06:00:00Z", false)
    );
    assert_eq!(
        weekend.last_edge(saturday),
        edge("2026-03-27T18:00:00Z", true)
    );
    let monday = at("2026-03-30T06:00:00Z");
    assert_eq!(
        weekend.last_edge(monday),
        edge("2026-03-30T06:00:00Z", false)
    );
    assert_eq!(
        weekend.last_edge(friday),
        edge("2026-03-23T06:00:00Z", false)
    );
    assert_eq!(schedule(&["daily 00:00-24:00 UTC"]).last_edge(monday), None);

    let said = |t: &str| t.parse::<Window>().expect_err(t).to_string();
    assert!(said("Fri 18:00-Fri 18:00 UTC").contains("begins and ends at the same time"));
    assert!(said("Fri 18:00-Fri 06:00 UTC").contains("begins and ends at the same time"));
    assert!(said("Mon-Fri 18:00-Mon 06:00 UTC").contains("\"Mon-Fri\" is not a day"));
    assert!(said("Fri 24:00-Mon 06:00 UTC").contains("is not a time of day"));
    assert!(said("Fri 18:00 Mon 06:00 UTC").contains("write it like"));
    let same_day = schedule(&["Fri 06:00-Fri 18:00 UTC"]);
    assert_eq!(
        same_day.next_edge(monday),
        edge("2026-04-03T06:00:00Z", true)
    );
}

#[test]
fn touching_windows_are_one_and_a_full_week_never_changes() {
    let s = schedule(&["daily 00:00-12:00 UTC", "daily 12:00-24:00 UTC"]);
    assert_eq!(s.next_edge(at("2026-03-27T05:00:00Z")), None);
    assert_eq!(s.last_opening(at("2026-03-27T05:00:00Z")), None);
}

#[test]
fn what_is_not_a_window_is_refused_with_the_way_out() {
    let said = |t: &str| t.parse::<Window>().expect_err(t).to_string();
    assert!(said("Mon-Fri 08:00-18:00").contains("write it like"));
    assert!(said("Mo-Fr 08:00-18:00 UTC").contains("\"Mo\" is not a day"));
    assert!(said("Mon 8-18 UTC").contains("is not a time of day"));
    assert!(said("Mon 08:00-25:00 UTC").contains("is not a time of day"));
    assert!(said("Mon 08:00-18:00 Europe/Berln").contains("did you mean Europe/Berlin?"));
    assert!(said("Mon 09:00-09:00 UTC").contains("begins and ends at the same time"));
}

#[test]
fn a_suggested_zone_is_a_place_of_that_name_and_never_another_offset() {
    for (written, suggested) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("europe/berlin", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("New_Yrok", Some("America/New_York")),
        ("PST", None),
        ("EDT", None),
        ("CEST", None),
        ("GMT+2", None),
        ("Etc/GMT+15", None),
        ("", None),
    ] {
        assert_eq!(nearest_zone(written).as_deref(), suggested, "{written}");
    }
}

#[test]
fn a_window_inside_the_hour_that_comes_twice_opens_once() {
    // In Berlin the clock goes back from three to two at 01:00 UTC.
    let s = schedule(&["daily 02:30-02:45 Europe/Berlin"]);
    assert!(s.is_open(at("2026-10-25T00:30:00Z")) && s.is_open(at("2026-10-25T00:44:00Z")));
    assert!(!s.is_open(at("2026-10-25T00:45:00Z")) && !s.is_open(at("2026-10-25T01:30:00Z")));
    // One that only ends in that hour is open until its time comes for the second time.
    let s = schedule(&["daily 01:00-02:45 Europe/Berlin"]);
    assert!(s.is_open(at("2026-10-25T01:44:00Z")) && !s.is_open(at("2026-10-25T01:45:00Z")));
}

#[test]
fn a_schedule_that_never_opens_has_no_edge() {
    let (never, now) = (Schedule::never(), at("2026-03-27T05:00:00Z"));
    assert!(!never.is_open(now));
    assert_eq!(
        (never.next_edge(now), never.last_opening(now)),
        (None, None)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_minute_by_minute_reading_of_the_rule_says_the_same(
        zone in prop_oneof![
            Just("Europe/Berlin"),
            Just("America/New_York"),
            Just("Australia/Lord_Howe"),
            Just("UTC"),
        ],
        start in 0u32..1440, length in 1u32..1440, days in 1u8..127, day in 0i64..366,
    ) {
        let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let list: Vec<&str> = (0..7).filter(|d| days >> d & 1 == 1).map(|d| names[d]).collect();
        let end = (start + length) % 1440;
        let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let text = format!("{} {}-{} {zone}", list.join(","), time(start), time(end));
        let s = schedule(&[&text]);
        let zone: Tz = zone.parse().expect("a zone");
        let begin = at("2026-01-01T00:00:00Z") + Span::hours(24 * day);
        let mut was = s.is_open(begin - Span::minutes(1));
        for minute in 0..1440 {
            let now = begin + Span::minutes(minute);
            let open = s.is_open(now);
            // Away from the hours in which a zone's clock changes, the wall clock alone
            // decides.
            let local = now.to_utc().with_timezone(&zone);
            let steady = [-26, 26].iter().all(|h| {
                use chrono::Offset;
                let near = (now + Span::hours(*h)).to_utc().with_timezone(&zone);
                near.offset().fix() == local.offset().fix()
            });
            if steady {
                use chrono::Timelike;
                let of_day = local.hour() * 60 + local.minute();
                let today = days >> local.weekday().num_days_from_monday() & 1 == 1;
                let before = (local.weekday().num_days_from_monday() + 6) % 7;
                let yesterday = days >> before & 1 == 1;
                let rule = if start < end { today && (start..end).contains(&of_day) }
                    else { (today && of_day >= start) || (yesterday && of_day < end) };
                prop_assert_eq!(open, rule, "{} at {}", text, now);
            }
            if open != was {
                let edge = Edge { at: now, opens: open };
                prop_assert_eq!(s.next_edge(now - Span::minutes(1)), Some(edge));
            }
            was = open;
        }
    }

    #[test]
    fn any_text_is_a_window_or_refused_but_never_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Window>();
    }
}

fn dates(text: &str) -> Dates {
    text.parse().expect("dates")
}

#[test]
fn on_single_dates_a_schedule_is_closed_or_open_all_day_whatever_its_windows_say() {
    let berlin = chrono_tz::Europe::Berlin;
    let schedule = schedule(&["Mon-Fri 08:00-18:00 Europe/Berlin"]).except_on(
        &[dates("2026-12-24..2027-01-01"), dates("2026-12-10")],
        &[dates("2026-12-12")],
        berlin,
    );
    for (text, open) in [
        ("2026-12-09T12:00:00Z", true),
        ("2026-12-10T12:00:00Z", false),
        ("2026-12-11T12:00:00Z", true),
        // A Saturday, from its first instant in Berlin to its last.
        ("2026-12-11T22:59:59Z", false),
        ("2026-12-11T23:00:00Z", true),
        ("2026-12-12T22:59:59Z", true),
        ("2026-12-12T23:00:00Z", false),
        ("2026-12-23T12:00:00Z", true),
        ("2026-12-24T12:00:00Z", false),
        ("2027-01-01T12:00:00Z", false),
        ("2027-01-04T12:00:00Z", true),
    ] {
        assert_eq!(schedule.is_open(at(text)), open, "{text}");
    }
    // It closes on the evening before, and opens again on the first working day.
    let closed = at("2026-12-23T17:00:00Z");
    let opens = schedule.next_edge(closed).expect("it opens again");
    assert_eq!((opens.at, opens.opens), (at("2027-01-04T07:00:00Z"), true));
    let day = (at("2026-12-10T00:00:00Z"), at("2026-12-11T00:00:00Z"));
    assert_eq!(schedule.open_within(day.0, day.1), Span::ZERO);
}

#[test]
fn a_pool_that_is_always_open_or_never_changes_where_its_dates_begin_and_end() {
    let utc = chrono_tz::UTC;
    let month = dates("2026-12-01..2026-12-31");
    let edges = |schedule: &Schedule, from: &str| {
        let mut edges = Vec::new();
        let mut after = at(from);
        while let Some(edge) = schedule.next_edge(after) {
            edges.push((edge.at.to_string(), edge.opens));
            after = edge.at;
        }
        edges
    };
    let (first, last) = ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let closed = Schedule::always().except_on(&[month], &[], utc);
    assert_eq!(
        edges(&closed, "2026-02-01T00:00:00Z"),
        [(first.to_owned(), false), (last.to_owned(), true)]
    );
    let open = Schedule::never().except_on(&[], &[month], utc);
    assert_eq!(
        edges(&open, "2026-02-01T00:00:00Z"),
        [(first.to_owned(), true), (last.to_owned(), false)]
    );
    assert!(open.is_open(at("2026-12-15T00:00:00Z")));
    assert!(!open.is_open(at("2027-01-15T00:00:00Z")));
    assert!(closed.is_open(at("2027-06-15T00:00:00Z")));
    let week = (at("2026-11-28T00:00:00Z"), at("2026-12-05T00:00:00Z"));
    assert_eq!(closed.open_within(week.0, week.1), Span::hours(72));
    assert_eq!(open.open_within(week.0, week.1), Span::hours(96));
}

#[test]
fn a_reservation_of_no_length_opens_nothing() {
    let noon = at("2026-03-22T12:00:00Z");
    let week = schedule(&["Mon-Fri 08:00-18:00 UTC"]);
    let reserved = week.clone().with_reservations(vec![(noon, noon)]);
    let sunday = at("2026-03-22T11:00:00Z");
    assert_eq!(reserved.next_edge(sunday), week.next_edge(sunday));
    assert!(!reserved.is_open(noon));
}

#[test]
fn what_is_no_date_is_refused_with_the_way_out() {
    for (text, said) in [
        (
            "24.12.2026",
            "\"24.12.2026\" is not a date; write 2026-12-24, or",
        ),
        ("2026-02-30", "\"2026-02-30\" is not a date"),
        ("2026-12-24 to 2026-12-26", "is not a date"),
        (
            "2026-12-24..2026-12-23",
            "2026-12-23 comes before 2026-12-24",
        ),
        (
            "2026-01-01..2027-01-02",
            "2026-01-01 to 2027-01-02 is more than a year",
        ),
        ("2026-12-24 Europe/Berln", "did you mean Europe/Berlin?"),
    ] {
        let refused = text.parse::<Dates>().expect_err(text).to_string();
        assert!(refused.contains(said), "{refused}");
    }
    assert!("2026-01-01..2027-01-01".parse::<Dates>().is_ok());
}

proptest! {
    #[test]
    fn dates_say_the_same_instant_by_instant(
        hours in 0i64..2_000,
        closed in (0u64..60, 0u64..20),
        open in (0u64..60, 0u64..20),
        holidays in prop::collection::vec((0i64..2_000, 0i64..200), 0..4),
        reserved in prop::collection::vec((0i64..2_000, 0i64..20), 0..4),
    ) {
        let zone = chrono_tz::Europe::Berlin;
        let first = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");
        let of = |(from, days): (u64, u64)| {
            let day = |n| first + chrono::Days::new(n);
            dates(&format!("{}..{}", day(from), day(from + days)))
        };
        let windows = || schedule(&["Mon-Fri 08:00-18:00 Europe/Berlin"]);
        let (closed, open) = (of(closed), of(open));
        let hour = |n| at("2026-03-01T00:00:00Z") + Span::hours(n);
        let stretches = |of: Vec<(i64, i64)>| -> Vec<(Timestamp, Timestamp)> {
            let stretches = of.iter().map(|(n, long)| (hour(*n), hour(n + long)));
            stretches.collect()
        };
        let (holidays, reserved) = (stretches(holidays), stretches(reserved));
        let schedule = windows().except_on(&[closed], &[open], zone);
        let schedule = schedule.with_holidays(holidays.clone());
        let schedule = schedule.with_reservations(reserved.clone());
        let now = at("2026-03-01T00:30:00Z") + Span::hours(hours);
        let on = |dates: &Dates| {
            let (from, to) = dates.stretch(zone);
            from <= now && now < to
        };
        let within = |of: &[(Timestamp, Timestamp)]| {
            let mut of = of.iter();
            of.any(|(from, to)| *from <= now && now < *to)
        };
        let usual = windows().is_open(now) && !on(&closed) && !within(&holidays);
        let expected = within(&reserved) || on(&open) || usual;
        prop_assert_eq!(schedule.is_open(now), expected);
        if let Some(edge) = schedule.next_edge(now) {
            prop_assert_ne!(schedule.is_open(edge.at - Span::millis(1)), edge.opens);
            prop_assert_eq!(schedule.is_open(edge.at), edge.opens);
            prop_assert_eq!(schedule.is_open(edge.at - Span::millis(1)), schedule.is_open(now));
        }
    }
}

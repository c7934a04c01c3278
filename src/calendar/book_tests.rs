//! Calendars that change beside a policy.

use std::sync::Arc;

use tempfile::TempDir;

use super::{CalendarBook, News, with_calendars};
use crate::calendar::Horizon;
use crate::policy::{Policy, load};
use crate::units::{Span, Timestamp};

const POLICY: &str = "owner = \"o\"\n[service]\nembedded = true\n[[pool]]\nname = \"a\"\n\
                      schedule = [\"daily 08:00-18:00 Asia/Tokyo\"]\nholidays = \"free.ics\"\n\
                      [[pool]]\nname = \"b\"\n";
/// The pool is open then, on the second of March in Tokyo.
const NOW: &str = "2026-03-02T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("an instant")
}

fn calendar(day: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:{day}\nEND:VEVENT\n\
         END:VCALENDAR\n"
    )
}

struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write(text);
        folder
    }

    fn write(&self, text: &str) {
        std::fs::write(self.0.path().join("free.ics"), text).expect("written");
    }

    fn policy(&self) -> Arc<Policy> {
        let policy = load("p", POLICY).expect("a policy").policy;
        let file = self.0.path().join("policy.toml");
        Arc::new(with_calendars(policy, &file, Horizon::of(now())).expect("usable"))
    }

    fn book(&self) -> CalendarBook {
        CalendarBook::beside(&self.0.path().join("policy.toml"))
    }
}

fn kinds(news: &[News]) -> Vec<&'static str> {
    let kind = |news: &News| match news {
        News::Changed(_) => "changed",
        News::Failed(_) => "failed",
        News::Recovered(_) => "recovered",
    };
    news.iter().map(kind).collect()
}

#[test]
fn whole_days_are_those_of_the_schedule_and_other_pools_stay_open() {
    let policy = Folder::with(&calendar("20260302")).policy();
    assert!(!policy.pools[0].schedule.is_open(now()));
    assert!(policy.pools[0].schedule.is_open(now() + Span::hours(24)));
    assert!(policy.pools[1].schedule.is_open(now()));
}

#[test]
fn what_has_changed_is_put_in_force_and_what_is_broken_is_passed_over_and_told_once() {
    let folder = Folder::with(&calendar("20260302"));
    let (mut book, policy) = (folder.book(), folder.policy());
    let (new, news) = book.refresh(&policy, now());
    assert!(
        new.is_none() && news.is_empty(),
        "it is what was read before"
    );

    for broken in ["", "BEGIN:VCALENDAR\n"] {
        folder.write(broken);
        let (new, news) = book.refresh(&policy, now());
        assert!(new.is_none());
        assert_eq!(kinds(&news), ["failed"], "{broken:?}");
        let (new, news) = book.refresh(&policy, now());
        assert!(new.is_none() && news.is_empty());
    }
    folder.write(&calendar("20260303"));
    let (new, news) = book.refresh(&policy, now());
    assert_eq!(kinds(&news), ["changed", "recovered"]);
    let new = Arc::new(new.expect("another one"));
    assert!(new.pools[0].schedule.is_open(now()));
    let (again, news) = book.refresh(&new, now());
    assert!(again.is_none() && news.is_empty());
}

#[test]
fn the_horizon_moves_with_the_days() {
    let folder = Folder::with(&calendar("20260601"));
    let (mut book, policy) = (folder.book(), folder.policy());
    assert!(book.refresh(&policy, now()).0.is_none());
    let later = now() + Span::hours(24 * 85);
    let (new, news) = book.refresh(&policy, later);
    assert!(news.is_empty());
    let day: Timestamp = "2026-06-01T00:00:00Z".parse().expect("an instant");
    assert!(!new.expect("another one").pools[0].schedule.is_open(day));
}

//! `closed` and `open` of a pool: the dates on which its schedule does not count.

use crate::policy::Schedule;
use crate::policy::schedule::Dates;

use super::reader::{Table, Value};

/// What a date without a zone needs, where no window says one.
const NO_ZONE: &str = "these dates have no time zone, and no window of the pool says one";

/// A pool's schedule, but for the dates that the pool names.
pub(super) fn except_on(schedule: Schedule, pool: &Table<'_, '_>) -> Option<Schedule> {
    let closed = dates(pool.get("closed").as_ref());
    let open = dates(pool.get("open").as_ref());
    let (closed, open) = (closed?, open?);
    let mut sound = true;
    for (value, dates) in closed.iter().chain(&open) {
        if dates.zone.is_none() && schedule.zone().is_none() {
            let help = "write it like \"2026-12-24..2027-01-01 Europe/Berlin\"";
            value.error(NO_ZONE, "whose days are these?", Some(help.into()));
            sound = false;
        }
    }
    for (value, dates) in &open {
        if closed.iter().any(|(_, other)| dates.meets(other)) {
            value.error(
                "the pool is both closed and open on these dates",
                "closed as well",
                Some("take them out of `closed` or of `open`".into()),
            );
            sound = false;
        }
    }
    let only = |read: Vec<(Value<'_, '_>, Dates)>| -> Vec<Dates> {
        read.into_iter().map(|(_, dates)| dates).collect()
    };
    // Where no window says a zone, each entry does.
    let zone = schedule.zone().unwrap_or(chrono_tz::Tz::UTC);
    sound.then(|| schedule.except_on(&only(closed), &only(open), zone))
}

/// The dates of a list, each with its place; none where there is no list.
fn dates<'n, 't>(list: Option<&Value<'n, 't>>) -> Option<Vec<(Value<'n, 't>, Dates)>> {
    let Some(list) = list else {
        return Some(Vec::new());
    };
    let entries = list.array()?.into_iter();
    let read = entries.map(|entry| {
        let dates = entry.parse()?;
        Some((entry, dates))
    });
    // All of them are looked at, so that all mistakes are told.
    let read: Vec<Option<_>> = read.collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::policy::load;

    const SMALL: &str = "owner = \"o\"\n[service]\nembedded = true\n[[pool]]\nname = \"a\"\n";
    const WEEK: &str = "schedule = [\"Mon-Fri 08:00-18:00 Europe/Berlin\"]\n";

    fn refused(keys: &str) -> Vec<String> {
        match load("p", &format!("{SMALL}{keys}")) {
            Ok(_) => Vec::new(),
            Err(problems) => problems
                .to_string()
                .lines()
                .filter_map(|line| line.strip_prefix("error: ").map(str::to_owned))
                .collect(),
        }
    }

    #[test]
    fn dates_are_days_of_the_windows_zone_or_say_whose_they_are() {
        let christmas = "closed = [\"2026-12-24..2027-01-01\"]\n";
        let loaded = |keys: String| load("p", &(SMALL.to_owned() + &keys)).expect("it loads");
        let zone = |keys: String| loaded(keys).policy.pools[0].schedule.clone();
        let berlin = "closed = [\"2026-12-24..2027-01-01 Europe/Berlin\"]\n";
        assert_eq!(
            zone(format!("{WEEK}{christmas}")),
            zone(format!("{WEEK}{berlin}"))
        );
        assert!(refused(berlin).is_empty());
        assert_eq!(refused(christmas), [super::NO_ZONE]);
    }

    #[test]
    fn calendars_are_a_path_or_a_few() {
        let loaded = |keys: &str| load("p", &format!("{SMALL}{keys}")).expect("it loads");
        let files = |keys: &str| loaded(keys).policy.pools[0].holidays.clone();
        assert!(files("").is_empty());
        assert_eq!(files("holidays = \"a.ics\"\n"), [Path::new("a.ics")]);
        let two = files("holidays = [\"a.ics\", \"/b.ics\"]\n");
        assert_eq!(two, [Path::new("a.ics"), Path::new("/b.ics")]);
        let many = format!("holidays = [{}]\n", "\"a.ics\",".repeat(17));
        for keys in [
            "holidays = \"\"\n",
            "holidays = 7\n",
            "holidays = [7]\n",
            &many,
        ] {
            assert_eq!(refused(keys).len(), 1, "{keys}");
        }
    }

    #[test]
    fn no_day_is_both_closed_and_open_and_every_mistake_is_told() {
        let both =
            "closed = [\"2026-12-24..2026-12-26\"]\nopen = [\"2026-12-26\", \"2026-12-27\"]\n";
        assert_eq!(
            refused(&format!("{WEEK}{both}")),
            ["the pool is both closed and open on these dates"]
        );
        let wrong = "closed = [\"24.12.\", \"2026-12-32\"]\nopen = 7\n";
        assert_eq!(refused(&format!("{WEEK}{wrong}")).len(), 3);
    }
}

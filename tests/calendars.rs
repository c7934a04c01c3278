//! Calendars beside the policy: what they say is in force while the daemon runs, and what cannot be
//! used is refused or passed over.

use std::path::Path;

use crate::support::{Studio, said};

const NOTHING: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n";
/// An event of years, so that any day is within it.
const CLOSED: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:closed\n\
                      DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:21000101\n\
                      END:VEVENT\nEND:VCALENDAR\n";
const BROKEN: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:bad\nEND:VEVENT\nEND:VCALENDAR\n";

/// Puts a text in a calendar's place at once, as whoever exports one should.
fn replace(path: &Path, text: &str) {
    let aside = path.with_extension("new");
    std::fs::write(&aside, text).expect("written");
    std::fs::rename(&aside, path).expect("renamed");
}

#[test]
fn a_calendar_closes_its_pool_while_the_daemon_runs_and_its_last_good_text_stays_in_force() {
    let studio = Studio::open();
    let calendar = studio.path("holidays.ics");
    std::fs::write(&calendar, NOTHING).expect("written");
    let policy = studio.policy("holidays = \"holidays.ics\"");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");

    replace(&calendar, CLOSED);
    daemon.wait_for("out of schedule");
    daemon.wait_for("ended Stopped");
    let refusal = || {
        let asked = studio.ask(&["acquire", "a", "--client", "ann"]);
        (asked.status.code(), said(&asked))
    };
    assert_eq!(refusal().0, Some(4), "{}", refusal().1);

    replace(&calendar, BROKEN);
    let warning = daemon.wait_for("what it said before stays in force");
    assert!(
        warning.contains("line 2: the event \\\"bad\\\""),
        "{warning}"
    );
    assert_eq!(refusal().0, Some(4), "{}", refusal().1);
    let reload = studio.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(1), "{}", said(&reload));
    assert!(
        said(&reload).contains("cannot use the calendar"),
        "{}",
        said(&reload)
    );

    replace(&calendar, NOTHING);
    daemon.wait_for("holidays.ics is read again");
    daemon.wait_for("Ready after");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0));
    assert_eq!(
        log.matches("what it said before stays in force").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_session_is_there_while_it_is_reserved_and_goes_when_the_reservation_is_taken_back() {
    let studio = Studio::open();
    let calendar = studio.path("room.ics");
    std::fs::write(&calendar, NOTHING).expect("written");
    let keys = "min = 0\nidle_timeout = \"1s\"\nschedule = \"never\"\nreservations = \"room.ics\"";
    let policy = studio.policy(keys);
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("control socket");
    // It began long ago, and lasts.
    replace(&calendar, CLOSED);
    daemon.wait_for("Ready after");
    let status = studio.status();
    assert_eq!(status["slots"][0]["status"], "Ready", "{status}");
    replace(&calendar, NOTHING);
    daemon.wait_for("ended Stopped");
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_calendar_that_cannot_be_used_is_refused_at_the_start_with_its_line() {
    let studio = Studio::open();
    let policy = studio.policy("holidays = [\"holidays.ics\"]");
    let missing = studio.daemon(&policy);
    assert_eq!(missing.wait(), Some(78));
    std::fs::write(studio.path("holidays.ics"), BROKEN).expect("written");
    let check = |more: &[&str]| {
        let path = policy.display().to_string();
        let args = [&["check", &path], more].concat();
        std::process::Command::new(crate::support::BINARY)
            .args(args)
            .output()
            .expect("it runs")
    };
    let checked = check(&[]);
    assert_eq!(checked.status.code(), Some(1));
    let told = said(&checked);
    assert!(
        told.contains("line 2: the event \"bad\": it has no DTSTART"),
        "{told}"
    );
    let checked = check(&["--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(found["usable"], false);
    let finding = &found["diagnostics"][0];
    assert_eq!(finding["line"], 2);
    let file = finding["file"].as_str().expect("a file");
    assert!(file.ends_with("holidays.ics"), "{file}");
    // What has nothing to do with calendars goes on without them.
    assert!(studio.sessions(&policy).is_empty());
}

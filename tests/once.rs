//! `run --once`, as cron runs it.

use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Studio, said};

#[test]
fn what_one_run_has_told_the_next_one_does_not_tell_again() {
    let studio = Studio::open();
    let path = studio.policy("min = 2\nmax = 2\nlease = \"20m\"");
    let text = std::fs::read_to_string(&path).expect("there");
    let bounded = |daily: &str| {
        let budget = format!("daily = \"{daily}\"\nalert_at = [0.5]");
        std::fs::write(&path, text.replace("daily = \"100\"", &budget)).expect("written");
        said(&studio.once(&path))
    };
    let first = bounded("4");
    assert!(first.contains("committed: 4.00 of 4.00"), "{first}");
    let second = bounded("4");
    assert!(!second.contains("committed: "), "{second}");
    // Another bound is another alert.
    let third = bounded("5");
    assert!(third.contains("committed: 4.00 of 5.00"), "{third}");
    let closed = text.replace("min = 2", "min = 2\nschedule = \"never\"");
    std::fs::write(&path, closed).expect("written");
    let parked = || {
        said(&studio.once(&path))
            .matches("parked: out of schedule")
            .count()
    };
    let told = [parked(), parked(), parked(), parked()];
    assert_eq!(
        told.iter().sum::<usize>(),
        2,
        "once for each slot: {told:?}"
    );
    assert_eq!(told[3], 0);
}

#[test]
fn every_line_of_the_log_has_its_date_in_utc_and_data_is_json() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    let dated = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().is_ok();
    let text = said(&studio.once(&policy));
    assert!(!text.is_empty());
    for line in text.lines() {
        let (date, _) = line.split_once(' ').expect("a date and more");
        assert!(dated(date) && date.ends_with('Z'), "{line}");
    }
    studio.policy("min = 2");
    let mut command = Command::new(BINARY);
    command.args(["--log-format", "json", "run", "--once", "--policy"]);
    let text = said(&command.arg(&policy).output().expect("it runs"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    let data = |line: &&Value| line.get("data").is_some();
    assert!(lines.iter().any(|line| data(&line)));
    for line in &lines {
        assert!(line["timestamp"].as_str().is_some_and(dated), "{line}");
        assert!(line["level"].is_string() && line["message"].is_string());
    }
    for line in lines.iter().filter(data) {
        assert!(line["data"]["event"].is_string(), "{line}");
    }
}

//! `run --once`, as cron runs it.

use crate::support::{Studio, said};

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

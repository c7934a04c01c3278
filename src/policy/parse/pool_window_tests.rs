//! Windows of a pool as a policy writes them, and what of them cannot be meant.

use crate::policy::{Counts, load};
use crate::units::{Span, Timestamp};

const POLICY: &str = r#"owner = "st"
service = { embedded = true }
[[pool]]
name = "a"
"#;

/// Every problem, with its line.
fn problems(pool: &str) -> Vec<String> {
    let text = format!("{POLICY}{pool}");
    let Err(refused) = load("policy.toml", &text) else {
        return Vec::new();
    };
    let told = refused.problems.iter().map(|problem| {
        let line = text.lines().nth(problem.line - 1).unwrap_or_default();
        format!("{line} | {} ({})", problem.message, problem.label)
    });
    told.collect()
}

#[test]
fn the_first_window_that_is_open_says_the_counts_and_leaves_the_rest_to_the_pool() {
    let text = r#"min = 1
max = 3
prewarm = true
[[pool.window]]
when = ["Mon 08:00-10:00 UTC"]
min = 2
spare = 2
[[pool.window]]
when = ["Mon-Fri 08:00-18:00 UTC", "Fri 20:00-Mon 06:00 UTC"]
max = 8
"#;
    let loaded = load("policy.toml", &format!("{POLICY}{text}"));
    let pool = loaded.expect("loads").policy.pools.remove(0);
    let counts = |min, max, spare| Counts { min, max, spare };
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    for (text, expected) in [
        ("2026-03-02T07:00:00Z", counts(1, 3, 0)),
        ("2026-03-02T08:00:00Z", counts(2, 3, 2)),
        ("2026-03-02T10:00:00Z", counts(1, 8, 0)),
        ("2026-03-07T12:00:00Z", counts(1, 8, 0)),
    ] {
        assert_eq!(pool.counts_at(at(text)), expected, "{text}");
    }
    assert_eq!(pool.slots(), 8);
    let seven = at("2026-03-02T07:00:00Z");
    assert_eq!(pool.next_counts(seven), Some(at("2026-03-02T08:00:00Z")));
    assert_eq!(pool.last_counts(seven), Some(at("2026-03-02T06:00:00Z")));
    let ahead = |boot| pool.counts_ahead(seven, Span::minutes(boot));
    assert_eq!(ahead(59), counts(1, 3, 0));
    assert_eq!(ahead(60), counts(2, 3, 2));
}

#[test]
fn what_cannot_be_meant_is_refused_at_its_place() {
    for (pool, expected) in [
        (
            "window = { min = 2 }",
            "window = { min = 2 } | a pool has a list of windows (write [[pool.window]], in double \
             brackets, above each)",
        ),
        (
            "[[pool.window]]\nmin = 2",
            "[[pool.window]] | `pool.window` has no `when` (`when` is missing)",
        ),
        (
            "[[pool.window]]\nwhen = [\"Mon 08:00-10:00 UTC\"]\nmin = 3\nmax = 2",
            "max = 2 | `max` is below `min` (`min` is 3)",
        ),
        (
            "drain_limit = \"1h\"",
            "drain_limit = \"1h\" | `drain_limit` needs `on_close = \"drain\"` (sessions are \
             stopped when the schedule closes)",
        ),
    ] {
        assert_eq!(problems(pool), [expected]);
    }
    assert_eq!(problems("on_close = \"drain\""), Vec::<String>::new());
}

//! Each doubt is drawn at the key that causes it, and what is meant draws none.

use crate::policy::load;

/// The warnings of a policy with one pool: line of the pool's entry and message.
fn warned(keys: &str, pool: &str) -> Vec<String> {
    let text = format!(
        "owner = \"studio7\"\nservice = {{ embedded = true }}\n\
         prices = {{ standard = \"6\", premium = \"12\" }}\n{keys}\n[[pool]]\nname = \"a\"\n\
         {pool}\n"
    );
    let loaded = load("policy.toml", &text).expect("warnings do not refuse");
    let problems = loaded.warnings.problems.iter();
    problems
        .map(|p| {
            let line = text.lines().nth(p.line - 1).unwrap_or_default();
            format!("{line} | {}", p.message)
        })
        .collect()
}

#[test]
fn what_is_loaded_and_is_hardly_meant_is_drawn_at_its_key() {
    for (keys, pool, expected) in [
        ("", "", None),
        (
            "",
            "max = 0\nmin = 0",
            Some("max = 0 | pool `a` can never have a session"),
        ),
        (
            "",
            "max = 0\nmin = 0\n[[pool.window]]\nwhen = [\"Mon 08:00-09:00 UTC\"]\nmax = 1",
            None,
        ),
        (
            "",
            "lease = \"20m\"\nmax_lifetime = \"10m\"",
            Some("lease = \"20m\" | a lease of 20m outlasts the session"),
        ),
        (
            "",
            "max_lifetime = \"10m\"",
            Some("max_lifetime = \"10m\" | a lease of 20m outlasts the session"),
        ),
        (
            "",
            "idle_timeout = \"never\"",
            Some("idle_timeout = \"never\" | nothing ends what pool `a` bills"),
        ),
        (
            "",
            "spare = 1",
            Some("spare = 1 | nothing ends what pool `a` bills"),
        ),
        (
            "",
            "idle_timeout = \"never\"\nschedule = [\"Mon-Fri 08:00-18:00 Europe/Berlin\"]",
            None,
        ),
        (
            "budget = { monthly = \"100\" }",
            "idle_timeout = \"never\"",
            None,
        ),
        (
            "",
            "idle_timeout = \"never\"\nbudget = { daily = \"50\" }",
            None,
        ),
        (
            "budget = { max_exposure = \"50\" }",
            "spare = 1",
            Some("spare = 1 | nothing ends what pool `a` bills"),
        ),
        (
            "",
            "budget = { daily = \"1.99\" }",
            Some(
                "budget = { daily = \"1.99\" } | this does not pay for one lease of pool `a`, \
                 which is 2.00 EUR for 20m",
            ),
        ),
        ("", "budget = { daily = \"2\" }", None),
        (
            "budget = { daily = \"1.99\" }",
            "",
            Some(
                "budget = { daily = \"1.99\" } | this does not pay for one lease of pool `a`, \
                 which is 2.00 EUR for 20m",
            ),
        ),
        // The cheapest pool can be paid for.
        (
            "budget = { daily = \"2\" }",
            "[[pool]]\nname = \"b\"\nsize = \"premium\"",
            None,
        ),
        (
            "",
            "size = \"premium\"\nfallback_sizes = [\"standard\"]\nbudget = { daily = \"2\" }",
            None,
        ),
    ] {
        let warned = warned(keys, pool);
        assert_eq!(warned, Vec::from_iter(expected), "{keys} {pool}");
    }
}

//! Teams as a policy writes them, and what of them cannot be meant.

use crate::policy::load;

const POLICY: &str = r#"owner = "st"
service = { embedded = true }
prices = { standard = "6" }
[[pool]]
name = "a"
"#;

/// Every problem, with its line.
fn problems(teams: &str) -> String {
    let text = format!("{POLICY}{teams}");
    let Err(refused) = load("policy.toml", &text) else {
        return "loaded".into();
    };
    let told = refused.problems.iter().map(|problem| {
        let line = text.lines().nth(problem.line - 1).unwrap_or_default();
        format!("{line} | {} ({})", problem.message, problem.label)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_team_has_a_name_members_budgets_and_a_bound() {
    let text = r#"
[[team]]
name = "lighting"
members = ["ann", "Zoë Müller"]
budget = { daily = "20", monthly = "300" }
max = 3
[[team]]
name = "guests"
"#;
    let loaded = load("policy.toml", &format!("{POLICY}{text}")).expect("loads");
    assert_eq!(loaded.warnings.problems, []);
    let [lighting, guests] = &loaded.policy.teams[..] else {
        panic!("two teams");
    };
    let money = |text: &str| text.parse().ok();
    assert_eq!(lighting.budget.daily, money("20"));
    assert_eq!(
        (lighting.budget.monthly, lighting.max),
        (money("300"), Some(3))
    );
    assert_eq!((guests.members.len(), guests.max), (0, None));
    let team_of = |client| loaded.policy.team_of(client).map(|team| team.name.as_str());
    assert_eq!(team_of("Zoë Müller"), Some("lighting"));
    assert_eq!(team_of("eve"), None);
}

#[test]
fn what_cannot_be_meant_is_refused_at_its_place() {
    for (teams, expected) in [
        (
            "[team]\nname = \"x\"",
            "[team] | a policy has a list of teams (write [[team]], in double brackets, above \
             each)",
        ),
        (
            "[[team]]\n",
            "[[team]] | `team` has no `name` (`name` is missing)",
        ),
        (
            "[[team]]\nname = \"x\"\n[[team]]\nname = \"x\"",
            "[[team]] | there are two teams named \"x\" (this is the second)",
        ),
        (
            "[[team]]\nname = \"x\"\nmembers = [\"ann\"]\n[[team]]\nname = \"y\"\n\
             members = [\"bob\", \"ann\"]",
            "members = [\"bob\", \"ann\"] | \"ann\" is a member of two teams \
             (is in team \"x\" already)",
        ),
        (
            "[[team]]\nname = \"x\"\nbudget = { max_exposure = \"2\" }",
            "budget = { max_exposure = \"2\" } | unknown key `max_exposure` in `team.budget` \
             (not a key here)",
        ),
        (
            "[[team]]\nname = \"x\"\nmax = -1",
            "max = -1 | `team.max` must be 0 to 10000 (out of bounds)",
        ),
    ] {
        assert_eq!(problems(teams), expected);
    }
}

#[test]
fn a_teams_budget_needs_the_price_of_every_size_that_its_people_may_hold() {
    let teams = "fallback_sizes = [\"premium\"]\n[[team]]\nname = \"x\"\n";
    assert_eq!(problems(teams), "loaded");
    let bounded = format!("{teams}budget = {{ daily = \"20\" }}");
    assert_eq!(
        problems(&bounded),
        "[[pool]] | a budget bounds pool `a`, and [prices] has no price for premium (may ask for \
         premium sessions)"
    );
}

//! What is loaded, what is refused and with which words, and what is only warned of.

use insta::assert_snapshot;
use proptest::prelude::*;

use crate::policy::Schedule;

use super::{load, read};

const REFERENCE: &str = include_str!("../../../config/reference.toml");

const SMALL: &str = "owner = \"a\"\nservice = { embedded = true }\n[[pool]]\nname = \"a\"\n";

fn problems(text: &str) -> String {
    load("policy.toml", text)
        .expect_err("it is broken")
        .to_string()
}

#[test]
fn every_problem_is_found_in_one_go_with_place_and_way_out() {
    let text = r#"owner = "studio-7"
unmanged = "report"

[service]
endpoint = "http://render.example"
region = "westeurop"
account_id = "not-a-uuid"

[auth]
method = "account-key"
key = "hunter2"

[prices]
standard = 2.99

[budget]
daily = "60"
time_zone = "Europe/Berln"
alert_at = [0.5, 80]

[[pool]]
name = "design review"
size = "premum"
min = 5
max = 2
lease = "20"

[[pool]]
name = "b"
lease = "25h"
schedule = ["Mon-Fri 08:00-18:00 Europe/Berln"]
activity = [{ socket = true }]
"#;
    assert_snapshot!(problems(text));
}

#[test]
fn a_policy_without_any_pool_is_refused() {
    let text = "owner = \"a\"\npool = []\nservice = { embedded = true }";
    assert!(
        problems(text).contains("at least one pool"),
        "{}",
        problems(text)
    );
}

#[test]
fn a_secret_in_the_policy_is_never_drawn() {
    for text in [
        "[auth]\nkey = \"hunter2\"\nx = 1",
        "[auth\ntoken = hunter2",
        "auth = { method = \"tokn\", token=\"hünter2 hunter2\" }",
        "[auth]\nmethod = \"token\"\ntokn = \"hunter2\"",
        "[auth]\nmethod = \"hunter2\"",
        "[auth]\ntokn = \"\"\"\nhunter2\nhunter2\"\"\"",
        "[auth.entra]\nx = [\"hunter2\", { y = \"hunter2\" }]",
        "[service]\nembedded = true\naccount_ky = \"hunter2\"",
        "service = { embedded = true, account_ky = \"hunter2\" }",
        "acount = { ky = \"hunter2\" }\nowner = 1",
        "[[pool]]\nname = \"a\"\nlease = \"20m\"\npasword = \"hunter2\"",
        "[auth]\ntokn = \"hunter2\"\n[service\nembedded = true",
        "service = { endpoint = \"https://ann:hunter2@render.example\" }",
        "[[pool]]\nactivity = [{ metric = { url = \"http://ann:hunter2@gpu/\" } }]",
    ] {
        assert!(!problems(text).contains("nter2"), "{}", problems(text));
    }
}

#[test]
fn a_file_of_nothing_but_mistakes_is_refused_in_a_few_of_them() {
    let text: String = (0..20_000)
        .map(|n| format!("key{n} = \"hunter2\"\n"))
        .collect();
    let told = problems(&text);
    assert!(told.contains("more problems"), "{told}");
    assert!(told.len() < 50_000, "{}", told.len());
}

#[test]
fn what_is_known_and_no_secret_is_drawn_as_it_stands() {
    let told = problems("owner = \"a\"\n[[pool]]\nname = \"a\"\nlease = \"20 apples\"");
    assert!(told.contains("lease = \"20 apples\""), "{told}");
    let told = problems("owner = \"a\"\nlease = 20m\n[reconcile]\ninterval = 30s");
    assert!(told.contains("interval = 30s"), "{told}");
}

#[test]
fn a_syntax_error_is_shown_where_it_is() {
    assert_snapshot!(problems("owner = \"a\"\n[service\nembedded = true\n"));
}

#[test]
fn an_empty_file_says_what_a_policy_needs() {
    assert_snapshot!(problems(""));
}

#[test]
fn every_file_in_config_loads_without_a_warning() {
    for entry in
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config")).expect("config is there")
    {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let loaded = load(&path.display().to_string(), &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.warnings.problems, Vec::new(), "{}", path.display());
    }
}

#[test]
fn the_reference_names_every_key_that_is_read() {
    // Alternatives are commented out in the reference; with them uncommented it cannot be used,
    // but every key shows.
    let mut asked = read(REFERENCE).keys;
    for auth in ["account-key", "token", "entra"] {
        asked.extend(
            read(&format!(
                "{REFERENCE}\n[auth]\nmethod = \"{auth}\"\ncredential = \"x\""
            ))
            .keys,
        );
    }
    asked.extend(read("[auth]\nmethod = \"token\"").keys);
    for credential in [
        "managed-identity",
        "workload-identity",
        "client-secret",
        "client-certificate",
    ] {
        asked.extend(
            read(&format!(
                "[auth]\nmethod = \"entra\"\ncredential = \"{credential}\""
            ))
            .keys,
        );
    }
    let missing: Vec<&String> = asked
        .iter()
        .filter(|path| {
            let key = path.rsplit('.').next().expect("a path has a last part");
            !REFERENCE.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ', '[']);
                line.starts_with(key)
                    || line.starts_with(&format!("{path}]]"))
                    || line.contains(&format!("{key} = "))
            })
        })
        .collect();
    assert_eq!(
        missing,
        Vec::<&String>::new(),
        "the reference lacks these keys"
    );
}

#[test]
fn a_former_name_is_of_one_pool_that_is_not_there_any_more() {
    let of = |first: &str, second: &str| {
        let pool = |name: &str, former: &str| {
            format!("[[pool]]\nname = \"{name}\"\nrenamed_from = \"{former}\"\n")
        };
        read(&format!("{}{}", pool("a", first), pool("b", second)))
            .problems
            .iter()
            .filter(|problem| problem.message.contains("cannot be renamed from"))
            .count()
    };
    assert_eq!(of("c", "d"), 0);
    assert_eq!(of("b", "d"), 1, "there is a pool b");
    assert_eq!(of("a", "d"), 1, "it has that name");
    assert_eq!(of("c", "c"), 2, "only one can have it from c");
}

#[test]
fn an_inline_secret_and_an_unexpanded_variable_are_warned_of() {
    let text = REFERENCE
        .replace("key_file = ", "key = \"hunter2\" # ")
        .replace(
            "owner = \"studio7\"",
            "owner = \"studio7\"\nledger = \"${HOME}/l.db\"",
        );
    let loaded = load("policy.toml", &text).expect("warnings do not refuse");
    let said: Vec<&str> = loaded
        .warnings
        .problems
        .iter()
        .map(|p| p.message.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "`ledger` is taken as it stands",
            "`auth.key` holds a secret in the policy itself"
        ]
    );
    assert!(!format!("{:?}", loaded.policy).contains("hunter2"));
}

const REGIONS: &str = r#"owner = "st"
[service]
region = "berlin"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
[service.regions]
berlin = "https://berlin.example"
[auth]
method = "token"
token_env = "T"
[[pool]]
name = "a"
regions = ["berlin", "northeurope"]
[[pool]]
name = "b"
"#;

#[test]
fn regions_are_the_policys_own_or_the_public_services_and_one_alone_needs_no_name() {
    let policy = load("p", REGIONS).expect("it loads").policy;
    let regions: Vec<String> = policy
        .regions()
        .iter()
        .map(|r| policy.service.endpoint_of(r))
        .collect();
    assert_eq!(
        regions,
        [
            "https://berlin.example",
            "https://remoterendering.northeurope.mixedreality.azure.com"
        ]
    );
    assert_eq!(policy.regions_of(&policy.pools[0]).len(), 2);
    assert_eq!(
        policy.regions_of(&policy.pools[1]),
        [Some("berlin".parse().expect("a region"))]
    );
    let policy = load("p", &REGIONS.replace(", \"northeurope\"", ""))
        .expect("it loads")
        .policy;
    assert_eq!(
        (policy.regions(), policy.regions_of(&policy.pools[0])),
        (Vec::new(), vec![None])
    );
}

#[test]
fn regions_that_cannot_be_meant_are_refused_at_their_place() {
    assert_snapshot!(problems(
        &REGIONS.replace("\"northeurope\"", "\"berlin\", \"northeurop\"")
    ));
    assert_snapshot!(problems(
        &REGIONS.replace("region = \"berlin\"", "endpoint = \"https://a.example\"")
    ));
    assert_snapshot!(problems(
        &REGIONS.replace("berlin = \"https:", "\"ber lin\" = \"http:")
    ));
}

proptest! {
    #[test]
    fn any_text_is_loaded_or_refused_but_never_panics(text in "(\\PC|\n){0,200}") {
        let _ = load("p", &text).map_err(|e| e.render(true));
    }

    #[test]
    fn any_change_to_the_reference_is_loaded_or_refused_but_never_panics(
        at in 0..REFERENCE.len(), cut in 0usize..40, paste in "[\\PC\n]{0,12}",
    ) {
        let start = REFERENCE.floor_char_boundary(at);
        let end = REFERENCE.ceil_char_boundary(start + cut);
        let text = format!("{}{paste}{}", &REFERENCE[..start], &REFERENCE[end..]);
        let _ = load("p", &text).map_err(|e| e.to_string());
    }
}

#[test]
fn an_endpoint_whose_port_is_no_number_is_refused_at_its_place() {
    for port in ["abc", "65536", "-1"] {
        let told = problems(&format!(
            "[service]\nendpoint = \"https://a.example:{port}\""
        ));
        assert!(
            told.contains(&format!("\"{port}\" is not a port")),
            "{told}"
        );
    }
    let told = problems("[service]\nendpoint = \"https://[::1]:8787/\"");
    assert!(!told.contains("port"), "{told}");
}

#[test]
fn numbers_in_another_base_are_never_read_as_decimal() {
    for text in [
        "[budget]\ndaily = 0x10",
        "[budget]\nalert_at = [0b1]",
        "[prices]\nstandard = 0o7",
    ] {
        let told = problems(text);
        assert!(told.contains("must be a decimal number"), "{told}");
    }
    let text = REFERENCE.replace("daily = \"60\"", "daily = 1_000");
    let policy = load("policy.toml", &text).expect("it loads").policy;
    let daily = policy.budget.daily.map(|money| money.to_string());
    assert_eq!(daily.as_deref(), Some("1000.00"));
}

#[test]
fn a_schedule_is_a_list_of_windows_or_a_word() {
    let with = |schedule: &str| format!("{SMALL}schedule = {schedule}");
    let loaded = |schedule: &str| {
        let policy = load("p", &with(schedule)).expect("it loads").policy;
        policy.pools[0].schedule.clone()
    };
    assert_eq!(loaded("\"always\""), Schedule::always());
    assert_eq!(loaded("\"never\""), Schedule::never());
    assert!(problems(&with("[]")).contains("write \"always\" or \"never\""));
    assert!(problems(&with("\"sometimes\"")).contains("must be one of"));
}

#[test]
fn a_pool_in_single_brackets_is_told_how_pools_are_written() {
    let told = problems(&SMALL.replace("[[pool]]", "[pool]"));
    assert!(told.contains("write [[pool]]"), "{told}");
}

//! Rules read, refused and in force.

use proptest::prelude::*;

use super::*;
use crate::units::Minutes;

fn faults(rules: &[&str], seed: u64) -> Faults {
    Faults::new(
        &rules
            .iter()
            .map(|r| r.parse().expect("a rule"))
            .collect::<Vec<_>>(),
        seed,
    )
}
fn refused(rule: &str) -> String {
    rule.parse::<Rule>().expect_err(rule).to_string()
}

#[test]
fn a_rule_strikes_those_it_counts() {
    let mut faults = faults(&["get+list:429,retry-after=3s,skip=1,every=2,times=2"], 0);
    let struck: Vec<bool> = (0..9)
        .map(|_| faults.request(ApiOperation::Get).1.is_some())
        .collect();
    assert_eq!(
        struck,
        [false, false, true, false, true, false, false, false, false]
    );
    assert_eq!(faults.request(ApiOperation::Create), (Span::ZERO, None));
}

#[test]
fn delays_add_up_and_the_first_of_the_other_effects_counts() {
    let mut faults = faults(
        &[
            "any:delay,by=2s",
            "get:delay,by=1s",
            "get:500",
            "any:503",
            "boot:fail",
        ],
        0,
    );
    assert_eq!(
        faults.request(ApiOperation::Get),
        (Span::seconds(3), Some(Effect::Broken))
    );
    assert_eq!(
        faults.request(ApiOperation::Token),
        (Span::seconds(2), Some(Effect::Unavailable(None)))
    );
}

#[test]
fn a_region_is_out_of_servers_of_one_size_only() {
    let mut faults = faults(
        &["boot:out-of-servers,size=standard", "boot:slow,by=90s"],
        0,
    );
    let longer = Span::seconds(90);
    assert_eq!(
        faults.boot(&Size::Standard),
        (longer, Some(Effect::OutOfServers(Some(Size::Standard))))
    );
    assert_eq!(faults.boot(&Size::Premium), (longer, None));
}

#[test]
fn the_same_seed_gives_the_same_chances_whatever_stands_beside_them() {
    let chances = |rules: &[&str], seed| {
        let mut faults = faults(rules, seed);
        (0..64)
            .map(|_| faults.request(ApiOperation::Get).1.is_some())
            .collect::<Vec<_>>()
    };
    let alone = chances(&["get:500,probability=0.5"], 7);
    assert_eq!(alone, chances(&["get:500,probability=0.5", "list:503"], 7));
    assert_ne!(alone, chances(&["get:500,probability=0.5"], 8));
    assert!(alone.iter().filter(|s| **s).count().abs_diff(32) < 16);
}

#[test]
fn a_rule_that_cannot_be_read_says_what_is_allowed() {
    let told = [
        "nonsense",
        "put:500",
        "get:504",
        "get:delay",
        "get:stale,by=2s",
        "get:slow,by=2s",
        "boot:500",
        "get:500,size=premium",
        "get:500,times=0",
        "get:500,probability=2",
        "get:delay,by=2",
        "get:delay,by=25h",
        "get:500,times=1,times=2",
        "boot:out-of-servers,size=huge",
        "any:alter,elapsed=1",
        "get:alter",
        "get:alter,elapsed=many",
        "get:alter,without=everything",
        "get:alter,by=2s",
        "get:short,to=3m",
        "update:short",
        "update:short,to=3m,by=1m",
        "list:garbled,nth=0",
        "get:omitted",
        "get:circle",
    ];
    insta::assert_snapshot!(
        told.map(|rule| format!("{rule}\n    {}", refused(rule)))
            .join("\n")
    );
}

#[test]
fn a_lease_is_granted_shorter_by_a_bound_or_a_step() {
    let granted = |rule: &str, asked| {
        let rule: Rule = rule.parse().expect("a rule");
        rule.effect.granted(Minutes::new(asked)).get()
    };
    assert_eq!(granted("update:short,to=3m", 20), 3);
    assert_eq!(granted("update:short,to=3m", 2), 2);
    assert_eq!(granted("create+update:short,by=5m", 20), 15);
    assert_eq!(granted("create:short,by=5m", 2), 0);
    assert_eq!(granted("create:500", 20), 20);
}

#[test]
fn a_number_is_changed_to_another_or_by_a_step() {
    assert_eq!(Change::To(4_294_967_295).of(3), 4_294_967_295);
    assert_eq!(Change::By(-5).of(3), -2);
    assert_eq!(Change::By(i64::MAX).of(3), i64::MAX);
}

#[test]
fn a_file_reads_like_the_rules_of_the_command_line() {
    let file = r#"
[[fault]]
on = "get"
effect = 429
retry_after = "2s"
probability = 0.5

[[fault]]
on = "boot"
effect = "fail"
times = 3
"#;
    let lines = [
        "get:429,retry-after=2s,probability=0.5",
        "boot:fail,times=3",
    ]
    .map(|r| r.parse().expect("a rule"));
    assert_eq!(rules(file).expect("rules"), lines);
    for (file, told) in [
        (
            "[[fault]]\non = \"get\"\n",
            "the 1. [[fault]] needs `on` and `effect`",
        ),
        (
            "[[fault]]\non = \"get\"\neffect = \"500\"\ntimes = []\n",
            "the 1. [[fault]] cannot be used: times=array: must be a text",
        ),
        ("[[faults]]\n", "unknown field `faults`"),
    ] {
        let error = crate::report::detail(&rules(file).expect_err("refused"));
        assert!(error.contains(told), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(
        text in ".{0,200}",
        on in "[a-z+]{0,12}",
        rest in "[a-z0-9=,.-]{0,40}",
    ) {
        let _ = text.parse::<Rule>();
        let _ = format!("{on}:{rest}").parse::<Rule>();
        let _ = rules(&text);
    }
}

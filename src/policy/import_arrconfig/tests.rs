//! What the sample scripts' file becomes, and what is said of one that cannot be used.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::ArrConfig;
use crate::policy::{Auth, SecretSource, load};
use crate::units::Minutes;

const GOOD: &str = r#"{
  "accountSettings": {
    "arrAccountId": "7c1f9c5e-1111-4a5b-9a55-0123456789ab",
    "arrAccountKey": "hunter2",
    "region": "westeurope"
  },
  "renderingSessionSettings": { "vmSize": "premium", "maxLeaseTime": "01:20:00" }
}"#;

#[test]
fn the_sample_scripts_file_becomes_a_policy_without_the_key() {
    let config = ArrConfig::read("arrconfig.json", &format!("\u{feff}{GOOD}")).expect("it is good");
    let text = config.policy_text("account-key");
    assert_snapshot!(text);
    let loaded = load("p", &text).expect("a policy");
    assert_eq!(loaded.warnings.problems, Vec::new());
    assert_eq!(loaded.policy.pools[0].lease, Minutes::new(80));
    let policy = config.policy().expect("the same");
    assert_eq!(
        policy.auth,
        Auth::AccountKey(SecretSource::Inline("hunter2".into()))
    );
    assert!(!format!("{config:?}{policy:?}{text}").contains("hunter2"));
}

#[test]
fn a_service_on_this_machine_needs_no_other_token_service() {
    let mut config = ArrConfig::read("arrconfig.json", GOOD).expect("it is good");
    config.service_endpoint = Some("http://127.0.0.1:8787".into());
    let policy = config.policy().expect("a policy");
    assert_eq!(policy.service.authentication_endpoint, None);
}

#[test]
fn every_problem_is_named_at_its_line_and_the_key_is_blotted_out() {
    let text = r#"{
  "accountSettings": {
    "arrAccountId": "<fill in the account ID>",
    "arrAccountKey": "hünter2", "authenticationEndpoint": 5,
    "region": "westeurop"
  },
  "renderingSessionSettings": { "vmSize": "huge", "maxLeaseTime": "4:5" }
}"#;
    let told = ArrConfig::read("arrconfig.json", text)
        .expect_err("it is broken")
        .to_string();
    assert!(!told.contains("nter2"), "{told}");
    assert_snapshot!(told);
}

#[test]
fn a_key_in_what_is_not_even_json_is_not_drawn() {
    let told = ArrConfig::read("a", "{ arrAccountKey: \"hunter2\" }")
        .expect_err("it is broken")
        .to_string();
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn broken_json_and_an_empty_object_say_what_is_wrong() {
    let told = |text| {
        ArrConfig::read("arrconfig.json", text)
            .expect_err("it is broken")
            .to_string()
    };
    assert_snapshot!(told("{\n  \"accountSettings\": {\n    oops\n") + "\n" + &told("{}"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_but_never_panics(
        at in 0..GOOD.len(), cut in 0usize..30, paste in "[\\PC\n\"]{0,10}",
    ) {
        let end = (at + cut).min(GOOD.len());
        let text = format!("{}{paste}{}", &GOOD[..at], &GOOD[end..]);
        match ArrConfig::read("a", &text) {
            Ok(config) => drop(config.policy().map_err(|e| e.to_string())),
            Err(problems) => prop_assert!(!problems.to_string().is_empty()),
        }
    }
}

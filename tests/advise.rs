//! `advise`: from the built binary, and what it says where it cannot advise.

use std::process::{Command, Output};

use crate::support::{BINARY, Studio, id_of, said};

const TOP: &str = env!("CARGO_MANIFEST_DIR");

fn advise(args: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.current_dir(TOP).args(["advise"]).args(args);
    let policy = [
        "--policy",
        "examples/studio.toml",
        "--usage",
        "examples/usage.csv",
    ];
    command.args(policy).output().expect("it runs")
}

#[test]
fn a_pool_is_advised_on_as_a_table_as_json_and_as_a_picture() {
    let small = ["review", "--idle", "5m,1h", "--spare", "0,1", "--days", "5"];
    let table = said(&advise(&small));
    assert!(
        table.starts_with("examples/studio.toml, pool review: 5 days from "),
        "{table}"
    );
    assert_eq!(table, said(&advise(&small)));
    let json = advise(&[&small[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let trials = json["trials"].as_array().expect("a list");
    // The policy's own 15m is tried too.
    assert_eq!(trials.len(), 6, "{json}");
    let now = &trials[usize::try_from(json["now"].as_u64().expect("an index")).expect("small")];
    assert_eq!(
        (&now["idle_timeout"], &now["spare"]),
        (&"15m".into(), &1.into())
    );
    let picture = advise(&[&small[..], &["--format", "svg"]].concat());
    let picture = String::from_utf8(picture.stdout).expect("text");
    assert!(roxmltree::Document::parse(&picture).is_ok(), "{picture}");
}

#[test]
fn who_cannot_be_advised_is_told_why() {
    let nobody = advise(&["nosuch"]);
    assert_eq!(nobody.status.code(), Some(1));
    let told = said(&nobody);
    assert!(
        told.contains("has no pool nosuch; it has review, baking"),
        "{told}"
    );
    let few = advise(&["baking"]);
    assert_eq!(few.status.code(), Some(1));
    let told = said(&few);
    assert!(
        told.contains(
            "too little history to advise on baking: examples/usage.csv (27 visits) has 4"
        ),
        "{told}"
    );
    let wrong = advise(&["review", "--idle", "30h"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        said(&wrong).contains("between 1s and 24h"),
        "{}",
        said(&wrong)
    );
}

#[test]
fn a_ledger_says_since_when_it_knows_anything_and_may_be_another_than_the_policys() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 1");
    let missing = studio.command(&["advise", "a"], &policy);
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
    let mut daemon = studio.daemon(&policy);
    id_of(&daemon.wait_for("Ready after"));
    assert!(
        studio
            .ask(&["acquire", "a", "--client", "ann"])
            .status
            .success()
    );
    let held = studio.status()["slots"][0]["session"].clone();
    let held = held.as_str().expect("a session").to_owned();
    assert!(
        studio
            .ask(&["release", &held, "--client", "ann"])
            .status
            .success()
    );
    daemon.end();
    std::fs::rename(studio.path("ledger.db"), studio.path("former.db")).expect("moved");
    let former = studio.path("former.db").display().to_string();
    let few = studio.command(&["advise", "a", "--ledger", &former], &policy);
    let told = said(&few);
    assert_eq!(few.status.code(), Some(1), "{told}");
    assert!(
        told.contains("too little history to advise on a: the ledger (1 visit; it begins on "),
        "{told}"
    );
}

//! `simulate` with the built binary: the transcript of README, its formats, a bad file, and a
//! ledger's own history.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{BINARY, Studio, id_of, said};

fn simulate(args: &[&str]) -> Output {
    let top = env!("CARGO_MANIFEST_DIR");
    Command::new(BINARY)
        .current_dir(top)
        .arg("simulate")
        .args(args)
        .output()
        .expect("it runs")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn each_format_tells_of_the_same_run() {
    let args = |format| {
        [
            "--policy",
            "examples/studio.toml",
            "--days",
            "1",
            "--from",
            "2026-03-02",
            "--format",
            format,
        ]
    };
    let json: Value = serde_json::from_str(&printed(&simulate(&args("json")))).expect("JSON");
    let cost = json["total"]["cost"]
        .as_str()
        .expect("an amount")
        .to_owned();
    assert!(
        json["total"]["sessions"].as_u64().expect("a number") > 0,
        "{json}"
    );
    assert!(printed(&simulate(&args("text"))).contains(&format!("It costs {cost} ")));
    let svg = printed(&simulate(&args("svg")));
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    assert!(
        document
            .descendants()
            .any(|n| n.text().is_some_and(|t| t.starts_with(&cost))),
        "{svg}"
    );
}

#[test]
fn held_against_another_policy_the_difference_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let frugal = folder.path().join("frugal.toml");
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/studio.toml"))
            .expect("there");
    std::fs::write(
        &frugal,
        text.replace("spare = 1", "spare = 0")
            .replace("min = 1", "min = 0"),
    )
    .expect("written");
    let frugal = frugal.display().to_string();
    let mut args = vec![
        "--policy",
        "examples/studio.toml",
        "--against",
        &frugal,
        "--usage",
        "examples/usage.csv",
    ];
    args.extend(["--days", "1"]);
    args.extend(["--format", "json"]);
    let json: Value = serde_json::from_str(&printed(&simulate(&args))).expect("JSON");
    let amount = |v: &Value| {
        v.as_str()
            .and_then(|t| t.parse::<f64>().ok())
            .expect("an amount")
    };
    let (mine, other) = (
        amount(&json["policy"]["total"]["cost"]),
        amount(&json["against"]["total"]["cost"]),
    );
    assert!(
        other < mine && (amount(&json["difference"]["cost"]) - (other - mine)).abs() < 0.011,
        "{mine} {other}"
    );
    assert!(json["difference"]["cold"].as_i64().expect("a number") > 0);
}

#[test]
fn a_usage_that_cannot_be_used_is_refused_with_every_line_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.csv");
    std::fs::write(
        &file,
        "client,pool,from,to\nann,reviev,2026-03-02 09:00,2026-03-02 10:00\n\
         bob,review,today,tomorrow\n",
    )
    .expect("written");
    let output = simulate(&[
        "--policy",
        "examples/studio.toml",
        "--usage",
        &file.display().to_string(),
    ]);
    let text = said(&output);
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(1), 0),
        "{text}"
    );
    assert!(
        text.contains("usage.csv:2:5") && text.contains("did you mean review?"),
        "{text}"
    );
    assert!(
        text.contains("usage.csv:3:12") && text.contains("3 problems in "),
        "{text}"
    );
}

#[test]
fn a_ledgers_own_history_is_lived_again_beside_its_daemon() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    let path = policy.display().to_string();
    let none = simulate(&["--policy", &path, "--usage", "ledger"]);
    assert!(
        said(&none).contains("there is no ledger at"),
        "{}",
        said(&none)
    );
    let mut daemon = studio.daemon(&policy);
    let session = id_of(&daemon.wait_for("Ready after"));
    assert!(
        studio
            .ask(&["acquire", "a", "--client", "ann"])
            .status
            .success()
    );
    daemon.wait_for("acquired by ann");
    assert!(
        studio
            .ask(&["release", &session, "--client", "ann"])
            .status
            .success()
    );
    daemon.wait_for("released by ann");
    let json: Value = serde_json::from_str(&printed(&simulate(&[
        "--policy", &path, "--usage", "ledger", "--format", "json",
    ])))
    .expect("JSON");
    let visits: Vec<&str> = json["visits"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|v| v["client"].as_str())
        .collect();
    assert_eq!((visits, json["days"].as_u64()), (vec!["ann"], Some(1)));
    assert_eq!(daemon.end().0, Some(0));
}

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

/// The studio's policy without stock, in a folder.
fn frugal(folder: &Path) -> String {
    let studio = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/studio.toml");
    let text = std::fs::read_to_string(studio).expect("there");
    let text = text.replace("spare = 1", "spare = 0");
    let frugal = folder.join("frugal.toml");
    std::fs::write(&frugal, text.replace("min = 1", "min = 0")).expect("written");
    frugal.display().to_string()
}

/// One day of the studio's policy, held against the frugal one.
fn against_frugal(folder: &Path, more: &[&str]) -> Output {
    let (studio, usage) = ("examples/studio.toml", "examples/usage.csv");
    let frugal = frugal(folder);
    let args = ["--policy", studio, "--against", &frugal, "--usage", usage];
    simulate(&[&args[..], &["--days", "1"], more].concat())
}

#[test]
fn held_against_another_policy_the_difference_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = against_frugal(folder.path(), &["--format", "json"]);
    let json: Value = serde_json::from_str(&printed(&output)).expect("JSON");
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
        other < mine && (amount(&json["difference"]["cost"]) - (mine - other)).abs() < 0.011,
        "{mine} {other}"
    );
    assert!(json["difference"]["cold"].as_i64().expect("a number") < 0);
    assert_eq!(json.get("conditions"), None);
}

#[test]
fn a_review_refuses_what_grows_beyond_its_bound_with_a_status_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let review = |more: &[&str]| {
        let output = against_frugal(folder.path(), more);
        let [out, error] = [output.stdout, output.stderr].map(String::from_utf8);
        (
            output.status.code(),
            out.expect("text"),
            error.expect("text"),
        )
    };
    let (status, out, _) = review(&["--format", "markdown", "--fail-if", "cost>+500%"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("- ✅ `cost>+500%`: "), "{out}");
    let conditions = ["--fail-if", "cost>+1%", "--fail-if", "never > 100"];
    let markdown = [&conditions[..], &["--format", "markdown"]].concat();
    let (status, out, said) = review(&markdown);
    assert_eq!(status, Some(3), "{said}");
    // The whole report is there, for whoever reviews it.
    assert!(
        out.contains("- ❌ `cost>+1%`: ") && out.contains("| cost |"),
        "{out}"
    );
    assert!(out.contains("- ✅ `never > 100`: it is "), "{out}");
    assert!(
        said.contains("error: cost>+1%: ") && said.contains(" became "),
        "{said}"
    );
    assert!(!said.contains("never"), "{said}");
    let (status, out, _) = review(&[&conditions[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(status, Some(3));
    assert_eq!(json["conditions"][0]["holds"], true);
    assert_eq!(json["conditions"][1]["condition"], "never > 100");
}

#[test]
fn a_condition_that_cannot_be_judged_is_refused_before_anything_is_simulated() {
    let studio = ["--policy", "examples/studio.toml", "--days", "1"];
    let refused = |condition: &str| {
        let output = simulate(&[&studio[..], &["--fail-if", condition]].concat());
        assert!(output.stdout.is_empty());
        (output.status.code(), said(&output))
    };
    let (status, told) = refused("cost>+10%");
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("no other policy to compare with") && told.contains("--against"));
    let (status, told) = refused("costs>1");
    assert_eq!(status, Some(2), "{told}");
    assert!(
        told.contains("there is no figure \"costs\"; there are cost, "),
        "{told}"
    );
}

#[test]
fn with_no_clients_a_policy_costs_what_it_keeps_for_nobody() {
    let studio = ["--policy", "examples/studio.toml", "--days", "1"];
    let nobody = ["--from", "2026-03-02", "--clients", "0"];
    let output = simulate(&[studio, nobody].concat());
    assert!(printed(&output).contains("No client came."));
    let json = simulate(&[&studio[..], &nobody, &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&printed(&json)).expect("JSON");
    let total = &json["total"];
    assert_eq!(
        (&total["clients"]["visits"], &total["held_minutes"]),
        (&0.into(), &0.into())
    );
    assert!(total["ready_minutes"].as_u64().expect("a number") > 0);
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

#[test]
fn the_month_that_an_example_tells_of_in_its_text_is_what_it_comes_to() {
    let studio = ["--policy", "examples/teams.toml"];
    let output = simulate(&[&studio[..], &["--usage", "examples/teams.csv"]].concat());
    let report = printed(&output);
    let (_, summary) = report.split_once("\n\n").expect("a summary");
    let (summary, _) = summary.split_once("\n\nPools").expect("tables below");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/teams.toml");
    let policy = std::fs::read_to_string(path).expect("there");
    let told = policy.lines().filter_map(|line| line.strip_prefix("#   "));
    let told: Vec<String> = told.map(|line| format!("  {line}")).collect();
    assert_eq!(told.join("\n"), summary);
}

//! The service by hand: what the sample scripts could do, with their own settings file.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::{ACCOUNT, BINARY, Studio, said};

fn leasekeeper(args: &[&str]) -> Output {
    Command::new(BINARY)
        .args(args)
        .env_remove("LEASEKEEPER_POLICY")
        .output()
        .expect("it runs")
}

/// The settings file of the sample scripts, for a studio's service and key.
fn arrconfig(studio: &Studio, key: &str) -> String {
    let path = studio.path("arrconfig.json");
    let text = json!({
        "accountSettings": { "arrAccountId": ACCOUNT, "arrAccountKey": key, "region": "westeurope",
            "serviceEndpoint": studio.endpoint, "authenticationEndpoint": studio.endpoint },
        "renderingSessionSettings": { "vmSize": "premium", "maxLeaseTime": "00:20:00" }
    });
    std::fs::write(&path, text.to_string()).expect("written");
    path.display().to_string()
}

#[test]
fn everything_that_the_sample_script_does_works_with_its_own_settings_file() {
    let studio = Studio::open();
    let file = arrconfig(&studio, "right");
    let session = |args: &[&str]| leasekeeper(&[&["session", "--arrconfig", &file], args].concat());
    let created = said(&session(&["create", "--id", "s-1", "--wait"]));
    for text in [
        "s-1\n",
        "Ready",
        "Premium",
        "hostname",
        "handshake port",
        "inspector port",
        "lease     20m",
    ] {
        assert!(created.contains(text), "{text:?} is not in {created}");
    }
    assert!(said(&session(&["show", "s-1", "--poll"])).contains("elapsed   0m"));
    assert!(said(&session(&["list"])).contains("s-1"));
    assert!(said(&session(&["extend", "s-1", "--lease", "01:10:00"])).contains("lease     1h10m"));
    let smaller = session(&["extend", "s-1", "--lease", "00:30:00"]);
    assert_eq!(smaller.status.code(), Some(1));
    assert!(
        said(&smaller).contains("must be larger") && said(&smaller).contains("MS-CV"),
        "{}",
        said(&smaller)
    );
    let overridden = said(&session(&[
        "create", "--size", "standard", "--lease", "5m", "--wait",
    ]));
    assert!(
        overridden.contains("Standard") && overridden.contains("lease     5m"),
        "{overridden}"
    );
    assert!(said(&session(&["stop", "s-1", "--wait"])).contains("Stopped"));
    assert_eq!(
        session(&["show", "s-1", "--wait"]).status.code(),
        Some(1),
        "an ended session is never Ready again"
    );
    assert_eq!(
        session(&["show"]).status.code(),
        Some(1),
        "nobody is there to be asked for the id"
    );
}

#[test]
fn a_program_reads_what_became_of_a_session() {
    let studio = Studio::open();
    let file = arrconfig(&studio, "right");
    let session = |args: &[&str]| -> serde_json::Value {
        let args = [
            &["session", "--arrconfig", &file],
            args,
            &["--format", "json"],
        ]
        .concat();
        let output = leasekeeper(&args);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).expect("one value of JSON")
    };
    let begun = session(&["create", "--id", "s-1"]);
    assert_eq!(
        (&begun["id"], &begun["size"]),
        (&json!("s-1"), &json!("Premium"))
    );
    let ready = session(&["create", "--id", "s-2", "--wait"]);
    assert_eq!(
        (&ready["id"], &ready["status"]),
        (&json!("s-2"), &json!("Ready"))
    );
    let extended = session(&["extend", "s-2", "--lease", "30m"]);
    assert_eq!(extended["max_lease"], 30);
    assert_eq!(
        session(&["stop", "s-1"]),
        json!({ "id": "s-1", "accepted": true })
    );
    assert_eq!(session(&["stop", "s-2", "--wait"])["status"], "Stopped");
}

#[test]
fn flags_alone_name_a_service_and_the_key_stays_in_its_file() {
    let studio = Studio::open();
    let key = studio.path("key").display().to_string();
    let flags = ["--endpoint", &studio.endpoint, "--account-id", ACCOUNT];
    let session = |more: &[&str]| leasekeeper(&[&["session", "list"], &flags[..], more].concat());
    assert_eq!(
        said(&session(&["--key-file", &key])),
        "no session is Starting or Ready\n"
    );
    assert!(said(&session(&[])).contains("--key-file"));
    assert!(said(&leasekeeper(&["session", "list"])).contains("which service?"));
    let file = arrconfig(&studio, "wrong");
    let refused = said(&leasekeeper(&["session", "--arrconfig", &file, "list"]));
    assert!(
        refused.contains("the account key was refused") && refused.contains("MS-CV"),
        "{refused}"
    );
    assert!(
        leasekeeper(&["session", "--arrconfig", &file, "--key-file", &key, "list"])
            .status
            .success()
    );
}

#[test]
fn an_imported_settings_file_is_a_policy_that_runs() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::open();
    let file = arrconfig(&studio, "right");
    let key = studio.path("imported-key").display().to_string();
    let output = leasekeeper(&["import", &file, "--key-file", &key]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        !said(&output).contains("right"),
        "the key is not printed: {}",
        said(&output)
    );
    assert_eq!(
        std::fs::metadata(&key).expect("there").permissions().mode() & 0o777,
        0o600
    );
    let policy = studio.path("imported.toml");
    std::fs::write(&policy, &output.stdout).expect("written");
    let run = Command::new(BINARY)
        .args(["run", "--once", "--policy"])
        .arg(&policy)
        .env("STATE_DIRECTORY", policy.parent().unwrap_or(Path::new("/")))
        .output()
        .expect("it runs");
    assert!(
        run.status.success() && said(&run).contains("creating a Premium session, lease 20m"),
        "{}",
        said(&run)
    );
    assert_eq!(
        leasekeeper(&["import", &file, "--key-file", &key])
            .status
            .code(),
        Some(1),
        "no key is overwritten"
    );
}

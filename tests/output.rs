//! What commands print where it cannot be printed, and what they refuse before they begin.

use std::fs::{File, OpenOptions};
use std::process::{Command, Output, Stdio};

use crate::support::{ACCOUNT, BINARY};

const TOP: &str = env!("CARGO_MANIFEST_DIR");

fn full() -> File {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("the device of a full disk")
}

fn leasekeeper(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).current_dir(TOP);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn output_that_cannot_be_written_is_an_error_with_its_cause() {
    let quickstart = "config/quickstart.toml";
    for args in [
        &["check", quickstart][..],
        &[
            "simulate", "--policy", quickstart, "--days", "1", "--seed", "1",
        ],
    ] {
        let mut command = leasekeeper(args);
        let output = command.stdout(full()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let told = text(&output.stderr);
        let expected =
            "error: cannot write to standard output\n  caused by: No space left on device";
        assert!(told.contains(expected), "{args:?}: {told}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let mut command = leasekeeper(&["check", "config/quickstart.toml"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("it runs");
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[test]
fn an_error_that_nobody_can_be_told_of_is_still_the_exit_status() {
    let mut command = leasekeeper(&["check", "no-such-file"]);
    let status = command.stdout(full()).stderr(full()).status();
    assert_eq!(status.expect("it runs").code(), Some(1));
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = leasekeeper(&["run", "--once", "--policy", "config/quickstart.toml"]);
    command
        .env("STATE_DIRECTORY", folder.path())
        .stdout(Stdio::null())
        .stderr(full());
    let status = command.status().expect("it runs");
    assert_eq!(status.code(), Some(0), "{status}");
}

/// What `check` and `run` say of a policy.
fn refused(policy: &str) -> (Output, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, policy).expect("written");
    let path = path.display().to_string();
    let run = |args: &[&str]| {
        let mut command = leasekeeper(args);
        command.env("STATE_DIRECTORY", folder.path());
        command.output().expect("it runs")
    };
    (run(&["check", &path]), run(&["run", "--policy", &path]))
}

#[test]
fn what_run_refuses_check_refuses_in_the_same_words() {
    let policy = |service: &str| {
        format!(
            "owner = \"st\"\n[service]\naccount_id = {ACCOUNT:?}\n{service}\n\
             [auth]\nmethod = \"token\"\ntoken_env = \"T\"\n\
             [[pool]]\nname = \"a\"\nlease = \"20m\"\nidle_timeout = \"5m\"\n"
        )
    };
    for (service, why) in [
        (
            "endpoint = \"https://a.example:port\"",
            "\"port\" is not a port",
        ),
        (
            "endpoint = \"https://a.example\"\naccount_domain = \"a.example\"\n\
             ca_file = \"/nowhere/ca.pem\"",
            "cannot use the certificate authorities in /nowhere/ca.pem",
        ),
        (
            "endpoint = \"https://a.example\"\naccount_domain = \"a.example\"\n\
             ca_file = \"/dev/zero\"",
            "it is not a regular file",
        ),
        (
            "endpoint = \"https://a.example\"\naccount_domain = \"a.example\"\n\
             ca_file = \"Cargo.toml\"",
            "there is no certificate in PEM in it",
        ),
        (
            "endpoint = \"https://a.example\"",
            "where tokens are got is not known\nhint: give `service.account_domain`",
        ),
    ] {
        let (check, run) = refused(&policy(service));
        assert_eq!(
            (check.status.code(), run.status.code()),
            (Some(1), Some(78)),
            "{service}"
        );
        for told in [text(&check.stderr), text(&run.stderr)] {
            assert!(told.contains(why), "{service}: {told}");
        }
    }
}

#[test]
fn a_check_that_is_strict_does_not_let_a_warning_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml");
    let check = |pool: &str, strict: bool| {
        let text = format!(
            "owner = \"st\"\nservice = {{ embedded = true }}\n[[pool]]\nname = \"a\"\n{pool}\n"
        );
        std::fs::write(&file, text).expect("written");
        let strict: &[&str] = if strict { &["--strict"] } else { &[] };
        let mut command = leasekeeper(&[&["check"], strict].concat());
        let output = command.arg(&file).output().expect("it runs");
        let said = crate::support::said(&output);
        (output.status.code(), said)
    };
    for (pool, warning) in [
        ("max = 0\nmin = 0", "can never have a session"),
        (
            "activity = [{ command = [\"no-such-program\"] }]",
            "no-such-program",
        ),
    ] {
        let (code, said) = check(pool, false);
        assert!(code == Some(0) && said.contains(warning), "{said}");
        assert_eq!(check(pool, true).0, Some(1));
    }
    let (code, said) = check("", true);
    assert!(
        code == Some(0) && said.contains("`min` of a starts sessions, and they stop"),
        "what `min` means is no warning: {said}"
    );
    let (_, said) = check("idle_timeout = \"never\"", false);
    assert!(!said.contains("`min` of a"), "{said}");
}

#[test]
fn what_a_check_found_can_be_read_by_a_program() {
    let check = |args: &[&str]| {
        let mut command = leasekeeper(&[&["check", "--format", "json"], args].concat());
        let output = command.output().expect("it runs");
        assert_eq!(text(&output.stderr), "");
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), found)
    };
    let (code, found) = check(&["examples/typo.toml"]);
    assert_eq!((code, &found["usable"]), (Some(1), &false.into()));
    let all = found["diagnostics"].as_array().expect("a list");
    assert_eq!(all.len(), 3, "{found}");
    assert_eq!(
        all[0],
        serde_json::json!({
            "file": "examples/typo.toml",
            "line": 8,
            "column": 12,
            "severity": "error",
            "message": "`prices.standard` is an amount, and money is never a float",
            "label": "put it in quotes",
            "hint": "write it as text: \"2.99\"",
        })
    );
    let (code, found) = check(&["config/quickstart.toml"]);
    assert_eq!(
        (code, &found["usable"], &found["pools"]),
        (Some(0), &true.into(), &2.into())
    );
    let most = (
        &found["most_in_a_day"],
        &found["most_in_31_days"],
        &found["currency"],
    );
    assert_eq!(most, (&"20.00".into(), &"620.00".into(), &"EUR".into()));

    // What is no mistake of a line has no place.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml").display().to_string();
    let policy = "owner = \"st\"\nservice = { embedded = true }\n[[pool]]\nname = \"a\"\n\
        activity = [{ command = [\"no-such-program\"] }]\n";
    std::fs::write(&file, policy).expect("written");
    let (code, found) = check(&[&file]);
    let warning = &found["diagnostics"][0];
    assert_eq!(
        (code, &warning["severity"]),
        (Some(0), &"warning".into()),
        "{found}"
    );
    assert!(
        warning["line"].is_null() && found["usable"] == true,
        "{found}"
    );
    assert_eq!(check(&[&file, "--strict"]).0, Some(1));
    let policy = policy.replace(
        "{ embedded = true }",
        "{ region = \"nowhere\", account_id = \"7c1f9c5e-1111-4a5b-9a55-0123456789ab\", \
         ca_file = \"/no/such/file\", account_domain = \"studio.example\" }\n\
         auth = { method = \"token\", token_env = \"TOKEN\" }",
    );
    std::fs::write(&file, policy).expect("written");
    let (code, found) = check(&[&file]);
    assert_eq!(
        (code, &found["usable"]),
        (Some(1), &false.into()),
        "{found}"
    );
    let last = found["diagnostics"].as_array().and_then(|all| all.last());
    assert_eq!(last.expect("one")["severity"], "error", "{found}");
}

#[test]
fn a_file_without_an_end_is_refused_wherever_one_is_named() {
    for args in [
        ["serve", "--fault-file=/dev/zero", "--listen=127.0.0.1:0"].as_slice(),
        &["serve", "--entra-jwks=/dev/zero", "--listen=127.0.0.1:0"],
        &[
            "simulate",
            "--policy=examples/studio.toml",
            "--usage=/dev/zero",
        ],
    ] {
        let output = leasekeeper(args).output().expect("it runs");
        let said = crate::support::said(&output);
        assert!(
            output.status.code() == Some(1) && said.contains("it is not a regular file"),
            "{args:?}: {said}"
        );
    }
}

//! `serve` as a process: what it keeps across restarts, and how it is told.

mod files;

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{ACCOUNT, BINARY, Running};

/// A service with these flags, and its URL.
fn serve(flags: &[&str]) -> (Running, String) {
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(flags);
    let mut service = Running::start(command, false);
    let line = service.wait_for("listening on ");
    let url = line.trim_start_matches("listening on ").to_owned();
    (service, url)
}

/// What a service says when it does not start.
fn refused(flags: &[&str]) -> String {
    let output = Command::new(BINARY)
        .arg("serve")
        .args(flags)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

async fn token(http: &reqwest::Client, url: &str) -> String {
    let at = format!("{url}/accounts/{ACCOUNT}/token?api-version=2019-02-28-preview");
    let answer = http
        .get(at)
        .bearer_auth(format!("{ACCOUNT}:right"))
        .send()
        .await
        .expect("an answer");
    answer.json::<Value>().await.expect("JSON")["AccessToken"]
        .as_str()
        .expect("a token")
        .into()
}

async fn ask(
    http: &reqwest::Client,
    method: &str,
    url: &str,
    tail: &str,
    token: &str,
    body: Value,
) -> (u16, Value) {
    let at = format!("{url}/accounts/{ACCOUNT}/sessions{tail}?api-version=2021-01-01");
    let method = method.parse().expect("a method");
    let answer = http
        .request(method, at)
        .bearer_auth(token)
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_service_that_was_killed_knows_its_sessions_and_tokens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("key"), "right").expect("written");
    let (account, state) = (format!("{ACCOUNT}:{}", path("key")), path("state"));
    let flags = [
        "--boot-delay",
        "0s",
        "--account",
        &account,
        "--state",
        &state,
    ];
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");

    let (service, url) = serve(&flags);
    let token = token(&http, &url).await;
    for (id, minutes) in [("running", 60), ("stopped", 60), ("expired", 0)] {
        let body = json!({"maxLeaseTimeMinutes": minutes, "size": "Standard"});
        assert_eq!(
            ask(&http, "PUT", &url, &format!("/{id}"), &token, body)
                .await
                .0,
            201
        );
    }
    assert_eq!(
        ask(&http, "POST", &url, "/stopped/:stop", &token, Value::Null)
            .await
            .0,
        204
    );
    let extend = json!({"maxLeaseTimeMinutes": 90});
    let (_, before) = ask(&http, "PATCH", &url, "/running", &token, extend).await;
    let told = refused(&flags);
    assert!(told.starts_with("error: another service (pid "), "{told}");
    service.kill();

    let (service, url) = serve(&flags);
    assert_eq!(
        ask(&http, "GET", &url, "/running", &token, Value::Null).await,
        (200, before.clone())
    );
    for (id, status) in [("stopped", "Stopped"), ("expired", "Expired")] {
        let (_, session) = ask(&http, "GET", &url, &format!("/{id}"), &token, Value::Null).await;
        assert_eq!(session["status"], status);
    }
    let (_, list) = ask(&http, "GET", &url, "", &token, Value::Null).await;
    assert_eq!(list, json!({"sessions": [before]}));
    assert_eq!(service.end().0, Some(0));

    let other = account.replace(ACCOUNT, "0c1f9c5e-1111-4a5b-9a55-0123456789ab");
    let (service, url) = serve(&["--account", &other, "--state", &state]);
    assert_eq!(
        ask(&http, "GET", &url, "/running", &token, Value::Null)
            .await
            .0,
        401
    );
    assert_eq!(service.end().0, Some(0));
}

#[test]
fn the_client_trusts_a_service_with_a_certificate_of_its_own_by_ca_file_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("key"), "right").expect("written");
    let account = format!("{ACCOUNT}:{}", path("key"));
    let (service, url) = serve(&["--account", &account, "--tls-self-signed", &path("tls")]);
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let list = |trust: &str| {
        let policy = format!(
            "owner = \"st\"\n[service]\nendpoint = {url:?}\naccount_id = {ACCOUNT:?}\n\
             timeout = \"5s\"\n{trust}\n[auth]\nmethod = \"account-key\"\nkey_file = {:?}\n\
             [[pool]]\nname = \"a\"\nlease = \"20m\"\nidle_timeout = \"5m\"\n",
            path("key")
        );
        std::fs::write(path("policy.toml"), policy).expect("written");
        let mut command = Command::new(BINARY);
        command
            .args(["session", "list", "--policy", &path("policy.toml")])
            .output()
            .expect("runs")
    };
    let trusted = list(&format!("ca_file = {:?}", path("tls/ca.pem")));
    assert!(trusted.status.success(), "{trusted:?}");
    let stranger = list("");
    assert_eq!(stranger.status.code(), Some(1), "{stranger:?}");
    let told = String::from_utf8(stranger.stderr).expect("text");
    assert!(told.contains("certificate"), "{told}");
    assert_eq!(service.end().0, Some(0));
}

#[test]
fn a_made_account_is_the_same_at_every_start_with_a_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (state, key) = (path("state"), path("key"));
    let start = || {
        let (mut service, _) = serve(&["--state", &state, "--key-file", &key]);
        let account = service.wait_for("account_id");
        assert_eq!(service.end().0, Some(0));
        (account, std::fs::read_to_string(&key).expect("a key"))
    };
    assert_eq!(start(), start());
}

#[test]
fn what_cannot_be_served_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (text, empty) = (
        path("text", "a diary, and not at all a database"),
        path("empty", "\n"),
    );
    let rules = path(
        "rules.toml",
        "[[fault]]\non = \"get\"\neffect = \"nothing\"\n",
    );
    let twice = format!("{ACCOUNT}:{text}");
    for (flags, told) in [
        (
            vec!["--listen", "0.0.0.0:0"],
            "plain HTTP must not leave the machine\nhint: add --tls-self-signed or --tls-cert",
        ),
        (
            vec!["--account", "me"],
            "\"me\" is not an account\nhint: write ID:KEYFILE",
        ),
        (
            vec!["--account", "me:key"],
            "\"me\" is not an account id; it must be a UUID\nhint: as in ",
        ),
        (
            vec!["--account", &twice, "--account", &twice],
            "is given twice",
        ),
        (
            vec!["--state", &text],
            "is not the state of a session service and was left as it is\nhint: give another \
             --state",
        ),
        (
            vec!["--tls-cert", &text, "--tls-key", &text],
            "has no certificate in PEM form",
        ),
        (
            vec!["--fault-file", &rules],
            "the 1. [[fault]] cannot be used\n  caused by: \"nothing\" is not an effect; these \
             are: delay, 429",
        ),
        (vec!["--entra-jwks", &text], "is not a JSON Web Key Set"),
        (vec!["--entra-secret-file", &empty], "is empty"),
        (
            vec!["--boot-delay", "5"],
            "--boot-delay cannot be used\n  caused by: \"5\" has no unit",
        ),
    ] {
        let key = folder.path().join("key").display().to_string();
        let address: &[&str] = if flags.contains(&"--listen") {
            &[]
        } else {
            &["--listen", "127.0.0.1:0"]
        };
        let said = refused(&[flags.as_slice(), address, &["--key-file", &key]].concat());
        assert!(said.contains(told), "{flags:?}: {said}");
    }
}

//! `serve` as a process: what it keeps across restarts, and how it is told.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
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
            "owner = \"st\"\n[service]\nendpoint = {url:?}\naccount_id = {ACCOUNT:?}\ntimeout = \"5s\"\n{trust}\n\
             [auth]\nmethod = \"account-key\"\nkey_file = {:?}\n[[pool]]\nname = \"a\"\nlease = \"20m\"\nidle_timeout = \"5m\"\n",
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
            "is not the state of a session service and was left as it is\nhint: give another --state",
        ),
        (
            vec!["--tls-cert", &text, "--tls-key", &text],
            "has no certificate in PEM form",
        ),
        (
            vec!["--fault-file", &rules],
            "the 1. [[fault]] cannot be used\n  caused by: \"nothing\" is not an effect; these are: delay, 429",
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

/// Every file below a folder by its name, with its mode and content.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            let content = std::fs::read(&path).expect("readable");
            found.insert(path, (mode & 0o777, content));
        }
    }
    found
}

#[test]
fn a_second_service_at_a_taken_address_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (service, url) = serve(&["--key-file", &path("key")]);
    let address = url.trim_start_matches("http://");
    let before = files(folder.path());
    assert_eq!(before[&folder.path().join("key")].0, 0o600);
    for more in [
        &[][..],
        &["--state", &path("state"), "--tls-self-signed", &path("tls")],
    ] {
        for key in [path("key"), path("another")] {
            let flags = [&["--listen", address, "--key-file", &key], more].concat();
            let told = refused(&flags);
            assert!(
                told.contains(&format!("cannot listen on {address}\n")),
                "{told}"
            );
            assert!(told.contains("\nhint: stop what listens there"), "{told}");
        }
    }
    assert_eq!(files(folder.path()), before);
    assert_eq!(service.end().0, Some(0));
}

#[test]
fn a_key_file_that_is_there_is_read_or_refused_and_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, state) = (path("key"), path("state"));
    let account = |flags: &[&str]| {
        let (mut service, _) = serve(&[&["--key-file", &key], flags].concat());
        let account = service.wait_for("account_id");
        assert_eq!(service.end().0, Some(0));
        (account, std::fs::read_to_string(&key).expect("a key"))
    };
    let first = account(&[]);
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("set");
    assert_eq!(account(&[]), first);
    let mode = std::fs::metadata(&key).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        account(&["--state", &state]),
        first,
        "a new state takes it over"
    );
    std::fs::remove_file(&key).expect("removed");
    assert_eq!(
        account(&["--state", &state]),
        first,
        "and has it from then on"
    );

    std::fs::write(path("diary"), "today\n").expect("written");
    std::os::unix::fs::symlink(&key, path("link")).expect("linked");
    let (service, _) = serve(&["--key-file", &path("other")]);
    assert_eq!(service.end().0, Some(0));
    let before = files(folder.path());
    let listen = ["--listen", "127.0.0.1:0"];
    for (flags, told) in [
        (
            vec!["--key-file", &path("diary")],
            "holds something other than a key that was made here, and was left as it is\n\
             hint: give another --key-file",
        ),
        (
            vec!["--key-file", &path("other"), "--state", &state],
            "holds another account's key, and was left as it is\nhint: give another --key-file",
        ),
        (
            vec!["--key-file", &path("link")],
            "caused by: it is a symbolic link",
        ),
    ] {
        let said = refused(&[&listen, flags.as_slice()].concat());
        assert!(said.contains(told), "{flags:?}: {said}");
    }
    let without_state = |found: BTreeMap<PathBuf, (u32, Vec<u8>)>| {
        let mut found = found;
        found.retain(|path, _| !path.display().to_string().contains("/state"));
        found
    };
    assert_eq!(without_state(files(folder.path())), without_state(before));
}

#[test]
fn a_state_is_private_and_nothing_else_is_taken_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let key = path("key");
    let (service, _) = serve(&["--state", &path("state"), "--key-file", &key]);
    assert_eq!(service.end().0, Some(0));
    let wide = Permissions::from_mode(0o664);
    std::fs::set_permissions(path("state"), wide.clone()).expect("set");
    let (service, _) = serve(&["--state", &path("state"), "--key-file", &key]);
    for (file, (mode, _)) in files(folder.path()) {
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    assert_eq!(service.end().0, Some(0));

    std::fs::write(path("diary"), "today").expect("written");
    std::fs::set_permissions(path("diary"), wide).expect("set");
    std::os::unix::fs::symlink(path("state"), path("link")).expect("linked");
    std::fs::write(path("new.lock"), "a diary too").expect("written");
    let before = files(folder.path());
    for (state, told) in [
        (
            "diary",
            "is not the state of a session service and was left as it is",
        ),
        ("link", "caused by: it is a symbolic link"),
        ("new", "caused by: it holds something else"),
    ] {
        let flags = [
            "--listen",
            "127.0.0.1:0",
            "--key-file",
            &key,
            "--state",
            &path(state),
        ];
        let said = refused(&flags);
        assert!(said.contains(told), "{state}: {said}");
    }
    std::fs::remove_file(path("new")).expect("an empty file that was made for the state");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_certificate_of_somebodys_own_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, tls) = (folder.path().join("key"), folder.path().join("tls"));
    std::fs::create_dir(&tls).expect("made");
    std::fs::write(tls.join("key.pem"), "a key of my own").expect("written");
    let before = files(&tls);
    let (key, tls) = (key.display().to_string(), tls.display().to_string());
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--key-file",
        &key,
        "--tls-self-signed",
        &tls,
    ];
    let told = refused(&flags);
    assert!(
        told.contains("was not made here; they were left as they are"),
        "{told}"
    );
    assert_eq!(files(Path::new(&tls)), before);
}

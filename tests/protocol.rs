//! The session service on the wire, request by request: every row of the protocol's operation table, with status, headers
//! and bodies as the real service sent them.

use std::sync::Arc;

use leasekeeper::arr::Secret;
use leasekeeper::clock::SystemClock;
use leasekeeper::host::{Account, Config, Host};
use leasekeeper::units::Span;
use reqwest::{Method, Response};
use serde_json::{Value, json};

const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";
const OTHER: &str = "0c1f9c5e-1111-4a5b-9a55-0123456789ab";

struct Service {
    host: Host,
    http: reqwest::Client,
    token: String,
}

impl Service {
    async fn start() -> Self {
        let account = |id: &str, key: &str| Account { id: id.into(), key: Secret::new(key) };
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            accounts: vec![account(ACCOUNT, "key"), account(OTHER, "other")],
            boot_delay: Span::ZERO,
            capacity: 3,
            page_size: 2,
        };
        let host = Host::start(config, Arc::new(SystemClock::new())).await.expect("it starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut service = Self { host, http, token: String::new() };
        let body: Value = service.exchange(ACCOUNT, "key").await.json().await.expect("JSON");
        service.token = body["AccessToken"].as_str().expect("a token").into();
        service
    }

    async fn exchange(&self, account: &str, key: &str) -> Response {
        let url = format!("http://{}/ACCOUNTS/{account}/Token?api-version=2019-02-28-preview", self.host.address());
        self.http.get(url).bearer_auth(format!("{account}:{key}")).send().await.expect("an answer")
    }

    async fn raw(&self, method: Method, path: &str, body: Option<&str>) -> Response {
        let url = format!("http://{}{path}", self.host.address());
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        request.send().await.expect("an answer")
    }

    async fn ask(&self, method: Method, tail: &str, body: Option<Value>) -> (u16, Value) {
        let path = format!("/accounts/{ACCOUNT}/sessions{tail}?api-version=2021-01-01");
        let response = self.raw(method, &path, body.map(|b| b.to_string()).as_deref()).await;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

fn settings(minutes: i64) -> Option<Value> {
    Some(json!({"maxLeaseTimeMinutes": minutes, "size": "standard"}))
}

#[tokio::test]
async fn every_row_of_the_operation_table() {
    let s = Service::start().await;
    let extend = |m: i64| Some(json!({"maxLeaseTimeMinutes": m}));
    for (step, (method, tail, body, expected)) in [
        (Method::PUT, "/a", settings(60), 201),
        (Method::PUT, "/a", settings(60), 200),
        (Method::PUT, "/a", settings(61), 409),
        (Method::PUT, "/b", settings(-4), 400),
        (Method::PUT, "/b", settings(1441), 400),
        (Method::PUT, "/b", settings(1440), 201),
        (Method::GET, "/a", None, 200),
        (Method::GET, "/A", None, 404),
        (Method::PATCH, "/a", extend(72), 200),
        (Method::PATCH, "/a", extend(72), 422),
        (Method::PATCH, "/a", extend(1440), 422),
        (Method::PATCH, "/nobody", extend(72), 404),
        (Method::GET, "", None, 200),
        (Method::POST, "/a/:stop", None, 204),
        (Method::POST, "/nobody/:stop", None, 404),
        (Method::GET, "/a", None, 200),
        (Method::PUT, "/a", settings(60), 200),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, answer) = s.ask(method.clone(), tail, body).await;
        assert_eq!(status, expected, "step {step}: {method} {tail}: {answer}");
    }
    let (_, stopped) = s.ask(Method::GET, "/a", None).await;
    assert_eq!((&stopped["status"], stopped.get("hostname")), (&json!("Stopped"), None));
    s.host.shutdown().await;
}

#[tokio::test]
async fn a_ready_session_has_the_fields_of_the_protocol_and_no_empty_ones() {
    let s = Service::start().await;
    s.ask(Method::PUT, "/a", settings(60)).await;
    let (_, session) = s.ask(Method::GET, "/a", None).await;
    let mut fields: Vec<&str> = session.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected = "arrInspectorPort creationTime elapsedTimeMinutes handshakePort hostname id maxLeaseTimeMinutes size status teraflops";
    assert_eq!(fields.join(" "), expected);
    assert_eq!((&session["size"], &session["status"]), (&json!("Standard"), &json!("Ready")));
    let created = session["creationTime"].as_str().expect("text");
    assert!(created.len() == "2021-03-22T17:11:23.214787+00:00".len() && created.ends_with("+00:00"), "{created}");
    for port in ["handshakePort", "arrInspectorPort"] {
        assert!((49_152..=65_534).contains(&session[port].as_i64().expect("a port")));
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_the_real_service() {
    let s = Service::start().await;
    let path = format!("/accounts/{ACCOUNT}/sessions/nobody?api-version=2021-01-01-preview");
    let url = format!("http://{}{path}", s.host.address());
    let request = s.http.get(url).bearer_auth(&s.token);
    let request = request.header("x-ms-client-request-id", "mine").header("x-ms-return-client-request-id", "true");
    let response = request.send().await.expect("an answer");
    let header =
        |name: &str| response.headers().get(name).map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default();
    assert_eq!(header("api-supported-versions"), "2021-01-01-preview, 2021-01-01");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    assert_eq!((header("cache-control").as_str(), header("pragma").as_str()), ("no-store,no-cache", "no-cache"));
    assert_eq!(header("x-ms-client-request-id"), "mine");
    let cv = header("ms-cv");
    assert!(cv.len() == 24 && cv.ends_with(".0"), "{cv}");
}

#[tokio::test]
async fn a_refused_setting_has_the_text_of_the_real_service() {
    let s = Service::start().await;
    let path = format!("/accounts/{ACCOUNT}/sessions/a?api-version=2021-01-01");
    let body = r#"{"maxLeaseTimeMinutes":-4,"size":"Standard"}"#;
    let text = s.raw(Method::PUT, &path, Some(body)).await.text().await.expect("text");
    assert_eq!(
        text,
        r#"{"error":{"code":"BadRequest","message":"The maxLeaseTimeMinutes value cannot be negative."}}"#
    );
}

#[tokio::test]
async fn malformed_requests_are_each_refused_properly() {
    let s = Service::start().await;
    let at = |tail: &str, version: &str| format!("/accounts/{ACCOUNT}/sessions/{tail}{version}");
    let version = "?api-version=2021-01-01";
    let large = format!("{{\"size\":\"{}\"}}", "x".repeat(100_000));
    for (path, body, expected) in [
        (at("a", ""), r#"{"maxLeaseTimeMinutes":5,"size":"Standard"}"#, 400),
        (at("a", "?api-version=2019-01-01"), r#"{"maxLeaseTimeMinutes":5,"size":"Standard"}"#, 400),
        (at("a", version), "", 400),
        (at("a", version), "{", 400),
        (at("a", version), "[]", 400),
        (at("a", version), r#"{"maxLeaseTimeMinutes":"5","size":"Standard"}"#, 400),
        (at("a", version), r#"{"maxLeaseTimeMinutes":5.5,"size":"Standard"}"#, 400),
        (at("a", version), r#"{"maxLeaseTimeMinutes":5,"size":"Huge"}"#, 400),
        (at("a", version), r#"{"maxLeaseTimeMinutes":5,"size":"Standard","x":1}"#, 400),
        (at("a%20b", version), r#"{"maxLeaseTimeMinutes":5,"size":"Standard"}"#, 400),
        (at(&"a".repeat(257), version), r#"{"maxLeaseTimeMinutes":5,"size":"Standard"}"#, 400),
        (at("a", version), large.as_str(), 413),
        ("/elsewhere".into(), "{}", 404),
    ] {
        let response = s.raw(Method::PUT, &path, Some(body)).await;
        let status = response.status().as_u16();
        assert_eq!(status, expected, "{path} {}", &body[..body.len().min(60)]);
    }
    assert_eq!(s.ask(Method::GET, "", None).await.1, json!({"sessions": []}));
}

#[tokio::test]
async fn tokens_are_for_one_account_and_a_wrong_key_gets_an_empty_401() {
    let s = Service::start().await;
    let refused = s.exchange(ACCOUNT, "wrong").await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["content-length"], "0");
    assert!(refused.text().await.expect("a body").is_empty());
    for (account, token) in [(OTHER, s.token.as_str()), (ACCOUNT, "nonsense"), (ACCOUNT, "")] {
        let url = format!("http://{}/accounts/{account}/sessions?api-version=2021-01-01", s.host.address());
        let response = s.http.get(url).bearer_auth(token).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), response.headers()["www-authenticate"].as_bytes()),
            (401, &b"Bearer"[..])
        );
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_a_full_region_ends_sessions_in_error() {
    let s = Service::start().await;
    for id in ["/a", "/b", "/c", "/d"] {
        assert_eq!(s.ask(Method::PUT, id, settings(60)).await.0, 201);
    }
    let (_, first) = s.ask(Method::GET, "", None).await;
    let link = first["@nextLink"].as_str().expect("there is more");
    let next = s.http.get(link).bearer_auth(&s.token).send().await.expect("an answer");
    let second: Value = next.json().await.expect("JSON");
    assert_eq!(
        (first["sessions"].as_array().map(Vec::len), second["sessions"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );
    assert!(second.get("@nextLink").is_none());
    let (_, full) = s.ask(Method::GET, "/d", None).await;
    assert_eq!(
        (&full["status"], full["error"]["message"].as_str()),
        (&json!("Error"), Some("No Standard servers are available."))
    );
}

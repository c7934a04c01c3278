//! The session service on the wire, request by request: every row of the protocol's operation
//! table, with status, headers and bodies as the real service sent them.

use std::sync::Arc;

use leasekeeper::clock::SystemClock;
use leasekeeper::host::{Host, HostAccount, HostConfig, HostOptions, WireFormat};
use leasekeeper::units::{Secret, Span};
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
        Self::start_with(HostOptions::default()).await
    }

    async fn start_with(options: HostOptions) -> Self {
        Self::booting(Span::ZERO, options).await
    }

    async fn booting(boot_delay: Span, options: HostOptions) -> Self {
        let account = |id: &str, key: &str| HostAccount {
            id: id.into(),
            key: Secret::new(key),
        };
        let config = HostConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            accounts: vec![account(ACCOUNT, "key"), account(OTHER, "other")],
            boot_delay,
            capacity: 3,
            page_size: 2,
        };
        let host = Host::start_with(config, options, Arc::new(SystemClock::new()))
            .await
            .expect("it starts");
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let mut service = Self {
            host,
            http,
            token: String::new(),
        };
        let body: Value = service
            .exchange(ACCOUNT, "key")
            .await
            .json()
            .await
            .expect("JSON");
        service.token = body["AccessToken"].as_str().expect("a token").into();
        service
    }

    async fn exchange(&self, account: &str, key: &str) -> Response {
        let url = format!(
            "http://{}/ACCOUNTS/{account}/Token?api-version=2019-02-28-preview",
            self.host.address()
        );
        self.http
            .get(url)
            .bearer_auth(format!("{account}:{key}"))
            .send()
            .await
            .expect("an answer")
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
        let response = self
            .raw(method, &path, body.map(|b| b.to_string()).as_deref())
            .await;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.expect("a body");
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }
}

fn settings(minutes: i64) -> Option<Value> {
    Some(json!({"maxLeaseTimeMinutes": minutes, "size": "standard"}))
}

/// An error's body, as the real service writes it.
fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
}

/// Holds an answer to the headers that every one carries.
fn has_the_headers_of_the_real_service(method: &Method, response: &Response, context: &str) {
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|v| v.to_str().expect("text"))
    };
    assert_eq!(
        header("api-supported-versions"),
        Some("2021-01-01-preview, 2021-01-01"),
        "{context}"
    );
    assert_eq!(
        header("x-content-type-options"),
        Some("nosniff"),
        "{context}"
    );
    let vector = header("ms-cv")
        .expect("a correlation vector")
        .strip_suffix(".0")
        .expect("its end");
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    assert!(
        vector.len() == 22 && vector.chars().all(base64),
        "{context}: {vector}"
    );
    let date = header("date").expect("a date");
    assert!(
        date.len() == "Wed, 28 Apr 2021 10:42:20 GMT".len() && date.ends_with(" GMT"),
        "{context}: {date}"
    );
    let reading = *method == Method::GET;
    assert_eq!(
        header("cache-control"),
        reading.then_some("no-store,no-cache"),
        "{context}"
    );
    assert_eq!(header("pragma"), reading.then_some("no-cache"), "{context}");
}

#[tokio::test]
async fn every_row_of_the_operation_table() {
    let extend = |m: i64| Some(json!({"maxLeaseTimeMinutes": m}));
    let nobody = error("NotFound", "The session 'nobody' was not found.");
    let other_settings = error(
        "Conflict",
        "The session 'a' already exists with different settings.",
    );
    let negative = error(
        "BadRequest",
        "The maxLeaseTimeMinutes value cannot be negative.",
    );
    let long = error(
        "BadRequest",
        "The maxLeaseTimeMinutes value cannot be larger than 1440.",
    );
    let not_larger = error(
        "UnprocessableEntity",
        "The maxLeaseTimeMinutes value must be larger than the current value.",
    );
    let maximum = error(
        "UnprocessableEntity",
        "The maxLeaseTimeMinutes value must be less than 1440.",
    );
    let ended = error("UnprocessableEntity", "The session 'a' has ended.");
    // What an answer that is not an error holds besides its time of creation, and which bytes it
    // has otherwise.
    let (session, nothing) = ("{\"id\":\"", "");
    for version in ["2021-01-01", "2021-01-01-preview"] {
        let s = Service::start().await;
        for (step, (method, tail, body, status, bytes)) in [
            (Method::PUT, "/a", settings(60), 201, session),
            (Method::PUT, "/a", settings(60), 200, session),
            (Method::PUT, "/a", settings(61), 409, &other_settings),
            (Method::PUT, "/b", settings(-4), 400, &negative),
            (Method::PUT, "/b", settings(1441), 400, &long),
            (Method::PUT, "/b", settings(1440), 201, session),
            (Method::GET, "/a", None, 200, session),
            (Method::GET, "/nobody", None, 404, &nobody),
            (Method::PATCH, "/a", extend(72), 200, session),
            (Method::PATCH, "/a", extend(72), 422, &not_larger),
            (Method::PATCH, "/a", extend(71), 422, &not_larger),
            (Method::PATCH, "/a", extend(1440), 422, &maximum),
            (Method::PATCH, "/a", extend(-4), 400, &negative),
            (Method::PATCH, "/nobody", extend(72), 404, &nobody),
            (Method::GET, "", None, 200, "{\"sessions\":["),
            (Method::POST, "/a/:stop", None, 204, nothing),
            (Method::POST, "/a/:stop", None, 204, nothing),
            (Method::POST, "/nobody/:stop", None, 404, &nobody),
            (Method::GET, "/a", None, 200, session),
            (Method::PATCH, "/a", extend(90), 422, &ended),
            (Method::PUT, "/a", settings(60), 200, session),
        ]
        .into_iter()
        .enumerate()
        {
            let context = format!("{version}, step {step}: {method} {tail}");
            let path = format!("/accounts/{ACCOUNT}/sessions{tail}?api-version={version}");
            let response = s
                .raw(
                    method.clone(),
                    &path,
                    body.map(|b| b.to_string()).as_deref(),
                )
                .await;
            assert_eq!(response.status(), status, "{context}");
            has_the_headers_of_the_real_service(&method, &response, &context);
            let kind = response
                .headers()
                .get("content-type")
                .map(|v| v.to_str().expect("text").to_owned());
            let expected = (bytes != nothing).then_some("application/json; charset=utf-8");
            assert_eq!(kind.as_deref(), expected, "{context}");
            let text = response.text().await.expect("text");
            if status < 300 && bytes != nothing {
                assert!(text.starts_with(bytes), "{context}: {text}");
            } else {
                assert_eq!(text, bytes, "{context}");
            }
        }
        let (_, stopped) = s.ask(Method::GET, "/a", None).await;
        assert_eq!(
            (&stopped["status"], stopped.get("hostname")),
            (&json!("Stopped"), None)
        );
        s.host.shutdown().await;
    }
}

#[tokio::test]
async fn the_fields_of_each_state_are_those_of_the_protocol() {
    for (shape, boot, expected) in [
        (
            WireFormat::Modern,
            Span::hours(1),
            "creationTime elapsedTimeMinutes id maxLeaseTimeMinutes size status",
        ),
        (
            WireFormat::LegacyNulls,
            Span::hours(1),
            "arrInspectorPort=0 creationTime elapsedTimeMinutes error=null handshakePort=0 hostname=null id \
             maxLeaseTimeMinutes size status teraflops=0.0",
        ),
        (
            WireFormat::Modern,
            Span::ZERO,
            "creationTime elapsedTimeMinutes id maxLeaseTimeMinutes size status teraflops",
        ),
    ] {
        let s = Service::booting(
            boot,
            HostOptions {
                format: shape,
                ..HostOptions::default()
            },
        )
        .await;
        s.ask(Method::PUT, "/a", settings(60)).await;
        if boot == Span::ZERO {
            s.ask(Method::POST, "/a/:stop", None).await;
        }
        let (_, session) = s.ask(Method::GET, "/a", None).await;
        let empty = |v: &Value| v.is_null() || v.as_f64() == Some(0.0);
        let told = session
            .as_object()
            .expect("an object")
            .iter()
            .map(|(name, value)| match name.as_str() {
                "elapsedTimeMinutes" => name.clone(),
                _ if empty(value) => format!("{name}={value}"),
                _ => name.clone(),
            });
        assert_eq!(told.collect::<Vec<_>>().join(" "), expected);
    }
}

#[tokio::test]
async fn a_ready_session_has_the_fields_of_the_protocol_and_no_empty_ones() {
    let s = Service::start().await;
    s.ask(Method::PUT, "/a", settings(60)).await;
    let (_, session) = s.ask(Method::GET, "/a", None).await;
    let mut fields: Vec<&str> = session
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    let expected = "arrInspectorPort creationTime elapsedTimeMinutes handshakePort hostname id maxLeaseTimeMinutes size status teraflops";
    assert_eq!(fields.join(" "), expected);
    assert_eq!(
        (&session["size"], &session["status"]),
        (&json!("Standard"), &json!("Ready"))
    );
    let created = session["creationTime"].as_str().expect("text");
    assert!(
        created.len() == "2021-03-22T17:11:23.214787+00:00".len() && created.ends_with("+00:00"),
        "{created}"
    );
    for port in ["handshakePort", "arrInspectorPort"] {
        assert!((49_152..=65_534).contains(&session[port].as_i64().expect("a port")));
    }
}

#[tokio::test]
async fn a_client_gets_its_request_id_back_if_it_wants_it() {
    let s = Service::start().await;
    let url = format!(
        "http://{}/accounts/{ACCOUNT}/sessions/nobody?api-version=2021-01-01",
        s.host.address()
    );
    for (wanted, echoed) in [
        (Some("true"), true),
        (Some("True"), true),
        (Some("false"), false),
        (None, false),
    ] {
        let mut request = s
            .http
            .get(&url)
            .bearer_auth(&s.token)
            .header("x-ms-client-request-id", "mine");
        if let Some(wanted) = wanted {
            request = request.header("x-ms-return-client-request-id", wanted);
        }
        let response = request.send().await.expect("an answer");
        let back = response
            .headers()
            .get("x-ms-client-request-id")
            .map(reqwest::header::HeaderValue::as_bytes);
        assert_eq!(back, echoed.then_some(&b"mine"[..]), "{wanted:?}");
    }
}

const BAD_ID: &str = "The session ID must be 1 to 256 characters of A-Z, a-z, 0-9, '-' and '_'.";

#[tokio::test]
async fn malformed_requests_are_each_refused_properly() {
    let s = Service::start().await;
    let at = |tail: &str, version: &str| format!("/accounts/{ACCOUNT}/sessions/{tail}{version}");
    let version = "?api-version=2021-01-01";
    let large = format!("{{\"size\":\"{}\"}}", "x".repeat(100_000));
    let good = r#"{"maxLeaseTimeMinutes":5,"size":"Standard"}"#;
    for (path, body, status, told) in [
        (
            at("a", ""),
            good,
            400,
            "An API version is required, but was not specified.",
        ),
        (
            at("a", "?api-version="),
            good,
            400,
            "The api-version '' is not supported.",
        ),
        (
            at("a", "?api-version=2019-01-01"),
            good,
            400,
            "The api-version '2019-01-01' is not supported.",
        ),
        (
            at("a", "?api-version=2021-01-01&api-version=2019-01-01"),
            good,
            400,
            "More than one api-version was specified.",
        ),
        (
            at("a", version),
            "",
            400,
            "The request body is not valid JSON: EOF while parsing a value at line 1 column 0.",
        ),
        (
            at("a", version),
            "{",
            400,
            "The request body is not valid JSON: EOF while parsing an object at line 1 column 1.",
        ),
        (
            at("a", version),
            "[]",
            400,
            "The request body must be a JSON object.",
        ),
        (
            at("a", version),
            r#"{"size":"Standard"}"#,
            400,
            "The maxLeaseTimeMinutes value is required.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":"5","size":"Standard"}"#,
            400,
            "The maxLeaseTimeMinutes value must be an integer.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":5.5,"size":"Standard"}"#,
            400,
            "The maxLeaseTimeMinutes value must be an integer.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":18446744073709551615,"size":"Standard"}"#,
            400,
            "The maxLeaseTimeMinutes value cannot be larger than 1440.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":5,"size":"Huge"}"#,
            400,
            "The size value must be 'Standard' or 'Premium'.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":5,"size":5}"#,
            400,
            "The size value must be 'Standard' or 'Premium'.",
        ),
        (
            at("a", version),
            r#"{"maxLeaseTimeMinutes":5,"size":"Standard","x":1}"#,
            400,
            "The request body has an unknown property 'x'.",
        ),
        (at("a%20b", version), good, 400, BAD_ID),
        (at("", version), good, 400, BAD_ID),
        (at(&"a".repeat(257), version), good, 400, BAD_ID),
        (at("a%2fb", version), good, 400, BAD_ID),
        (
            at("a%zz", version),
            good,
            400,
            "The path has a bad percent-encoding.",
        ),
        (
            at("a%f", version),
            good,
            400,
            "The path has a bad percent-encoding.",
        ),
        (
            at("a%ff", version),
            good,
            400,
            "The path has a bad percent-encoding.",
        ),
        (
            at("a", version),
            large.as_str(),
            413,
            "The request body is larger than 65536 bytes.",
        ),
        (at("a/b", version), good, 404, "There is nothing here."),
        (
            at("a/:stop/more", version),
            good,
            404,
            "There is nothing here.",
        ),
        (
            at("a/:stop", version),
            good,
            405,
            "The method is not allowed here; these are: POST.",
        ),
        (
            format!("/accounts/{ACCOUNT}/sessions{version}"),
            good,
            405,
            "The method is not allowed here; these are: GET.",
        ),
        (
            format!("/accounts/{ACCOUNT}/token{version}"),
            good,
            405,
            "The method is not allowed here; these are: GET.",
        ),
        ("/elsewhere".into(), "{}", 404, "There is nothing here."),
        ("/".into(), "{}", 404, "There is nothing here."),
    ] {
        let context = format!(
            "{} {}",
            &path[..path.len().min(200)],
            &body[..body.len().min(60)]
        );
        let response = s.raw(Method::PUT, &path, Some(body)).await;
        assert_eq!(response.status().as_u16(), status, "{context}");
        has_the_headers_of_the_real_service(&Method::PUT, &response, &context);
        let allow = response.headers().get("allow").is_some();
        assert_eq!(allow, status == 405, "{context}");
        let error: Value = response.json().await.expect("JSON");
        assert_eq!(error["error"]["message"], told, "{context}");
    }
    assert_eq!(
        s.ask(Method::GET, "", None).await.1,
        json!({"sessions": []})
    );
}

/// Holds an answer to the real service's 401: it says how to get in, and has no body.
async fn is_an_empty_401(response: Response, context: &str) {
    assert_eq!(response.status(), 401, "{context}");
    has_the_headers_of_the_real_service(&Method::GET, &response, context);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer",
        "{context}"
    );
    assert_eq!(response.headers()["content-length"], "0", "{context}");
    assert_eq!(response.headers().get("content-type"), None, "{context}");
    assert_eq!(response.text().await.expect("a body"), "", "{context}");
}

#[tokio::test]
async fn a_wrong_key_account_or_form_of_either_gets_an_empty_401_from_the_token_service() {
    let s = Service::start().await;
    let stranger = "9c1f9c5e-1111-4a5b-9a55-0123456789ab";
    for (account, key) in [
        (ACCOUNT, "wrong"),
        (ACCOUNT, "other"),
        (ACCOUNT, ""),
        (stranger, "key"),
        ("x", "key"),
    ] {
        is_an_empty_401(s.exchange(account, key).await, &format!("{account}:{key}")).await;
    }
    let url = format!(
        "http://{}/Accounts/{ACCOUNT}/token?api-version=2019-02-28-preview",
        s.host.address()
    );
    for given in [
        format!("Bearer {OTHER}:key"),
        "Bearer key".into(),
        format!("Basic {ACCOUNT}:key"),
        String::new(),
    ] {
        let response = s
            .http
            .get(&url)
            .header("authorization", &given)
            .send()
            .await
            .expect("an answer");
        is_an_empty_401(response, &given).await;
    }
    let other_version = s.http.get(url.replace("2019-02-28-preview", "2021-01-01"));
    let response = other_version
        .bearer_auth(format!("{ACCOUNT}:key"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn a_token_counts_for_its_account_until_its_end_and_only_with_its_signature() {
    let s = Service::start().await;
    let spent = Service::start_with(HostOptions {
        token_life: Some(Span::ZERO),
        ..HostOptions::default()
    })
    .await;
    let get = async |service: &Service, account: &str, token: &str| {
        let url = format!(
            "http://{}/accounts/{account}/sessions?api-version=2021-01-01",
            service.host.address()
        );
        service
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    };
    assert_eq!(get(&s, ACCOUNT, &s.token).await.status(), 200);
    assert_eq!(
        get(&s, &ACCOUNT.to_uppercase(), &s.token).await.status(),
        200
    );
    let mut parts: Vec<&str> = s.token.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    parts[2] = "AAAA";
    for (context, service, account, token) in [
        ("another account", &s, OTHER, s.token.as_str()),
        ("no token", &s, ACCOUNT, ""),
        ("nonsense", &s, ACCOUNT, "nonsense"),
        (
            "a signature that does not fit",
            &s,
            ACCOUNT,
            &parts.join("."),
        ),
        ("no signature", &s, ACCOUNT, &unsigned),
        ("another service's token", &s, ACCOUNT, &spent.token),
        ("a token that has ended", &spent, ACCOUNT, &spent.token),
    ] {
        is_an_empty_401(get(service, account, token).await, context).await;
    }
}

#[tokio::test]
async fn accounts_share_the_servers_and_see_only_their_own_sessions() {
    let s = Service::start().await;
    for id in ["/a", "/b", "/c"] {
        s.ask(Method::PUT, id, settings(60)).await;
    }
    let body: Value = s.exchange(OTHER, "other").await.json().await.expect("JSON");
    let token = body["AccessToken"].as_str().expect("a token");
    let ask = async |method: Method, tail: &str, body: String| {
        let url = format!(
            "http://{}/accounts/{OTHER}/sessions{tail}?api-version=2021-01-01",
            s.host.address()
        );
        let response = s
            .http
            .request(method, url)
            .bearer_auth(token)
            .body(body)
            .send()
            .await
            .expect("an answer");
        (
            response.status().as_u16(),
            response.json::<Value>().await.expect("JSON"),
        )
    };
    assert_eq!(ask(Method::GET, "/a", String::new()).await.0, 404);
    let (_, made) = ask(
        Method::PUT,
        "/mine",
        settings(5).expect("settings").to_string(),
    )
    .await;
    assert_eq!(
        (&made["status"], &made["id"]),
        (&json!("Error"), &json!("mine"))
    );
    assert_eq!(
        ask(Method::GET, "", String::new()).await,
        (200, json!({"sessions": []}))
    );
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_a_full_region_ends_sessions_in_error() {
    let s = Service::start().await;
    for id in ["/a", "/b", "/c", "/d"] {
        assert_eq!(s.ask(Method::PUT, id, settings(60)).await.0, 201);
    }
    let (_, first) = s.ask(Method::GET, "", None).await;
    let link = first["@nextLink"].as_str().expect("there is more");
    let next = s
        .http
        .get(link)
        .bearer_auth(&s.token)
        .send()
        .await
        .expect("an answer");
    let second: Value = next.json().await.expect("JSON");
    assert_eq!(
        (
            first["sessions"].as_array().map(Vec::len),
            second["sessions"].as_array().map(Vec::len)
        ),
        (Some(2), Some(1))
    );
    assert!(second.get("@nextLink").is_none());
    let (_, full) = s.ask(Method::GET, "/d", None).await;
    assert_eq!(
        (&full["status"], full["error"]["message"].as_str()),
        (&json!("Error"), Some("No Standard servers are available."))
    );
}

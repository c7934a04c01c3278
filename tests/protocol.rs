//! The session service on the wire, request by request, as the real service answered them: what
//! its tests share.

mod access;
mod faults;
mod list;
mod malformed;
mod operations;
mod paths;
mod shape;

use std::sync::Arc;

use leasekeeper::clock::SystemClock;
use leasekeeper::host::{Host, HostAccount, HostConfig, HostOptions};
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

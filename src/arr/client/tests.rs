//! The client against a scripted server.

mod session_service;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use url::Url;

use crate::arr::testing::{clock, plain};
use crate::arr::{ClientConfig, Credential};
use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::policy::SecretSource;
use crate::service::RegionService;
use crate::units::{Minutes, SessionId, Size, Span};

use super::region_client::Client;

pub(super) type Scripted = (u16, Vec<(&'static str, String)>, String);

/// A server that gives scripted answers in turn, tokens whenever it is asked for one, and remembers
/// what it was asked.
pub(super) struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(script: Vec<Scripted>) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let log = asked.clone();
        let answer = move |method: Method, uri: Uri, headers: HeaderMap| {
            let (script, log) = (script.clone(), log.clone());
            async move {
                log.lock()
                    .expect("whole")
                    .push(format!("{method} {}", uri.path()));
                assert!(headers.contains_key("x-ms-client-request-id"));
                if uri.path().ends_with("/token") {
                    return (StatusCode::OK, r#"{"AccessToken":"a.e30.b"}"#).into_response();
                }
                let (status, headers, body) = script
                    .lock()
                    .expect("whole")
                    .pop_front()
                    .expect("the script goes on");
                let mut response =
                    (StatusCode::from_u16(status).expect("a status"), body).into_response();
                for (name, value) in headers {
                    response
                        .headers_mut()
                        .insert(name, value.parse().expect("a value"));
                }
                response
            }
        };
        Self {
            url: plain(axum::Router::new().fallback(answer)).await,
            asked,
        }
    }

    pub(super) fn client(&self) -> Client {
        client(&self.url, "key")
    }

    /// What it was asked, tokens aside.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .expect("whole")
            .iter()
            .filter(|a| !a.ends_with("/token"))
            .cloned()
            .collect()
    }
}

fn client(url: &Url, key: &str) -> Client {
    client_at(url, key, clock())
}

pub(super) fn client_at(url: &Url, key: &str, clock: Arc<dyn Clock>) -> Client {
    let config = ClientConfig {
        endpoint: url.clone(),
        sts: url.clone(),
        account_id: "acc".into(),
        timeout: Span::seconds(3),
        ca_pem: None,
        credential: Credential::AccountKey(SecretSource::Inline(key.into())),
    };
    Client::new(config, clock).expect("a client")
}

pub(super) fn id() -> SessionId {
    SessionId::new("s-1").expect("an id")
}

pub(super) fn ok(body: &str) -> Scripted {
    (200, Vec::new(), body.into())
}

pub(super) const EMPTY_LIST: &str = r#"{"sessions":[]}"#;

#[tokio::test]
async fn fifty_calls_at_once_exchange_one_token() {
    let server = Server::start((0..50).map(|_| ok(EMPTY_LIST)).collect()).await;
    let client = server.client();
    let all = futures_util::future::join_all((0..50).map(|_| client.list())).await;
    assert!(all.iter().all(Result::is_ok));
    let tokens = server
        .asked
        .lock()
        .expect("whole")
        .iter()
        .filter(|a| a.ends_with("/token"))
        .count();
    assert_eq!(tokens, 1);
}

const READY: &str = r#"{"id":"s-1","status":"Ready","size":"Standard",
    "maxLeaseTimeMinutes":20,"elapsedTimeMinutes":3}"#;

fn wait(seconds: &str) -> Scripted {
    (429, vec![("retry-after", seconds.into())], String::new())
}

#[tokio::test]
async fn what_is_throttled_is_that_kind_of_request_and_no_other() {
    let server = Server::start(vec![wait("600"), ok(READY), ok(EMPTY_LIST)]).await;
    let client = server.client();
    let lease = Minutes::new(20);
    for _ in 0..2 {
        let refused = client.create(&id(), &Size::Standard, lease).await;
        let refused = refused.expect_err("throttled").kind;
        assert!(matches!(refused, FailureKind::Throttled { .. }));
    }
    client.extend(&id(), lease).await.expect("extended");
    client.list().await.expect("listed");
    assert_eq!(server.asked().len(), 3, "the second create was not sent");
}

#[tokio::test]
async fn an_extension_and_a_stop_are_never_held_back_for_long() {
    let server = Server::start(vec![wait("600"), wait("600"), ok(READY), ok("")]).await;
    let clock = clock();
    let client = client_at(&server.url, "key", clock.clone());
    let extended = client.extend(&id(), Minutes::new(20)).await;
    let stopped = client.stop(&id()).await;
    for throttled in [extended.err(), stopped.err()] {
        let kind = throttled.expect("throttled").kind;
        let FailureKind::Throttled { until } = kind else {
            panic!("{kind:?}")
        };
        assert!(until - clock.now() <= Span::seconds(30), "{until}");
    }
    *clock.ahead.lock().expect("whole") += Span::seconds(31);
    let extended = client.extend(&id(), Minutes::new(20)).await;
    extended.expect("tried again half a minute later");
    client.stop(&id()).await.expect("and so is the stop");
}

#[tokio::test]
async fn a_service_that_asks_for_no_wait_is_still_given_up_at_the_deadline() {
    let server = Server::start(
        (0..10_000)
            .map(|_| (429, vec![("retry-after", "0".into())], String::new()))
            .collect(),
    )
    .await;
    assert!(matches!(
        server.client().list().await.expect_err("given up").kind,
        FailureKind::Throttled { .. }
    ));
    assert!(server.asked().len() < 100);
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again_and_a_refusal_is_not() {
    let refused = r#"{"error":{"code":"BadRequest","message":"no"}}"#;
    let cv = vec![("ms-cv", "abc.0".into())];
    let server = Server::start(vec![
        (503, Vec::new(), String::new()),
        ok(EMPTY_LIST),
        (400, cv, refused.into()),
    ])
    .await;
    let client = server.client();
    client.list().await.expect("the second time");
    let error = client.get(&id()).await.expect_err("refused").to_string();
    assert_eq!(
        error,
        "could not get session s-1: 127.0.0.1 refused the request (400): BadRequest: no (MS-CV \
         abc.0)"
    );
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_token_that_is_refused_is_exchanged_once_more() {
    let server = Server::start(vec![
        (401, Vec::new(), String::new()),
        (401, Vec::new(), String::new()),
    ])
    .await;
    let error = server.client().list().await.expect_err("refused twice");
    assert_eq!(error.kind, FailureKind::Unauthorized);
    assert_eq!(server.asked.lock().expect("whole").len(), 4);
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let other = Server::start(vec![ok(EMPTY_LIST), ok(EMPTY_LIST)]).await;
    let link = format!(
        r#"{{"sessions":[],"@nextLink":"{}accounts/acc/sessions"}}"#,
        other.url
    );
    let redirect = (
        307,
        vec![("location", other.url.to_string())],
        String::new(),
    );
    let server = Server::start(vec![ok(&link), redirect]).await;
    let client = server.client();
    assert!(
        client
            .list()
            .await
            .expect_err("refused")
            .detail
            .contains("the token goes to no other host")
    );
    assert!(
        client
            .list()
            .await
            .expect_err("refused")
            .detail
            .contains("which is not followed")
    );
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn pages_are_followed_and_both_shapes_are_understood() {
    let modern = r#"{"sessions":[{"id":"s-1","status":"Ready","size":"Standard",
        "maxLeaseTimeMinutes":20,"elapsedTimeMinutes":3,"hostname":"vm","handshakePort":50000,
        "new":{}}],"@nextLink":"/accounts/acc/sessions?page=2"}"#;
    let of_2021 = r#"{"sessions":[{"id":"s-2","status":"Hibernating","size":null,
        "maxLeaseTimeMinutes":20,"elapsedTimeMinutes":0,"hostname":null,"handshakePort":0,
        "arrInspectorPort":null,"teraflops":0.0,"error":null}]}"#;
    let server = Server::start(vec![ok(modern), ok(of_2021)]).await;
    let list = server.client().list().await.expect("two pages");
    let seen: Vec<_> = list
        .sessions
        .iter()
        .map(|s| {
            (
                s.status.as_str(),
                s.address.as_ref().map(ToString::to_string),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("Ready", Some("vm:50000".to_owned())),
            ("Hibernating", None)
        ]
    );
}

#[tokio::test]
async fn an_update_whose_reply_was_lost_is_looked_up() {
    let session = r#"{"id":"s-1","status":"Ready","size":"Standard",
        "maxLeaseTimeMinutes":40,"elapsedTimeMinutes":3}"#;
    // The first sending took effect and its answer was a 500; the second is refused, because 40 is
    // not larger than 40.
    let server = Server::start(vec![
        (500, Vec::new(), String::new()),
        (422, Vec::new(), String::new()),
        ok(session),
    ])
    .await;
    let answer = server
        .client()
        .extend(&id(), Minutes::new(40))
        .await
        .expect("it has the lease that was asked for");
    assert_eq!(answer.session.max_lease, Minutes::new(40));
}

#[tokio::test]
async fn an_answer_about_another_session_or_none_is_refused() {
    let other = r#"{"id":"s-2","status":"Ready"}"#;
    let negative = r#"{"id":"s-1","status":"Ready","maxLeaseTimeMinutes":-1}"#;
    let server = Server::start(vec![ok(other), ok(negative), ok("<html>"), ok("")]).await;
    let client = server.client();
    for _ in 0..4 {
        assert_eq!(
            client.get(&id()).await.expect_err("garbled").kind,
            FailureKind::Garbled
        );
    }
}

#[test]
fn no_secret_is_shown_by_debug() {
    let sanitize = format!(
        "{:?}",
        Credential::AccountKey(SecretSource::Inline("hunter2".into()))
    );
    assert!(!sanitize.contains("hunter2"));
    assert!(!format!("{:?}", crate::units::Secret::new("hunter2")).contains("hunter2"));
}

//! The client against a scripted server.

mod session_service;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use url::Url;

use crate::arr::testing::{clock, plain, tls};
use crate::arr::{ClientConfig, Credential};
use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::policy::SecretSource;
use crate::service::RegionService;
use crate::units::{Minutes, SessionId, Span};

use super::region_client::Client;

type Scripted = (u16, Vec<(&'static str, String)>, String);

/// A server that gives scripted answers in turn, tokens whenever it is asked for one, and remembers
/// what it was asked.
struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(script: Vec<Scripted>) -> Self {
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

    fn client(&self) -> Client {
        client(&self.url, "key")
    }

    /// What it was asked, tokens aside.
    fn asked(&self) -> Vec<String> {
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

fn client_at(url: &Url, key: &str, clock: Arc<dyn Clock>) -> Client {
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

fn id() -> SessionId {
    SessionId::new("s-1").expect("an id")
}

fn ok(body: &str) -> Scripted {
    (200, Vec::new(), body.into())
}

const EMPTY_LIST: &str = r#"{"sessions":[]}"#;

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

#[tokio::test]
async fn a_throttled_account_sends_nothing_more() {
    let server = Server::start(vec![(
        429,
        vec![("retry-after", "60".into())],
        String::new(),
    )])
    .await;
    let client = server.client();
    let throttled =
        |e: &crate::service::ServiceError| matches!(e.kind, FailureKind::Throttled { .. });
    assert!(throttled(&client.list().await.expect_err("throttled")));
    assert!(throttled(
        &client.get(&id()).await.expect_err("still throttled")
    ));
    assert_eq!(server.asked().len(), 1);
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
        "could not get session s-1: 127.0.0.1 refused the request (400): BadRequest: no (MS-CV abc.0)"
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
    let modern = r#"{"sessions":[{"id":"s-1","status":"Ready","size":"Standard","maxLeaseTimeMinutes":20,"elapsedTimeMinutes":3,"hostname":"vm","handshakePort":50000,"new":{}}],"@nextLink":"/accounts/acc/sessions?page=2"}"#;
    let of_2021 = r#"{"sessions":[{"id":"s-2","status":"Hibernating","size":null,"maxLeaseTimeMinutes":20,"elapsedTimeMinutes":0,"hostname":null,"handshakePort":0,"arrInspectorPort":null,"teraflops":0.0,"error":null}]}"#;
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
    let session = r#"{"id":"s-1","status":"Ready","size":"Standard","maxLeaseTimeMinutes":40,"elapsedTimeMinutes":3}"#;
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

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_is_named_and_not_without() {
    let answer = async |uri: Uri| {
        if uri.path().ends_with("/token") {
            r#"{"AccessToken":"a"}"#
        } else {
            EMPTY_LIST
        }
    };
    let (url, ca) = tls(axum::Router::new().fallback(answer)).await;
    let config = |ca_pem| ClientConfig {
        endpoint: url.clone(),
        sts: url.clone(),
        account_id: "acc".into(),
        timeout: Span::seconds(1),
        ca_pem,
        credential: Credential::key("key"),
    };
    let stranger = Client::new(config(None), clock())
        .expect("a client")
        .list()
        .await
        .expect_err("not trusted");
    assert!(stranger.detail.contains("ertificate"), "{stranger}");
    Client::new(config(Some(ca)), clock())
        .expect("a client")
        .list()
        .await
        .expect("trusted");
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

#[tokio::test]
async fn an_answer_without_end_is_given_up_at_its_bound() {
    let server = Server::start(vec![ok(&" ".repeat(9 * 1024 * 1024))]).await;
    let client = server.client();
    let error = client.get(&id()).await.expect_err("too large");
    assert!(error.detail.contains("larger than 8 MiB"), "{error}");
    assert_eq!(
        (error.kind, server.asked().len()),
        (FailureKind::Garbled, 1),
        "it would be as large again"
    );
}

#[tokio::test]
async fn a_list_without_end_is_given_up_at_its_bound() {
    let page = r#"{"sessions":[],"@nextLink":"/accounts/acc/sessions"}"#;
    let server = Server::start((0..2_000).map(|_| ok(page)).collect()).await;
    let error = server.client().list().await.expect_err("too long");
    assert!(error.detail.contains("more than 1000 pages"), "{error}");
    assert_eq!(server.asked().len(), 1_000);
}

//! The fields of a session in each state, and what the client asks to have sent back.

use leasekeeper::host::{HostOptions, WireFormat};
use leasekeeper::units::Span;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, Service, settings};

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

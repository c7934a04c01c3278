//! The bytes of a session and of an error, in today's shape and in that of early 2021.

use leasekeeper::host::{HostOptions, WireFormat};
use leasekeeper::units::Span;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, Service, settings};

const LEGACY: WireFormat = WireFormat::LegacyNulls;

async fn service(boot: Span, format: WireFormat) -> Service {
    let options = HostOptions {
        format,
        ..HostOptions::default()
    };
    Service::booting(boot, options).await
}

/// What a GET answers: its `Cache-Control`, and its body.
async fn get(s: &Service, tail: &str) -> (Option<String>, String) {
    let path = format!("/accounts/{ACCOUNT}/sessions{tail}?api-version=2021-01-01");
    let response = s.raw(Method::GET, &path, None).await;
    let header = response.headers().get("cache-control");
    let cached = header.map(|value| value.to_str().expect("text").to_owned());
    (cached, response.text().await.expect("text"))
}

/// The names of a flat object's members as they stand, with the values of those that are empty.
fn members(object: &str) -> String {
    let object = object.trim_start_matches('{').trim_end_matches('}');
    let member = |member: &str| {
        let (name, value) = member.split_once(':').expect("a member");
        let name = name.trim_matches('"');
        match value {
            "null" | "0.0" => format!("{name}={value}"),
            "0" if name.ends_with("Port") => format!("{name}={value}"),
            _ => name.to_owned(),
        }
    };
    object.split(',').map(member).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_fields_of_each_state_stand_in_the_order_of_the_real_service() {
    let (slow, now) = (Span::hours(1), Span::ZERO);
    for (format, boot, stopped, expected) in [
        (
            WireFormat::Modern,
            slow,
            false,
            "id creationTime elapsedTimeMinutes maxLeaseTimeMinutes size status",
        ),
        (
            WireFormat::Modern,
            now,
            false,
            "id creationTime arrInspectorPort handshakePort elapsedTimeMinutes hostname \
             maxLeaseTimeMinutes size status teraflops",
        ),
        (
            WireFormat::Modern,
            now,
            true,
            "id creationTime elapsedTimeMinutes maxLeaseTimeMinutes size status teraflops",
        ),
        (
            LEGACY,
            slow,
            false,
            "id creationTime arrInspectorPort=0 handshakePort=0 elapsedTimeMinutes hostname=null \
             maxLeaseTimeMinutes size status teraflops=0.0 error=null",
        ),
        (
            LEGACY,
            now,
            false,
            "id creationTime arrInspectorPort handshakePort elapsedTimeMinutes hostname \
             maxLeaseTimeMinutes size status teraflops error=null",
        ),
        (
            LEGACY,
            now,
            true,
            "id creationTime arrInspectorPort=0 handshakePort=0 elapsedTimeMinutes hostname=null \
             maxLeaseTimeMinutes size status teraflops error=null",
        ),
    ] {
        let s = service(boot, format).await;
        s.ask(Method::PUT, "/a", settings(60)).await;
        if stopped {
            s.ask(Method::POST, "/a/:stop", None).await;
        }
        let (_, text) = get(&s, "/a").await;
        assert_eq!(members(&text), expected);
    }
}

#[tokio::test]
async fn the_values_of_a_ready_session_are_those_of_the_protocol() {
    let s = Service::start().await;
    s.ask(Method::PUT, "/a", settings(60)).await;
    let (_, session) = s.ask(Method::GET, "/a", None).await;
    assert_eq!(
        (&session["size"], &session["status"]),
        (&json!("Standard"), &json!("Ready"))
    );
    let created = session["creationTime"].as_str().expect("text");
    let time = created.strip_suffix("+00:00").expect("an offset");
    assert!(!time.contains('.') || !time.ends_with(['0', '.']), "{time}");
    for port in ["handshakePort", "arrInspectorPort"] {
        assert!((49_152..=65_534).contains(&session[port].as_i64().expect("a port")));
    }
}

#[tokio::test]
async fn early_2021_wrote_nulls_in_errors_and_cached_a_single_session() {
    let not_found = r#""code":"NotFound","message":"The session 'nobody' was not found.""#;
    let uncached = Some("no-store,no-cache".to_owned());
    for (format, single, nulls) in [
        (WireFormat::Modern, uncached.clone(), ""),
        (
            LEGACY,
            None,
            r#","details":null,"target":null,"innerError":null"#,
        ),
    ] {
        let s = service(Span::ZERO, format).await;
        let error = format!("{{\"error\":{{{not_found}{nulls}}}}}");
        assert_eq!(get(&s, "/nobody").await, (single, error));
        assert_eq!(get(&s, "").await.0, uncached);
    }
}

#[tokio::test]
async fn a_session_that_failed_tells_its_error_in_the_same_shape() {
    for (format, nulls) in [
        (WireFormat::Modern, &[][..]),
        (LEGACY, &["details", "innerError", "target"]),
    ] {
        let s = service(Span::ZERO, format).await;
        for id in ["/a", "/b", "/c", "/d"] {
            s.ask(Method::PUT, id, settings(60)).await;
        }
        let (_, session) = s.ask(Method::GET, "/d", None).await;
        let error = session["error"].as_object().expect("an error");
        let null = error.iter().filter(|(_, value)| value.is_null());
        let null: Vec<&str> = null.map(|(name, _)| name.as_str()).collect();
        assert_eq!(null, nulls);
    }
}

#[tokio::test]
async fn a_clients_request_id_is_not_sent_back_whatever_it_wants() {
    let s = Service::start().await;
    let path = format!("/accounts/{ACCOUNT}/sessions/nobody?api-version=2021-01-01");
    let url = format!("http://{}{path}", s.host.address());
    for wanted in ["true", "false"] {
        let request = s.http.get(&url).bearer_auth(&s.token);
        let response = request
            .header("x-ms-client-request-id", "mine")
            .header("x-ms-return-client-request-id", wanted)
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.headers().get("x-ms-client-request-id"), None);
    }
}

#[tokio::test]
async fn members_of_a_body_that_mean_nothing_are_passed_over() {
    // The sample script sends the settings of its own file as they are.
    let s = Service::start().await;
    let settings = json!({
        "maxLeaseTimeMinutes": 5, "size": "Standard", "models": [], "x": {"y": null},
    });
    assert_eq!(s.ask(Method::PUT, "/a", Some(settings)).await.0, 201);
    let total = json!({"maxLeaseTimeMinutes": 6, "size": "Premium", "x": 1});
    let (status, session) = s.ask(Method::PATCH, "/a", Some(total)).await;
    assert_eq!(
        (status, &session["maxLeaseTimeMinutes"], &session["size"]),
        (200, &json!(6), &json!("Standard"))
    );
}

#[tokio::test]
async fn a_negative_zero_is_a_zero_and_a_fraction_is_none() {
    let s = Service::start().await;
    let create = async |lease: &str| {
        let path = format!("/accounts/{ACCOUNT}/sessions/a?api-version=2021-01-01");
        let body = format!(r#"{{"maxLeaseTimeMinutes":{lease},"size":"Standard"}}"#);
        let response = s.raw(Method::PUT, &path, Some(&body)).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.expect("JSON");
        (status, body["maxLeaseTimeMinutes"].clone())
    };
    assert_eq!(create("0.5").await.0, 400);
    assert_eq!(create("-1").await.0, 400);
    assert_eq!(create("-0").await, (201, json!(0)));
}

//! Every row of the protocol's operation table, with status, headers and bodies.

use reqwest::Method;
use serde_json::json;

use super::{ACCOUNT, Service, error, has_the_headers_of_the_real_service, settings};

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

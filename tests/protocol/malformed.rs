//! Requests that make no sense, each refused with what is wrong.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, Service, has_the_headers_of_the_real_service};

const BAD_ID: &str = "The session ID must be 1 to 256 characters of A-Z, a-z, 0-9, '-' and '_'.";

#[tokio::test]
async fn malformed_requests_are_each_refused_properly() {
    let s = Service::start().await;
    let at = |tail: &str, version: &str| format!("/accounts/{ACCOUNT}/sessions/{tail}{version}");
    let version = "?api-version=2021-01-01";
    let large = format!("{{\"size\":\"{}\"}}", "x".repeat(100_000));
    let echoing = format!("?api-version={}", "ä".repeat(5_000));
    let echoed = format!("The api-version '{}…' is not supported.", "ä".repeat(100));
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
        (at("a", &echoing), good, 400, &echoed),
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
        (at("a%20b", version), good, 400, BAD_ID),
        (
            at("", version),
            good,
            405,
            "The method is not allowed here; these are: GET.",
        ),
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

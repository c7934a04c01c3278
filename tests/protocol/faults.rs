//! Answers that are wrong on request, so that clients can be shown what they do with them.

use leasekeeper::host::HostOptions;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, Service, settings};

/// A service with a Ready session for each id, whose faults begin after those are made.
async fn service(rules: &[&str]) -> Service {
    let options = HostOptions {
        faults: rules.iter().map(|r| r.parse().expect("a rule")).collect(),
        ..HostOptions::default()
    };
    let s = Service::start_with(options).await;
    for id in ["/a", "/b"] {
        s.ask(Method::PUT, id, settings(60)).await;
    }
    s
}

fn total(minutes: i64) -> Option<Value> {
    Some(json!({"maxLeaseTimeMinutes": minutes}))
}

#[tokio::test]
async fn numbers_and_words_can_be_plausible_and_wrong_and_the_session_is_as_it_was() {
    let s = service(&[
        "get:alter,elapsed=4294967295,times=1",
        "get:alter,elapsed-by=-5,lease-by=30,skip=1,times=1",
        "get:alter,status=Hibernating,size=Huge,without=address,skip=2,times=1",
        "list:alter,lease=-4,times=1",
        "update:alter,lease=7,times=1",
    ])
    .await;
    let (_, first) = s.ask(Method::GET, "/a", None).await;
    assert_eq!(first["elapsedTimeMinutes"], 4_294_967_295_i64);
    let (_, second) = s.ask(Method::GET, "/a", None).await;
    assert_eq!(
        (
            &second["elapsedTimeMinutes"],
            &second["maxLeaseTimeMinutes"]
        ),
        (&json!(-5), &json!(90))
    );
    let (_, third) = s.ask(Method::GET, "/a", None).await;
    assert_eq!(
        (&third["status"], &third["size"], third.get("hostname")),
        (&json!("Hibernating"), &json!("Huge"), None)
    );
    let (_, list) = s.ask(Method::GET, "", None).await;
    let leases = list["sessions"].as_array().expect("a list");
    assert!(leases.iter().all(|s| s["maxLeaseTimeMinutes"] == -4));
    let (_, updated) = s.ask(Method::PATCH, "/a", total(72)).await;
    assert_eq!(updated["maxLeaseTimeMinutes"], 7);
    let (_, truth) = s.ask(Method::GET, "/a", None).await;
    assert_eq!(
        (&truth["status"], &truth["maxLeaseTimeMinutes"]),
        (&json!("Ready"), &json!(72))
    );
}

#[tokio::test]
async fn a_lease_can_be_granted_shorter_than_it_was_asked_for_or_not_at_all() {
    let s = service(&["update:short,to=65m", "create:short,by=10m,skip=2"]).await;
    for (asked, status, granted) in [
        (80, 200, json!(65)),
        (90, 200, json!(65)),
        (65, 422, Value::Null),
        (1_440, 422, Value::Null),
    ] {
        let (told, session) = s.ask(Method::PATCH, "/a", total(asked)).await;
        let lease = session.get("maxLeaseTimeMinutes").cloned();
        assert_eq!(
            (told, lease.unwrap_or_default()),
            (status, granted),
            "{asked}"
        );
    }
    let (status, session) = s.ask(Method::PUT, "/c", settings(60)).await;
    assert_eq!((status, &session["maxLeaseTimeMinutes"]), (201, &json!(50)));
    let (again, session) = s.ask(Method::PUT, "/c", settings(60)).await;
    assert_eq!((again, &session["maxLeaseTimeMinutes"]), (200, &json!(50)));
}

#[tokio::test]
async fn a_list_can_have_an_unreadable_entry_miss_one_or_lead_in_a_circle() {
    let s = service(&[
        "list:garbled,nth=2,times=1",
        "list:omitted,skip=1,times=1",
        "list:garbled,nth=9,skip=2,times=1",
        "list:circle,skip=3",
    ])
    .await;
    let list = async || s.ask(Method::GET, "", None).await.1;
    let lease = |list: &Value, nth: usize| list["sessions"][nth]["maxLeaseTimeMinutes"].clone();
    let garbled = list().await;
    assert_eq!(
        (lease(&garbled, 0), lease(&garbled, 1)),
        (json!(60), json!(-4))
    );
    let omitted = list().await;
    assert_eq!(omitted["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(omitted["sessions"][0]["id"], "b");
    let untouched = list().await;
    assert_eq!(untouched["sessions"].as_array().map(Vec::len), Some(2));
    let path = format!("/accounts/{ACCOUNT}/sessions");
    let mut link = list().await["@nextLink"].as_str().map(str::to_owned);
    for _ in 0..3 {
        let next = link.expect("there is always a next page");
        assert!(next.contains(&path), "{next}");
        let request = s.http.get(&next).bearer_auth(&s.token);
        let page: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        link = page["@nextLink"].as_str().map(str::to_owned);
        assert_eq!(link.as_deref(), Some(next.as_str()));
    }
}

#[tokio::test]
async fn a_proxys_page_can_come_back_for_one_kind_of_request_and_not_another() {
    let s = service(&["update:html", "stop:500"]).await;
    let path = format!("/accounts/{ACCOUNT}/sessions/a?api-version=2021-01-01");
    let body = total(70).map(|body| body.to_string());
    let response = s.raw(Method::PATCH, &path, body.as_deref()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert!(response.text().await.expect("text").starts_with("<html>"));
    assert_eq!(s.ask(Method::POST, "/a/:stop", None).await.0, 500);
    let (status, session) = s.ask(Method::GET, "/a", None).await;
    assert_eq!((status, &session["maxLeaseTimeMinutes"]), (200, &json!(70)));
}

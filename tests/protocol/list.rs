//! Lists: their pages, and what they show of a full region.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Service, settings};

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

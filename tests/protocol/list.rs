//! Lists: their pages, and what they show of a full region.

use leasekeeper::host::HostOptions;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ACCOUNT, Service, settings};

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

#[tokio::test]
async fn behind_a_proxy_the_next_page_is_where_the_client_came_by() {
    let trusting = || HostOptions {
        trusted_proxies: vec!["127.0.0.1".parse().expect("an address")],
        ..HostOptions::default()
    };
    let public = HostOptions {
        public_url: Some("https://studio.example/arr".parse().expect("a URL")),
        ..HostOptions::default()
    };
    for (options, forwarded, begins) in [
        (
            HostOptions::default(),
            Some("https"),
            "http://arr.example/accounts/",
        ),
        (trusting(), None, "http://arr.example/accounts/"),
        (trusting(), Some("https"), "https://arr.example/accounts/"),
        (public, None, "https://studio.example/arr/accounts/"),
    ] {
        let s = Service::start_with(options).await;
        for id in ["/a", "/b", "/c"] {
            s.ask(Method::PUT, id, settings(60)).await;
        }
        let path = format!("/accounts/{ACCOUNT}/sessions?api-version=2021-01-01");
        let url = format!("http://{}{path}", s.host.address());
        let mut request = s
            .http
            .get(url)
            .bearer_auth(&s.token)
            .header("host", "arr.example");
        if let Some(scheme) = forwarded {
            request = request.header("x-forwarded-proto", scheme);
        }
        let list: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        let link = list["@nextLink"].as_str().expect("there is more");
        assert!(link.starts_with(begins), "{link}");
        assert!(link.ends_with("?api-version=2021-01-01&after=b"), "{link}");
    }
}

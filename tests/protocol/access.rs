//! Who is let in: keys, tokens, accounts.

use leasekeeper::host::HostOptions;
use leasekeeper::units::Span;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{ACCOUNT, OTHER, Service, has_the_headers_of_the_real_service, settings};

/// Holds an answer to the real service's 401: it says how to get in, and has no body.
async fn is_an_empty_401(response: Response, context: &str) {
    has_the_headers_of_the_real_service(&Method::GET, &response, context);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer",
        "{context}"
    );
    has_nothing_to_say(response, context).await;
}

/// Holds an answer to the 401 of the token service, which has nothing but a few headers.
async fn is_a_bare_401(response: Response, context: &str) {
    let name = |name: &reqwest::header::HeaderName| name.as_str().to_owned();
    let mut names: Vec<String> = response.headers().keys().map(name).collect();
    names.sort_unstable();
    let expected = ["content-length", "date", "ms-cv", "x-content-type-options"];
    assert_eq!(names, expected, "{context}");
    has_nothing_to_say(response, context).await;
}

async fn has_nothing_to_say(response: Response, context: &str) {
    assert_eq!(response.status(), 401, "{context}");
    assert_eq!(response.headers()["content-length"], "0", "{context}");
    assert_eq!(response.headers().get("content-type"), None, "{context}");
    assert_eq!(response.text().await.expect("a body"), "", "{context}");
}

#[tokio::test]
async fn microsofts_own_script_gets_its_token_without_a_version() {
    // `GetAuthenticationToken` in ARRUtils.ps1.
    let s = Service::start().await;
    let url = format!("http://{}/accounts/{ACCOUNT}/token", s.host.address());
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
        let given = format!("{scheme} {ACCOUNT}:key");
        let request = s.http.get(&url).header("authorization", given);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{scheme}");
        let header = |name: &str| response.headers().get(name).cloned();
        assert_eq!(header("api-supported-versions"), None);
        assert_eq!(header("cache-control").expect("there"), "no-store,no-cache");
        assert!(header("ms-cv").is_some() && header("x-content-type-options").is_some());
        let body: Value = response.json().await.expect("JSON");
        let token = body["AccessToken"].as_str().expect("a token");
        let list = format!(
            "{}?api-version=2021-01-01",
            url.replace("token", "sessions")
        );
        let request = s
            .http
            .get(list)
            .header("authorization", format!("{scheme} {token}"));
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn a_wrong_key_account_or_form_of_either_gets_a_bare_401_from_the_token_service() {
    let s = Service::start().await;
    let stranger = "9c1f9c5e-1111-4a5b-9a55-0123456789ab";
    for (account, key) in [
        (ACCOUNT, "wrong"),
        (ACCOUNT, "other"),
        (ACCOUNT, ""),
        (stranger, "key"),
        ("x", "key"),
    ] {
        is_a_bare_401(s.exchange(account, key).await, &format!("{account}:{key}")).await;
    }
    let url = format!(
        "http://{}/Accounts/{ACCOUNT}/token?api-version=2019-02-28-preview",
        s.host.address()
    );
    for given in [
        format!("Bearer {OTHER}:key"),
        "Bearer key".into(),
        format!("Basic {ACCOUNT}:key"),
        String::new(),
    ] {
        let response = s
            .http
            .get(&url)
            .header("authorization", &given)
            .send()
            .await
            .expect("an answer");
        is_a_bare_401(response, &given).await;
    }
    let other_version = s.http.get(url.replace("2019-02-28-preview", "2021-01-01"));
    let response = other_version
        .bearer_auth(format!("{ACCOUNT}:key"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn a_token_counts_for_its_account_until_its_end_and_only_with_its_signature() {
    let s = Service::start().await;
    let spent = Service::start_with(HostOptions {
        token_life: Some(Span::ZERO),
        ..HostOptions::default()
    })
    .await;
    let get = async |service: &Service, account: &str, token: &str| {
        let url = format!(
            "http://{}/accounts/{account}/sessions?api-version=2021-01-01",
            service.host.address()
        );
        service
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    };
    assert_eq!(get(&s, ACCOUNT, &s.token).await.status(), 200);
    assert_eq!(
        get(&s, &ACCOUNT.to_uppercase(), &s.token).await.status(),
        200
    );
    let mut parts: Vec<&str> = s.token.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    parts[2] = "AAAA";
    for (context, service, account, token) in [
        ("another account", &s, OTHER, s.token.as_str()),
        ("no token", &s, ACCOUNT, ""),
        ("nonsense", &s, ACCOUNT, "nonsense"),
        (
            "a signature that does not fit",
            &s,
            ACCOUNT,
            &parts.join("."),
        ),
        ("no signature", &s, ACCOUNT, &unsigned),
        ("another service's token", &s, ACCOUNT, &spent.token),
        ("a token that has ended", &spent, ACCOUNT, &spent.token),
    ] {
        is_an_empty_401(get(service, account, token).await, context).await;
    }
}

#[tokio::test]
async fn accounts_share_the_servers_and_see_only_their_own_sessions() {
    let s = Service::start().await;
    for id in ["/a", "/b", "/c"] {
        s.ask(Method::PUT, id, settings(60)).await;
    }
    let body: Value = s.exchange(OTHER, "other").await.json().await.expect("JSON");
    let token = body["AccessToken"].as_str().expect("a token");
    let ask = async |method: Method, tail: &str, body: String| {
        let url = format!(
            "http://{}/accounts/{OTHER}/sessions{tail}?api-version=2021-01-01",
            s.host.address()
        );
        let response = s
            .http
            .request(method, url)
            .bearer_auth(token)
            .body(body)
            .send()
            .await
            .expect("an answer");
        (
            response.status().as_u16(),
            response.json::<Value>().await.expect("JSON"),
        )
    };
    assert_eq!(ask(Method::GET, "/a", String::new()).await.0, 404);
    let (_, made) = ask(
        Method::PUT,
        "/mine",
        settings(5).expect("settings").to_string(),
    )
    .await;
    assert_eq!(
        (&made["status"], &made["id"]),
        (&json!("Error"), &json!("mine"))
    );
    assert_eq!(
        ask(Method::GET, "", String::new()).await,
        (200, json!({"sessions": []}))
    );
}

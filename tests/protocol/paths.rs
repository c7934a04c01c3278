//! Paths in all the ways in which the real service takes them.

use reqwest::Method;

use super::{ACCOUNT, Service, settings};

#[tokio::test]
async fn words_and_ids_may_be_encoded_and_a_slash_at_the_end_means_nothing() {
    let s = Service::start().await;
    s.ask(Method::PUT, "/a", settings(60)).await;
    for (method, path, status) in [
        (Method::GET, "/accounts/ACC/sessions/", 200),
        (Method::GET, "/accounts/ACC/sessions/a/", 200),
        (Method::GET, "/accounts/ACC/%73essions/%61", 200),
        (Method::GET, "/%41CCOUNTS/ACC/Sessions", 200),
        (Method::GET, "/accounts/ACC/sessions//", 400),
        (Method::GET, "/accounts/ACC/sessions/a//", 404),
        (Method::GET, "/accounts/ACC%2Fsessions", 404),
        (Method::GET, "/accounts/ACC/sessions%2Fa", 404),
        (Method::POST, "/accounts/ACC/sessions/a/%3Astop", 204),
        (Method::POST, "/accounts/ACC/sessions/a/%3aSTOP/", 204),
        (Method::POST, "/accounts/ACC/sessions/a%2F:stop", 405),
    ] {
        let path = path.replace("ACC", ACCOUNT) + "?api-version=2021-01-01";
        let response = s.raw(method.clone(), &path, None).await;
        assert_eq!(response.status(), status, "{method} {path}");
    }
}

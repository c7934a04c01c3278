//! The client and TLS: whom it trusts, and what it says where it cannot.

use axum::http::Uri;
use url::Url;

use crate::arr::testing::{clock, plain, tls};
use crate::arr::{ClientConfig, Credential};
use crate::clock::Clock;
use crate::report::detail;
use crate::service::RegionService;
use crate::units::Span;

use super::region_client::Client;
use super::tests::{EMPTY_LIST, client_at};

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
    assert!(detail(&stranger).contains("ertificate"), "{stranger}");
    Client::new(config(Some(ca)), clock())
        .expect("a client")
        .list()
        .await
        .expect("trusted");
}

#[tokio::test]
async fn what_tls_says_is_told_with_its_remedy_and_not_tried_again() {
    let router = || axum::Router::new().fallback(async || EMPTY_LIST);
    let plain_text = plain(router()).await;
    let (encrypted, _) = tls(router()).await;
    let with_scheme = |url: &Url, scheme: &str| {
        let url = url.as_str().replace(url.scheme(), scheme);
        Url::parse(&url).expect("a URL")
    };
    for (url, why, hint) in [
        (encrypted.clone(), "UnknownIssuer", "`service.ca_file`"),
        (
            with_scheme(&plain_text, "https"),
            "corrupt message",
            "an `http://` one",
        ),
        (with_scheme(&encrypted, "http"), "HTTP", "an `https://` one"),
    ] {
        let clock = clock();
        let began = clock.now();
        let error = client_at(&url, "key", clock.clone()).list().await;
        let error = error.expect_err("no connection");
        assert!(detail(&error).contains(why), "{url}: {}", detail(&error));
        let told = error.hint.clone().unwrap_or_default();
        assert!(told.contains(hint), "{url}: {told}");
        assert!(
            clock.now() - began < Span::seconds(2),
            "{url}: it was tried again"
        );
    }
}

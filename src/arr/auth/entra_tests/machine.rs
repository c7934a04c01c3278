//! A machine's own identity, from its metadata service.

use std::sync::Arc;

use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use url::Url;

use super::{fields, scripted};
use crate::arr::auth::entra::Identity;
use crate::arr::client::transport::Http;
use crate::arr::testing::{clock, plain};
use crate::policy::{EntraCredential, EntraSettings};
use crate::units::Span;

/// Sends what is meant for the metadata service, whose address the crate knows by heart, to a
/// server on loopback.
#[derive(Debug)]
struct Rerouted {
    http: Http,
    to: Url,
}

#[async_trait::async_trait]
impl HttpClient for Rerouted {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        assert_eq!(request.url().host_str(), Some("169.254.169.254"));
        let mut request = request.clone();
        request
            .url_mut()
            .set_ip_host("127.0.0.1".parse().expect("an address"))
            .expect("it has a host");
        request
            .url_mut()
            .set_port(self.to.port())
            .expect("it has a port");
        self.http.execute_request(&request).await
    }
}

#[tokio::test]
async fn a_machines_identity_is_asked_of_its_metadata_service() {
    let granted = r#"{"access_token":"from-entra","expires_on":"4102444800",
        "token_type":"Bearer","resource":"x"}"#;
    let (router, asked) = scripted(vec![(200, granted), (400, "{}")]);
    let transport = Arc::new(Rerouted {
        http: Http::new(None, false).expect("a client"),
        to: plain(router).await,
    });
    let clock = clock();
    let credential = EntraCredential::ManagedIdentity {
        client_id: Some("an-identity".into()),
    };
    let entra = EntraSettings {
        credential,
        authority_host: None,
    };
    let identity = Identity {
        entra: &entra,
        transport,
        clock: &*clock,
    };
    let deadline = || crate::clock::Clock::now(&*clock) + Span::seconds(30);
    let token = identity
        .token("https://sts.studio.example/.default", deadline())
        .await
        .expect("a token");
    assert_eq!(token.expose(), "from-entra");
    {
        let asked = asked.lock().expect("whole");
        let query = asked[0].0.split_once('?').expect("a query").1;
        let query = fields(query.as_bytes());
        assert_eq!(query["resource"], "https://sts.studio.example");
        assert_eq!(query["client_id"], "an-identity");
        assert_eq!(asked[0].1["metadata"], "true");
    }
    let error = identity
        .token("https://sts.studio.example/.default", deadline())
        .await
        .expect_err("refused");
    assert!(
        error.detail.contains("the managed identity an-identity"),
        "{error}"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("has this machine that identity?")
    );
}

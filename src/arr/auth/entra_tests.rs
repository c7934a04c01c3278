//! Entra ID against a fake authority, metadata service and STS on loopback.

mod certificate;
mod machine;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use tempfile::TempDir;

use crate::arr::client::region_client::Client;
use crate::arr::testing::{clock, plain, tls};
use crate::arr::{ClientConfig, Credential};
use crate::keeper::FailureKind;
use crate::policy::{EntraCredential, EntraSettings, SecretSource};
use crate::report::{detail, line};
use crate::service::{RegionService, ServiceError};
use crate::units::Span;

const GRANTED: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"from-entra"}"#;
const WRONG_SECRET: &str = r#"{"error":"invalid_client","error_codes":[7000215],
"error_description":"AADSTS7000215: Invalid client secret provided."}"#;

/// What a server was asked: path with query, headers, the fields of the form.
type Asked = Arc<Mutex<Vec<(String, HeaderMap, BTreeMap<String, String>)>>>;

fn fields(form: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(form).into_owned().collect()
}

/// A server that gives these answers in turn, the last one for ever.
fn scripted(answers: Vec<(u16, &'static str)>) -> (Router, Asked) {
    let asked = Asked::default();
    let (log, answers) = (asked.clone(), Arc::new(Mutex::new(VecDeque::from(answers))));
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let (log, answers) = (log.clone(), answers.clone());
        async move {
            log.lock()
                .expect("whole")
                .push((uri.to_string(), headers, fields(&body)));
            let mut answers = answers.lock().expect("whole");
            let (status, body) = if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().copied()
            }
            .expect("an answer");
            (StatusCode::from_u16(status).expect("a status"), body)
        }
    };
    (Router::new().fallback(answer), asked)
}

/// An STS that lets `from-entra` in, and a session service that lets in what the STS gave.
fn service() -> (Router, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let answer = move |uri: Uri, headers: HeaderMap| {
        let log = log.clone();
        async move {
            let bearer = headers
                .get("authorization")
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            log.lock()
                .expect("whole")
                .push((uri.to_string(), headers, BTreeMap::new()));
            match (uri.path().ends_with("/token"), bearer.as_str()) {
                (true, "Bearer from-entra") => (StatusCode::OK, r#"{"AccessToken":"from-sts"}"#),
                (false, "Bearer from-sts") => (StatusCode::OK, r#"{"sessions":[]}"#),
                _ => (StatusCode::UNAUTHORIZED, ""),
            }
        }
    };
    (Router::new().fallback(answer), asked)
}

/// A client by way of Entra ID, and what the authority, and the service with its STS, were asked.
struct Studio {
    client: Client,
    folder: TempDir,
    authority: Asked,
    service: Asked,
}

impl Studio {
    async fn open(
        answers: Vec<(u16, &'static str)>,
        credential: impl FnOnce(&Path) -> EntraCredential,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (router, authority) = scripted(answers);
        let (authority_url, ca) = tls(router).await;
        let (router, service) = service();
        let endpoint = plain(router).await;
        let entra = EntraSettings {
            credential: credential(folder.path()),
            authority_host: Some(authority_url.as_str().trim_end_matches('/').into()),
        };
        let config = ClientConfig {
            sts: endpoint.clone(),
            endpoint,
            account_id: "acc".into(),
            timeout: Span::seconds(3),
            ca_pem: Some(ca),
            credential: Credential::Entra(entra),
        };
        let client = Client::new(config, clock()).expect("a client");
        Self {
            client,
            folder,
            authority,
            service,
        }
    }

    fn asked_of_the_authority(&self) -> Vec<(String, BTreeMap<String, String>)> {
        let asked = self.authority.lock().expect("whole");
        asked
            .iter()
            .map(|(path, _, form)| (path.clone(), form.clone()))
            .collect()
    }

    async fn refused(&self) -> ServiceError {
        self.client.list().await.expect_err("refused")
    }
}

fn write(path: PathBuf, text: &str) -> PathBuf {
    std::fs::write(&path, text).expect("written");
    path
}

fn secret(folder: &Path) -> EntraCredential {
    EntraCredential::ClientSecret {
        tenant_id: "a-tenant".into(),
        client_id: "an-app".into(),
        secret: SecretSource::File(write(folder.join("secret"), "hunter2\n")),
    }
}

#[tokio::test]
async fn an_applications_secret_is_exchanged_at_the_authority_and_then_at_the_sts() {
    let studio = Studio::open(vec![(200, GRANTED)], secret).await;
    let all = futures_util::future::join_all((0..20).map(|_| studio.client.list())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let asked = studio.asked_of_the_authority();
    let [(path, form)] = &asked[..] else {
        panic!("asked once, not {asked:?}")
    };
    assert_eq!(path, "/a-tenant/oauth2/v2.0/token");
    assert_eq!(
        (form["client_id"].as_str(), form["client_secret"].as_str()),
        ("an-app", "hunter2")
    );
    assert_eq!(form["scope"], "https://127.0.0.1/.default");
    let tokens = studio
        .service
        .lock()
        .expect("whole")
        .iter()
        .filter(|a| a.0.contains("/token"))
        .count();
    assert_eq!(tokens, 1);
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_its_place_and_never_shown() {
    let studio = Studio::open(vec![(401, WRONG_SECRET)], secret).await;
    let error = studio.refused().await;
    assert_eq!(error.kind, FailureKind::Unauthorized);
    let told = line(&error).replace(&studio.folder.path().display().to_string(), "DIR");
    assert_eq!(
        told,
        "could not get an access token for the account: Entra ID gave no token for application \
         an-app in tenant a-tenant: ClientSecretCredential authentication failed. AADSTS7000215: \
         Invalid client secret provided.; is the secret in DIR/secret that application's, and has \
         it not expired?"
    );
    assert_eq!(
        studio.asked_of_the_authority().len(),
        1,
        "a refusal is not asked for again"
    );
}

#[tokio::test]
async fn a_secret_that_is_replaced_counts_at_the_next_exchange() {
    let studio = Studio::open(vec![(401, WRONG_SECRET), (200, GRANTED)], secret).await;
    studio.refused().await;
    write(studio.folder.path().join("secret"), "renewed");
    studio.client.list().await.expect("let in");
    assert_eq!(
        studio.asked_of_the_authority()[1].1["client_secret"],
        "renewed"
    );
    std::fs::remove_file(studio.folder.path().join("secret")).expect("removed");
    studio
        .client
        .list()
        .await
        .expect("the access token is still good");
}

#[tokio::test]
async fn an_authority_that_fails_for_a_moment_is_asked_again() {
    let studio = Studio::open(vec![(503, "{}"), (429, "{}"), (200, GRANTED)], secret).await;
    studio.client.list().await.expect("let in");
    assert_eq!(studio.asked_of_the_authority().len(), 3);
}

#[tokio::test]
async fn an_authority_that_answers_nonsense_is_told_within_the_deadline() {
    for nonsense in [(200, "<html>"), (200, "{}"), (500, "<html>"), (302, "")] {
        let studio = Studio::open(vec![nonsense], secret).await;
        let error = line(&studio.refused().await);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_federated_token_is_the_applications_word() {
    let studio = Studio::open(vec![(200, GRANTED)], |folder| {
        EntraCredential::WorkloadIdentity {
            tenant_id: Some("a-tenant".into()),
            client_id: Some("an-app".into()),
            token_file: Some(write(folder.join("federated"), "of-kubernetes")),
        }
    })
    .await;
    studio.client.list().await.expect("let in");
    let form = &studio.asked_of_the_authority()[0].1;
    assert_eq!(form["client_assertion"], "of-kubernetes");
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
}

#[tokio::test]
async fn a_federated_token_that_is_not_there_is_told_with_its_place() {
    let studio = Studio::open(vec![(200, GRANTED)], |folder| {
        EntraCredential::WorkloadIdentity {
            tenant_id: Some("a-tenant".into()),
            client_id: Some("an-app".into()),
            token_file: Some(folder.join("missing")),
        }
    })
    .await;
    let error = studio.refused().await;
    assert!(detail(&error).contains("/missing"), "{error}");
    assert_eq!(studio.asked_of_the_authority().len(), 0);
}

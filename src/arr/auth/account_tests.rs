//! The token service at its worst: refusing, throttling, failing, redirecting. And connections that
//! break or hang.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use crate::arr::client::region_client::Client;
use crate::arr::testing::{clock, plain};
use crate::arr::{ClientConfig, Credential};
use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::policy::SecretSource;
use crate::report::detail;
use crate::service::RegionService;
use crate::units::Span;

/// A token of 24 hours that was issued at the epoch, whatever that is to anyone's clock.
const TOKEN: &str = r#"{"AccessToken":"e30.eyJpYXQiOjAsImV4cCI6ODY0MDB9.s"}"#;

type Answer = Arc<Mutex<Box<dyn Fn() -> Response + Send>>>;

/// An STS whose answer can be changed, beside a session service without sessions.
struct Sts {
    url: Url,
    answer: Answer,
    exchanges: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Sts {
    async fn start(answer: impl Fn() -> Response + Send + 'static) -> Self {
        let (exchanges, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let answer: Answer = Arc::new(Mutex::new(Box::new(answer)));
        let shared = (answer.clone(), exchanges.clone(), requests.clone());
        let handle = move |uri: Uri| {
            let (answer, exchanges, requests) = shared.clone();
            async move {
                if uri.path().ends_with("/token") {
                    exchanges.fetch_add(1, Ordering::SeqCst);
                    return answer.lock().expect("whole")();
                }
                requests.fetch_add(1, Ordering::SeqCst);
                r#"{"sessions":[]}"#.into_response()
            }
        };
        Self {
            url: plain(Router::new().fallback(handle)).await,
            answer,
            exchanges,
            requests,
        }
    }

    fn now_answers(&self, answer: impl Fn() -> Response + Send + 'static) {
        *self.answer.lock().expect("whole") = Box::new(answer);
    }

    fn counts(&self) -> (usize, usize) {
        (
            self.exchanges.load(Ordering::SeqCst),
            self.requests.load(Ordering::SeqCst),
        )
    }

    fn client(&self, clock: Arc<dyn Clock>) -> Client {
        let credential = Credential::key("key");
        client(&self.url, &self.url, credential, clock)
    }
}

fn client(endpoint: &Url, sts: &Url, credential: Credential, clock: Arc<dyn Clock>) -> Client {
    let config = ClientConfig {
        endpoint: endpoint.clone(),
        sts: sts.clone(),
        account_id: "acc".into(),
        timeout: Span::seconds(2),
        ca_pem: None,
        credential,
    };
    Client::new(config, clock).expect("a client")
}

#[tokio::test]
async fn a_key_that_is_refused_is_refused_to_all_who_waited_by_one_exchange() {
    let sts = Sts::start(|| StatusCode::UNAUTHORIZED.into_response()).await;
    let client = sts.client(clock());
    let all = join_all((0..50).map(|_| client.list())).await;
    assert!(
        all.iter().all(|r| r
            .as_ref()
            .is_err_and(|e| e.kind == FailureKind::Unauthorized)),
        "{all:?}"
    );
    assert_eq!(sts.counts(), (1, 0));
    client
        .list()
        .await
        .expect_err("whoever comes later asks again");
    assert_eq!(sts.counts(), (2, 0));
}

#[tokio::test]
async fn a_throttled_token_service_is_asked_nothing_more() {
    let sts =
        Sts::start(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")]).into_response())
            .await;
    let client = sts.client(clock());
    for _ in 0..3 {
        assert!(matches!(
            client.list().await.expect_err("held back").kind,
            FailureKind::Throttled { .. }
        ));
    }
    assert_eq!(sts.counts(), (1, 0));
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let sts = Sts::start(|| TOKEN.into_response()).await;
    let clock = clock();
    let client = sts.client(clock.clone());
    client.list().await.expect("let in");
    sts.now_answers(|| StatusCode::SERVICE_UNAVAILABLE.into_response());
    *clock.ahead.lock().expect("whole") = Span::hours(17);
    client.list().await.expect("the token is young");
    assert_eq!(sts.counts(), (1, 2));
    *clock.ahead.lock().expect("whole") = Span::hours(20);
    client.list().await.expect("the token is old and good");
    let (tried, _) = sts.counts();
    assert!(tried > 1, "it is tried to be renewed");
    client.list().await.expect("and used on");
    assert_eq!(
        sts.counts(),
        (tried, 4),
        "without another try at each request"
    );
    *clock.ahead.lock().expect("whole") = Span::hours(25);
    assert_eq!(
        client.list().await.expect_err("it has ended").kind,
        FailureKind::Unavailable
    );
    sts.now_answers(|| TOKEN.into_response());
    client.list().await.expect("a fresh one");
}

#[tokio::test]
async fn the_key_goes_to_no_other_host() {
    let other = Sts::start(|| TOKEN.into_response()).await;
    let location = other
        .url
        .join("/Accounts/acc/token")
        .expect("a URL")
        .to_string();
    let sts = Sts::start(move || {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", location.clone())],
        )
            .into_response()
    });
    let sts = sts.await;
    let error = sts.client(clock()).list().await.expect_err("not followed");
    assert!(error.detail.contains("which is not followed"), "{error}");
    assert_eq!((sts.counts(), other.counts()), ((1, 0), (0, 0)));
}

#[tokio::test]
async fn a_date_to_wait_for_is_reckoned_by_the_services_own_clock() {
    let asked = Arc::<AtomicUsize>::default();
    let count = asked.clone();
    let handle = move |_: HeaderMap| {
        let count = count.clone();
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            // Whatever year our clock has: the service asks for a minute.
            let date = [
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
            ];
            (StatusCode::TOO_MANY_REQUESTS, date)
        }
    };
    let url = plain(Router::new().fallback(handle)).await;
    let clock = clock();
    let client = client(
        &url,
        &url,
        Credential::Token(SecretSource::Inline("t".into())),
        clock.clone(),
    );
    let error = client.list().await.expect_err("throttled");
    let FailureKind::Throttled { until } = error.kind else {
        panic!("{error}")
    };
    let left = until - clock.now();
    assert!(
        left > Span::seconds(50) && left <= Span::seconds(60),
        "{left}"
    );
    client.list().await.expect_err("still");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A server that hangs up on the first connections, or never answers at all.
async fn rude(hang_ups: usize, silent: bool) -> (Url, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url =
        Url::parse(&format!("http://{}", listener.local_addr().expect("bound"))).expect("a URL");
    let connections = Arc::<AtomicUsize>::default();
    let count = connections.clone();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            if silent {
                kept.push(stream);
            } else if nth >= hang_ups {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"sessions\":[]}")
                    .await;
            }
        }
    });
    (url, connections)
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_one_that_hangs_is_given_up() {
    let token = || Credential::Token(SecretSource::Inline("t".into()));
    let (url, connections) = rude(2, false).await;
    client(&url, &url, token(), clock())
        .list()
        .await
        .expect("the third time");
    assert_eq!(connections.load(Ordering::SeqCst), 3);
    let (url, connections) = rude(0, true).await;
    let error = client(&url, &url, token(), clock())
        .list()
        .await
        .expect_err("never answered");
    assert_eq!(error.kind, FailureKind::Unavailable);
    let told = detail(&error);
    assert!(
        told.contains("no answer within 2s"),
        "the longest wait: {told}"
    );
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_slow_service_that_answers_within_the_deadline_works() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let url = Url::parse(&url).expect("a URL");
    let clock = clock();
    let token = Credential::Token(SecretSource::Inline("t".into()));
    let client = client(&url, &url, token, clock.clone());
    let (began, list) = (clock.now(), client.list());
    let answer = async {
        let (mut stream, _) = listener.accept().await.expect("asked");
        let _ = stream.read(&mut [0; 4096]).await;
        // Well beyond any share of the deadline, and within it.
        let slow = std::time::Duration::from_millis(1_500);
        let asked_again = tokio::time::timeout(slow, listener.accept()).await;
        assert!(asked_again.is_err(), "nobody asks a second time meanwhile");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"sessions\":[]}";
        stream.write_all(answer).await.expect("answered");
    };
    let (listed, ()) = tokio::join!(list, answer);
    listed.expect("a slow answer is an answer");
    assert!(clock.now() - began >= Span::millis(1_500));
}

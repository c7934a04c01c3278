//! Several regions as one service: what is asked where, and what silence means.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use url::Url;

use crate::arr::ArrFleet;
use crate::arr::testing::{clock, plain};
use crate::keeper::FailureKind;
use crate::policy::load;
use crate::service::Service;
use crate::units::{Minutes, Region, SessionId, Size};

/// A region that has one session, and remembers what it was asked.
struct Place {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Place {
    async fn with(session: &'static str) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        let handle = move |method: Method, uri: Uri| {
            let log = log.clone();
            async move {
                log.lock().expect("whole").push(format!(
                    "{method} {}",
                    uri.path()
                        .replace("/accounts/7c1f9c5e-1111-4a5b-9a55-0123456789ab", "")
                ));
                let body = format!(
                    r#"{{"id":"{session}","status":"Ready","size":"Standard",
                    "maxLeaseTimeMinutes":20}}"#
                );
                match uri.path().rsplit('/').next() {
                    Some("token") => r#"{"AccessToken":"t"}"#.into_response(),
                    Some("sessions") => format!(r#"{{"sessions":[{body}]}}"#).into_response(),
                    Some(id) if id == session || method == Method::PUT => {
                        body.replace(session, id).into_response()
                    }
                    Some(":stop") if uri.path().contains(session) => {
                        StatusCode::NO_CONTENT.into_response()
                    }
                    _ => StatusCode::NOT_FOUND.into_response(),
                }
            }
        };
        Self {
            url: plain(Router::new().fallback(handle)).await,
            asked,
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("whole"))
    }
}

/// A fleet over two endpoints that share a token service.
fn fleet(west: &Url, north: &Url, sts: &Url) -> ArrFleet {
    let text = format!(
        r#"owner = "st"
[service]
region = "west"
account_id = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
authentication_endpoint = "{sts}"
timeout = "1s"
[service.regions]
west = "{west}"
north = "{north}"
[auth]
method = "account-key"
key_env = "PATH"
[[pool]]
name = "a"
regions = ["west", "north"]
"#
    );
    let policy = load("p", &text).unwrap_or_else(|e| panic!("{e}")).policy;
    ArrFleet::connect(&policy, clock()).expect("two clients")
}

/// Where nothing listens.
async fn nowhere() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    Url::parse(&format!("http://{}", listener.local_addr().expect("bound"))).expect("a URL")
}

fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

fn id(text: &str) -> SessionId {
    SessionId::new(text).expect("an id")
}

#[tokio::test]
async fn a_list_is_of_all_regions_with_one_token_for_both() {
    let (west, north) = (Place::with("w").await, Place::with("n").await);
    let list = fleet(&west.url, &north.url, &west.url)
        .list()
        .await
        .expect("both answer");
    let seen: Vec<_> = list
        .sessions
        .iter()
        .map(|s| (s.id.as_str(), s.region.clone()))
        .collect();
    assert_eq!(
        seen,
        [("w", Some(region("west"))), ("n", Some(region("north")))]
    );
    assert_eq!(list.listed, [region("west"), region("north")].into());
    assert_eq!(list.unreachable.len(), 0);
    assert_eq!(north.asked(), ["GET /sessions"]);
    assert_eq!(
        west.asked()
            .iter()
            .filter(|a| a.ends_with("/token"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_named_and_the_others_are_listed() {
    let (west, north) = (Place::with("w").await, nowhere().await);
    let list = fleet(&west.url, &north, &west.url)
        .list()
        .await
        .expect("one answers");
    assert_eq!(
        (list.sessions.len(), list.listed),
        (1, [region("west")].into())
    );
    assert!(
        list.unreachable[&region("north")].contains("cannot reach"),
        "{:?}",
        list.unreachable
    );
    let error = fleet(&nowhere().await, &nowhere().await, &west.url)
        .list()
        .await
        .expect_err("none answers");
    assert_eq!(error.kind, FailureKind::Unavailable);
}

#[tokio::test]
async fn what_is_meant_for_one_region_is_asked_of_no_other() {
    let (west, north) = (Place::with("w").await, Place::with("n").await);
    let fleet = fleet(&west.url, &north.url, &west.url);
    let at = Some(&region("north"));
    fleet
        .create(at, &id("x"), &Size::Standard, Minutes::new(20))
        .await
        .expect("created");
    fleet
        .extend(at, &id("n"), Minutes::new(30))
        .await
        .expect("extended");
    fleet.stop(at, &id("n")).await.expect("stopped");
    assert_eq!(
        fleet.get(at, &id("w")).await.expect_err("not there").kind,
        FailureKind::NotFound
    );
    assert_eq!(
        north.asked(),
        [
            "PUT /sessions/x",
            "PATCH /sessions/n",
            "POST /sessions/n/:stop",
            "GET /sessions/w"
        ]
        .map(String::from)
    );
    assert_eq!(
        west.asked()
            .iter()
            .filter(|a| !a.ends_with("/token"))
            .count(),
        0
    );
    let gone = Some(&region("south"));
    let error = fleet
        .extend(gone, &id("n"), Minutes::new(30))
        .await
        .expect_err("no such region");
    assert!(
        error
            .to_string()
            .contains("it is in south, which the policy names no more"),
        "{error}"
    );
    assert_eq!(error.kind, FailureKind::Unavailable, "it may well be alive");
    assert_eq!((west.asked().len(), north.asked().len()), (0, 0));
}

#[tokio::test]
async fn a_session_whose_region_is_not_known_is_found_and_only_said_to_be_unknown_by_all() {
    let (west, north) = (Place::with("w").await, Place::with("n").await);
    let fleet_of_two = fleet(&west.url, &north.url, &west.url);
    let found = fleet_of_two
        .get(None, &id("n"))
        .await
        .expect("it is in the second");
    assert_eq!(found.session.region, Some(region("north")));
    fleet_of_two
        .stop(None, &id("n"))
        .await
        .expect("it is found and stopped");
    assert_eq!(
        fleet_of_two
            .get(None, &id("x"))
            .await
            .expect_err("nowhere")
            .kind,
        FailureKind::NotFound
    );
    let half_silent = fleet(&nowhere().await, &north.url, &north.url);
    assert_eq!(
        half_silent
            .get(None, &id("x"))
            .await
            .expect_err("who knows")
            .kind,
        FailureKind::Unavailable
    );
    half_silent
        .get(None, &id("n"))
        .await
        .expect("the one that answers knows it");
}

//! Figures of pages that a real HTTP server gives.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::super::testing::watched;
use super::*;
use crate::policy::load;

const PROMETHEUS: &str = include_str!("pages/prometheus.txt");
const DCGM: &str = include_str!("pages/dcgm.txt");

/// What a server gives, and what it was asked for.
#[derive(Default)]
struct Site {
    pages: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl Site {
    fn put(&self, path: &str, page: &str) {
        lock(&self.pages).insert(path.into(), page.into());
    }
}

async fn give(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    lock(&site.asked).push(uri.to_string());
    assert!(headers["accept"].to_str().expect("text").contains("0.0.4"));
    if uri.path() == "/moved" {
        return (StatusCode::FOUND, [("location", "/dcgm")]).into_response();
    }
    match lock(&site.pages).get(uri.path()) {
        Some(page) => page.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A server on loopback, which ends with the test.
async fn site() -> (Arc<Site>, SocketAddr) {
    let site = Arc::new(Site::default());
    site.put("/dcgm", DCGM);
    site.put("/prometheus", PROMETHEUS);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("bound");
    let router = Router::new().fallback(give).with_state(site.clone());
    tokio::spawn(async { axum::serve(listener, router).await });
    (site, address)
}

/// A source as a policy writes it, without its URL.
fn source(url: &str, rest: &str) -> MetricSource {
    let text = format!(
        "owner = \"a\"\nservice = {{ embedded = true }}\n[[pool]]\nname = \"a\"\n\
         activity = [{{ metric = {{ url = \"{url}\", {rest} }} }}]\n"
    );
    let loaded = load("policy.toml", &text).expect("it can be meant");
    match loaded.policy.pools[0].activity.first() {
        Some(crate::policy::ActivitySource::Metric(metric)) => MetricSource::new(metric),
        other => panic!("{other:?}"),
    }
}

/// One look: what is said, or why nothing can be.
async fn look(source: &MetricSource, session: &Watched) -> Result<Seen, String> {
    let now = Timestamp::from_millis(0);
    let sessions = std::slice::from_ref(session);
    source
        .prepare(sessions, now)
        .await
        .expect("nothing to read");
    let seen = source.look(session).await;
    seen.map_err(|error| crate::report::detail(&error))
}

fn used(value: &str) -> Result<Seen, String> {
    Ok(Seen::Used(figure(value)))
}

fn unused(value: &str) -> Result<Seen, String> {
    Ok(Seen::Unused(figure(value)))
}

fn figure(value: &str) -> Option<Evidence> {
    let value = value.into();
    Some(Evidence::Figure { value })
}

#[tokio::test]
async fn a_gpu_is_used_above_the_number_and_no_other_gpu_speaks_for_it() {
    let (_site, address) = site().await;
    let url = format!("http://{address}/dcgm");
    let util = |more: &str| source(&url, &format!("name = \"DCGM_FI_DEV_GPU_UTIL\", {more}"));
    let session = watched(7);
    for (more, expected) in [
        ("labels = { gpu = \"0\" }, above = 5", used("97")),
        ("labels = { gpu = \"0\" }, above = 97", unused("97")),
        ("labels = { gpu = \"0\" }, above = 96.5", used("97")),
        (
            "labels = { gpu = \"1\", rack = \"\" }, above = -1",
            used("0"),
        ),
        (
            "above = 5",
            Err(
                "the page has 2 samples of DCGM_FI_DEV_GPU_UTIL with these labels; name more \
                 labels"
                    .into(),
            ),
        ),
        (
            "labels = { gpu = \"2\" }, above = 5",
            Err("the page has no sample of DCGM_FI_DEV_GPU_UTIL with these labels".into()),
        ),
    ] {
        assert_eq!(look(&util(more), &session).await, expected, "{more}");
    }
    let not_a_number = source(
        &format!("http://{address}/prometheus"),
        "name = \"stream_bitrate\", above = 0",
    );
    let said = look(&not_a_number, &session).await;
    assert_eq!(said, Err("stream_bitrate is not a number (NaN)".into()));
}

#[tokio::test]
async fn the_names_of_the_session_are_replaced_in_the_url_and_in_labels() {
    let (site, address) = site().await;
    site.put("/a/st-a-0-x", PROMETHEUS);
    let url = format!(
        "http://{{hostname}}:{}/{{pool}}/{{session}}",
        address.port()
    );
    let players = "name = \"stream_players\", labels = { session = \"{session}\" }, above = 0";
    let source = source(&url, players);
    let mut session = watched(7);
    session.hostname = Some("127.0.0.1".into());
    assert_eq!(look(&source, &session).await, used("2"));
    session.hostname = Some("127.0.0.1/a?".into());
    let refused = look(&source, &session).await.expect_err("no name");
    assert!(refused.contains("is not the name of a server"), "{refused}");
    session.hostname = None;
    let refused = look(&source, &session).await.expect_err("no name");
    assert!(refused.contains("no server yet"), "{refused}");
    let v6 = Watched {
        hostname: Some("::1".into()),
        ..watched(7)
    };
    let url = page_url("http://{hostname}:9400/", &v6).expect("a URL");
    assert_eq!(url.as_str(), "http://[::1]:9400/");
}

#[tokio::test]
async fn a_change_is_use_and_the_first_look_has_nothing_to_compare_with() {
    let (site, address) = site().await;
    let url = format!("http://{address}/json");
    let source = source(&url, "pointer = \"/streams/0/seen\", changes = true");
    let session = watched(7);
    let says = async |value: &str| {
        site.put(
            "/json",
            &format!("{{\"streams\": [{{\"seen\": {value}}}]}}"),
        );
        look(&source, &session).await
    };
    assert_eq!(says("3").await, Ok(Seen::NotYet));
    assert_eq!(says("3.0").await, unused("3"));
    assert_eq!(says("4").await, used("4"));
    for (value, why) in [
        ("null", "is null"),
        ("[4]", "is no single value"),
        ("4}", "is not JSON"),
    ] {
        let refused = says(value).await.expect_err("it cannot say");
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(says("4").await, unused("4"), "since it could last say");
    assert_eq!(says("\"12:04\"").await, used("a text"));
    assert_eq!(says("\"12:05\"").await, used("a text"));
    assert_eq!(says("true").await, used("true"));
    assert_eq!(says("true").await, unused("true"));
    let other = Watched {
        id: SessionId::new("st-a-1-y").expect("an id"),
        ..watched(7)
    };
    assert_eq!(look(&source, &other).await, Ok(Seen::NotYet));
    // Whoever is watched no more is forgotten.
    assert_eq!(says("true").await, Ok(Seen::NotYet));
}

#[tokio::test]
async fn a_figure_of_a_json_document_is_compared_as_a_number_only() {
    let (site, address) = site().await;
    site.put(
        "/json",
        "{\"players\": 2, \"name\": \"hall\", \"\": {\"a/b\": 0}}",
    );
    let url = format!("http://{address}/json");
    for (pointer, expected) in [
        ("/players", used("2")),
        ("//a~1b", unused("0")),
        ("/name", Err("\"/name\" is a text, and no number".into())),
        ("/none", Err("the document has nothing at \"/none\"".into())),
        ("", Err("\"\" is no single value".into())),
    ] {
        let source = source(&url, &format!("pointer = \"{pointer}\", above = 1"));
        assert_eq!(look(&source, &watched(7)).await, expected, "{pointer}");
    }
}

#[tokio::test]
async fn what_is_no_page_says_nothing_and_no_query_is_told() {
    let (site, address) = site().await;
    site.put("/large", &"a 1\n".repeat(1 << 20 | 1));
    site.put("/full", &"a1 1\n".repeat((1 << 22) / 5));
    site.put("/html", "<html></html>\n");
    let full = source(&format!("http://{address}/full"), "name = \"a\", above = 0");
    let said = look(&full, &watched(7)).await.expect_err("no such sample");
    assert!(said.contains("has no sample of a "), "{said}");
    for (path, why) in [
        ("large", "is larger than 4 MiB"),
        ("html", "line 1 of the page is not in the text format"),
        ("none", "the answer is 404"),
        ("moved", "the answer is 302"),
    ] {
        let url = format!("http://{address}/{path}?token=hunter2");
        let source = source(&url, "name = \"a\", above = 0");
        let said = look(&source, &watched(7)).await.expect_err("no page");
        assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
    }
    assert!(!lock(&site.asked).iter().any(|asked| asked == "/dcgm"));
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = gone.local_addr().expect("bound").port();
    drop(gone);
    let url = format!("http://127.0.0.1:{port}/?token=hunter2");
    let source = source(&url, "name = \"a\", above = 0");
    let said = look(&source, &watched(7)).await.expect_err("no server");
    assert!(
        said.contains("refused") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn sessions_that_share_a_page_read_it_once_a_round() {
    let (site, address) = site().await;
    let source = source(
        &format!("http://{address}/prometheus"),
        "name = \"stream_players\", labels = { session = \"{session}\" }, above = 0",
    );
    let both = [
        watched(7),
        Watched {
            id: SessionId::new("st-a-1-y").expect("an id"),
            ..watched(7)
        },
    ];
    for rounds in 1..=2 {
        let prepared = source.prepare(&both, Timestamp::from_millis(0)).await;
        prepared.expect("nothing to read");
        let [first, second] = &both;
        let (first, second) = tokio::join!(source.look(first), source.look(second));
        assert_eq!(first.expect("it says"), Seen::Used(figure("2")));
        assert_eq!(second.expect("it says"), Seen::Unused(figure("0")));
        assert_eq!(lock(&site.asked).len(), rounds);
    }
}

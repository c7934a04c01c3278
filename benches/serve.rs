//! How many requests the session service answers, beside a bare axum handler that sends the same
//! bytes.
//!
//! Run with `cargo bench --bench serve`. Both servers run as `serve` does, on one thread; the
//! clients, on another, keep their connections open and read every byte. Rounds alternate between
//! the two, and the best of each counts, so that what else the machine does bends both alike.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use leasekeeper::clock::{Clock, SystemClock};
use leasekeeper::host::{Host, HostAccount, HostConfig, HostOptions, StateFile};
use leasekeeper::units::{Secret, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";
const VERSION: &str = "api-version=2021-01-01";
/// Clients at one time.
const CLIENTS: usize = 16;
const ROUNDS: usize = 5;
/// Requests of a round, over all clients.
const GETS: usize = 40_000;
const LISTS: usize = 800;
const CYCLES: usize = 8_000;
const KEPT_CYCLES: usize = 800;
const LISTED: usize = 1_000;

/// A client with one connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).await.expect("connects");
        stream.set_nodelay(true).expect("sets");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends a request and reads its answer: the status and the body.
    async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("sent");
        self.buffer.clear();
        let (head, length) = loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end]).expect("text");
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|l| l.split("\r\n").next());
                break (end + 4, length.map_or(0, |l| l.parse().expect("a number")));
            }
            assert_ne!(
                self.stream.read_buf(&mut self.buffer).await.expect("read"),
                0,
                "the connection ended"
            );
        };
        while self.buffer.len() < head + length {
            assert_ne!(
                self.stream.read_buf(&mut self.buffer).await.expect("read"),
                0,
                "the connection ended"
            );
        }
        let status = std::str::from_utf8(&self.buffer[9..12])
            .expect("text")
            .parse()
            .expect("a number");
        (status, &self.buffer[head..])
    }
}

/// A request with the headers that every client sends.
fn request(method: &str, tail: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} /accounts/{ACCOUNT}/sessions{tail}?{VERSION} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Accept: application/json\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn create(id: &str, token: &str) -> Vec<u8> {
    request(
        "PUT",
        &format!("/{id}"),
        token,
        r#"{"maxLeaseTimeMinutes":60,"size":"Standard"}"#,
    )
}

/// Starts a server on a thread of its own, which ends with the process.
fn on_a_thread<F: Future<Output = SocketAddr>>(
    start: impl FnOnce() -> F + Send + 'static,
) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            tell.send(start().await).expect("somebody waits");
            std::future::pending::<()>().await;
        });
    });
    told.recv().expect("it starts")
}

fn serve(state: Option<StateFile>) -> SocketAddr {
    on_a_thread(|| async {
        let config = HostConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            accounts: vec![HostAccount {
                id: ACCOUNT.into(),
                key: Secret::new("key"),
            }],
            boot_delay: Span::ZERO,
            capacity: u32::MAX,
            page_size: LISTED,
        };
        let options = HostOptions {
            state,
            ..HostOptions::default()
        };
        let host = Host::start_with(config, options, Arc::new(SystemClock::new()))
            .await
            .expect("it starts");
        let address = host.address();
        std::mem::forget(host);
        address
    })
}

/// A handler that knows its answer.
fn bare(body: Vec<u8>) -> SocketAddr {
    on_a_thread(|| async {
        let body = axum::body::Bytes::from(body);
        let answer = move || async move {
            (
                [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
                body,
            )
        };
        let router = Router::new().route("/accounts/{account}/sessions", get(answer.clone()));
        let router = router.route("/accounts/{account}/sessions/{id}", get(answer));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("listens");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    })
}

/// How many times a second all clients together do something that each repeats.
async fn rate<F: Future<Output = Client> + Send>(
    at: SocketAddr,
    times: usize,
    act: impl Fn(Client, usize) -> F + Send + Sync + 'static,
) -> f64 {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(at).await);
    }
    let (act, clock) = (Arc::new(act), SystemClock::new());
    let began = clock.now();
    let mut running = JoinSet::new();
    for (n, mut client) in clients.into_iter().enumerate() {
        let act = act.clone();
        running.spawn(async move {
            for i in (n..times).step_by(CLIENTS) {
                client = act(client, i).await;
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.expect("no client fails");
    }
    let times = u32::try_from(times).expect("not so many");
    f64::from(times) / (clock.now() - began).to_std().as_secs_f64()
}

/// The best rate at which a server answers a request, and the best of the bare handler between the
/// rounds.
async fn beside_bare(at: SocketAddr, asked: Vec<u8>, times: usize) -> (f64, f64) {
    let mut client = Client::connect(at).await;
    let (status, body) = client.ask(&asked).await;
    assert_eq!(status, 200);
    let plain = bare(body.to_vec());
    let asked = Arc::new(asked);
    let (mut best, mut best_bare) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        for (at, best) in [(at, &mut best), (plain, &mut best_bare)] {
            let asked = asked.clone();
            let round = rate(at, times, move |mut client, _| {
                let asked = asked.clone();
                async move {
                    assert_eq!(client.ask(&asked).await.0, 200);
                    client
                }
            });
            *best = best.max(round.await);
        }
    }
    (best, best_bare)
}

/// The best rate of a session made and stopped.
async fn cycles(at: SocketAddr, token: &str, times: usize) -> f64 {
    let mut best = 0.0_f64;
    for round in 0..ROUNDS {
        let token = token.to_owned();
        let cycle = rate(at, times, move |mut client, i| {
            let id = format!("cycle-{round}-{i}");
            let (put, stop) = (
                create(&id, &token),
                request("POST", &format!("/{id}/:stop"), &token, ""),
            );
            async move {
                assert_eq!(client.ask(&put).await.0, 201);
                assert_eq!(client.ask(&stop).await.0, 204);
                client
            }
        });
        best = best.max(cycle.await);
    }
    best
}

/// Gets a token with the account's key.
async fn token(at: SocketAddr) -> String {
    let asked = format!(
        "GET /accounts/{ACCOUNT}/token?api-version=2019-02-28-preview HTTP/1.1\r\nHost: h\r\n\
         Authorization: Bearer {ACCOUNT}:key\r\n\r\n"
    );
    let mut client = Client::connect(at).await;
    let (_, body) = client.ask(asked.as_bytes()).await;
    let text = std::str::from_utf8(body).expect("text");
    text.trim_start_matches("{\"AccessToken\":\"")
        .trim_end_matches("\"}")
        .to_owned()
}

async fn measure() {
    let at = serve(None);
    let key = token(at).await;
    let mut client = Client::connect(at).await;
    for n in 0..LISTED {
        assert_eq!(
            client.ask(&create(&format!("listed-{n:04}"), &key)).await.0,
            201
        );
    }
    println!("| what | serve, per second | bare axum handler, per second | part of it |");
    println!("| --- | --- | --- | --- |");
    for (what, tail, times) in [
        ("GET session", "/listed-0500", GETS),
        ("list of 1,000", "", LISTS),
    ] {
        let (ours, bare) = beside_bare(at, request("GET", tail, &key, ""), times).await;
        println!(
            "| {what} | {ours:.0} | {bare:.0} | {:.0} % |",
            100.0 * ours / bare
        );
    }
    println!(
        "| create and stop, in memory | {:.0} | | |",
        cycles(at, &key, CYCLES).await
    );
    let folder = tempfile::tempdir().expect("a folder");
    let kept = serve(Some(
        StateFile::open(&folder.path().join("state")).expect("opens"),
    ));
    let key = token(kept).await;
    println!(
        "| create and stop, with `--state` | {:.0} | | |",
        cycles(kept, &key, KEPT_CYCLES).await
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure());
}

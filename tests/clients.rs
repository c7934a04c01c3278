//! Clients that are slow, that send what is not HTTP, or too much of it: each gets an error or the
//! end of the connection, and the service goes on. Time-outs are set to milliseconds; the end of
//! the connection is the event that is waited for.

use std::sync::Arc;
use std::time::Duration;

use leasekeeper::clock::SystemClock;
use leasekeeper::host::limits::{
    LARGEST_BODY, LARGEST_HEAD, MOST_HEADERS, MOST_NEWCOMERS, Timeouts,
};
use leasekeeper::host::{Host, HostAccount, HostConfig, HostOptions, Tls, self_signed};
use leasekeeper::units::{Secret, Span, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";
/// Far longer than any of this takes.
const DEADLINE: Duration = Duration::from_secs(60);
/// How soon a good client is answered.
const PROMPT: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(50);

async fn start(timeouts: Timeouts, tls: Option<Tls>) -> Host {
    let account = HostAccount {
        id: ACCOUNT.into(),
        key: Secret::new("key"),
    };
    let config = HostConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        accounts: vec![account],
        boot_delay: Span::ZERO,
        capacity: 1_000,
        page_size: 1_000,
    };
    let options = HostOptions {
        timeouts,
        tls,
        ..HostOptions::default()
    };
    Host::start_with(config, options, Arc::new(SystemClock::new()))
        .await
        .expect("it starts")
}

async fn connect(host: &Host) -> TcpStream {
    TcpStream::connect(host.address()).await.expect("connects")
}

/// All that comes until the connection ends; that it ends is what is proven.
async fn until_the_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match tokio::time::timeout(DEADLINE, stream.read_to_end(&mut bytes)).await {
        // A reset is an end too; it comes where the client's bytes were not all read.
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => panic!("the connection stays open after {bytes:?}"),
    }
}

async fn token(host: &Host) -> String {
    let mut stream = connect(host).await;
    let head = format!(
        "GET /accounts/{ACCOUNT}/token?api-version=2019-02-28-preview HTTP/1.1\r\n\
         Host: h\r\nConnection: close\r\n\
         Authorization: Bearer {ACCOUNT}:key\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let answer = until_the_end(&mut stream).await;
    let body = answer
        .rsplit_once("{\"AccessToken\":\"")
        .expect("a token")
        .1;
    body.trim_end_matches("\"}").to_owned()
}

/// The head of a create, up to what says how long its body is.
fn create(token: &str, id: &str) -> String {
    format!(
        "PUT /accounts/{ACCOUNT}/sessions/{id}?api-version=2021-01-01 HTTP/1.1\r\n\
         Host: h\r\nAuthorization: Bearer {token}\r\n"
    )
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head_is_let_go() {
    let host = start(
        Timeouts {
            head: SHORT,
            ..Timeouts::default()
        },
        None,
    )
    .await;
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: h\r\n"] {
        let mut stream = connect(&host).await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        assert!(
            !until_the_end(&mut stream).await.contains("200 OK"),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_body_is_told_so_and_nothing_is_made() {
    let host = start(
        Timeouts {
            body: SHORT,
            ..Timeouts::default()
        },
        None,
    )
    .await;
    let token = token(&host).await;
    for rest in [
        "Content-Length: 50\r\n\r\n{\"max",
        "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"ma\r\n",
    ] {
        let mut stream = connect(&host).await;
        stream
            .write_all((create(&token, "slow") + rest).as_bytes())
            .await
            .expect("sent");
        let answer = until_the_end(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("\r\napi-supported-versions: 2021-01-01-preview, 2021-01-01\r\n"),
            "{answer}"
        );
        let told = r#"{"error":{"code":"RequestTimeout","#.to_owned()
            + r#""message":"The request body did not arrive in time."}}"#;
        assert!(answer.ends_with(&told), "{answer}");
    }
    let mut stream = connect(&host).await;
    let get = create(&token, "slow").replace("PUT", "GET") + "Connection: close\r\n\r\n";
    stream.write_all(get.as_bytes()).await.expect("sent");
    assert!(
        until_the_end(&mut stream)
            .await
            .starts_with("HTTP/1.1 404 ")
    );
}

#[tokio::test]
async fn a_client_that_goes_away_within_its_body_makes_nothing() {
    let host = start(Timeouts::default(), None).await;
    let token = token(&host).await;
    let mut stream = connect(&host).await;
    let half = create(&token, "half") + "Content-Length: 50\r\n\r\n{\"max";
    stream.write_all(half.as_bytes()).await.expect("sent");
    stream
        .shutdown()
        .await
        .expect("the client's half is closed");
    until_the_end(&mut stream).await;
    let mut stream = connect(&host).await;
    let get = create(&token, "half").replace("PUT", "GET") + "Connection: close\r\n\r\n";
    stream.write_all(get.as_bytes()).await.expect("sent");
    assert!(
        until_the_end(&mut stream)
            .await
            .starts_with("HTTP/1.1 404 ")
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_let_go() {
    let host = start(
        Timeouts {
            answer: SHORT,
            ..Timeouts::default()
        },
        None,
    )
    .await;
    let mut stream = connect(&host).await;
    // More requests than the buffers of both sides hold answers for.
    let request = b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1_000);
    let flood = async { while stream.write_all(&request).await.is_ok() {} };
    assert!(
        tokio::time::timeout(DEADLINE, flood).await.is_ok(),
        "the service goes on reading"
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read_and_while_it_is() {
    let host = start(Timeouts::default(), None).await;
    let token = token(&host).await;
    let chunk = format!(
        "{:x}\r\n{}\r\n",
        LARGEST_BODY + 1,
        "x".repeat(LARGEST_BODY + 1)
    );
    for rest in [
        "Content-Length: 99999999999\r\n\r\n".to_owned(),
        format!("Transfer-Encoding: chunked\r\n\r\n{chunk}"),
    ] {
        let mut stream = connect(&host).await;
        stream
            .write_all((create(&token, "large") + &rest).as_bytes())
            .await
            .expect("sent");
        let answer = until_the_end(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("\r\nms-cv: ") && answer.contains("PayloadTooLarge"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_or_too_much_of_it_is_refused() {
    let host = start(Timeouts::default(), None).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LARGEST_HEAD + 1));
    let many = format!(
        "GET / HTTP/1.1\r\n{}\r\n",
        "a: b\r\n".repeat(MOST_HEADERS + 1)
    );
    let wide = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(LARGEST_HEAD));
    for (sent, told) in [
        ("\0\0\0\0\r\n\r\n", "400"),
        ("GET\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"),
        ("PUT / HTTP/1.1\r\nContent-Length: many\r\n\r\n", "400"),
        ("PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"),
        (many.as_str(), "431"),
        (wide.as_str(), "431"),
        (long.as_str(), "4"),
    ] {
        let mut stream = connect(&host).await;
        // The service may end the connection before all was sent.
        let _ = stream.write_all(sent.as_bytes()).await;
        let answer = until_the_end(&mut stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {told}")),
            "{:?}: {answer}",
            &sent[..sent.len().min(40)]
        );
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        for header in [
            "ms-cv: ",
            "date: ",
            "x-content-type-options: nosniff",
            "connection: close",
        ] {
            assert_eq!(
                head.matches(&format!("\r\n{header}")).count(),
                1,
                "{header} in {head}"
            );
        }
        assert!(
            head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
            "{head}"
        );
        let error: serde_json::Value = serde_json::from_str(body).expect("an error body");
        assert!(
            !error["error"]["message"]
                .as_str()
                .expect("a message")
                .is_empty()
        );
    }
}

#[tokio::test]
async fn half_sent_requests_do_not_keep_a_good_client_waiting_however_many_they_are() {
    let host = start(Timeouts::default(), None).await;
    let token = token(&host).await;
    let list = format!(
        "GET /accounts/{ACCOUNT}/sessions?api-version=2021-01-01 HTTP/1.1\r\nHost: h\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    let mut early = connect(&host).await;
    let good = async |stream: &mut TcpStream| {
        stream.write_all(list.as_bytes()).await.expect("sent");
        let mut answer = [0; 15];
        let read = tokio::time::timeout(PROMPT, stream.read_exact(&mut answer)).await;
        read.expect("within a second").expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    };
    good(&mut early).await;
    let mut crowd = Vec::new();
    for _ in 0..2 * MOST_NEWCOMERS {
        let mut stream = connect(&host).await;
        // Those that came first are let go meanwhile.
        let _ = stream.write_all(b"GET /accounts HTTP/1.1\r\nHost").await;
        crowd.push(stream);
    }
    good(&mut connect(&host).await).await;
    let late = tokio::time::timeout(DEADLINE, crowd[0].read(&mut [0])).await;
    assert!(!matches!(late.expect("it was let go"), Ok(1..)));
    // One that was let in keeps its connection.
    let mut rest = [0; 4_096];
    let _ = early.try_read(&mut rest);
    good(&mut early).await;
}

#[tokio::test]
async fn over_tls_a_page_links_to_https_and_a_silent_or_plain_client_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = leasekeeper::clock::Clock::now(&SystemClock::new());
    let made = self_signed(folder.path(), [127, 0, 0, 1].into(), now).expect("a certificate");
    let host = start(
        Timeouts {
            handshake: SHORT,
            ..Timeouts::default()
        },
        Some(made.tls),
    )
    .await;
    for sent in ["", "GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = connect(&host).await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        assert!(!until_the_end(&mut stream).await.contains("HTTP"), "{sent}");
    }
    let ca = reqwest::Certificate::from_pem(&std::fs::read(made.ca).expect("reads"))
        .expect("a certificate");
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .build()
        .expect("a client");
    for name in ["localhost", "127.0.0.1"] {
        let url = format!("https://{name}:{}/nothing", host.address().port());
        assert_eq!(
            http.get(url).send().await.expect("it is trusted").status(),
            404
        );
    }
    assert_eq!(host.url(), format!("https://{}", host.address()));
}

#[test]
fn a_certificate_is_used_again_while_it_is_good_for_another_week_and_has_the_name() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let make = |ip: [u8; 4], days: i64| {
        let now = Timestamp::from_millis(1_800_000_000_000) + Span::hours(24 * days);
        self_signed(folder.path(), ip.into(), now).expect("a certificate")
    };
    let loopback = [127, 0, 0, 1];
    assert!(make(loopback, 0).new);
    let mode = |name: &str| {
        std::fs::metadata(folder.path().join(name))
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode("key.pem"), mode("cert.pem"), mode("ca.pem")),
        (0o600, 0o644, 0o644)
    );
    assert!(!make(loopback, 0).new && !make(loopback, 389).new);
    assert!(make(loopback, 391).new);
    assert!(!make(loopback, 391).new);
    assert!(make([192, 0, 2, 7], 391).new);
    assert!(!make(loopback, 391).new);
    std::fs::remove_file(folder.path().join("cert.pem")).expect("removed");
    assert!(make(loopback, 391).new);
    // The authority's key is nowhere.
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("reads")
        .map(|e| e.expect("one").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["ca.pem", "cert.pem", "key.pem"]);
}

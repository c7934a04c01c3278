//! Requests of any kind against a whole service, without a socket.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use proptest::prelude::*;

use crate::clock::SystemClock;
use crate::host::auth::account::HostAccount;
use crate::host::auth::entra::EntraVerifier;
use crate::host::auth::signer::Signer;
use crate::host::engine::Simulated;
use crate::host::faults::Faults;
use crate::host::sessions::registries::Registries;
use crate::units::{Minutes, Secret, SessionId, Size, Span};

use super::api::SessionApi;
use super::format::WireFormat;
use super::limits::{MOST_SESSIONS, Timeouts};
use super::origin::Origin;

const ACCOUNT: &str = "7c1f9c5e-1111-4a5b-9a55-0123456789ab";

fn service() -> SessionApi {
    SessionApi {
        clock: Arc::new(SystemClock::new()),
        accounts: vec![HostAccount {
            id: ACCOUNT.into(),
            key: Secret::new("key"),
        }],
        signer: Signer::new(b"signing", None),
        entra: EntraVerifier::default(),
        page_size: 10,
        format: WireFormat::Modern,
        timeouts: Timeouts::default(),
        origin: Origin {
            listens: "http://127.0.0.1:1".parse().expect("a URL"),
            public: None,
            proxies: Vec::new(),
        },
        faults: Mutex::new(Faults::default()),
        registries: Mutex::new(Registries::new(Simulated {
            boot_delay: Span::ZERO,
            capacity: u32::MAX,
        })),
    }
}

/// The status, `Retry-After` and body of an answer.
fn answer(
    service: &SessionApi,
    request: Request<Full<Bytes>>,
) -> (StatusCode, Option<String>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let answer = service
            .answer(request)
            .await
            .expect("no rule cuts connections");
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let wait = head
            .headers
            .get("retry-after")
            .map(|v| v.to_str().expect("text").to_owned());
        (
            head.status,
            wait,
            String::from_utf8(bytes.to_vec()).expect("text"),
        )
    })
}

fn request(
    service: &SessionApi,
    method: &Method,
    uri: &str,
    body: &str,
) -> Option<Request<Full<Bytes>>> {
    let token = service
        .signer
        .issue(ACCOUNT, service.clock.now())
        .expect("a token");
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("authorization", format!("Bearer {token}"));
    request.body(Full::from(body.to_owned())).ok()
}

#[test]
fn an_account_that_is_full_takes_retries_and_no_new_sessions() {
    let service = service();
    let now = service.clock.now();
    service
        .registries
        .lock()
        .expect("whole")
        .act(ACCOUNT, now, |registry, engine| {
            for n in 0..MOST_SESSIONS {
                let id = SessionId::new(&format!("s{n}")).expect("an id");
                registry
                    .create(engine, &id, &Size::Standard, Minutes::new(60), now)
                    .expect("created");
            }
        });
    let create = |id: &str| {
        let uri = format!("/accounts/{ACCOUNT}/sessions/{id}?api-version=2021-01-01");
        let body = r#"{"maxLeaseTimeMinutes":60,"size":"Standard"}"#;
        let (status, wait, _) = answer(
            &service,
            request(&service, &Method::PUT, &uri, body).expect("a request"),
        );
        (status.as_u16(), wait)
    };
    assert_eq!(create("s7"), (200, None));
    assert_eq!(create("more"), (429, Some("60".into())));
}

/// Paths near those that mean something.
fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("accounts".to_owned()),
        Just(ACCOUNT.to_owned()),
        Just("sessions".to_owned()),
        Just(":stop".to_owned()),
        Just("token".to_owned()),
        "[A-Za-z0-9%_-]{0,12}",
    ];
    let wild = proptest::collection::vec(segment, 0..7).prop_map(|s| format!("/{}", s.join("/")));
    let near = "[A-Za-z0-9%_-]{0,12}".prop_map(|id| format!("/accounts/{ACCOUNT}/sessions/{id}"));
    prop_oneof![wild, near]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("?api-version=2021-01-01".to_owned()),
        "\\?(api-version|after|[a-z]{3})=[A-Za-z0-9%&=-]{0,20}"
    ]
}

fn body() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "-?[0-9]{1,22}",
        "[0-9]\\.[0-9]",
        "\"[a-zA-Z]{0,9}\"",
        Just("null".into()),
        Just("[[{}]]".into())
    ];
    let fields = (value.clone(), value)
        .prop_map(|(m, s)| format!(r#"{{"maxLeaseTimeMinutes":{m},"size":{s}}}"#));
    prop_oneof![fields, ".{0,60}", Just("[".repeat(5_000))]
}

proptest! {
    #[test]
    fn no_token_but_the_one_that_was_issued_is_accepted(
        text in ".{0,200}",
        at in 0usize..150,
        by in "[A-Za-z0-9._-]",
    ) {
        let service = service();
        let now = service.clock.now();
        let token = service.signer.issue(ACCOUNT, now).expect("a token");
        prop_assert!(service.signer.accepts(&token, ACCOUNT, now));
        prop_assert!(!service.signer.accepts(&text, ACCOUNT, now));
        let at = at % token.len();
        let bent = format!("{}{by}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(service.signer.accepts(&bent, ACCOUNT, now), bent == token);
    }

    #[test]
    fn every_request_gets_an_answer_of_the_protocol(
        requests in proptest::collection::vec((0usize..6, path(), query(), body()), 1..20),
    ) {
        let service = service();
        let methods = [
            Method::GET,
            Method::PUT,
            Method::PATCH,
            Method::POST,
            Method::DELETE,
            Method::HEAD,
        ];
        for (method, path, query, body) in requests {
            let uri = format!("{path}{query}");
            let Some(request) = request(&service, &methods[method], &uri, &body) else {
                continue;
            };
            let (status, _, text) = answer(&service, request);
            let known = [200, 201, 204, 400, 401, 404, 405, 409, 413, 422];
            prop_assert!(known.contains(&status.as_u16()), "{} {}", status, path);
            prop_assert!(text.len() < 4_096, "{} bytes", text.len());
            match status.as_u16() {
                204 | 401 => prop_assert!(text.is_empty()),
                _ => {
                    let json: Result<serde_json::Value, _> = serde_json::from_str(&text);
                    prop_assert!(json.is_ok(), "{}", text);
                }
            }
        }
    }
}

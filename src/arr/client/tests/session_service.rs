//! The client against the session service, with a clock that can be moved.

use url::Url;

use super::{client, client_at, id};
use crate::arr::testing::clock;
use crate::host::{Host, HostAccount, HostConfig};
use crate::keeper::{FailureKind, Status};
use crate::service::RegionService;
use crate::units::{Minutes, Secret, SessionId, Size, Span};

#[tokio::test]
async fn a_daemon_that_slept_past_its_tokens_end_gets_a_fresh_one() {
    // Microsoft's client failed after its machine had slept for 48 hours.
    let clock = clock();
    let account = HostAccount {
        id: "acc".into(),
        key: Secret::new("key"),
    };
    let config = HostConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        accounts: vec![account],
        boot_delay: Span::ZERO,
        capacity: 1,
        page_size: 10,
    };
    let host = Host::start(config, clock.clone()).await.expect("it starts");
    let url = Url::parse(&format!("http://{}", host.address())).expect("a URL");
    let client = client_at(&url, "key", clock.clone());
    client.list().await.expect("a first token");
    *clock.ahead.lock().expect("whole") += Span::hours(48);
    client.list().await.expect("a fresh token");
    host.shutdown().await;
}

#[tokio::test]
async fn the_service_of_our_own_is_spoken_to_in_every_operation() {
    let account = HostAccount {
        id: "acc".into(),
        key: Secret::new("key"),
    };
    let config = HostConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        accounts: vec![account],
        boot_delay: Span::ZERO,
        capacity: 5,
        page_size: 2,
    };
    let host = Host::start(config, clock()).await.expect("it starts");
    let url = Url::parse(&format!("http://{}", host.address())).expect("a URL");
    let client = client(&url, "key");
    for n in 0..5 {
        let id = SessionId::new(&format!("s-{n}")).expect("an id");
        client
            .create(&id, &Size::Premium, Minutes::new(20))
            .await
            .expect("created");
        client
            .create(&id, &Size::Premium, Minutes::new(20))
            .await
            .expect("the same again");
    }
    assert_eq!(client.list().await.expect("three pages").sessions.len(), 5);
    assert_eq!(
        client
            .extend(&id(), Minutes::new(30))
            .await
            .expect("extended")
            .session
            .max_lease,
        Minutes::new(30)
    );
    assert_eq!(
        client
            .extend(&id(), Minutes::new(10))
            .await
            .expect_err("smaller")
            .kind,
        FailureKind::Refused
    );
    client.stop(&id()).await.expect("stopped");
    assert_eq!(
        client.get(&id()).await.expect("readable").session.status,
        Status::Stopped
    );
    let unknown = SessionId::new("nobody").expect("an id");
    assert_eq!(
        client.stop(&unknown).await.expect_err("unknown").kind,
        FailureKind::NotFound
    );
    host.shutdown().await;
}

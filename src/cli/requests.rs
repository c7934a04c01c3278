//! `touch`, `park`, `wake`, `acquire`, `release`: what people and clients tell the daemon.

use serde_json::{Value, json};

use crate::control::{CallError, ControlClient};

/// Tells the daemon, and prints what came of it.
pub(super) async fn ask(
    control: &ControlClient,
    verb: &str,
    target: &str,
) -> Result<u8, CallError> {
    let done: Value = control
        .post(&format!("/v1/{verb}"), &json!({"target": target}))
        .await?;
    let events = done["events"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for event in events {
        println!("{}", event.as_str().unwrap_or_default());
    }
    if events.is_empty() {
        let done = match verb {
            "touch" => "counted as used now",
            "park" => "parked; its sessions are stopped, and it stays empty until it is woken",
            _ => "woken",
        };
        println!("{target}: {done}");
    }
    Ok(0)
}

/// Holds a session and prints where it is. Exit status 1 while none is Ready.
pub(super) async fn acquire(
    control: &ControlClient,
    pool: &str,
    client: &str,
) -> Result<u8, CallError> {
    let got: Value = control
        .post("/v1/acquire", &json!({"pool": pool, "client": client}))
        .await?;
    let Some(session) = got["session"].as_str() else {
        eprintln!("none is Ready yet; one is on its way, ask again in a moment");
        return Ok(1);
    };
    println!("{session}");
    if let Some(host) = got["address"]["hostname"].as_str() {
        println!("{host}:{}", got["address"]["handshake_port"]);
    }
    Ok(0)
}

/// Gives a session back.
pub(super) async fn release(
    control: &ControlClient,
    session: &str,
    client: &str,
) -> Result<u8, CallError> {
    let _: Value = control
        .post(
            "/v1/release",
            &json!({"session": session, "client": client}),
        )
        .await?;
    println!("{session}: released");
    Ok(0)
}

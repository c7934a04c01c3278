//! A machine without any certificate authority, such as a container made of nothing but the binary.

use std::process::{Command, Output};

use crate::support::{BINARY, Studio, said};

/// The binary, where the system has no authorities.
fn leasekeeper(args: &[&str]) -> Output {
    Command::new(BINARY)
        .args(args)
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .expect("the binary runs")
}

#[test]
fn where_no_tls_is_spoken_nobody_misses_them() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1").display().to_string();
    let once = leasekeeper(&["run", "--once", "--policy", &policy]);
    assert!(once.status.success(), "{}", said(&once));
    let socket = studio.path("no.sock").display().to_string();
    let status = leasekeeper(&["status", "--socket", &socket]);
    assert!(
        said(&status).contains("no daemon answers"),
        "{}",
        said(&status)
    );
}

#[test]
fn where_tls_is_spoken_they_are_named_with_the_key_that_names_others() {
    let studio = Studio::open();
    let path = studio.policy("min = 1");
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text.replace(&studio.endpoint, "https://127.0.0.1:1")).expect("written");
    let policy = path.display().to_string();
    let run = leasekeeper(&["run", "--once", "--policy", &policy]);
    assert_eq!(run.status.code(), Some(78), "{}", said(&run));
    assert!(
        said(&run).contains("No CA certificates") && said(&run).contains("`service.ca_file`"),
        "{}",
        said(&run)
    );
    // The studio's own authority is enough.
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(studio.path("ca.pem"), own.cert.pem()).expect("written");
    let ca = format!(
        "timeout = \"1s\"\nca_file = \"{}\"",
        studio.path("ca.pem").display()
    );
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text.replace("timeout = \"3s\"", &ca)).expect("written");
    let run = leasekeeper(&["run", "--once", "--policy", &policy]);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    assert!(said(&run).contains("cannot reach https://127.0.0.1:1"));
}

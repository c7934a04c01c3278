//! The unit, checked by systemd itself, and what the daemon tells it.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use crate::support::{BINARY, Running, Studio};

/// Far less than the service of the test takes, and far more than a start does.
const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn systemd_accepts_the_unit_without_a_word_and_finds_it_hardened() {
    let unit = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/systemd/leasekeeper.service"
    ))
    .expect("there");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("leasekeeper.service");
    // The binary need not be installed for the unit to be sound.
    std::fs::write(
        &path,
        unit.replace("/usr/local/bin/leasekeeper", "/bin/true"),
    )
    .expect("written");
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output()
        .expect("systemd-analyze runs");
    assert!(verify.status.success());
    assert_eq!(String::from_utf8_lossy(&verify.stderr), "");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20"])
        .arg(&path)
        .output();
    let security = security.expect("systemd-analyze runs");
    assert!(
        security.status.success(),
        "{}",
        String::from_utf8_lossy(&security.stdout)
    );
}

#[test]
fn a_service_that_does_not_answer_does_not_keep_systemd_waiting_for_the_start() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    let text = std::fs::read_to_string(&policy).expect("written");
    let patient = text.replace("timeout = \"3s\"", "timeout = \"5m\"");
    std::fs::write(&policy, patient).expect("written");
    studio.service.signal("-STOP");
    let socket = studio.path("notify.sock");
    let systemd = UnixDatagram::bind(&socket).expect("bound");
    systemd.set_read_timeout(Some(TIMEOUT)).expect("set");
    let mut command = Command::new(BINARY);
    command
        .args(["run", "--policy"])
        .arg(&policy)
        .env("NOTIFY_SOCKET", &socket);
    let _daemon = Running::start(command, true);
    let mut told = [0; 64];
    let length = systemd.recv(&mut told).expect("told in time");
    assert_eq!(&told[..length], b"READY=1\n");
}

#[test]
fn each_turn_of_the_loop_feeds_the_watchdog_which_is_told_of_a_patient_policy() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1");
    let socket = studio.path("notify.sock");
    let systemd = UnixDatagram::bind(&socket).expect("bound");
    systemd.set_read_timeout(Some(TIMEOUT)).expect("set");
    let mut command = Command::new(BINARY);
    command
        .args(["run", "--policy"])
        .arg(&policy)
        .env("WATCHDOG_USEC", "2000000")
        .env("NOTIFY_SOCKET", &socket);
    let _daemon = Running::start(command, true);
    let told = || {
        let mut told = [0; 64];
        let length = systemd.recv(&mut told).expect("told in time");
        String::from_utf8_lossy(&told[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1\n");
    // The policy lets an operation of the service take three seconds.
    assert_eq!(told(), "WATCHDOG_USEC=43000000\n");
    for _ in 0..5 {
        assert_eq!(told(), "WATCHDOG=1\n");
    }
}

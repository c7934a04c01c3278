//! The unit, checked by systemd itself.

use std::process::Command;

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

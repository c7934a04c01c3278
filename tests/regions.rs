//! Two session services as two regions, and the built daemon between them: one without servers, one
//! that dies.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ACCOUNT, BINARY, Running, id_of, said, serve};

/// Two regions, `west` before `north`, and a folder for a daemon that asks in both.
struct Regions {
    folder: TempDir,
    west: Option<Running>,
    _north: Running,
    /// Of west and north.
    endpoints: [String; 2],
}

impl Regions {
    fn open(west: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        std::fs::write(&key, "right").expect("written");
        let ((west, at_west), (north, at_north)) = (serve(&key, west), serve(&key, &[]));
        Self {
            folder,
            west: Some(west),
            _north: north,
            endpoints: [at_west, at_north],
        }
    }

    fn policy(&self, regions: &str, pool: &str) -> PathBuf {
        let (dir, [west, north]) = (self.folder.path().display(), &self.endpoints);
        let text = format!(
            r#"
owner = "st"
ledger = "{dir}/ledger.db"
[service]
region = "north"
account_id = "{ACCOUNT}"
timeout = "1s"
[service.regions]
west = "{west}"
north = "{north}"
[auth]
method = "account-key"
key_file = "{dir}/key"
[control]
socket = "{dir}/control.sock"
[reconcile]
interval = "1s"
[[pool]]
name = "a"
regions = {regions}
{pool}
"#
        );
        let path = self.folder.path().join("policy.toml");
        std::fs::write(&path, text).expect("written");
        path
    }

    fn daemon(policy: &Path) -> Running {
        let mut command = Command::new(BINARY);
        command
            .args(["--log-format", "json", "run", "--policy"])
            .arg(policy);
        Running::start(command, true)
    }

    fn ask(&self, args: &[&str]) -> String {
        let socket = self.folder.path().join("control.sock");
        said(
            &Command::new(BINARY)
                .arg("--socket")
                .arg(socket)
                .args(args)
                .output()
                .expect("it runs"),
        )
    }

    /// The one slot that is filled.
    fn slot(&self) -> Value {
        let status: Value =
            serde_json::from_str(&self.ask(&["status", "--format", "json"])).expect("JSON");
        assert_eq!(
            status["slots"].as_array().map(Vec::len),
            Some(1),
            "{status}"
        );
        status["slots"][0].clone()
    }
}

fn measured(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(BINARY)
        .args(["regions", "--format", "json"])
        .args(args)
        .output()
        .expect("it runs");
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output))),
    )
}

#[test]
fn the_regions_of_a_policy_are_measured_and_one_that_is_down_comes_last() {
    let mut regions = Regions::open(&[]);
    let policy = regions.policy(r#"["west", "north"]"#, "");
    let policy = policy.to_str().expect("text");
    regions.west.take().expect("it runs").kill();
    let (code, all) = measured(&["--policy", policy]);
    let names: Vec<_> = all.iter().map(|m| m["region"].as_str()).collect();
    assert_eq!((code, names), (Some(0), vec![Some("north"), Some("west")]));
    assert!(
        all[0]["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0) && all[0]["error"].is_null(),
        "{all:?}"
    );
    assert!(
        all[1]["latency_ms"].is_null() && all[1]["error"].is_string(),
        "{all:?}"
    );
    let (code, all) = measured(&["--policy", policy, "west"]);
    assert_eq!((code, all.len()), (Some(1), 1));
}

/// All live sessions that the regions tell of, by hand.
fn listed(policy: &Path) -> (Vec<Value>, String) {
    let mut command = Command::new(BINARY);
    let output = command
        .args(["session", "list", "--format", "json", "--policy"])
        .arg(policy)
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}")),
        told,
    )
}

#[test]
fn a_region_without_servers_is_passed_over_for_the_next() {
    let regions = Regions::open(&["--capacity", "0"]);
    let policy = regions.policy(r#"["west", "north"]"#, "");
    let mut daemon = Regions::daemon(&policy);
    let first = id_of(&daemon.wait_for("creating a Standard session in west"));
    assert_eq!(id_of(&daemon.wait_for("ended Error")), first);
    let second = id_of(&daemon.wait_for("creating a Standard session in north"));
    assert_eq!(id_of(&daemon.wait_for("Ready after")), second);
    let slot = regions.slot();
    assert_eq!(
        (slot["session"].as_str(), slot["region"].as_str()),
        (Some(&*second), Some("north"))
    );
    let status = regions.ask(&["status"]);
    assert!(
        status.contains("REGION") && status.contains("north"),
        "{status}"
    );
    assert!(
        regions.ask(&["spend", "--by", "region"]).contains("north"),
        "{}",
        regions.ask(&["spend", "--by", "region"])
    );
    assert!(
        regions.ask(&["why", "a/0"]).contains("in west"),
        "{}",
        regions.ask(&["why", "a/0"])
    );
    // By hand, a session is found wherever it is.
    let mut by_hand = Command::new(BINARY);
    let shown = by_hand
        .args(["session", "show", &second, "--policy"])
        .arg(&policy)
        .output()
        .expect("it runs");
    assert!(said(&shown).contains("Ready"), "{}", said(&shown));
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_region_that_dies_keeps_its_session_in_mind_with_its_alarm_and_nothing_is_made_twice() {
    let mut regions = Regions::open(&[]);
    let policy = regions.policy(r#"["west", "north"]"#, "lease = \"1m\"");
    let mut daemon = Regions::daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    regions.policy(r#"["north"]"#, "lease = \"1m\"");
    daemon.signal("-HUP");
    let refused = daemon.wait_for("the new policy is refused");
    assert!(
        refused.contains("lives in west, at http")
            && refused.contains("which the new policy does not name"),
        "{refused}"
    );
    regions.policy(r#"["west", "north"]"#, "lease = \"1m\"");
    regions.west.take().expect("it runs").kill();
    daemon.wait_for("its leases are kept from memory, nothing new is created there");
    assert_eq!(id_of(&daemon.wait_for("its lease may end at")), id);
    let (sessions, told) = listed(&policy);
    assert!(
        sessions.is_empty() && told.contains("west is not in this list"),
        "{sessions:?} {told}"
    );
    // Nor does a restart, whose memory is the ledger's, fill the slot a second time.
    daemon.kill();
    let mut daemon = Regions::daemon(&policy);
    daemon.wait_for("its leases are kept from memory, nothing new is created there");
    assert_eq!(regions.slot()["session"].as_str(), Some(&*id));
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("creating a"), "{log}");
    assert!(listed(&policy).0.is_empty());
}

//! What somebody changes under a daemon that runs: the policy's service, the control socket, the
//! ledger's file.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{ACCOUNT, BINARY, Running, Studio, id_of, said, serve};

/// Writes a policy as [`Studio::policy`] does, for another endpoint or account.
fn elsewhere(studio: &Studio, pool: &str, from: &str, to: &str) -> PathBuf {
    let path = studio.policy(pool);
    let text = std::fs::read_to_string(&path).expect("there");
    assert!(text.contains(from));
    std::fs::write(&path, text.replace(from, to)).expect("written");
    path
}

#[test]
fn a_policy_that_moves_to_another_service_is_refused_while_sessions_live_on_the_old_one() {
    let studio = Studio::open();
    let (_other, endpoint) = serve(&studio.path("key"), &[]);
    let pool = "min = 2\nmax = 2";
    let policy = studio.policy(pool);
    let mut daemon = studio.daemon(&policy);
    let mut ids = [
        id_of(&daemon.wait_for("Ready after")),
        id_of(&daemon.wait_for("Ready after")),
    ];
    ids.sort();
    let lives = format!(
        "sessions {}, {} live on {} (account {ACCOUNT}), which the new policy does not name",
        ids[0], ids[1], studio.endpoint
    );
    let stranger = "00000000-0000-0000-0000-000000000000";
    for (from, to) in [(&*studio.endpoint, &*endpoint), (ACCOUNT, stranger)] {
        elsewhere(&studio, pool, from, to);
        daemon.signal("-HUP");
        let refused = daemon.wait_for("the new policy is refused, the old one stays in force");
        assert!(refused.contains(&lives), "{refused}");
        let slots = studio.status();
        let status = |n: usize| slots["slots"][n]["status"].as_str().map(String::from);
        let ready = Some("Ready".to_owned());
        assert_eq!((status(0), status(1)), (ready.clone(), ready));
        // Nor is it taken beside the daemon, nor by a restart.
        let planned = studio.command(&["plan"], &policy);
        assert_eq!(planned.status.code(), Some(1));
        assert!(said(&planned).contains(&lives), "{}", said(&planned));
    }
    elsewhere(&studio, pool, &studio.endpoint, &endpoint);
    daemon.kill();
    let refused = studio.once(&policy);
    assert_eq!(refused.status.code(), Some(78), "{}", said(&refused));
    let told = said(&refused);
    assert!(
        told.contains(&lives) && told.contains("they count as ended from"),
        "{told}"
    );
    assert_eq!(studio.sessions(&studio.policy(pool)).len(), 2);
    // Once they have ended the new service is taken, and what they cost stays known.
    studio.policy("min = 0\nidle_timeout = \"1s\"");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("ended Stopped");
    daemon.wait_for("ended Stopped");
    elsewhere(&studio, "min = 1", &studio.endpoint, &endpoint);
    daemon.signal("-HUP");
    daemon.wait_for("is in force");
    assert!(said(&studio.ask(&["wake", "a"])).contains("woken"));
    let third = id_of(&daemon.wait_for("Ready after"));
    let spend = said(&studio.ask(&["spend", "--by", "session"]));
    for id in ids.iter().chain([&third]) {
        assert!(spend.contains(id), "{spend}");
    }
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn what_lived_on_the_embedded_service_of_a_daemon_that_was_killed_is_paid_for_elsewhere() {
    let studio = Studio::open();
    let policy = studio.policy("");
    let text = std::fs::read_to_string(&policy).expect("there");
    let (head, tail) = text.split_once("[service]").expect("a section");
    let (_, tail) = tail.split_once("[control]").expect("a section");
    let embedded =
        format!("{head}[service]\nembedded = true\nboot_delay = \"100ms\"\n[control]{tail}");
    std::fs::write(&policy, embedded).expect("written");
    let mut daemon = studio.daemon(&policy);
    let first = id_of(&daemon.wait_for("Ready after"));
    daemon.kill();
    studio.policy("");
    let mut daemon = studio.daemon(&policy);
    let gone = daemon.wait_for("ended gone");
    assert!(gone.contains(&first) && gone.contains("at most"), "{gone}");
    assert_ne!(id_of(&daemon.wait_for("Ready after")), first);
}

#[test]
fn a_service_that_cannot_be_connected_to_changes_nothing_and_is_tried_again() {
    let studio = Studio::open();
    let policy = studio.policy("max = 2");
    let mut daemon = studio.daemon(&policy);
    let first = id_of(&daemon.wait_for("Ready after"));
    let authority = studio.path("ca.pem");
    let named = format!("timeout = \"3s\"\nca_file = \"{}\"", authority.display());
    for _ in 0..2 {
        elsewhere(&studio, "min = 2\nmax = 2", "timeout = \"3s\"", &named);
        daemon.signal("-HUP");
        let refused = daemon.wait_for("the new policy is refused, the old one stays in force");
        assert!(refused.contains("ca.pem"), "{refused}");
    }
    assert_eq!(studio.status()["slots"][0]["session"], *first);
    assert_eq!(studio.sessions(&studio.policy("max = 2")).len(), 1);
    // The same file again, now that there is what it names.
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let pem = certificate.expect("made").cert.pem();
    std::fs::write(&authority, pem).expect("written");
    elsewhere(&studio, "min = 2\nmax = 2", "timeout = \"3s\"", &named);
    daemon.signal("-HUP");
    daemon.wait_for("is in force");
    assert!(daemon.wait_for("Ready after").contains("a/1"));
}

#[test]
fn a_control_socket_that_is_removed_is_open_again_after_the_next_pass() {
    let studio = Studio::open();
    let mut daemon = studio.daemon(&studio.policy("min = 0"));
    daemon.wait_for("control socket");
    std::fs::remove_file(studio.path("control.sock")).expect("removed");
    let told = daemon.wait_for("was removed, and is open again");
    assert!(told.contains("\"WARN\""), "{told}");
    assert_eq!(studio.status()["owner"], "st");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("is open again").count(), 1, "{log}");
    assert!(!studio.path("control.sock").exists());
}

/// How many sessions a ledger has, read beside whoever writes it.
fn live(studio: &Studio) -> i64 {
    let ledger = Connection::open(studio.path("ledger.db")).expect("opens");
    ledger
        .query_row("SELECT count(*) FROM live", [], |row| row.get(0))
        .expect("reads")
}

#[test]
fn a_ledger_that_is_removed_is_written_again_with_all_that_it_knew() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 2");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    for name in [
        "ledger.db",
        "ledger.db-wal",
        "ledger.db-shm",
        "ledger.db.lock",
    ] {
        std::fs::remove_file(studio.path(name)).expect("removed");
    }
    let told = daemon.wait_for("it was written again, and nothing that it knew is lost");
    assert!(told.contains("\"WARN\""), "{told}");
    assert_eq!(live(&studio), 1);
    let second = studio.once(&policy);
    assert!(
        said(&second).contains("another leasekeeper (pid"),
        "{}",
        said(&second)
    );
    assert!(said(&studio.ask(&["spend", "--by", "session"])).contains(&id));
    // What happens from then on is in the file that is there.
    studio.policy("min = 2\nmax = 2");
    daemon.signal("-HUP");
    daemon.wait_for("Ready after");
    daemon.kill();
    assert_eq!(live(&studio), 2);
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("control socket");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        !log.contains("adopted") && !log.contains("creating"),
        "{log}"
    );
}

#[test]
fn a_file_that_takes_the_ledgers_place_is_left_alone_and_nothing_is_created_meanwhile() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 2");
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    let (ledger, other) = (studio.path("ledger.db"), studio.path("other"));
    std::fs::write(&other, "a diary").expect("written");
    std::fs::rename(&other, &ledger).expect("moved");
    let told = daemon.wait_for("another file stands where the ledger");
    assert!(
        told.contains("\"ERROR\"") && told.contains("nothing is created or extended"),
        "{told}"
    );
    assert!(!studio.path("ledger.db-wal").exists());
    let status = said(&studio.ask(&["status"]));
    assert!(
        status.contains("nothing is created or extended: another file stands where"),
        "{status}"
    );
    assert!(!studio.ask(&["spend"]).status.success());
    studio.policy("min = 2\nmax = 2");
    daemon.signal("-HUP");
    daemon.wait_for("is in force");
    assert_eq!(std::fs::read_to_string(&ledger).expect("there"), "a diary");
    std::fs::remove_file(&ledger).expect("removed");
    daemon.wait_for("it was written again");
    daemon.wait_for("Ready after");
    assert_eq!(live(&studio), 2);
    let (_, log) = daemon.end();
    let (before, after) = log.split_once("it was written again").expect("once");
    assert_eq!(
        (
            before.matches("creating a").count(),
            after.matches("creating a").count()
        ),
        (1, 1),
        "{log}"
    );
}

#[test]
fn a_ledger_that_is_cut_short_is_not_written_any_more_and_says_so() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 2");
    assert!(studio.once(&policy).status.success());
    let mut daemon = studio.daemon(&policy);
    daemon.wait_for("Ready after");
    std::fs::File::options()
        .write(true)
        .open(studio.path("ledger.db"))
        .and_then(|file| file.set_len(0))
        .expect("emptied");
    let told = daemon.wait_for("was cut short while this daemon runs, and is damaged");
    assert!(
        told.contains("\"ERROR\"") && told.contains("nothing is created or extended"),
        "{told}"
    );
    studio.policy("min = 0\nmax = 0");
    daemon.signal("-HUP");
    daemon.wait_for("stopping");
    assert_eq!(daemon.end().0, Some(0));
}

/// The log of a daemon's start, and what `status` says then.
fn started(studio: &Studio, until: &str) -> (String, Value) {
    let mut daemon: Running = studio.daemon(&studio.policy("min = 1"));
    daemon.wait_for(until);
    let status = studio.status();
    (daemon.end().1, status)
}

#[test]
fn a_ledger_that_has_lost_what_was_before_says_so_and_a_first_one_alarms_nobody() {
    let studio = Studio::open();
    let unknown = "what was spent before now is not known";
    let (log, status) = started(&studio, "Ready after");
    assert!(log.contains("; new ledger "), "{log}");
    assert!(!log.contains(unknown) && !log.contains("ERROR"), "{log}");
    assert!(status["spend_lost_before"].is_null(), "{status}");
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(studio.path(name));
    }
    let (log, status) = started(&studio, unknown);
    assert!(
        log.contains("the ledger is new, and 1 session is older than it"),
        "{log}"
    );
    assert!(status["spend_lost_before"].is_string(), "{status}");
    std::fs::write(studio.path("ledger.db"), "").expect("emptied");
    let (log, status) = started(&studio, "adopted");
    assert!(
        log.contains("was an empty file: ") && log.contains(unknown),
        "{log}"
    );
    assert!(status["spend_lost_before"].is_string(), "{status}");
    let (log, status) = started(&studio, "control socket");
    assert!(!log.contains(unknown), "{log}");
    assert!(status["spend_lost_before"].is_null(), "{status}");
}

#[test]
fn a_ledger_that_others_may_read_is_made_private() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::open();
    let policy = studio.policy("");
    assert!(studio.once(&policy).status.success());
    let ledger = studio.path("ledger.db");
    let wide = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&ledger, wide).expect("set");
    assert!(studio.once(&policy).status.success());
    let mode = std::fs::metadata(&ledger)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn reports_need_no_write_access_to_the_ledger_or_its_folder() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let studio = Studio::open();
    let policy = studio.policy("");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    assert_eq!(daemon.end().0, Some(0));
    // After a clean end the file alone is all of it.
    let log = std::fs::metadata(studio.path("ledger.db-wal"));
    assert!(log.map_or(0, |log| log.len()) == 0);
    let set = |name: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(studio.path(name), mode).expect("set");
    };
    for name in ["ledger.db", "policy.toml", "key"] {
        set(name, 0o444);
    }
    set("", 0o555);
    let mut spend = std::process::Command::new(BINARY);
    spend
        .args(["spend", "--by", "session", "--policy"])
        .arg(&policy);
    if std::fs::metadata("/proc/self").expect("there").uid() == 0 {
        // Nothing is read-only to root, so somebody else asks.
        spend.uid(65_534).gid(65_534);
    }
    let spend = spend.output().expect("it runs");
    set("", 0o755);
    assert!(spend.status.success(), "{}", said(&spend));
    assert!(said(&spend).contains(&id), "{}", said(&spend));
}

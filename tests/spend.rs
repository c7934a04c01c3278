//! What was spent, for spreadsheets and cost tools: from the daemon, and from the ledger alone.

use crate::support::{ACCOUNT, Studio, id_of, said};

#[test]
fn spend_is_written_for_spreadsheets_and_cost_tools_with_a_daemon_and_without() {
    let studio = Studio::open();
    let policy = studio.policy("min = 1\nmax = 1");
    let mut daemon = studio.daemon(&policy);
    let id = id_of(&daemon.wait_for("Ready after"));
    let asked = |format: &str| said(&studio.ask(&["spend", "--by", "session", "--format", format]));
    let rows = asked("csv");
    assert!(rows.starts_with("session,sessions,minutes,cost,"), "{rows}");
    assert!(rows.contains(&format!("{id},0,0,0.00,true,1,")), "{rows}");
    let live = asked("focus");
    assert!(live.starts_with("BilledCost,BillingAccountId,"), "{live}");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(0), "{log}");

    // The session runs on without its daemon, and counts from when it was asked for.
    let beside = |format: &str| studio.command(&["spend", "--format", format], &policy);
    let rows = said(&beside("csv"));
    assert!(
        rows.starts_with("pool,") && rows.contains("\r\na,0,0,0.00,true,1,"),
        "{rows}"
    );
    let focus = said(&beside("focus"));
    let row = focus.lines().find(|line| line.contains(&id));
    let row = row.unwrap_or_else(|| panic!("no row of {id} in {focus}"));
    assert!(
        row.contains(ACCOUNT) && row.ends_with(",true,true"),
        "{row}"
    );

    let text = std::fs::read_to_string(&policy).expect("the policy");
    let unpriced = text.replace(
        "[prices]\nstandard = \"6\"\n[budget]\ndaily = \"100\"\n",
        "",
    );
    std::fs::write(&policy, unpriced).expect("written");
    let refused = beside("focus");
    assert_eq!(refused.status.code(), Some(1));
    let told = said(&refused);
    assert!(
        told.contains("FOCUS needs costs, and the policy names no prices"),
        "{told}"
    );
}

//! Each activity source is read as it is written, and what cannot be meant is refused at its place.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use crate::policy::{ActivitySource, load};
use crate::units::ByteCount;

fn policy(activity: &str) -> String {
    format!(
        "owner = \"a\"\nservice = {{ embedded = true }}\n[[pool]]\nname = \"a\"\n\
         activity = [\n{activity}\n]\n"
    )
}

fn sources(activity: &str) -> BTreeSet<ActivitySource> {
    let loaded = load("policy.toml", &policy(activity)).expect("it can be meant");
    loaded.policy.pools[0].activity.clone()
}

fn problems(activity: &str) -> String {
    let refused = load("policy.toml", &policy(activity)).expect_err("it cannot be meant");
    refused.to_string()
}

#[test]
fn sockets_count_as_they_are_or_by_what_they_move() {
    let busy = |bytes| ActivitySource::BusySockets(ByteCount::new(bytes));
    for (written, expected) in [
        ("{ sockets = true }", Some(ActivitySource::Sockets)),
        ("{ sockets = false }", None),
        ("{ sockets = true, min_bytes = \"1B\" }", Some(busy(1))),
        (
            "{ sockets = true, min_bytes = \"64 KiB\" }",
            Some(busy(65_536)),
        ),
    ] {
        assert_eq!(sources(written), expected.into_iter().collect());
    }
}

#[test]
fn sockets_that_cannot_be_meant_are_refused_at_their_place() {
    let wrong = problems(
        "{ sockets = true, min_bytes = \"64\" },\n\
         { sockets = true, min_bytes = 64000 },\n\
         { sockets = true, min_bytes = \"0B\" },\n\
         { min_bytes = \"64KB\" },\n\
         { sockets = true, min_byte = \"64KB\" },",
    );
    assert_snapshot!(wrong);
}

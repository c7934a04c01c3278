//! Each activity source is read as it is written, and what cannot be meant is refused at its place.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use crate::policy::{ActivitySource, Figure, Metric, UsedWhen, load};
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

/// The only source, which is a metric.
fn metric(written: &str) -> Metric {
    match sources(written).pop_first() {
        Some(ActivitySource::Metric(metric)) => *metric,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_metric_names_its_figure_by_name_and_labels_or_by_pointer() {
    let written = "{ metric = { url = \"http://{hostname}:9400/metrics?t=1\", \
                   name = \"DCGM_FI_DEV_GPU_UTIL\", labels = { gpu = \"0\" }, above = 5 } }";
    let by_name = metric(written);
    assert_eq!(by_name.url, "http://{hostname}:9400/metrics?t=1");
    let labels = [("gpu".into(), "0".into())].into();
    let name = "DCGM_FI_DEV_GPU_UTIL".into();
    assert_eq!(by_name.figure, Figure::Sample { name, labels });
    let UsedWhen::Above(number) = by_name.used_when else {
        panic!("{:?}", by_name.used_when)
    };
    assert_eq!(number.get().to_string(), "5");
    let source = ActivitySource::Metric(Box::new(by_name));
    assert_snapshot!(
        format!("{source}\n{}", source.sign()),
        @r#"
    metric DCGM_FI_DEV_GPU_UTIL{gpu="0"} of http://{hostname}:9400/metrics
    DCGM_FI_DEV_GPU_UTIL{gpu="0"} above 5
    "#
    );
    let json = serde_json::to_string(&source).expect("JSON");
    assert_eq!(
        serde_json::from_str::<ActivitySource>(&json).expect("reads back"),
        source
    );

    let by_pointer = metric(
        "{ metric = { url = \"https://stream.example/{session}\", pointer = \"/a~1b/0\", \
         changes = true } }",
    );
    assert_eq!(by_pointer.figure, Figure::Pointer("/a~1b/0".into()));
    assert_eq!(by_pointer.used_when, UsedWhen::Changes);
    assert_eq!(by_pointer.sign(), "a change of \"/a~1b/0\"");
}

#[test]
fn a_metric_that_cannot_be_meant_is_refused_at_its_place() {
    let url = "url = \"http://gpu:9400/metrics\"";
    let wrong = problems(&format!(
        "{{ metric = {{ name = \"a\", above = 1 }} }},\n\
         {{ metric = {{ {url} }} }},\n\
         {{ metric = {{ {url}, name = \"a\", pointer = \"\", above = 1, changes = true }} }},\n\
         {{ metric = {{ {url}, name = \"1a\", labels = {{ b-c = \"d\" }}, above = \"1\" }} }},\n\
         {{ metric = {{ {url}, name = \"a\", labels = {{ b = 1 }}, above = inf }} }},\n\
         {{ metric = {{ {url}, pointer = \"a~2\", labels = {{}}, changes = false }} }},\n\
         {{ metric = {{ {url}, pointer = \"a\", changes = true, below = 3 }} }},\n\
         {{ metric = {{ url = \"http://ann:hunter2@gpu/\", name = \"a\", above = 1 }} }},\n\
         {{ metric = {{ url = \"http://gpu:{{port}}/\", name = \"a\", above = 1 }} }},\n\
         {{ metric = {{ url = \"ftp://gpu/\", name = \"a\", above = 1 }} }},\n\
         {{ metric = {{ url = \"http://:9400/\", name = \"a\", above = 1 }} }},"
    ));
    assert_snapshot!(wrong);
}

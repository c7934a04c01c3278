//! README, run: its transcripts say what the binary says, and its policies are policies.

use std::path::Path;
use std::process::Command;

use crate::support::{BINARY, said};

const README: &str = include_str!("../README.md");

/// The blocks of a kind, each without its fences.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    README
        .split(fence.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// Commands of the binary itself that are followed by what they print, each with that.
fn transcripts() -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for block in blocks("console") {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ leasekeeper ") else {
                continue;
            };
            let mut output = String::new();
            while let Some(line) = lines.next_if(|l| !l.starts_with("$ ")) {
                output += line;
                output += "\n";
            }
            if !output.trim().is_empty() {
                found.push((command, output));
            }
        }
    }
    found
}

#[test]
fn every_transcript_is_what_the_binary_prints() {
    let transcripts = transcripts();
    assert!(transcripts.len() > 1, "README shows what commands print");
    for (command, expected) in transcripts {
        let output = Command::new(BINARY)
            .args(command.split_whitespace())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("COLUMNS", "100")
            .output()
            .expect("it runs");
        assert_eq!(
            said(&output).trim_end(),
            expected.trim_end(),
            "leasekeeper {command}"
        );
    }
}

#[test]
fn every_policy_is_one() {
    let policies: Vec<&str> = blocks("toml")
        .into_iter()
        .filter(|block| block.starts_with("owner = "))
        .collect();
    assert!(!policies.is_empty(), "README shows a policy");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    for policy in policies {
        std::fs::write(&path, policy).expect("written");
        let output = Command::new(BINARY)
            .arg("check")
            .arg(&path)
            .output()
            .expect("it runs");
        assert_eq!(
            (output.status.code(), output.stderr.is_empty()),
            (Some(0), true),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    let words = README.split(|c: char| c.is_whitespace() || "`()[],:".contains(c));
    let named = words.filter(|w| {
        ["config/", "systemd/", "examples/", "benches/", "tests/"]
            .iter()
            .any(|f| w.starts_with(f))
    });
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lost: Vec<&str> = named
        .filter(|w| !top.join(w.trim_end_matches(['.', ':', ';'])).exists())
        .collect();
    assert_eq!(lost, Vec::<&str>::new());
}

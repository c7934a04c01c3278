//! Troubleshooting by message: every message that is explained is one that the program has.

use std::fs;
use std::path::{Path, PathBuf};

use super::TOP;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// All of the program's text, with its string literals as they are printed.
fn program() -> String {
    let mut all = String::new();
    for path in sources(&Path::new(TOP).join("src")) {
        let text = fs::read_to_string(path).expect("text");
        let mut continued = false;
        for line in text.lines() {
            let line = if continued { line.trim_start() } else { line };
            continued = line.ends_with('\\');
            all += line.trim_end_matches('\\');
            all.push_str(if continued { "" } else { "\n" });
        }
    }
    all.replace("\\\"", "\"")
        .replace("{{", "{")
        .replace("}}", "}")
}

/// The message of a row: what stands between backticks in its first cell.
fn message(row: &str) -> Option<&str> {
    let cell = row.strip_prefix("| ")?.split(" | ").next()?;
    let between = |(from, to)| cell.strip_prefix(from)?.strip_suffix(to);
    // A message that has backticks itself stands between two of them.
    [("`` ", " ``"), ("`", "`")].into_iter().find_map(between)
}

#[test]
fn every_message_that_is_explained_is_one_that_the_program_has() {
    let page = fs::read_to_string(Path::new(TOP).join("docs/troubleshooting.md")).expect("text");
    let program = program();
    let messages: Vec<&str> = page.lines().filter_map(message).collect();
    assert!(messages.len() > 100, "{} messages", messages.len());
    let told = |part: &str| part.len() < 4 || program.contains(part);
    let lost: Vec<&&str> = messages
        .iter()
        .filter(|m| !m.split('…').map(str::trim).all(told))
        .collect();
    assert_eq!(lost, Vec::<&&str>::new(), "no message of the program");
}

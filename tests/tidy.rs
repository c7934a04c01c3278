//! The form of the code, held by a machine: imports point one way, every file says what it is for,
//! and none grows too long.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom up: each may use itself and those before it.
const ORDER: &[&str] = &[
    "report", "units", "policy", "keeper", "clock", "files", "service", "arr", "connect", "host",
    "ledger", "activity", "daemon", "control", "sim", "cli",
];
/// The longest a file may be.
const MOST_LINES: usize = 700;
/// Files that hold tests only, which may use whatever they test against.
const TESTS: &[&str] = &["tests.rs", "testing.rs", "stories.rs", "properties.rs"];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Every Rust file of the package by its path from the top, with its text.
fn sources() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        rust_files(&top.join(folder), &mut paths);
    }
    paths.sort();
    let name = |path: &Path| {
        path.strip_prefix(top)
            .expect("below the top")
            .display()
            .to_string()
    };
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).expect("text")))
        .collect()
}

/// The module of `src` that a file belongs to; `None` for the roots.
fn module(file: &str) -> Option<&str> {
    let name = file.strip_prefix("src/")?;
    let name = name
        .split_once('/')
        .map_or_else(|| name.trim_end_matches(".rs"), |(folder, _)| folder);
    (name != "lib" && name != "main").then_some(name)
}

fn rank(module: &str) -> usize {
    let found = ORDER.iter().position(|m| *m == module);
    found.unwrap_or_else(|| {
        panic!("module {module} has no place in the order; give it one in tests/tidy.rs")
    })
}

/// The modules that a line of code names by `crate::…`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let word = rest
            .split(|c: char| !c.is_ascii_lowercase() && c != '_')
            .next()?;
        (!word.is_empty()).then_some(word)
    })
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(module) = module(&file) else {
            continue;
        };
        if TESTS.iter().any(|t| file.ends_with(t)) || file.contains("/tests/") {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (number, line) in code
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim_start().starts_with("//"))
        {
            let upward =
                named(line).filter(|used| ORDER.contains(used) && rank(used) > rank(module));
            wrong.extend(
                upward.map(|used| format!("{file}:{}: {module} may not use {used}", number + 1)),
            );
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_of_tests_is_run() {
    let main = include_str!("main.rs");
    let lost: Vec<String> = sources()
        .into_iter()
        .filter_map(|(file, _)| {
            file.strip_prefix("tests/")
                .map(|f| f.trim_end_matches(".rs").to_owned())
        })
        .filter(|file| {
            file != "main" && !file.contains('/') && !main.contains(&format!("mod {file};"))
        })
        .collect();
    assert_eq!(lost, Vec::<String>::new(), "name them in tests/main.rs");
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn no_file_grows_past_its_bound() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MOST_LINES)
        .map(|(file, text)| format!("{file}: {} lines", text.lines().count()))
        .collect();
    assert_eq!(
        long,
        Vec::<String>::new(),
        "each file is about one thing; which two is this one about?"
    );
}

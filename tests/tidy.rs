//! The form of the code, held by a machine: imports point one way and in no circle, every file says
//! what it is for, and none grows too long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom up: each may use itself and those before it.
const ORDER: &[&str] = &[
    "report", "units", "policy", "keeper", "clock", "files", "calendar", "layout", "service",
    "arr", "connect", "host", "ledger", "activity", "daemon", "control", "sim", "cli",
];
/// The longest a file may be.
const MOST_LINES: usize = 400;
/// The longest a line may be, but for what a program said and a test compares with.
const MOST_COLUMNS: usize = 100;
/// How every path of the control API begins.
const API: &str = "\"/v1/";
/// Where they stand.
const API_PATHS: &str = "src/control/api/path.rs";
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

/// Whether each line of a text belongs to a snapshot inside the code.
fn in_snapshot(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut inside = false;
    text.lines().map(move |line| {
        let quotes = line.matches('"').count();
        let was_inside = inside;
        if inside {
            inside = quotes == 0;
        } else if line.contains("@r\"") || line.contains("@\"") || line.contains("@r#\"") {
            inside = quotes == 1;
        }
        (line, was_inside)
    })
}

#[test]
fn no_line_grows_past_its_bound() {
    let mut long = Vec::new();
    for (file, text) in sources() {
        let lines = (1..).zip(in_snapshot(&text));
        let lines =
            lines.filter(|(_, (line, shown))| !shown && line.chars().count() > MOST_COLUMNS);
        long.extend(lines.map(|(number, _)| format!("{file}:{number}")));
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn a_path_of_the_control_api_stands_in_one_place() {
    let elsewhere: Vec<String> = sources()
        .into_iter()
        .filter(|(file, _)| file.starts_with("src/") && file != API_PATHS)
        .filter(|(_, text)| text.contains(API))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
    let there = include_str!("../src/control/api/path.rs");
    assert!(
        there.matches(API).count() > 5,
        "the paths are in {API_PATHS}"
    );
}

/// The module path of a file of `src`: `src/host/http/mod.rs` is `host::http`.
fn path_of(file: &str) -> Option<String> {
    let path = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    (path != "lib" && path != "main").then(|| path.replace('/', "::"))
}

/// The paths that the `use` lines of a file name, groups taken apart and `self` and `super`
/// resolved.
fn uses(text: &str, of: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap_or_default();
        if !["", "pub "].contains(&before) && !before.starts_with("pub(") {
            continue;
        }
        let tree: String = code[at + 4..].split(';').next().unwrap_or_default().into();
        flatten("", &tree.split_whitespace().collect::<String>(), &mut found);
    }
    let resolve = |path: String| {
        let mut base: Option<String> = None;
        let mut rest = path.as_str();
        while let Some((word, tail)) = rest.split_once("::") {
            let up = base.as_deref().unwrap_or(of).rsplit_once("::");
            base = match word {
                "crate" => Some(String::new()),
                "self" => Some(of.to_owned()),
                "super" => Some(up.map_or("", |(up, _)| up).to_owned()),
                _ => break,
            };
            rest = tail;
        }
        let base = base?;
        Some(format!("{base}::{rest}").trim_start_matches(':').to_owned())
    };
    found.into_iter().filter_map(resolve).collect()
}

/// Takes a `use` tree without spaces apart.
fn flatten(prefix: &str, tree: &str, into: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        into.push(format!("{prefix}{tree}"));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut from) = (0_usize, 0);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                if from < at {
                    flatten(&format!("{prefix}{head}"), &group[from..at], into);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files: BTreeMap<String, String> = sources()
        .into_iter()
        .filter(|(file, _)| {
            let is_test = TESTS.iter().any(|t| file.ends_with(t));
            !is_test && !file.ends_with("_tests.rs") && !file.contains("/tests/")
        })
        .filter_map(|(file, text)| Some((path_of(&file)?, text)))
        .collect();
    // What is taken from a folder's `mod.rs` is its own or passed on: the fence is between files
    // that name each other outright.
    let file_of = |path: &str| {
        let mut path = path;
        loop {
            if files.contains_key(path) {
                return Some(path.to_owned());
            }
            path = path.rsplit_once("::")?.0;
        }
    };
    let edges: BTreeMap<&str, BTreeSet<String>> = files
        .iter()
        .map(|(of, text)| {
            let used = uses(text, of).into_iter().filter_map(|path| file_of(&path));
            // A folder and what is in it are one thing to each other.
            let inside = |a: &str, b: &str| a.starts_with(&format!("{b}::"));
            let outright = used.filter(|u| u != of && !inside(of, u) && !inside(u, of));
            (of.as_str(), outright.collect())
        })
        .collect();
    assert!(
        edges.values().map(BTreeSet::len).sum::<usize>() > 500,
        "the uses are read"
    );
    let mut circles = Vec::new();
    for of in edges.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![(*of).to_owned()]);
        while let Some(file) = next.pop() {
            for used in edges.get(file.as_str()).into_iter().flatten() {
                if used == of {
                    circles.push(format!("{of} is used by {file}, which it leads to"));
                }
                if seen.insert(used.clone()) {
                    next.push(used.clone());
                }
            }
        }
    }
    assert_eq!(circles, Vec::<String>::new());
}

#[test]
fn the_uses_of_a_file_are_read_with_their_groups() {
    let text = "use crate::a::{b::{C, D}, e};\npub use self::f::G;\nuse super::{h, super::i::J};\n";
    let read = uses(text, "m::n::o");
    let expected = [
        "a::b::C",
        "a::b::D",
        "a::e",
        "m::n::o::f::G",
        "m::n::h",
        "m::i::J",
    ];
    assert_eq!(read, expected);
}

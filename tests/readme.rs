//! README and the pages of `docs/`, held to the program: what they show is what it prints, their
//! policies load, their links lead somewhere, and every key, flag, command and message that they
//! name is there.
//!
//! The marks that a page uses:
//! - A `console` block is a transcript. `$ leasekeeper …` with lines below it is run from the top
//!   of the repository, and must print exactly those lines. A command without any is not run.
//! - `<!-- live -->` before it: a running daemon or service is asked; see [`live`].
//! - A `toml` block is a policy. What a fragment lacks is filled in, so fragments are checked too.
//!   One with `[[fault]]` holds rules for `serve --fault-file`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use leasekeeper::host::faults::{Rule, rules};
use leasekeeper::policy::load;
use leasekeeper::sim::usage;

use crate::support::{BINARY, said};

mod live;
mod messages;

const TOP: &str = env!("CARGO_MANIFEST_DIR");
/// The longest line of prose; tables and what programs print may be longer.
const MOST_COLUMNS: usize = 120;
/// README is read in one go.
const MOST_LINES_OF_README: usize = 150;

/// One document.
struct Page {
    /// Its path from the top.
    name: String,
    text: String,
}

/// A fenced block of a page.
struct Block {
    kind: String,
    live: bool,
    text: String,
}

/// A command of a transcript, and what it prints.
struct Step {
    command: String,
    output: String,
}

/// README and every page of `docs/`.
fn pages() -> Vec<Page> {
    let folder = Path::new(TOP).join("docs");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("docs is there")
        .map(|entry| entry.expect("readable").file_name())
        .map(|name| format!("docs/{}", name.to_string_lossy()))
        .collect();
    names.push("README.md".into());
    names.sort();
    let page = |name: String| {
        let text = fs::read_to_string(Path::new(TOP).join(&name)).expect("text");
        Page { name, text }
    };
    names.into_iter().map(page).collect()
}

impl Page {
    fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut before) = (Vec::new(), "");
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if let Some(kind) = line.strip_prefix("```") {
                let inside: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
                blocks.push(Block {
                    kind: kind.into(),
                    live: before == "<!-- live -->",
                    text: inside.join("\n") + "\n",
                });
            }
            before = line;
        }
        blocks
    }

    /// The lines outside of fenced blocks.
    fn prose(&self) -> Vec<&str> {
        let mut fenced = false;
        let outside = |line: &&str| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        };
        self.text.lines().filter(outside).collect()
    }

    /// What stands between backticks in prose.
    fn code_spans(&self) -> Vec<String> {
        let prose = self.prose().join("\n").replace('\n', " ");
        prose
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }
}

impl Block {
    /// The commands of a transcript. One that ends in a backslash goes on in the next line.
    fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut goes_on = false;
        for line in self.text.lines() {
            match (steps.last_mut(), line.strip_prefix("$ ")) {
                (Some(step), None) if goes_on => {
                    step.command = step.command.trim_end_matches('\\').to_owned() + line.trim();
                }
                (_, Some(command)) => steps.push(Step {
                    command: command.into(),
                    output: String::new(),
                }),
                (Some(step), None) => step.output += &format!("{line}\n"),
                (None, None) => panic!("a transcript begins with a command, not with {line:?}"),
            }
            goes_on = line.ends_with('\\');
        }
        steps
    }
}

/// Every block of a kind, with the page that it is in.
fn blocks(kind: &str) -> Vec<(Page, Block)> {
    let of = |page: Page| {
        let found = page.blocks().into_iter().filter(|b| b.kind == kind);
        let with_page = found.map(|block| {
            let (name, text) = (page.name.clone(), page.text.clone());
            (Page { name, text }, block)
        });
        with_page.collect::<Vec<_>>()
    };
    pages().into_iter().flat_map(of).collect()
}

#[test]
fn every_transcript_is_what_the_binary_prints() {
    let mut run = 0;
    for (page, block) in blocks("console").into_iter().filter(|(_, b)| !b.live) {
        for Step { command, output } in block.steps() {
            let Some(arguments) = command.strip_prefix("leasekeeper ") else {
                continue;
            };
            if output.trim().is_empty() {
                continue;
            }
            let printed = Command::new(BINARY)
                .args(arguments.split_whitespace())
                .current_dir(TOP)
                .env("COLUMNS", "100")
                .output()
                .expect("it runs");
            assert_eq!(
                said(&printed).trim_end(),
                output.trim_end(),
                "{}: {command}",
                page.name
            );
            run += 1;
        }
    }
    assert!(run > 2, "the pages show what commands print");
}

/// A policy with what a fragment of one lacks.
fn whole(fragment: &str) -> String {
    let has = |line: &str| fragment.lines().any(|l| l.starts_with(line));
    let mut policy = String::new();
    if !has("owner = ") {
        policy += "owner = \"studio7\"\n";
    }
    policy += fragment;
    if !has("[service]") {
        policy += "\n[service]\n";
        policy += if has("[auth]") {
            "endpoint = \"https://a.example\"\naccount_domain = \"a.example\"\n\
             account_id = \"7c1f9c5e-1111-4a5b-9a55-0123456789ab\"\n"
        } else {
            "embedded = true\n"
        };
    } else if !has("[auth]") && !has("embedded = true") {
        policy += "\n[auth]\nmethod = \"account-key\"\nkey_file = \"key\"\n";
    }
    if !has("[prices]") && fragment.contains("budget") {
        policy += "\n[prices]\nstandard = \"2.99\"\npremium = \"11.50\"\n";
    }
    if !has("[[pool]]") {
        policy += "\n[[pool]]\nname = \"a\"\n";
    }
    policy
}

#[test]
fn every_policy_and_every_fragment_of_one_loads_without_a_warning() {
    let mut policies = 0;
    for (page, block) in blocks("toml") {
        if block.text.starts_with("[[fault]]") {
            rules(&block.text).unwrap_or_else(|e| panic!("{}: {e}", page.name));
            continue;
        }
        let text = whole(&block.text);
        let loaded = load(&page.name, &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(loaded.warnings.problems.is_empty(), "{}", loaded.warnings);
        policies += 1;
    }
    assert!(policies > 5, "the pages show policies");
}

#[test]
fn every_rule_of_a_fault_and_every_usage_file_can_be_read() {
    let operations = "create get update stop list token any boot get+list";
    let of_a_fault = |span: &String| {
        let mut parts = span.split(':');
        let on = parts.next().unwrap_or_default();
        parts.next().is_some() && operations.split(' ').any(|o| o == on)
    };
    let spans: Vec<String> = pages().iter().flat_map(Page::code_spans).collect();
    let found: Vec<&String> = spans.iter().filter(|s| of_a_fault(s)).collect();
    assert!(found.len() > 5, "the session service's page shows rules");
    for rule in found {
        rule.parse::<Rule>()
            .unwrap_or_else(|e| panic!("{rule}: {e}"));
    }
    let studio = fs::read_to_string(Path::new(TOP).join("examples/studio.toml")).expect("there");
    let studio = load("studio.toml", &studio).expect("a policy").policy;
    for (page, block) in blocks("csv") {
        usage::file::read(&page.name, &block.text, &studio).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn every_piece_of_json_is_json() {
    for (page, block) in blocks("json") {
        serde_json::from_str::<serde_json::Value>(&block.text)
            .unwrap_or_else(|e| panic!("{}: {e}", page.name));
    }
}

/// What a heading is called in links: lower case, without punctuation, hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).expect("text");
    let headings = text.lines().filter(|l| l.starts_with('#'));
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut lost = Vec::new();
    for page in pages() {
        let here = Path::new(TOP).join(&page.name);
        let prose = page.prose().join("\n");
        for link in prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                here.clone()
            } else {
                here.parent().expect("a folder").join(file)
            };
            if !target.exists() || (!section.is_empty() && !anchors(&target).contains(section)) {
                lost.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn every_file_that_is_named_is_there() {
    let mut lost = Vec::new();
    for page in pages() {
        let words = page
            .text
            .split(|c: char| c.is_whitespace() || "`()[],:".contains(c));
        let named = words.filter(|w| {
            ["config/", "systemd/", "examples/", "benches/", "tests/"]
                .iter()
                .any(|f| w.starts_with(f))
        });
        let gone = |w: &&str| !Path::new(TOP).join(w.trim_end_matches(['.', ';'])).exists();
        lost.extend(named.filter(gone).map(|w| format!("{}: {w}", page.name)));
    }
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn every_line_of_prose_can_be_read_in_a_terminal() {
    let long = |line: &&str| line.chars().count() > MOST_COLUMNS && !line.starts_with('|');
    for page in pages() {
        let prose = page.prose();
        let found: Vec<&&str> = prose.iter().filter(|l| long(l)).collect();
        assert_eq!(found, Vec::<&&str>::new(), "{}", page.name);
        let lines = page.text.lines().count();
        assert!(
            page.name != "README.md" || lines <= MOST_LINES_OF_README,
            "README has {lines} lines"
        );
    }
}

/// The subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|l| *l != "Commands:").skip(1);
    let names = listed
        .take_while(|l| l.starts_with("  "))
        .filter(|l| !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next());
    names.map(str::to_owned).filter(|n| n != "help").collect()
}

fn help(of: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    let output = command.arg("help").args(of).output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

/// Flags of other programs that the pages show.
const FOREIGN_FLAGS: &[&str] = &["--unix-socket", "--release", "--bench", "--now"];
/// A page about other programs.
const ABOUT_OTHERS: &str = "docs/COMPARE.md";

#[test]
fn every_command_and_every_flag_that_is_named_exists() {
    let top = help(&[]);
    let commands = subcommands(&top);
    let mut texts = top;
    for command in &commands {
        let text = help(&[command]);
        for nested in subcommands(&text) {
            texts += &help(&[command, &nested]);
        }
        texts += &text;
    }
    let flag = |word: &str| {
        let end = word
            .find(|c: char| c != '-' && !c.is_ascii_lowercase())
            .unwrap_or(word.len());
        word[..end].to_owned()
    };
    let cut = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| c.is_whitespace() || "`[(".contains(c))
            .filter(|w| w.starts_with("--") && w.len() > 3)
            .map(flag)
            .collect()
    };
    let known = cut(&texts);
    let mut lost = Vec::new();
    for page in pages().iter().filter(|p| p.name != ABOUT_OTHERS) {
        let text = page.text.replace("<!--", "").replace("-->", "");
        let unknown = cut(&text)
            .into_iter()
            .filter(|f| !known.contains(f) && !FOREIGN_FLAGS.contains(&&**f));
        lost.extend(unknown.map(|f| format!("{}: {f}", page.name)));
        for span in page.code_spans() {
            let Some(command) = span.strip_prefix("leasekeeper ") else {
                continue;
            };
            let word = command.split_whitespace().next().unwrap_or_default();
            if word != "help" && !commands.iter().any(|c| c == word) {
                lost.push(format!("{}: leasekeeper {command}", page.name));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}

//! What a policy file says, key by key and in its own words, so that two of them can be compared.
//!
//! Promises: no value of `[auth]` is in it.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// The section whose values are not shown.
const SECRET: &str = "auth";

/// The sections that are lists of tables, each with a name.
const LISTS: [&str; 2] = ["pool", "team"];

/// Every setting of a policy file: what stands under its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Settings outside pools and teams, by their paths.
    whole: BTreeMap<String, String>,
    /// Those of each entry of a list of tables, by its section and its name.
    named: BTreeMap<(&'static str, String), BTreeMap<String, String>>,
}

/// A setting that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its path; that of a pool which only one of them has is `pool.NAME`.
    pub key: String,
    /// What it was; `None` where it was not there.
    pub from: Option<String>,
    /// What it is; `None` where it is there no more.
    pub to: Option<String>,
}

impl Settings {
    /// The settings of a file. `text` is that file, with whatever must not be shown blotted out.
    pub(super) fn read(text: &str, tree: &DeTable<'_>) -> Self {
        let mut settings = Self::default();
        for (key, value) in tree {
            let key: &str = key.get_ref();
            let section = LISTS.into_iter().find(|section| *section == key);
            match (section, value.get_ref().as_array()) {
                _ if key == SECRET => {}
                (Some(section), Some(entries)) => {
                    for entry in entries
                        .iter()
                        .filter_map(|entry| entry.get_ref().as_table())
                    {
                        settings.read_entry(text, section, entry);
                    }
                }
                _ => leaves(text, key.into(), value, &mut settings.whole),
            }
        }
        settings
    }

    fn read_entry(&mut self, text: &str, section: &'static str, entry: &DeTable<'_>) {
        let Some(name) = entry.get("name").and_then(|name| name.get_ref().as_str()) else {
            return;
        };
        let all = self.named.entry((section, name.to_owned())).or_default();
        for (key, value) in entry.iter().filter(|(key, _)| *key.get_ref() != "name") {
            leaves(text, key.get_ref().to_string(), value, all);
        }
    }

    /// What differs in a newer policy, in the order of the keys.
    pub fn changes_to(&self, newer: &Self) -> Vec<SettingChange> {
        let mut changes = differences(&self.whole, &newer.whole, "");
        let names = self.named.keys().chain(newer.named.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        for name in names {
            let (old, new) = (self.named.get(name), newer.named.get(name));
            let key = format!("{}.{}", name.0, name.1);
            match (old, new) {
                (Some(old), Some(new)) => changes.extend(differences(old, new, &(key + "."))),
                _ => changes.push(SettingChange {
                    key,
                    from: old.map(inline),
                    to: new.map(inline),
                }),
            }
        }
        changes
    }
}

/// Every value below a value, by its path, as the file has it.
fn leaves(
    text: &str,
    path: String,
    value: &toml::Spanned<DeValue<'_>>,
    into: &mut BTreeMap<String, String>,
) {
    if let Some(table) = value.get_ref().as_table() {
        for (key, value) in table {
            leaves(text, format!("{path}.{}", key.get_ref()), value, into);
        }
        return;
    }
    let said = text.get(value.span()).unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    into.insert(path, words.join(" "));
}

fn differences(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    before: &str,
) -> Vec<SettingChange> {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changes = keys.into_iter().map(|key| SettingChange {
        key: format!("{before}{key}"),
        from: old.get(key).cloned(),
        to: new.get(key).cloned(),
    });
    changes.filter(|change| change.from != change.to).collect()
}

/// Settings in one line.
fn inline(settings: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = settings.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use crate::policy::load;

    const OLD: &str = r#"
owner = "st"
service = { embedded = true }
[budget]
daily = "10"
[prices]
standard = "6"
[[pool]]
name = "a"
lease = "20m"
max = 4
[[pool]]
name = "b"
lease = "20m"
"#;

    #[test]
    fn two_policies_are_compared_key_by_key_whatever_their_order_and_spacing() {
        let new = r#"
[prices]
standard = "6"   # as before
[[pool]]
name = "c"
lease = "5m"
budget = { daily = "1" }
[[team]]
name = "lighting"
max = 3
[[pool]]
name = "a"
max = 2
lease = "20m"
schedule = [
    "Mon 08:00-18:00 UTC",
    "Tue 08:00-18:00 UTC",
]
[service]
embedded = true
[budget]
daily = "10"
monthly = "90"
"#;
        let new = format!("owner = \"st\"\n{new}");
        let [old, new] = [OLD, &new].map(|text| {
            let loaded = load("policy.toml", text);
            loaded
                .unwrap_or_else(|d| panic!("{}", d.render(false)))
                .policy
        });
        let changes: Vec<String> = old
            .changes_to(&new)
            .into_iter()
            .map(|c| format!("{}: {:?} -> {:?}", c.key, c.from, c.to))
            .collect();
        insta::assert_snapshot!(changes.join("\n"), @r#"
        budget.monthly: None -> Some("\"90\"")
        pool.a.max: Some("4") -> Some("2")
        pool.a.schedule: None -> Some("[ \"Mon 08:00-18:00 UTC\", \"Tue 08:00-18:00 UTC\", ]")
        pool.b: Some("lease = \"20m\"") -> None
        pool.c: None -> Some("budget.daily = \"1\", lease = \"5m\"")
        team.lighting: None -> Some("max = 3")
        "#);
        assert_eq!(new.changes_to(&new), []);
    }

    #[test]
    fn that_a_credential_changed_is_said_and_what_it_is_never() {
        let with = |token: &str| {
            let service = "[service]\nendpoint = \"https://a.example\"\n\
                account_id = \"00000000-0000-0000-0000-000000000000\"\n";
            let text = OLD.replace("service = { embedded = true }", "");
            let text =
                format!("{text}\n{service}\n[auth]\nmethod = \"token\"\ntoken_env = \"{token}\"\n");
            let loaded = load("policy.toml", &text);
            loaded
                .unwrap_or_else(|d| panic!("{}", d.render(false)))
                .policy
        };
        let changes = with("OLD_ONE").changes_to(&with("NEW_ONE"));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].key, "auth");
        assert!(!format!("{:?}", with("OLD_ONE").settings).contains("OLD_ONE"));
    }
}

//! `metric` of a pool's `activity`: a figure of a page on the network, and which of its values are
//! use.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::reader::{Table, Value};
use super::url::{authority_of, host_and_port};

/// A figure that shows whether a session is used. In its URL and in the values of its labels,
/// `{session}`, `{pool}` and `{hostname}` stand for those of the session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Metric {
    /// The page, http or https.
    pub url: String,
    /// Where on it the figure stands.
    pub figure: Figure,
    /// Which of its values are use.
    pub used_when: UsedWhen,
}

/// Where a figure stands on a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// The one sample of that name with at least these labels, on a page of Prometheus or
    /// OpenMetrics.
    Sample {
        /// The sample's name.
        name: String,
        /// What its labels must be.
        labels: BTreeMap<String, String>,
    },
    /// What a JSON pointer (RFC 6901) leads to in a JSON document.
    Pointer(String),
}

/// Which values of a figure are use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsedWhen {
    /// Those above a number.
    Above(Threshold),
    /// Those that differ from the last one.
    Changes,
}

/// A finite number that a figure is compared with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Threshold(f64);

impl Threshold {
    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Threshold {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Threshold {}

impl PartialOrd for Threshold {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Threshold {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Metric {
    /// What it looks for, in words, as in "15m without …".
    pub(super) fn sign(&self) -> String {
        match self.used_when {
            UsedWhen::Above(number) => format!("{} above {}", self.figure, number.0),
            UsedWhen::Changes => format!("a change of {}", self.figure),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) => write!(f, "{pointer:?}"),
            Self::Sample { name, labels } => {
                f.write_str(name)?;
                for (at, (label, value)) in labels.iter().enumerate() {
                    let before = if at == 0 { "{" } else { "," };
                    write!(f, "{before}{label}={value:?}")?;
                }
                if labels.is_empty() {
                    return Ok(());
                }
                f.write_str("}")
            }
        }
    }
}

impl fmt::Display for Metric {
    /// Without the URL's query, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self.url.split(['?', '#']).next().unwrap_or_default();
        write!(f, "metric {} of {page}", self.figure)
    }
}

pub(super) fn metric(value: &Value<'_, '_>) -> Option<Metric> {
    let table = value.table()?;
    let url = table.must("url", "\"http://{hostname}:9400/metrics\"");
    let url = url.and_then(|url| page(&url));
    let figure = figure(&table, value);
    let used_when = used_when(&table, value);
    table.end();
    Some(Metric {
        url: url?,
        figure: figure?,
        used_when: used_when?,
    })
}

/// The URL of a page: no credentials, which would stand in the log and in the ledger.
fn page(value: &Value<'_, '_>) -> Option<String> {
    let text = value.str()?;
    let bare = ["{session}", "{pool}", "{hostname}"]
        .iter()
        .fold(text.to_owned(), |text, name| text.replace(name, "x"));
    if bare.contains(['{', '}']) {
        let help = "{session}, {pool} and {hostname} are replaced".to_owned();
        value.error("nothing stands for this", "not one of three", Some(help));
        return None;
    }
    let authority = authority_of(&bare, &["http", "https"]);
    let Some(authority) = authority.filter(|_| !bare.contains(char::is_whitespace)) else {
        value.error(
            "this is not a URL",
            "write it like \"http://{hostname}:9400/metrics\"",
            None,
        );
        return None;
    };
    if authority.contains('@') {
        let label = "a user's name and password stand here";
        value.error("the URL of a metric holds no credentials", label, None);
        return None;
    }
    let (host, port) = host_and_port(authority);
    if host.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        value.error("this is not a URL", "no host, or no port", None);
        return None;
    }
    Some(text.into())
}

fn figure(table: &Table<'_, '_>, whole: &Value<'_, '_>) -> Option<Figure> {
    let (name, pointer) = (table.get("name"), table.get("pointer"));
    let labels = table.get("labels");
    match (name, pointer) {
        (Some(name), None) => {
            let name = identifier(&name, "the name of a metric", true);
            let labels = labels.map_or_else(|| Some(BTreeMap::new()), |value| self::labels(&value));
            Some(Figure::Sample {
                name: name?,
                labels: labels?,
            })
        }
        (None, Some(pointer)) => {
            if let Some(labels) = labels {
                labels.error("`labels` belongs to `name`", "JSON has none", None);
                return None;
            }
            self::pointer(&pointer)
        }
        (name, _) => {
            let help = "name = \"DCGM_FI_DEV_GPU_UTIL\" for a page of Prometheus, or pointer = \
                        \"/players\" for JSON";
            let message = match name {
                Some(_) => "`name` and `pointer` exclude each other",
                None => "`metric` has neither `name` nor `pointer`",
            };
            whole.error(message, "which figure?", Some(help.into()));
            None
        }
    }
}

fn labels(value: &Value<'_, '_>) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for (label, _, value) in value.table()?.entries() {
        let text = value.str()?;
        if !is_identifier(label, false) {
            value.error(
                format!("{label:?} is not the name of a label"),
                "its value",
                None,
            );
            return None;
        }
        labels.insert(label.into(), text.into());
    }
    Some(labels)
}

fn pointer(value: &Value<'_, '_>) -> Option<Figure> {
    let text = value.str()?;
    let mut escapes = text.split('~').skip(1);
    let is_escaped = escapes.all(|rest| rest.starts_with(['0', '1']));
    if is_escaped && (text.is_empty() || text.starts_with('/')) {
        return Some(Figure::Pointer(text.into()));
    }
    let help = "write it like \"/players\" or \"/streams/0/viewers\" (RFC 6901)".to_owned();
    value.error("this is not a JSON pointer", "begins with /", Some(help));
    None
}

fn identifier(value: &Value<'_, '_>, what: &str, colons: bool) -> Option<String> {
    let text = value.str()?;
    if is_identifier(text, colons) {
        return Some(text.into());
    }
    let label = "letters, digits and _, and no digit first";
    value.error(format!("{text:?} is not {what}"), label, None);
    None
}

fn is_identifier(text: &str, colons: bool) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    text.chars().all(fits) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn used_when(table: &Table<'_, '_>, whole: &Value<'_, '_>) -> Option<UsedWhen> {
    let (above, changes) = (table.get("above"), table.get("changes"));
    match (above, changes) {
        (Some(above), None) => {
            let number: Option<f64> = above.number()?.parse().ok();
            let number = number.filter(|number| number.is_finite());
            if number.is_none() {
                above.error("`above` must be a finite number", "not one", None);
            }
            number.map(|number| UsedWhen::Above(Threshold(number)))
        }
        (None, Some(changes)) => {
            if changes.bool()? {
                return Some(UsedWhen::Changes);
            }
            changes.error(
                "`changes` is true, or is left out",
                "then what counts?",
                None,
            );
            None
        }
        (above, _) => {
            let help = "above = 5 for a figure that is higher while somebody works, or changes = \
                        true for one that changes then";
            let message = match above {
                Some(_) => "`above` and `changes` exclude each other",
                None => "`metric` has neither `above` nor `changes`",
            };
            whole.error(message, "which values are use?", Some(help.into()));
            None
        }
    }
}

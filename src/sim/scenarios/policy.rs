//! A policy as far as scenarios vary it: drawn, edited, and written as the text that a daemon
//! reads.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::policy::{Policy, load};
use crate::units::{PoolName, Span};

use super::draw::{odds, pick};
use super::fault::Edit;

/// The regions of a service that has two.
pub(super) const REGIONS: [&str; 2] = ["west", "north"];
/// The name of the team that a policy may have, and the clients that are in it.
pub(super) const TEAM: &str = "crew";
const MEMBERS: [&str; 3] = ["c0", "c1", "c2"];
/// Keys of a pool that promises do not look at: how often each is drawn, in percent, and its
/// values.
const OPTIONAL_KEYS: &[(&str, u8, &[&str])] = &[
    ("first_use_timeout", 15, &["1m", "5m", "20m"]),
    ("max_hold", 15, &["10m", "2h", "2d"]),
    ("unknown_limit", 15, &["5m", "1h"]),
];
/// Each kind of activity source that is looked at.
const WATCHED: &[&str] = &[
    "{ sockets = true }",
    "{ file = \"/run/used/{session}\" }",
    "{ command = [\"is-used\", \"{session}\"] }",
];

/// A policy, as far as scenarios vary it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ScenarioPolicy {
    pub(super) interval: Span,
    pub(super) zone: String,
    pub(super) daily: Option<u32>,
    pub(super) monthly: Option<u32>,
    /// Whether the service has two regions, and every pool asks in both.
    #[serde(default)]
    pub(super) regions: bool,
    /// Whether the service is not where it was at first.
    #[serde(default)]
    pub(super) moved: bool,
    /// The cap on exposure.
    #[serde(default)]
    pub(super) max_exposure: Option<u32>,
    /// What the team of some clients may spend in a day.
    #[serde(default)]
    pub(super) team: Option<u32>,
    /// How often the pools got other names.
    #[serde(default)]
    pub(super) renames: u32,
    pub(super) pools: Vec<ScenarioPool>,
}

/// A pool, as far as scenarios vary it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ScenarioPool {
    pub(super) premium: bool,
    pub(super) fallback: bool,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) spare: u32,
    pub(super) lease: u32,
    pub(super) idle: Option<Span>,
    pub(super) life: u32,
    pub(super) boot: Span,
    pub(super) schedule: Option<String>,
    pub(super) daily: Option<u32>,
    #[serde(default)]
    pub(super) max_exposure: Option<u32>,
    pub(super) let_lease_end: bool,
    pub(super) stop_on_exit: bool,
    /// What shows use besides heartbeats, as the policy writes it.
    #[serde(default)]
    pub(super) watched: Option<String>,
    /// Keys of [`OPTIONAL_KEYS`] that the pool has besides.
    #[serde(default)]
    pub(super) more: BTreeMap<String, String>,
    /// Lines of text that the pool has besides, its window last.
    #[serde(default)]
    pub(super) extra: Vec<String>,
}

impl ScenarioPolicy {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let pools = (0..rng.usize(1..4))
            .map(|_| ScenarioPool::draw(rng))
            .collect();
        Self {
            interval: Span::seconds(pick(rng, &[30, 60, 120, 300, 300, 300])),
            zone: pick(rng, &["UTC", "Europe/Berlin", "America/New_York"]).into(),
            daily: odds(rng, 50).then(|| rng.u32(10..300)),
            monthly: odds(rng, 30).then(|| rng.u32(50..900)),
            regions: odds(rng, 25),
            moved: false,
            max_exposure: None,
            team: None,
            renames: 0,
            pools,
        }
    }

    /// The name of a pool. Every other time the names that ids had before come first by the letter.
    pub(super) fn name(&self, pool: usize) -> PoolName {
        let letter = if self.renames.is_multiple_of(2) {
            'p'
        } else {
            'a'
        };
        format!("{letter}{pool}").parse().expect("a name")
    }

    /// The name that a pool had at first.
    pub(super) fn first_name(name: &PoolName) -> PoolName {
        name.as_str().replace('a', "p").parse().expect("a name")
    }

    /// Draws caps on exposure, after everything else, so that what else a seed stands for stays.
    pub(super) fn draw_caps(&mut self, rng: &mut Rng) {
        self.max_exposure = draw_cap(rng, 25);
        for pool in &mut self.pools {
            pool.max_exposure = draw_cap(rng, 15);
        }
    }

    /// Draws windows and what goes with them, after everything else.
    pub(super) fn draw_windows(&mut self, rng: &mut Rng) {
        for pool in &mut self.pools {
            pool.draw_window(rng);
        }
    }

    /// Draws the team, after everything else.
    pub(super) fn draw_team(&mut self, rng: &mut Rng) {
        self.team = odds(rng, 25).then(|| pick(rng, &[1, 3, 10, 30, 100]));
    }

    /// The policy's text.
    pub(super) fn text(&self) -> String {
        let host = if self.moved {
            "elsewhere.example"
        } else {
            "rendering.example"
        };
        let place = match self.regions {
            true => "region = \"west\"".to_owned(),
            false => format!("endpoint = \"https://{host}\""),
        };
        let mut text = format!(
            "owner = \"st\"\n\
             [service]\n{place}\naccount_id = \"00000000-0000-0000-0000-000000000000\"\n\
             [auth]\nmethod = \"token\"\ntoken_env = \"TOKEN\"\n\
             [reconcile]\ninterval = \"{}\"\n\
             [prices]\nstandard = \"6\"\npremium = \"12\"\n\
             [budget]\ntime_zone = \"{}\"\nalert_at = [0.5, 1.0]\n",
            self.interval, self.zone
        );
        for (key, bound) in [
            ("daily", self.daily),
            ("monthly", self.monthly),
            ("max_exposure", self.max_exposure),
        ] {
            text += &bound
                .map(|b| format!("{key} = \"{b}\"\n"))
                .unwrap_or_default();
        }
        if self.regions {
            let [first, second] = REGIONS;
            text += &format!("[service.regions]\n{first} = \"https://{first}.{host}\"\n");
            text += &format!("{second} = \"https://{second}.{host}\"\n");
        }
        if let Some(daily) = self.team {
            text += &format!("[[team]]\nname = \"{TEAM}\"\nmembers = {MEMBERS:?}\n");
            text += &format!("budget = {{ daily = \"{daily}\" }}\n");
        }
        for (n, pool) in self.pools.iter().enumerate() {
            text += &format!("[[pool]]\nname = \"{}\"\n{}", self.name(n), pool.text());
            if let Some(renames) = self.renames.checked_sub(1) {
                let before = Self {
                    renames,
                    ..self.clone()
                };
                text += &format!("renamed_from = \"{}\"\n", before.name(n));
            }
            if self.regions {
                text += &format!("regions = {REGIONS:?}\n");
            }
            text += &pool
                .extra
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>();
        }
        text
    }

    pub(super) fn load(&self) -> Policy {
        let text = self.text();
        load("policy.toml", &text)
            .unwrap_or_else(|e| panic!("{}\n{text}", e.render(false)))
            .policy
    }

    /// The rules after an edit that can be reloaded.
    pub(super) fn edited(&self, edit: Edit) -> Self {
        let mut new = self.clone();
        let budgets = |new: &mut Self, change: fn(u32) -> u32| {
            let pools = new.pools.iter_mut().map(|p| &mut p.daily);
            for bound in pools.chain([&mut new.daily, &mut new.monthly]).flatten() {
                *bound = change(*bound);
            }
            let pools = new.pools.iter_mut().map(|p| &mut p.max_exposure);
            for cap in pools.chain([&mut new.max_exposure]).flatten() {
                *cap = change(*cap);
            }
        };
        match edit {
            Edit::HalveBudgets => budgets(&mut new, |b| b / 2 + 1),
            Edit::DoubleBudgets => budgets(&mut new, |b| b * 2),
            Edit::HalveLeases => new
                .pools
                .iter_mut()
                .for_each(|p| p.lease = (p.lease / 2).max(2)),
            Edit::DoubleLeases => new
                .pools
                .iter_mut()
                .for_each(|p| p.lease = (p.lease * 2).min(600)),
            Edit::RemovePool if new.pools.len() > 1 => drop(new.pools.pop()),
            Edit::OneSlot => {
                for p in &mut new.pools {
                    (p.min, p.max, p.spare) = (p.min.min(1), 1, p.spare.min(1));
                }
            }
            Edit::OtherService => new.moved = !new.moved,
            Edit::RenamePools => new.renames += 1,
            Edit::RemovePool | Edit::Nonsense | Edit::OtherOwner => {}
        }
        new
    }
}

/// A cap on exposure, from less than most leases cost to more than most scenarios reach.
fn draw_cap(rng: &mut Rng, percent: u8) -> Option<u32> {
    odds(rng, percent).then(|| pick(rng, &[1, 2, 4, 8, 16, 40, 100]))
}

impl ScenarioPool {
    fn draw(rng: &mut Rng) -> Self {
        let max = rng.u32(1..5);
        let lease = pick(rng, &[5, 10, 20, 60, 240]);
        let schedules = [
            "Mon-Fri 08:00-18:00 Europe/Berlin",
            "Mon-Sun 22:00-06:00 America/New_York",
            "Sun 01:30-03:30 Europe/Berlin",
        ];
        Self {
            premium: odds(rng, 30),
            fallback: odds(rng, 40),
            min: rng.u32(0..=max.min(2)),
            max,
            spare: if odds(rng, 40) { 1 } else { 0 },
            lease,
            idle: odds(rng, 75).then(|| Span::seconds(rng.i64(120..3_600))),
            life: pick(rng, &[45, 180, 480, 1_440]),
            boot: Span::seconds(pick(rng, &[120, 300, 600, 900])),
            schedule: odds(rng, 35).then(|| pick(rng, &schedules).into()),
            daily: odds(rng, 30).then(|| rng.u32(5..120)),
            max_exposure: None,
            extra: Vec::new(),
            let_lease_end: odds(rng, 20),
            stop_on_exit: odds(rng, 30),
            watched: odds(rng, 60).then(|| pick(rng, WATCHED).into()),
            more: OPTIONAL_KEYS
                .iter()
                .flat_map(|(key, percent, values)| {
                    let drawn = odds(rng, *percent).then(|| pick(rng, values).into());
                    drawn.map(|value| ((*key).into(), value))
                })
                .collect(),
        }
    }

    fn draw_window(&mut self, rng: &mut Rng) {
        let lines = [
            (15, pick(rng, &["spare_ttl = \"5m\"", "spare_ttl = \"1h\""])),
            (20, "prewarm = true"),
            (20, "on_close = \"drain\"\ndrain_limit = \"20m\""),
        ];
        let lines = lines.map(|(percent, line)| odds(rng, percent).then(|| line.to_owned()));
        self.extra.extend(lines.into_iter().flatten());
        if odds(rng, 20) {
            let when = pick(rng, &["daily 09:30-11:00 UTC", "Fri 18:00-Mon 06:00 UTC"]);
            let max = self.max + rng.u32(0..2);
            let min = rng.u32(0..=self.max.min(2));
            // No more stock than outside it, which the promise of idle sessions goes by.
            let window = format!(
                "[[pool.window]]\nwhen = [\"{when}\"]\nmin = {min}\nmax = {max}\nspare = 0"
            );
            self.extra.push(window);
        }
        if odds(rng, 30) {
            let before = pick(rng, &["5m", "1h"]);
            // A window is a section of its own, so it stays the last.
            self.extra.insert(0, format!("warn_before = \"{before}\""));
        }
    }

    /// How long a source that cannot say counts as use.
    pub(super) fn unknown_limit(&self) -> Option<Span> {
        let named = self.more.get("unknown_limit");
        named.map_or(self.idle, |text| Some(text.parse().expect("a span")))
    }

    fn text(&self) -> String {
        let (size, other) = if self.premium {
            ("premium", "standard")
        } else {
            ("standard", "premium")
        };
        let mut text = format!(
            "size = \"{size}\"\nmin = {}\nmax = {}\nspare = {}\nlease = \"{}m\"\n\
             idle_timeout = \"{}\"\nmax_lifetime = \"{}m\"\nboot_timeout = \"{}\"\n",
            self.min,
            self.max,
            self.spare,
            self.lease,
            self.idle.map_or("never".into(), |idle| idle.to_string()),
            self.life,
            self.boot
        );
        if self.fallback {
            text += &format!("fallback_sizes = [\"{other}\"]\n");
        }
        text += &self
            .schedule
            .as_ref()
            .map(|s| format!("schedule = [\"{s}\"]\n"))
            .unwrap_or_default();
        let bounds = [("daily", self.daily), ("max_exposure", self.max_exposure)];
        let bounds: Vec<String> = bounds
            .into_iter()
            .filter_map(|(key, bound)| Some(format!("{key} = \"{}\"", bound?)))
            .collect();
        if !bounds.is_empty() {
            text += &format!("budget = {{ {} }}\n", bounds.join(", "));
        }
        if self.let_lease_end {
            text += "over_budget = \"let-lease-end\"\n";
        }
        for (key, value) in &self.more {
            text += &format!("{key} = \"{value}\"\n");
        }
        if let Some(source) = &self.watched {
            text += &format!("activity = [{{ heartbeat = true }}, {source}]\n");
        }
        if self.stop_on_exit {
            text += "on_exit = \"stop\"\n";
        }
        text
    }
}

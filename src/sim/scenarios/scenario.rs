//! A story: everything that a run depends on, as data that can be drawn from a seed, shortened,
//! written down and replayed.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::policy::{Policy, load};
use crate::units::{Span, Timestamp};

use crate::sim::{Boots, NetworkFault};

/// The regions of a service that has two.
pub(super) const REGIONS: [&str; 2] = ["west", "north"];

/// Everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scenario {
    /// Of what the story leaves open: latencies, boots, odds.
    pub(super) seed: u64,
    pub(super) start: Timestamp,
    pub(super) length: Span,
    pub(super) latency: Span,
    pub(super) policy: Rules,
    /// What happens, counted from the start, in order.
    pub(super) happens: Vec<(Span, Happening)>,
}

/// A policy, as far as stories vary it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rules {
    pub(super) interval: Span,
    pub(super) zone: String,
    pub(super) daily: Option<u32>,
    pub(super) monthly: Option<u32>,
    /// Whether the service has two regions, and every pool asks in both.
    #[serde(default)]
    pub(super) regions: bool,
    pub(super) pools: Vec<PoolRules>,
}

/// A pool, as far as stories vary it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PoolRules {
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
    pub(super) let_lease_end: bool,
    pub(super) stop_on_exit: bool,
    /// Keys of [`OPTIONAL_KEYS`] that the pool has besides.
    #[serde(default)]
    pub(super) more: BTreeMap<String, String>,
}

/// One thing that happens in a story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Happening {
    /// A client wants a session of a pool for a while.
    Visit {
        pool: usize,
        client: u32,
        length: Span,
        beats: bool,
        releases: bool,
    },
    /// A person parks a pool, or wakes it.
    Person { pool: usize, parks: bool },
    /// A request of the control API that cannot be granted.
    BadRequest,
    /// Something goes wrong.
    Fault(Fault),
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fault {
    /// The daemon is killed at the wait after so many others, and restarted after a while, or
    /// never.
    Kill { waits: u32, back: Option<Span> },
    /// The daemon is told to end, and started again after a while.
    End { back: Span },
    /// The daemon is killed, and finds no ledger when it is back.
    LoseLedger { back: Span },
    /// The ledger's disk is full for a while.
    DiskFull { length: Span },
    /// So many of a hundred requests go wrong in one way, for a while.
    Requests {
        trouble: NetworkFault,
        percent: u8,
        length: Span,
    },
    /// Nothing gets through to the service.
    Outage { length: Span },
    /// Servers boot oddly.
    Boot { how: Boots, length: Span },
    /// There are no servers of a size.
    Exhausted { premium: bool, length: Span },
    /// There are no servers in a region; in a story of one region, nowhere.
    RegionExhausted { second: bool, length: Span },
    /// Nothing gets through to a region.
    RegionOutage { second: bool, length: Span },
    /// The wall clock is set.
    ClockStep { by: Span },
    /// The daemon's machine sleeps.
    Suspend { length: Span },
    /// A second daemon with the same owner and a ledger of its own is started by mistake, and runs
    /// for a while.
    SecondDaemon { length: Span },
    /// Another client of the account makes a session of its own, which lives for a while.
    OutsiderCreates,
    /// Another client makes a session that carries our prefix.
    OutsiderImitates { pool: usize },
    /// Another client extends one of ours.
    OutsiderExtends { by: u32 },
    /// Another client stops one of ours.
    OutsiderStops,
    /// The policy is edited and reloaded.
    Edit(Edit),
}

/// One edit of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Edit {
    HalveBudgets,
    DoubleBudgets,
    HalveLeases,
    DoubleLeases,
    RemovePool,
    OneSlot,
    /// Text that is no policy.
    Nonsense,
    /// A policy that can be used, but not without a restart.
    OtherOwner,
}

impl Fault {
    /// The name under which its occurrences are counted.
    pub(super) fn name(&self) -> String {
        let word = |d: String| {
            d.split([' ', '{', '('])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        match self {
            Self::Requests { trouble, .. } => format!("Requests {trouble:?}"),
            Self::Boot { how, .. } => format!("Boot {how:?}"),
            Self::Edit(edit) => format!("Edit {edit:?}"),
            Self::Kill { back: None, .. } => "Kill for good".into(),
            other => word(format!("{other:?}")),
        }
    }
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(0..from.len())].clone()
}

fn odds(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(0..100) < percent
}

fn minutes(rng: &mut Rng, from: i64, to: i64) -> Span {
    Span::seconds(rng.i64(from * 60..to * 60))
}

impl Scenario {
    /// The story of a seed.
    pub(super) fn draw(seed: u64, days: i64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let length = Span::hours(24 * days);
        // Plain weeks, the ends of months, and both leaps of daylight saving.
        let dates = [
            "2026-03-02",
            "2026-02-27",
            "2026-03-28",
            "2026-10-24",
            "2026-12-30",
            "2026-07-15",
        ];
        let date: Timestamp = format!("{}T00:00:00Z", pick(rng, &dates))
            .parse()
            .expect("a date");
        let start = date + Span::minutes(rng.i64(0..1_440));
        let latency = pick(rng, &[Span::ZERO, Span::millis(100), Span::millis(2_000)]);
        let policy = Rules::draw(rng);
        let mut happens = Vec::new();
        let at = |rng: &mut Rng| Span::millis(rng.i64(0..length.as_millis()));
        for client in 0..rng.u32(0..6 * u32::try_from(days).unwrap_or(1)) {
            let visit = Happening::Visit {
                pool: rng.usize(0..policy.pools.len()),
                client: client % 5,
                length: minutes(rng, 5, 300),
                beats: odds(rng, 85),
                releases: odds(rng, 85),
            };
            happens.push((at(rng), visit));
        }
        for _ in 0..rng.u32(0..3) {
            let (pool, parked) = (rng.usize(0..policy.pools.len()), at(rng));
            happens.push((parked, Happening::Person { pool, parks: true }));
            happens.push((
                parked + minutes(rng, 10, 600),
                Happening::Person { pool, parks: false },
            ));
        }
        if odds(rng, 20) {
            happens.push((at(rng), Happening::BadRequest));
        }
        // A quarter of all stories has no fault, so that the strict promises are tried as well.
        let faults = if odds(rng, 25) { 0 } else { rng.u32(1..8) };
        for _ in 0..faults {
            let fault = Fault::draw(rng, policy.pools.len());
            happens.push((at(rng), Happening::Fault(fault)));
        }
        happens.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            start,
            length,
            latency,
            policy,
            happens,
        }
    }
}

impl Fault {
    fn draw(rng: &mut Rng, pools: usize) -> Self {
        let length = minutes(rng, 1, 240);
        let back = Span::seconds(pick(rng, &[1, 20, 300, 3_600, 6 * 3_600]));
        match rng.u8(0..28) {
            0..5 => Self::Kill {
                waits: rng.u32(0..40),
                back: odds(rng, 90).then_some(back),
            },
            5 => Self::End { back },
            6 => Self::LoseLedger { back },
            7 => Self::DiskFull { length },
            8..14 => Self::Requests {
                trouble: pick(rng, &NetworkFault::ALL),
                percent: pick(rng, &[5, 30, 100]),
                length,
            },
            14 => Self::Outage {
                length: minutes(rng, 1, 600),
            },
            15 | 16 => Self::Boot {
                how: pick(rng, &[Boots::Slow, Boots::Failing, Boots::Never]),
                length,
            },
            17 => Self::Exhausted {
                premium: rng.bool(),
                length,
            },
            18 => Self::ClockStep {
                by: Span::seconds(pick(rng, &[-7_200, -600, -5, 5, 600, 7_200, 86_400])),
            },
            19 => Self::Suspend {
                length: pick(rng, &[Span::minutes(10), Span::hours(3), Span::hours(48)]),
            },
            20 => Self::SecondDaemon { length },
            21 if rng.bool() => Self::OutsiderCreates,
            21 => Self::OutsiderImitates {
                pool: rng.usize(0..pools),
            },
            22 => Self::OutsiderExtends {
                by: rng.u32(1..600),
            },
            23 => Self::OutsiderStops,
            24 => Self::RegionExhausted {
                second: rng.bool(),
                length,
            },
            25 => Self::RegionOutage {
                second: rng.bool(),
                length,
            },
            _ => Self::Edit(pick(
                rng,
                &[
                    Edit::HalveBudgets,
                    Edit::DoubleBudgets,
                    Edit::HalveLeases,
                    Edit::DoubleLeases,
                    Edit::RemovePool,
                    Edit::OneSlot,
                    Edit::Nonsense,
                    Edit::OtherOwner,
                ],
            )),
        }
    }
}

impl Rules {
    fn draw(rng: &mut Rng) -> Self {
        let pools = (0..rng.usize(1..4)).map(|_| PoolRules::draw(rng)).collect();
        Self {
            interval: Span::seconds(pick(rng, &[30, 60, 120, 300, 300, 300])),
            zone: pick(rng, &["UTC", "Europe/Berlin", "America/New_York"]).into(),
            daily: odds(rng, 50).then(|| rng.u32(10..300)),
            monthly: odds(rng, 30).then(|| rng.u32(50..900)),
            regions: odds(rng, 25),
            pools,
        }
    }

    /// The policy's text.
    pub(super) fn text(&self) -> String {
        let place = if self.regions {
            "region = \"west\""
        } else {
            "endpoint = \"https://rendering.example\""
        };
        let mut text = format!(
            "owner = \"st\"\n[service]\n{place}\naccount_id = \"00000000-0000-0000-0000-000000000000\"\n[auth]\n\
             method = \"token\"\ntoken_env = \"TOKEN\"\n[reconcile]\ninterval = \"{}\"\n[prices]\nstandard = \"6\"\npremium = \"12\"\n[budget]\ntime_zone = \"{}\"\nalert_at = \
             [0.5, 1.0]\n",
            self.interval, self.zone
        );
        for (key, bound) in [("daily", self.daily), ("monthly", self.monthly)] {
            text += &bound
                .map(|b| format!("{key} = \"{b}\"\n"))
                .unwrap_or_default();
        }
        if self.regions {
            let [first, second] = REGIONS;
            text += &format!("[service.regions]\n{first} = \"https://{first}.example\"\n");
            text += &format!("{second} = \"https://{second}.example\"\n");
        }
        for (n, pool) in self.pools.iter().enumerate() {
            text += &format!("[[pool]]\nname = \"p{n}\"\n{}", pool.text());
            if self.regions {
                text += &format!("regions = {REGIONS:?}\n");
            }
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
            Edit::RemovePool | Edit::Nonsense | Edit::OtherOwner => {}
        }
        new
    }
}

/// Keys of a pool that promises do not look at: how often each is drawn, in percent, and its values.
const OPTIONAL_KEYS: &[(&str, u8, &[&str])] = &[
    ("first_use_timeout", 15, &["1m", "5m", "20m"]),
    ("max_hold", 15, &["10m", "2h", "2d"]),
];

impl PoolRules {
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
            let_lease_end: odds(rng, 20),
            stop_on_exit: odds(rng, 30),
            more: OPTIONAL_KEYS
                .iter()
                .filter_map(|(key, percent, values)| {
                    odds(rng, *percent).then(|| ((*key).into(), pick(rng, values).into()))
                })
                .collect(),
        }
    }

    fn text(&self) -> String {
        let (size, other) = if self.premium {
            ("premium", "standard")
        } else {
            ("standard", "premium")
        };
        let mut text = format!(
            "size = \"{size}\"\nmin = {}\nmax = {}\nspare = {}\nlease = \"{}m\"\nidle_timeout = \"{}\"\n\
             max_lifetime = \"{}m\"\nboot_timeout = \"{}\"\n",
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
        text += &self
            .daily
            .map(|b| format!("budget = {{ daily = \"{b}\" }}\n"))
            .unwrap_or_default();
        if self.let_lease_end {
            text += "over_budget = \"let-lease-end\"\n";
        }
        for (key, value) in &self.more {
            text += &format!("{key} = \"{value}\"\n");
        }
        if self.stop_on_exit {
            text += "on_exit = \"stop\"\n";
        }
        text
    }
}

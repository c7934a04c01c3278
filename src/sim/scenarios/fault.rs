//! What goes wrong in a scenario, as data, and how it is drawn.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::sim::network::faults::NetworkFault;
use crate::sim::service::servers::Boots;
use crate::sim::world::SourceFault;
use crate::units::Span;

use super::draw::{minutes, odds, pick};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fault {
    /// The daemon is killed at the wait after so many others, and restarted after a while, or
    /// never.
    Kill { waits: u32, back: Option<Span> },
    /// The daemon ends by a signal, and is started again after a while.
    End { back: Span },
    /// The daemon is killed, and finds no ledger when it is back.
    LoseLedger { back: Span },
    /// The ledger's disk is full for a while.
    DiskFull { length: Span },
    /// So many of a hundred requests go wrong in one way, for a while.
    Requests {
        fault: NetworkFault,
        percent: u8,
        length: Span,
    },
    /// Nothing gets through to the service.
    Outage { length: Span },
    /// Servers boot oddly.
    Boot { how: Boots, length: Span },
    /// There are no servers of a size.
    Exhausted { premium: bool, length: Span },
    /// There are no servers in a region; in a scenario of one region, nowhere.
    RegionExhausted { second: bool, length: Span },
    /// Nothing gets through to a region.
    RegionOutage { second: bool, length: Span },
    /// Every activity source breaks, hangs or lies for a while.
    Sources { how: SourceFault, length: Span },
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
    /// Every pool gets another name.
    RenamePools,
    /// Text that is no policy.
    Nonsense,
    /// A policy that can be used, but not without a restart.
    OtherOwner,
    /// A policy whose sessions live elsewhere from now on.
    OtherService,
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
            Self::Requests { fault, .. } => format!("Requests {fault:?}"),
            Self::Sources { how, .. } => format!("Sources {how:?}"),
            Self::Boot { how, .. } => format!("Boot {how:?}"),
            Self::Edit(edit) => format!("Edit {edit:?}"),
            Self::Kill { back: None, .. } => "Kill for good".into(),
            other => word(format!("{other:?}")),
        }
    }
}

impl Fault {
    pub(super) fn draw(rng: &mut Rng, pools: usize) -> Self {
        let length = minutes(rng, 1, 240);
        let back = Span::seconds(pick(rng, &[1, 20, 300, 3_600, 6 * 3_600]));
        match rng.u8(0..35) {
            0..5 => Self::Kill {
                waits: rng.u32(0..40),
                back: odds(rng, 90).then_some(back),
            },
            5 => Self::End { back },
            6 => Self::LoseLedger { back },
            7 => Self::DiskFull { length },
            8..14 => Self::Requests {
                fault: pick(rng, &NetworkFault::ALL),
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
            25..28 => Self::RegionOutage {
                second: rng.bool(),
                length,
            },
            28..33 => Self::Sources {
                how: pick(rng, &SourceFault::ALL),
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
                    Edit::RenamePools,
                    Edit::Nonsense,
                    Edit::OtherOwner,
                ],
            )),
        }
    }
}

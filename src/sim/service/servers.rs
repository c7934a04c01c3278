//! The engine of the simulated service: how its servers boot, which is drawn from the seed.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::host::{Boot, Engine, Simulated};
use crate::units::{Minutes, SessionId, Size, Span, Timestamp};

use crate::sim::clock::TrueTime;

/// How servers boot while something is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boots {
    /// They take minutes.
    Slow,
    /// They end in Error.
    Failing,
    /// They never end.
    Never,
}

/// So long that it is never.
const NEVER: Span = Span::hours(24 * 365);

/// Servers whose boots are drawn from a seed.
#[derive(Debug)]
pub struct Servers {
    /// The shortest and the longest boot while nothing is wrong.
    pub boots: (Span, Span),
    time: TrueTime,
    rng: Rng,
    disturbed: Option<(Boots, Timestamp)>,
    exhausted: BTreeMap<Size, Timestamp>,
}

impl Servers {
    /// Servers that boot within the given bounds.
    pub fn new(time: TrueTime, rng: Rng, boots: (Span, Span)) -> Self {
        Self {
            boots,
            time,
            rng,
            disturbed: None,
            exhausted: BTreeMap::new(),
        }
    }

    /// Something is wrong with the boots of servers until an instant.
    pub fn disturb(&mut self, how: Boots, until: Timestamp) {
        self.disturbed = Some((how, until));
    }

    /// There are no servers of a size until an instant.
    pub fn exhaust(&mut self, size: Size, until: Timestamp) {
        self.exhausted.insert(size, until);
    }
}

impl Engine for Servers {
    fn start(&mut self, id: &SessionId, size: &Size, live: usize) -> Boot {
        let now = self.time.now();
        let (least, most) = (self.boots.0.as_millis(), self.boots.1.as_millis());
        let usual = Span::millis(self.rng.i64(least..=most.max(least)));
        self.disturbed = self.disturbed.filter(|(_, until)| *until > now);
        let capacity = if self.exhausted.get(size).is_some_and(|until| *until > now) {
            0
        } else {
            u32::MAX
        };
        let boot_delay = match self.disturbed {
            None => usual,
            Some((Boots::Slow, _)) => usual + Span::seconds(self.rng.i64(60..1_200)),
            Some((Boots::Failing, _)) => return Boot::OutOfServers { after: usual },
            Some((Boots::Never, _)) => NEVER,
        };
        Simulated {
            boot_delay,
            capacity,
        }
        .start(id, size, live)
    }

    fn extend(&mut self, _id: &SessionId, _lease: Minutes) {}

    fn stop(&mut self, _id: &SessionId) {}
}

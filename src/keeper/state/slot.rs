//! One slot, as it is known: why it is kept empty, who asked for it, what failed.

use serde::{Deserialize, Serialize};

use crate::keeper::reason::{Reason, ReasonKind};
use crate::units::{Minutes, Span, Timestamp};

use super::asking::WAIT_LASTS;
use super::managed::Retry;

/// What is remembered of a slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotState {
    /// Why it is kept empty, where a rule or a person said so.
    pub parked: Option<Parked>,
    /// Who last asked for it, where nobody has ended its session since.
    pub wish: Option<Wish>,
    /// Creates and sessions in a row that failed.
    pub retry: Retry,
    /// What the last failure said.
    pub last_failure: Option<String>,
    /// How many ids have been drawn from the slot's stream.
    pub drawn: u64,
    /// Why it is kept empty, as it was told last, and need not be told again.
    pub told: Option<ReasonKind>,
}

/// The first wait after a session that failed; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Span = Span::seconds(10);
/// The longest wait between two tries to fill a slot.
const LONGEST_WAIT: Span = Span::minutes(10);

/// How long a session must have been Ready for earlier failures to count no more.
const LASTED: Minutes = Minutes::new(10);
/// After so many failures in a row an alarm is raised.
const ALARM_AT: u32 = 4;

impl SlotState {
    /// A try to fill it failed: the next one waits. Whether that is an alarm.
    #[must_use]
    pub(in crate::keeper) fn failed(&mut self, now: Timestamp, why: String) -> bool {
        self.retry.failed(now, FIRST_WAIT, LONGEST_WAIT);
        self.last_failure = Some(why);
        self.retry.failures == ALARM_AT
    }

    /// Whether the last tries to fill it failed.
    pub(in crate::keeper) const fn has_failed(&self) -> bool {
        self.retry.failures > 0
    }

    /// A session of it ended after so long in Ready, and not by a failure if it went `well`.
    pub(in crate::keeper) fn ended(&mut self, minutes: Minutes, well: bool) {
        if !well && minutes < LASTED {
            return;
        }
        self.retry = Retry::default();
        self.last_failure = None;
    }
}

/// A wish for a slot's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Whose.
    pub by: WishedBy,
    /// When it was last repeated.
    pub at: Timestamp,
}

/// Who asked for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WishedBy {
    /// A client, which touches the pool again and again: its wish lapses when it does not.
    Client,
    /// A person, who asks once.
    Person,
}

impl Wish {
    /// When it lapses; `None` for never.
    pub fn lapses(&self) -> Option<Timestamp> {
        (self.by == WishedBy::Client).then(|| self.at + WAIT_LASTS)
    }

    /// Whether it still counts.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.lapses().is_none_or(|at| now < at)
    }
}

/// Why a slot is kept empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Whose doing.
    pub by: ParkedBy,
    /// Since when.
    pub since: Timestamp,
    /// Why the rule did it; older ledgers do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
}

/// Who parked a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkedBy {
    /// A rule that ends what nobody uses: until a client asks, the schedule opens again, or a
    /// person wakes it.
    #[serde(rename = "idle")]
    Rule,
    /// A person: until a person wakes it.
    Person,
}

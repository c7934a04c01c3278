//! What can go wrong, and how it is written in a rule.

use crate::units::{Minutes, Size, Span};

use super::bad_rule::BadRule;
use super::pairs::Pairs;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The answer comes so much later.
    Delay(Span),
    /// 429, and when to come back.
    Throttle(Span),
    /// 500.
    Broken,
    /// 503, and when to come back, if that is told.
    Unavailable(Option<Span>),
    /// The connection is reset and nothing is done.
    ResetBefore,
    /// The connection is reset once it is done.
    ResetAfter,
    /// It is done, and a page for people comes back in the place of the answer's body.
    Html,
    /// The answer says something else of sessions than what is so.
    Alter(Alteration),
    /// The lease that is granted is at most so long, whatever is asked for.
    ShortenTo(Minutes),
    /// The lease that is granted is so much shorter than what is asked for.
    ShortenBy(Minutes),
    /// A list as it was so long ago.
    Stale(Span),
    /// An entry of each page cannot be read.
    Garbled(usize),
    /// An entry of each page is left out.
    Omitted(usize),
    /// A page of a list names itself as the next one.
    Circle,
    /// There are no servers of this size, or of any.
    OutOfServers(Option<Size>),
    /// A boot takes so much longer.
    Slow(Span),
    /// A server does not come up.
    BootFails,
}

/// What an answer says of sessions that is not so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alteration {
    /// `elapsedTimeMinutes`.
    pub elapsed: Option<Change>,
    /// `maxLeaseTimeMinutes`.
    pub lease: Option<Change>,
    /// `status`.
    pub status: Option<String>,
    /// `size`.
    pub size: Option<String>,
    /// Whether the host name and ports are left out.
    pub unplaced: bool,
}

/// What becomes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is this one.
    To(i64),
    /// It is larger by so much, or smaller where that is below zero.
    By(i64),
}

impl Change {
    /// The number that is told in the place of the right one.
    pub const fn of(self, right: i64) -> i64 {
        match self {
            Self::To(number) => number,
            Self::By(step) => right.saturating_add(step),
        }
    }
}

/// What an effect can happen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Requests,
    /// Requests whose answer tells of sessions.
    Sessions,
    /// Requests that ask for a lease.
    Leases,
    Lists,
    Boots,
}

impl Effect {
    /// The lease that is granted of what is asked for.
    pub(in crate::host) fn granted(&self, asked: Minutes) -> Minutes {
        match self {
            Self::ShortenTo(most) => asked.min(*most),
            Self::ShortenBy(less) => Minutes::new(asked.get().saturating_sub(less.get())),
            _ => asked,
        }
    }

    /// Reads an effect with its keys. Returns those that it may have, and what it can happen to.
    pub(super) fn read(
        word: &str,
        pairs: &mut Pairs<'_>,
    ) -> Result<(Self, &'static [&'static str], Range), BadRule> {
        Ok(match word {
            "delay" => (Self::Delay(pairs.must("by")?), &["by"], Range::Requests),
            "429" => {
                let wait = pairs.span("retry-after")?.unwrap_or(Span::seconds(1));
                (Self::Throttle(wait), &["retry-after"], Range::Requests)
            }
            "500" => (Self::Broken, &[], Range::Requests),
            "503" => {
                let wait = pairs.span("retry-after")?;
                (Self::Unavailable(wait), &["retry-after"], Range::Requests)
            }
            "reset-before" => (Self::ResetBefore, &[], Range::Requests),
            "reset-after" => (Self::ResetAfter, &[], Range::Requests),
            "html" => (Self::Html, &[], Range::Requests),
            "alter" => (Self::Alter(alteration(pairs)?), ALTERED, Range::Sessions),
            "short" => (short(pairs)?, &["to", "by"], Range::Leases),
            "stale" => (Self::Stale(pairs.must("by")?), &["by"], Range::Lists),
            "garbled" => (Self::Garbled(pairs.nth()?), &["nth"], Range::Lists),
            "omitted" => (Self::Omitted(pairs.nth()?), &["nth"], Range::Lists),
            "circle" => (Self::Circle, &[], Range::Lists),
            "out-of-servers" => {
                let size = pairs.read("size", size)?;
                (Self::OutOfServers(size), &["size"], Range::Boots)
            }
            "slow" => (Self::Slow(pairs.must("by")?), &["by"], Range::Boots),
            "fail" => (Self::BootFails, &[], Range::Boots),
            _ => return Err(BadRule::Effect(word.into())),
        })
    }
}

const ALTERED: &[&str] = &[
    "elapsed",
    "elapsed-by",
    "lease",
    "lease-by",
    "status",
    "size",
    "without",
];

fn alteration(pairs: &mut Pairs<'_>) -> Result<Alteration, BadRule> {
    let alteration = Alteration {
        elapsed: change(pairs, "elapsed", "elapsed-by")?,
        lease: change(pairs, "lease", "lease-by")?,
        status: pairs.take("status").map(str::to_owned),
        size: pairs.take("size").map(str::to_owned),
        unplaced: pairs
            .read("without", |word| match word {
                "address" => Ok(true),
                _ => Err("what can be left out is address"),
            })?
            .unwrap_or(false),
    };
    if alteration == Alteration::default() {
        return Err(BadRule::Missing {
            effect: "alter".into(),
            key: "elapsed-by",
            example: "elapsed-by=-5",
        });
    }
    Ok(alteration)
}

fn change(
    pairs: &mut Pairs<'_>,
    to: &'static str,
    by: &'static str,
) -> Result<Option<Change>, BadRule> {
    let by = pairs.number(by)?.map(Change::By);
    Ok(pairs.number(to)?.map(Change::To).or(by))
}

fn short(pairs: &mut Pairs<'_>) -> Result<Effect, BadRule> {
    match (pairs.span("to")?, pairs.span("by")?) {
        (Some(to), None) => Ok(Effect::ShortenTo(to.floor_minutes())),
        (None, Some(by)) => Ok(Effect::ShortenBy(by.floor_minutes())),
        _ => Err(BadRule::Missing {
            effect: "short".into(),
            key: "either to or by",
            example: "to=3m",
        }),
    }
}

fn size(word: &str) -> Result<Size, &'static str> {
    match Size::from(word.to_owned()) {
        Size::Other(_) => Err("a size is standard or premium"),
        known => Ok(known),
    }
}

//! Minutes, money, instants and ids: newtypes that cannot be mixed up.
//!
//! Promises: every value is valid once constructed, arithmetic saturates instead of overflowing,
//! and the text forms are the ones people write in a policy. May know nothing else of the project.

mod bytes;
mod hold_id;
mod id;
mod minutes;
mod money;
mod secret;
mod span;
mod timestamp;

pub use bytes::{BadByteCount, ByteCount};
pub use hold_id::HoldId;
pub use id::{
    BadId, ClientName, HoldKey, Owner, PoolName, Region, SessionId, SessionName, Size, SlotId,
    TeamName, is_uuid,
};
pub use minutes::Minutes;
pub use money::{BadMoney, Cost, Currency, Money, Price};
pub use secret::Secret;
pub use span::{BadSpan, Span};
pub use timestamp::{BadTimestamp, Timestamp};

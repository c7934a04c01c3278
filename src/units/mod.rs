//! Minutes, money, instants and ids: newtypes that cannot be mixed up.
//!
//! Promises: every value is valid once constructed, arithmetic saturates instead of overflowing,
//! and the text forms are the ones people write in a policy. May know nothing else of the project.

mod id;
mod money;
mod time;

pub use id::{BadId, Owner, PoolName, Region, SessionId, SessionName, Size, SlotId, is_uuid};
pub use money::{BadMoney, Cost, Currency, Money, Price};
pub use time::{BadSpan, Minutes, Span, Timestamp};

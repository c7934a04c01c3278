//! The link that a warning carries: whoever has it lets the hold go on, once, and can do nothing
//! else.
//!
//! A link names a hold and the end that was warned of, and is signed with a key that only this
//! process knows. It is good for that warning alone: once the hold goes on, or its end is another
//! one, it does nothing. It never reaches a log or the ledger.

use std::fmt::Write;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::keeper::{HoldEnd, KeeperState, ManagedSession};
use crate::policy::Policy;
use crate::units::{HoldId, Minutes, Timestamp};

use super::api::{WarningView, path};

/// How many bytes of a signature a link has.
const SIGNED_BYTES: usize = 16;

/// The key that links are signed with, for the life of a process.
pub struct LinkKey(hmac::Key);

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers to sign links with")]
pub struct NoRandomness;

impl crate::report::Hint for NoRandomness {}

impl LinkKey {
    /// A key that nobody knows.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn draw() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        let random = SystemRandom::new();
        random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// What a link says of a hold that ends at an instant.
    fn token(&self, hold: HoldId, ends: Timestamp) -> String {
        let mut token = format!("{hold}.{}", ends.millis());
        let signature = hmac::sign(&self.0, token.as_bytes());
        token.push('.');
        for byte in &signature.as_ref()[..SIGNED_BYTES] {
            let _ = write!(token, "{byte:02x}");
        }
        token
    }

    /// The hold that a link lets go on, if the link is good: it was signed here, and its hold is
    /// about to end as it says.
    pub fn hold<'a>(&self, keeper: &'a KeeperState, token: &str) -> Option<&'a ManagedSession> {
        let (hold, _) = token.split_once('.')?;
        let hold: HoldId = hold.parse().ok()?;
        let mut sessions = keeper.sessions.values();
        let held = sessions.find(|k| k.hold.as_ref().is_some_and(|h| h.id == hold))?;
        let ends = held.hold.as_ref()?.warned?.at;
        let expected = self.token(hold, ends);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(
            expected.as_bytes(),
            token.as_bytes(),
        );
        same.is_ok().then_some(held)
    }

    /// The warning that a hold carries, with its link where the policy says where links lead.
    pub fn warning(&self, policy: &Policy, managed: &ManagedSession) -> Option<WarningView> {
        let hold = managed.hold.as_ref()?;
        let HoldEnd { at, by } = hold.warned?;
        let base = policy.control.public_url.as_ref();
        let link = base.map(|base| {
            let token = self.token(hold.id, at);
            base.clone() + &path::SNOOZE_LINK.replace("{token}", &token)
        });
        let hour = policy.prices.of(&managed.size).cost(Minutes::new(60));
        Some(WarningView {
            at,
            by,
            hour: policy.prices.money(hour),
            currency: policy.prices.known_currency(),
            link,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::{Hold, HoldRule};
    use crate::ledger::testing::{at, intent, keeper};

    fn held(client: &str, ends: Timestamp) -> ManagedSession {
        let now = at("2026-03-02T08:00:00Z");
        let mut session = intent(&format!("s-{client}"), "a/0", now);
        let mut hold = Hold::of(client, now);
        hold.warned = Some(HoldEnd {
            at: ends,
            by: HoldRule::IdleTimeout,
        });
        session.hold = Some(hold);
        session
    }

    #[test]
    fn a_link_is_good_for_the_warning_that_it_came_with_and_no_other() {
        let key = LinkKey::draw().expect("randomness");
        let ends = at("2026-03-02T09:00:00Z");
        let state = keeper(vec![held("ann", ends)]);
        let hold = state.sessions.values().next().and_then(|k| k.hold.as_ref());
        let token = key.token(hold.expect("held").id, ends);
        assert!(key.hold(&state, &token).is_some());
        for (bad, why) in [
            (token.replace('.', ""), "no parts"),
            (token[..token.len() - 1].to_owned(), "cut short"),
            (token.replacen("hold-", "hold-0", 1), "another hold"),
            (String::new(), "nothing"),
        ] {
            assert!(key.hold(&state, &bad).is_none(), "{why}");
        }
        let other = LinkKey::draw().expect("randomness");
        assert!(other.hold(&state, &token).is_none(), "signed elsewhere");
        let later = keeper(vec![held("ann", at("2026-03-02T09:00:01Z"))]);
        assert!(key.hold(&later, &token).is_none(), "another end");
        let mut calm = held("ann", ends);
        calm.hold.as_mut().expect("held").warned = None;
        assert!(
            key.hold(&keeper(vec![calm]), &token).is_none(),
            "it goes on"
        );
    }
}

//! Answers that a rule makes wrong: the sessions are as they were, and what is said of them is not.

use crate::arr::wire::SessionBody;
use crate::host::faults::{Alteration, Change, Effect};

/// A lease that no session can have, by which an entry of a list cannot be read.
const UNREADABLE_LEASE: i64 = -4;

/// A session as a rule wants it told.
pub(super) fn altered(body: SessionBody, effect: Option<&Effect>) -> SessionBody {
    match effect {
        Some(Effect::Alter(alteration)) => alter(body, alteration),
        _ => body,
    }
}

/// A page of a list as a rule wants it told.
pub(super) fn altered_list(
    mut page: Vec<SessionBody>,
    effect: Option<&Effect>,
) -> Vec<SessionBody> {
    match effect {
        Some(Effect::Alter(alteration)) => {
            let altered = page.into_iter().map(|body| alter(body, alteration));
            return altered.collect();
        }
        Some(Effect::Garbled(nth)) => {
            if let Some(body) = page.get_mut(*nth) {
                body.max_lease_time_minutes = Some(UNREADABLE_LEASE);
            }
        }
        Some(Effect::Omitted(nth)) if *nth < page.len() => {
            page.remove(*nth);
        }
        _ => {}
    }
    page
}

fn alter(mut body: SessionBody, alteration: &Alteration) -> SessionBody {
    let Alteration {
        elapsed,
        lease,
        status,
        size,
        unplaced,
    } = alteration;
    let number = |number: &mut Option<i64>, change: &Option<Change>| {
        if let Some(change) = change {
            *number = Some(change.of(number.unwrap_or(0)));
        }
    };
    number(&mut body.elapsed_time_minutes, elapsed);
    number(&mut body.max_lease_time_minutes, lease);
    if let Some(status) = status {
        body.status.clone_from(status);
    }
    if let Some(size) = size {
        body.size = Some(size.clone());
    }
    if *unplaced {
        body.hostname = None;
        body.handshake_port = None;
        body.arr_inspector_port = None;
    }
    body
}

//! The name under which a person at a terminal holds sessions who gives none: user and machine, so
//! that two people, or one at two machines, are two clients.

use std::borrow::Cow;

use crate::report::Hint;
use crate::units::{BadId, ClientName};

/// Where the kernel says what the machine is called.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// Nobody could say who asks.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoName {
    /// The environment names no user.
    #[error("neither $USER nor $LOGNAME says who you are")]
    User,
    /// The machine's name cannot be read.
    #[error("cannot read {HOSTNAME}")]
    Machine(#[source] std::io::Error),
    /// Together they are no name.
    #[error(transparent)]
    Bad(#[from] BadId),
}

impl Hint for NoName {
    fn hint(&self) -> Option<Cow<'static, str>> {
        Some("say it with --client NAME".into())
    }
}

/// The name that was given, or else `USER@MACHINE`.
pub(super) fn given_or_own(given: Option<ClientName>) -> Result<ClientName, NoName> {
    if let Some(name) = given {
        return Ok(name);
    }
    let user = ["USER", "LOGNAME"].into_iter().find_map(|key| {
        let user = std::env::var(key).ok()?;
        (!user.is_empty()).then_some(user)
    });
    let user = user.ok_or(NoName::User)?;
    let machine = std::fs::read_to_string(HOSTNAME).map_err(NoName::Machine)?;
    Ok(ClientName::new(&format!("{user}@{}", machine.trim()))?)
}

//! The embedded session service: in the same process, and spoken to through its socket like any
//! other.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::Clock;
use crate::connect::{ConnectError, LiveService, connect};
use crate::host::{Host, HostAccount, HostConfig, HostError};
use crate::policy::{Auth, Embedded, Location, Policy, SecretSource};
use crate::report::Hint;

/// The page size of the embedded service's lists.
const PAGE_SIZE: usize = 100;

/// Why the embedded service cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmbedError {
    /// It does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It cannot be addressed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Hint for EmbedError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Host(error) => error.hint(),
            Self::Connect(error) => error.hint(),
        }
    }
}

/// Starts the service with a key made afresh, and a client that has it.
pub(super) async fn start(
    policy: &Policy,
    settings: &Embedded,
    clock: Arc<dyn Clock>,
) -> Result<(LiveService, Host), EmbedError> {
    let account = HostAccount::fresh().map_err(HostError::Key)?;
    let config = HostConfig {
        listen: settings.listen,
        accounts: vec![account.clone()],
        boot_delay: settings.boot_delay,
        capacity: settings.capacity,
        page_size: PAGE_SIZE,
    };
    let host = Host::start(config, clock.clone()).await?;
    // To its client it is a service like any other: at an address, and with a key.
    let mut policy = policy.clone();
    policy.service.location = Location::Endpoint(host.url());
    policy.service.authentication_endpoint = Some(host.url());
    policy.service.account_id = account.id;
    policy.service.ca_file = None;
    policy.auth = Auth::AccountKey(SecretSource::Inline(account.key.expose().into()));
    let client = connect(&policy, clock)?;
    Ok((client, host))
}

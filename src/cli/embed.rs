//! The embedded session service: in the same process, and spoken to through its socket like any
//! other.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use crate::arr::{ArrFleet, ClientConfig, ConnectError, Credential};
use crate::clock::Clock;
use crate::host::{Host, HostAccount, HostConfig, HostError};
use crate::policy::{Embedded, Policy, SecretSource};
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
) -> Result<(ArrFleet, Host), EmbedError> {
    let account = HostAccount::fresh().map_err(HostError::Key)?;
    let config = HostConfig {
        listen: settings.listen,
        accounts: vec![account.clone()],
        boot_delay: settings.boot_delay,
        capacity: settings.capacity,
        page_size: PAGE_SIZE,
    };
    let host = Host::start(config, clock.clone()).await?;
    let bad = |source| ConnectError::Url {
        url: host.address().to_string(),
        source,
    };
    let endpoint = Url::parse(&format!("http://{}", host.address())).map_err(bad)?;
    let client = ArrFleet::new(
        ClientConfig {
            sts: endpoint.clone(),
            endpoint,
            account_id: account.id,
            timeout: policy.service.timeout,
            ca_pem: None,
            credential: Credential::AccountKey(SecretSource::Inline(account.key.expose().into())),
        },
        clock,
    )?;
    Ok((client, host))
}

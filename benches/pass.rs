//! How long one full pass takes against the session service over HTTP on loopback: observe, plan,
//! audit, write, conclude.
//!
//! Run with `cargo bench --bench pass`.

use std::sync::Arc;

use divan::Bencher;
use leasekeeper::clock::{Clock, SystemClock};
use leasekeeper::connect::{LiveService, connect, limits};
use leasekeeper::daemon::{DaemonState, Shared, pass};
use leasekeeper::host::{Host, HostAccount, HostConfig};
use leasekeeper::ledger::{Fresh, Ledger, LedgerHandle};
use leasekeeper::policy::{Auth, Location, SecretSource, load};
use leasekeeper::units::Span;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Studio {
    runtime: Runtime,
    _host: Host,
    client: LiveService,
    shared: Shared,
}

impl Studio {
    /// A daemon and a service with so many sessions that are Ready, with nothing due for minutes.
    fn with(sessions: u32) -> Self {
        let text = format!(
            "owner = \"bench\"\nservice = {{ embedded = true }}\n\
             prices = {{ standard = \"2.99\" }}\nbudget = {{ daily = \"10000000\" }}\n[[pool]]\n\
             name = \"pool\"\nmin = {sessions}\nmax = {sessions}\nlease = \"8h\"\n\
             idle_timeout = \"1h\"\n"
        );
        let mut policy = load("bench.toml", &text).expect("a policy").policy;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let account = HostAccount::fresh().expect("a key");
        let key = account.key.expose().to_owned();
        let config = HostConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            accounts: vec![account.clone()],
            boot_delay: Span::ZERO,
            capacity: sessions,
            page_size: 1_000,
        };
        let host = runtime
            .block_on(Host::start(config, clock.clone()))
            .expect("a service");
        policy.service.location = Location::Endpoint(host.url());
        policy.service.authentication_endpoint = Some(host.url());
        policy.service.account_id = account.id;
        policy.auth = Auth::AccountKey(SecretSource::Inline(key));
        let now = clock.now();
        let client = runtime
            .block_on(async { connect(&policy, clock.clone()) })
            .expect("a client");
        let ledger = Ledger::in_memory(Fresh { seed: 1, made: now }).expect("a ledger");
        let keeper = ledger
            .load(&policy.owner, policy.time_zone, limits(&policy), now)
            .expect("loads");
        let ledger = Arc::new(std::sync::Mutex::new(ledger));
        let ledger = LedgerHandle::inline(ledger, policy.owner.clone(), |_| ()).expect("a handle");
        let state = DaemonState::new(Arc::new(policy), keeper, ledger, host.url(), now);
        let studio = Self {
            runtime,
            _host: host,
            client,
            shared: Shared::new(state, clock),
        };
        // The first creates, the second learns that all are Ready.
        for _ in 0..2 {
            studio.pass();
        }
        studio
    }

    fn pass(&self) {
        let passed = self.runtime.block_on(pass(&self.shared, &self.client));
        assert!(passed.service.is_none() && passed.failed == 0);
    }
}

/// Nothing is due: what most passes find. The service works on the same core.
#[divan::bench(args = [10, 100, 1_000], sample_size = 1)]
fn nothing_due(bencher: Bencher<'_, '_>, sessions: u32) {
    let studio = Studio::with(sessions);
    bencher.bench_local(|| studio.pass());
}

//! How long a simulated month takes: 20 pools and 100 clients, on one core.

use std::fmt::Write;

use divan::Bencher;
use leasekeeper::policy::{Policy, load};
use leasekeeper::sim::usage::{Days, model::Model};
use leasekeeper::sim::{Climate, run};

fn main() {
    divan::main();
}

fn studio(pools: usize, interval: &str) -> Policy {
    let mut text = format!(
        "owner = \"studio\"\n[service]\nembedded = true\n[reconcile]\ninterval = \"{interval}\"\n\
         [prices]\nstandard = \"2.99\"\n[budget]\ndaily = \"9000\"\nmonthly = \"200000\"\ntime_zone = \"Europe/Berlin\"\n"
    );
    for pool in 0..pools {
        let _ = write!(
            text,
            "[[pool]]\nname = \"pool{pool}\"\nmin = 1\nmax = 6\nspare = 1\nlease = \"20m\"\nidle_timeout = \"15m\"\n\
             schedule = [\"Mon-Fri 08:00-18:00 Europe/Berlin\"]\nbudget = {{ daily = \"400\" }}\n"
        );
    }
    load("bench", &text).expect("a valid policy").policy
}

/// A month of a studio, by the policy's reconcile interval.
#[divan::bench(args = ["30s", "5m"], sample_count = 3, sample_size = 1)]
fn a_month_of_20_pools_and_100_clients(bencher: Bencher<'_, '_>, interval: &str) {
    let policy = studio(20, interval);
    let first = "2026-03-01".parse().expect("a date");
    let days = Days { first, count: 30, zone: policy.time_zone };
    let visits = Model::OfficeHours.visits(&policy, days, 100, 1);
    let climate = Climate::default();
    bencher.bench_local(|| run::run(&policy, &visits, days, 1, climate, |_| ()).expect("runs"));
}

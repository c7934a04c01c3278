//! How long a simulated month takes, on one core: of 20 pools and 100 clients, and of the example.

use std::fmt::Write;

use divan::Bencher;
use leasekeeper::policy::{Policy, load};
use leasekeeper::sim::usage::{Days, model::Model};
use leasekeeper::sim::{SimConfig, run};

fn main() {
    divan::main();
}

fn studio(pools: usize) -> Policy {
    let mut text = String::from(
        "owner = \"studio\"\n[service]\nembedded = true\n[prices]\nstandard = \"2.99\"\n[budget]\n\
         daily = \"9000\"\nmonthly = \"200000\"\ntime_zone = \"Europe/Berlin\"\n",
    );
    for pool in 0..pools {
        let _ = write!(
            text,
            "[[pool]]\nname = \"pool{pool}\"\nmin = 1\nmax = 6\nspare = 1\nlease = \"20m\"\n\
             idle_timeout = \"15m\"\nschedule = [\"Mon-Fri 08:00-18:00 Europe/Berlin\"]\n\
             budget = {{ daily = \"400\" }}\n"
        );
    }
    load("bench", &text).expect("a valid policy").policy
}

/// Thirty days of office hours.
fn month(bencher: Bencher<'_, '_>, policy: &Policy, clients: u32) {
    let first = "2026-03-01".parse().expect("a date");
    let days = Days {
        first,
        count: 30,
        zone: policy.time_zone,
    };
    let visits = Model::OfficeHours.visits(policy, days, clients, 1);
    let config = SimConfig::default();
    bencher.bench_local(|| run::run(policy, &visits, days, 1, config, |_| ()).expect("runs"));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_month_of_20_pools_and_100_clients(bencher: Bencher<'_, '_>) {
    month(bencher, &studio(20), 100);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_month_of_the_example(bencher: Bencher<'_, '_>) {
    let policy = load("studio.toml", include_str!("../examples/studio.toml"))
        .expect("a valid policy")
        .policy;
    month(bencher, &policy, 10);
}

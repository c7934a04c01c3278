//! Shrinking: the shortest scenario that still breaks the same promise.

use crate::units::Span;

use super::promises::BrokenPromise;
use super::scenario::Scenario;
use super::trial::run;

/// Leaves out whatever a scenario does not need to break the same promise.
pub(super) fn shrink(scenario: &Scenario, broken: &BrokenPromise) -> (Scenario, BrokenPromise) {
    let (mut best, mut why) = (scenario.clone(), broken.clone());
    let tries = |best: &mut Scenario, why: &mut BrokenPromise, candidate: Scenario| {
        let Err(again) = run(&candidate) else {
            return false;
        };
        let same = again.promise == why.promise;
        if same {
            (*best, *why) = (candidate, again);
        }
        same
    };
    let shorter = Scenario {
        length: broken.at - scenario.start + Span::minutes(10),
        ..best.clone()
    };
    tries(&mut best, &mut why, shorter);
    let mut chunk = best.events.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < best.events.len() {
            let mut candidate = best.clone();
            candidate
                .events
                .drain(at..(at + chunk).min(best.events.len()));
            if !tries(&mut best, &mut why, candidate) {
                at += chunk;
            }
        }
        if chunk == 1 {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    let plainer: [fn(&mut Scenario); 7] = [
        |s| s.latency = Span::ZERO,
        |s| s.policy.monthly = None,
        |s| s.policy.daily = None,
        |s| s.policy.pools.iter_mut().for_each(|p| p.daily = None),
        |s| s.policy.pools.iter_mut().for_each(|p| p.schedule = None),
        |s| s.policy.pools.iter_mut().for_each(|p| p.fallback = false),
        |s| s.policy.zone = "UTC".into(),
    ];
    for change in plainer {
        let mut candidate = best.clone();
        change(&mut candidate);
        tries(&mut best, &mut why, candidate);
    }
    let shorter = Scenario {
        length: why.at - best.start + Span::minutes(1),
        ..best.clone()
    };
    tries(&mut best, &mut why, shorter);
    (best, why)
}

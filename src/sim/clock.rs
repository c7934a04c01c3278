//! Virtual clocks: a wall clock that can be set, and a boot clock that only counts.
//!
//! One line of true time is shared by everything in a world. A machine's wall clock is off by its
//! skew; a process takes the wall clock's reading at its start and at each resync, and counts on
//! from there, as `clock::SystemClock` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::{Clock, STEP_TOLERANCE};
use crate::units::{Span, Timestamp};

/// The true instant, which nobody inside the world can read.
#[derive(Clone, Debug, Default)]
pub struct TrueTime(Arc<AtomicI64>);

impl TrueTime {
    /// A world's time, beginning at an instant.
    pub fn starting(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.millis())))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Time passes, up to an instant that is not before the present one.
    pub(in crate::sim) fn advance(&self, to: Timestamp) {
        self.0.fetch_max(to.millis(), Ordering::Relaxed);
    }
}

/// One machine's wall clock, as its distance from true time.
#[derive(Clone, Debug, Default)]
pub struct WallClock(Arc<AtomicI64>);

impl WallClock {
    /// Sets the wall clock forward, or back by a negative span.
    pub fn step(&self, by: Span) {
        self.0.fetch_add(by.as_millis(), Ordering::Relaxed);
    }

    /// How far it is ahead of true time.
    pub fn skew(&self) -> Span {
        Span::millis(self.0.load(Ordering::Relaxed))
    }
}

/// The clock of one process on a machine.
#[derive(Debug)]
pub struct SimClock {
    time: TrueTime,
    wall: WallClock,
    /// The wall clock's skew as of the last resync.
    offset: AtomicI64,
}

impl SimClock {
    /// The clock of a process that starts now.
    pub fn new(time: TrueTime, wall: WallClock) -> Self {
        let offset = AtomicI64::new(wall.skew().as_millis());
        Self { time, wall, offset }
    }

    /// When it is true time, by this clock's reading.
    pub fn truth(&self, reading: Timestamp) -> Timestamp {
        reading - Span::millis(self.offset.load(Ordering::Relaxed))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.time.now() + Span::millis(self.offset.load(Ordering::Relaxed))
    }

    fn resync(&self) -> Option<Span> {
        let skew = self.wall.skew();
        let step = skew - Span::millis(self.offset.load(Ordering::Relaxed));
        (step.abs() > STEP_TOLERANCE).then(|| {
            self.offset.store(skew.as_millis(), Ordering::Relaxed);
            step
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_notices_a_step_once_and_durations_are_not_bent_by_it() {
        let (time, wall) = (
            TrueTime::starting(Timestamp::from_millis(1_000_000)),
            WallClock::default(),
        );
        let clock = SimClock::new(time.clone(), wall.clone());
        wall.step(Span::hours(3));
        time.advance(Timestamp::from_millis(1_060_000));
        assert_eq!(clock.now(), Timestamp::from_millis(1_060_000));
        assert_eq!(clock.resync(), Some(Span::hours(3)));
        assert_eq!(
            clock.now(),
            Timestamp::from_millis(1_060_000) + Span::hours(3)
        );
        assert_eq!(clock.resync(), None);
        assert_eq!(clock.truth(clock.now()), time.now());
    }
}

//! The only place that reads a clock.
//!
//! [`Clock::now`] runs on one line of time: it starts at the wall clock's reading and then advances
//! with `CLOCK_BOOTTIME`, so durations are right through suspend and are not bent by a wall clock
//! that is set. [`Clock::resync`] compares the two; where they disagree by more than a second it
//! moves the line to the wall clock and says by how much, and whoever keeps bounds throws them
//! away.

use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::units::{Span, Timestamp};

/// How far the wall clock and the boot clock may drift apart before the line of time is moved.
pub const STEP_TOLERANCE: Span = Span::seconds(1);

/// A source of the present instant.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// How far the line of time had to be moved to meet the wall clock again; `None` where they
    /// agree within [`STEP_TOLERANCE`].
    fn resync(&self) -> Option<Span>;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    /// Wall clock minus boot clock, as of the last resync.
    offset: Mutex<Span>,
}

impl SystemClock {
    /// A line of time that begins at the wall clock's present reading.
    pub fn new() -> Self {
        Self {
            offset: Mutex::new(Self::wall() - Self::boot()),
        }
    }

    fn read(id: ClockId) -> Timestamp {
        let t = clock_gettime(id);
        Timestamp::from_millis(
            t.tv_sec
                .saturating_mul(1_000)
                .saturating_add(t.tv_nsec / 1_000_000),
        )
    }
    fn wall() -> Timestamp {
        Self::read(ClockId::Realtime)
    }
    fn boot() -> Timestamp {
        Self::read(ClockId::Boottime)
    }
    fn offset(&self) -> std::sync::MutexGuard<'_, Span> {
        // A span is whole at every moment, so a poisoned lock still holds a good value.
        self.offset
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Self::boot() + *self.offset()
    }

    fn resync(&self) -> Option<Span> {
        let mut offset = self.offset();
        let step = Self::wall() - Self::boot() - *offset;
        (step.abs() > STEP_TOLERANCE).then(|| {
            *offset += step;
            step
        })
    }
}

/// Measures what something takes, for people to read; nothing is decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(rustix::time::Timespec);

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        Self(clock_gettime(ClockId::Monotonic))
    }

    /// What has passed since.
    pub fn elapsed(&self) -> Duration {
        let of = |t: rustix::time::Timespec| {
            let nanos = u32::try_from(t.tv_nsec).unwrap_or_default();
            Duration::new(u64::try_from(t.tv_sec).unwrap_or_default(), nanos)
        };
        of(clock_gettime(ClockId::Monotonic)).saturating_sub(of(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undisturbed_clock_needs_no_resync_and_never_runs_backwards() {
        let clock = SystemClock::new();
        let before = clock.now();
        assert_eq!(clock.resync(), None);
        assert!(clock.now() >= before);
    }

    #[test]
    fn a_step_of_the_wall_clock_is_told_once_and_followed() {
        let clock = SystemClock::new();
        *clock.offset() += Span::hours(-3);
        let step = clock.resync().expect("three hours are more than a second");
        assert!((step - Span::hours(3)).abs() < Span::seconds(1));
        assert_eq!(clock.resync(), None);
    }
}

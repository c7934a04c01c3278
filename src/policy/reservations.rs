//! What the reservations of a pool ask for at an instant.

use crate::units::{Span, Timestamp};

use super::model::Reservation;
use super::parse::Pool;

impl Pool {
    /// Gives the pool the reservations of its calendars, instead of those that it had. Its schedule
    /// is open for the time of each and the grace after it.
    pub fn book(&mut self, mut reservations: Vec<Reservation>) {
        reservations.sort_unstable();
        let open = reservations.iter().map(|r| (r.from, self.ends(r)));
        let open: Vec<_> = open.collect();
        let hours = std::mem::take(&mut self.schedule).with_reservations(Vec::new());
        self.schedule = hours.clone().with_reservations(open);
        self.hours = Some(hours).filter(|_| !reservations.is_empty());
        self.booked = reservations;
    }

    /// When a reservation keeps nothing any more.
    fn ends(&self, reservation: &Reservation) -> Timestamp {
        reservation.to + self.reservation_grace
    }

    /// How many reservations are in force, or begin within a while.
    pub fn reserved_within(&self, at: Timestamp, ahead: Span) -> u32 {
        let begun = self.booked.iter().take_while(|r| r.from <= at + ahead);
        count(begun.filter(|r| at < self.ends(r)))
    }

    /// How many reservations are not in force yet, and begin within a while.
    pub fn coming(&self, at: Timestamp, ahead: Span) -> u32 {
        let begun = self.booked.iter().take_while(|r| r.from <= at + ahead);
        count(begun.filter(|r| at < r.from))
    }

    /// When the first reservation begins after an instant.
    pub fn next_reservation(&self, after: Timestamp) -> Option<Timestamp> {
        let mut begins = self.booked.iter().map(|r| r.from);
        begins.find(|from| after < *from)
    }

    /// When the last reservation began up to an instant.
    pub fn last_reservation(&self, at: Timestamp) -> Option<Timestamp> {
        let begins = self.booked.iter().map(|r| r.from);
        begins.take_while(|from| *from <= at).last()
    }

    /// Every instant at which one begins or keeps nothing any more.
    pub(super) fn reservation_edges(&self) -> impl Iterator<Item = Timestamp> {
        self.booked.iter().flat_map(|r| [r.from, self.ends(r)])
    }

    /// Whether it would be open if nobody had reserved anything.
    pub(super) fn is_open_to_all(&self, at: Timestamp) -> bool {
        self.hours.as_ref().unwrap_or(&self.schedule).is_open(at)
    }
}

fn count<'a>(reservations: impl Iterator<Item = &'a Reservation>) -> u32 {
    u32::try_from(reservations.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{Counts, PoolWindow, Schedule};

    fn window(text: &str) -> Schedule {
        Schedule::new(vec![text.parse().expect("a window")])
    }

    proptest! {
        #[test]
        fn counts_change_where_they_are_said_to_and_are_those_of_the_reservations(
            booked in prop::collection::vec((0i64..600, 0i64..90), 0..6),
            minute in 0i64..700,
            ahead in 0i64..30,
        ) {
            let midnight: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
            let at = |minute| midnight + Span::minutes(minute);
            let mut pool = Pool::new("a".parse().expect("a name"));
            (pool.min, pool.max, pool.spare) = (1, 4, 2);
            pool.schedule = window("Mon 03:00-06:00 UTC");
            let counts = Counts { min: 2, max: 3, spare: 0 };
            pool.windows = vec![PoolWindow { when: window("Mon 04:00-05:00 UTC"), counts }];
            let reservation = |(from, long): &(i64, i64)| Reservation {
                from: at(*from),
                to: at(from + long),
                uid: String::new(),
                summary: String::new(),
            };
            pool.book(booked.iter().map(reservation).collect());

            let (now, ahead) = (at(minute), Span::minutes(ahead));
            let in_force = booked.iter().filter(|(from, long)| {
                at(*from) <= now && now < at(from + long) + pool.reservation_grace
            });
            let in_force = u32::try_from(in_force.count()).expect("few");
            prop_assert_eq!(pool.reserved_within(now, Span::ZERO), in_force);
            let soon = |from| now < at(from) && at(from) <= now + ahead;
            let coming = booked.iter().filter(|(from, _)| soon(*from));
            let coming = u32::try_from(coming.count()).expect("few");
            prop_assert_eq!(pool.coming(now, ahead), coming);
            prop_assert_eq!(pool.reserved_within(now, ahead), in_force + coming);

            let open = (180..360).contains(&minute);
            prop_assert_eq!(pool.schedule.is_open(now), open || in_force > 0);
            prop_assert_eq!(pool.is_open_within(now, ahead), open || in_force + coming > 0);
            let counts = pool.counts_at(now);
            let (min, max) = if (240..300).contains(&minute) { (2, 3) } else { (1, 4) };
            let min = if open || in_force == 0 { min } else { 0 };
            prop_assert_eq!((counts.min, counts.max), ((min + in_force).min(max), max));
            if let Some(next) = pool.next_counts(now) {
                prop_assert_eq!(pool.counts_at(next - Span::millis(1)), counts);
            }
            let begins = booked.iter().map(|(from, _)| at(*from));
            prop_assert_eq!(pool.next_reservation(now), begins.clone().filter(|b| now < *b).min());
            prop_assert_eq!(pool.last_reservation(now), begins.filter(|b| *b <= now).max());
        }
    }
}

//! The queue of what will happen, and the one line of true time that it moves.
//!
//! What stands in it is ordered by its instant and then by when it was put there, so one seed gives
//! one run. Its hash tells two runs apart.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::sim::clock::TrueTime;
use crate::units::{SessionId, Timestamp};

/// One thing that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorldEvent {
    /// A daemon's next pass is due, unless its plans have changed since.
    Due {
        /// Which daemon.
        daemon: usize,
        /// Which of its plans.
        generation: u64,
    },
    /// A request leaves its daemon.
    Departs(u64),
    /// A request takes effect.
    Arrives(u64),
    /// A request is answered.
    Answered(u64),
    /// A session boots or ends, by itself or because a request said so.
    Edge(SessionId),
    /// A client acts.
    Client(usize),
    /// A machine starts its daemon.
    Starts(usize),
    /// Something that whoever runs the world asked to be reminded of.
    Reminder(usize),
}

/// What will happen, in order, and how far time has come.
#[derive(Debug)]
pub(super) struct EventQueue {
    time: TrueTime,
    events: BinaryHeap<Reverse<(Timestamp, u64, WorldEvent)>>,
    order: u64,
    hash: u64,
}

impl EventQueue {
    /// An empty queue over a line of time.
    pub(super) const fn new(time: TrueTime) -> Self {
        Self {
            time,
            events: BinaryHeap::new(),
            order: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// The present instant, in true time.
    pub(super) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Puts something into the queue; what is overdue comes at once.
    pub(super) fn push(&mut self, at: Timestamp, event: WorldEvent) {
        self.order += 1;
        self.events
            .push(Reverse((at.max(self.time.now()), self.order, event)));
    }

    /// Takes the next thing out and moves time to it, if it is due by an instant.
    pub(super) fn pop(&mut self, end: Timestamp) -> Option<WorldEvent> {
        let (at, _, _) = &self.events.peek()?.0;
        if *at > end {
            return None;
        }
        let Reverse((at, _, event)) = self.events.pop()?;
        self.time.advance(at);
        self.mix(at.millis());
        Some(event)
    }

    /// Lets time pass in which nothing happens.
    pub(super) fn advance(&self, to: Timestamp) {
        self.time.advance(to);
    }

    /// Makes a value part of the hash.
    pub(super) fn mix(&mut self, value: i64) {
        self.hash = (self.hash ^ value.cast_unsigned())
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(17);
    }

    /// What the run so far comes to.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }
}

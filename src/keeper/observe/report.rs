//! How what a source says of a session is remembered for whoever asks why it is kept.

use crate::keeper::evidence::Evidence;
use crate::keeper::observation::{ActivityAnswer, SignOfUse};
use crate::keeper::state::{ManagedSession, SourceReport, Usage, WAIT_LASTS};
use crate::policy::{ActivitySource, Pool};
use crate::units::Timestamp;

impl ManagedSession {
    /// Remembers what a source said, and the last use that it saw.
    pub(in crate::keeper) fn report(
        &mut self,
        pool: &Pool,
        source: &ActivitySource,
        at: Timestamp,
        answer: &ActivityAnswer,
        used: Option<SignOfUse>,
    ) {
        let mut usage = self.reports.remove(source).and_then(|before| before.usage);
        if let Some(SignOfUse { at, by }) = used {
            let gap = pool.idle_timeout.unwrap_or(WAIT_LASTS);
            usage = Some(Usage::with(usage, at, by, gap));
        }
        let answer = answer.clone();
        let report = SourceReport { at, answer, usage };
        self.reports.insert(source.clone(), report);
    }

    /// Counts and remembers a sign of use that nobody has to look for: a heartbeat, or that a
    /// client asked.
    pub(in crate::keeper) fn note_use(&mut self, pool: &Pool, now: Timestamp, by: Evidence) {
        self.active = self.active.max(Some(now));
        let answer = ActivityAnswer::Used {
            at: now,
            saw: Some(by),
        };
        let used = answer.sign();
        self.report(pool, &ActivitySource::Heartbeat, now, &answer, used);
    }
}

//! Looking at what an engine holds.

use windlass::job::{Found, JobId, Live, Record, State};
use windlass::queue::QueueCounts;

use super::Bench;

impl Bench {
    /// What the engine knows of a job.
    #[track_caller]
    pub fn find(&self, id: JobId) -> Option<Found> {
        let mut found = self.engine().find(&[id]).expect("find is answered");
        assert_eq!(found.len(), 1, "one answer an id");
        found.remove(0)
    }

    /// Where a job stands, if the engine holds it.
    #[track_caller]
    pub fn state(&self, id: JobId) -> Option<State> {
        self.find(id).map(|found| found.state())
    }

    /// What the engine knows of a job that lives.
    #[track_caller]
    pub fn live(&self, id: JobId) -> Live {
        match self.find(id) {
            Some(Found::Live(live)) => live,
            other => panic!("{id} should live: {other:?}"),
        }
    }

    /// How a job ended that is not stored yet.
    #[track_caller]
    pub fn ended(&self, id: JobId) -> Record {
        match self.find(id) {
            Some(Found::Ended(record)) => record,
            other => panic!("{id} should have ended: {other:?}"),
        }
    }

    /// The counts of one queue; zeroes if the engine does not know it.
    #[track_caller]
    pub fn counts(&self, queue: &str) -> QueueCounts {
        let all = self.engine().queues().expect("queues is answered");
        let found = all.into_iter().find(|counts| counts.queue == queue);
        found.unwrap_or_else(|| QueueCounts {
            queue: queue.to_owned(),
            ..QueueCounts::default()
        })
    }

    /// Waiting, scheduled and running jobs of a queue.
    #[track_caller]
    pub fn numbers(&self, queue: &str) -> (u64, u64, u64) {
        let counts = self.counts(queue);
        (counts.ready, counts.scheduled, counts.running)
    }

    /// One of the totals; zero if it is not there.
    #[track_caller]
    pub fn total(&self, name: &str) -> u64 {
        let all = self.engine().totals().expect("totals is answered");
        all.iter()
            .find(|(n, _)| n == name)
            .map_or(0, |(_, count)| *count)
    }
}

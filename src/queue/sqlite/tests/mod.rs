//! Checks of this engine alone; what all engines promise is checked by the contract suite.

mod accepting;
mod lending;

use super::*;
use crate::clock::ManualClock;
use crate::job::{Attempt, Found, Job, Outcome as Ended, State};
use crate::queue::{Accepted, Cancelled, Desk, Ending, Idempotency, Levers, Share, Submission};
use serde_json::value::RawValue;

const LEASE: Duration = Duration::from_secs(15);

/// An engine on a clock that stands, a poller and a submitter.
struct Bench {
    queue: SqliteQueue,
    clock: Arc<ManualClock>,
    poller: Call,
    submitter: Call,
    random: u64,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("db"), false).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
            1_700_000_000_000_000,
        )));
        let settings = EngineSettings {
            namespace: "main".to_owned(),
            idempotency_window: Duration::from_secs(3600),
            idempotency_max: 2,
            lease: LEASE,
        };
        Self {
            queue: SqliteQueue::new(db, settings, clock.clone()),
            clock,
            poller: Call::first("poller"),
            submitter: Call::first("submitter"),
            random: 0,
            _folder: folder,
        }
    }

    fn job(&mut self, queue: &str) -> Job {
        self.random += 1 << 20;
        let payload = RawValue::from_string("{\"a\":1}".to_owned()).unwrap();
        Job::new(
            JobId::mint(self.clock.now(), self.random),
            "noop",
            queue,
            payload,
        )
    }

    fn submit(&mut self, jobs: Vec<Job>) -> Vec<Accepted> {
        let submission = Submission {
            jobs: jobs.into_iter().map(Arc::new).collect(),
            idempotency: None,
        };
        let answer = self.queue.enqueue(&self.submitter, &[submission]).unwrap();
        self.submitter.advance();
        match answer.into_iter().next() {
            Some(Submitted::Accepted(accepted)) => accepted,
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn submit_one(&mut self, queue: &str) -> JobId {
        let job = self.job(queue);
        self.submit(vec![job])[0].id()
    }

    fn reserve(&mut self, want: usize, suspect: bool, shares: &[Share]) -> Reserved {
        let reserved = self.reserve_again(want, suspect, shares);
        self.poller.advance();
        reserved
    }

    fn reserve_again(&self, want: usize, suspect: bool, shares: &[Share]) -> Reserved {
        let reserve = Reserve {
            node: "node",
            want,
            shares,
            lease: LEASE,
            suspect,
            max_crashes: 3,
        };
        self.queue.reserve(&self.poller, &reserve).unwrap()
    }

    /// Time goes on, with a sign of life often enough that no lease is excused.
    fn pass(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let piece = left.min(LEASE / 3);
            self.clock.advance(piece);
            left -= piece;
            self.queue.renew(&[], LEASE).unwrap();
        }
    }

    fn counts(&self, queue: &str) -> (u64, u64, u64) {
        let counts = self.queue.queues().unwrap();
        let one = counts.iter().find(|one| one.queue == queue).unwrap();
        (one.ready, one.scheduled, one.running)
    }

    fn state(&self, id: JobId) -> Option<State> {
        self.queue.find(&[id]).unwrap()[0]
            .as_ref()
            .map(Found::state)
    }

    fn attempt(&self, lease: &Lease) -> Attempt {
        Attempt {
            attempt: lease.attempt(),
            outcome: Ended::Failed,
            started_at: lease.leased_at(),
            ended_at: self.clock.now(),
            node: "node".to_owned(),
            error: None,
            log: Vec::new(),
        }
    }

    fn settle(&self, lease: &Lease, ending: Ending) -> Settled {
        let settlement = Settlement {
            lease: lease.clone(),
            attempt: self.attempt(lease),
            ending,
        };
        self.queue.settle(&[settlement]).unwrap()[0]
    }
}

fn share(queue: &str) -> Share {
    Share {
        queue: queue.to_owned(),
        share: 1,
        limit: None,
    }
}

fn success() -> Ending {
    Ending::End {
        state: State::Succeeded,
        result: None,
        error: None,
    }
}

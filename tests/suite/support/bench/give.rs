//! Giving leases back, and ended jobs to storage.

use std::time::Duration;

use windlass::job::{Attempt, ErrorKind, JobError, JobId, Outcome, Record, State};
use windlass::queue::{Ending, Lease, Release, Settled, Settlement};

use super::{Bench, LEASE, NODE, json};

impl Bench {
    /// The attempt that `lease` was for, ended now.
    pub fn attempt(&self, lease: &Lease, outcome: Outcome) -> Attempt {
        let error = (outcome != Outcome::Succeeded)
            .then(|| JobError::new(ErrorKind::Failed, "it did not work"));
        Attempt {
            attempt: lease.attempt(),
            outcome,
            started_at: lease.leased_at(),
            ended_at: self.now(),
            node: NODE.to_owned(),
            error,
            log: vec!["tried".to_owned()],
        }
    }

    /// The settlement of a success, with a result.
    pub fn success(&self, lease: &Lease) -> Settlement {
        Settlement {
            lease: lease.clone(),
            attempt: self.attempt(lease, Outcome::Succeeded),
            ending: Ending::End {
                state: State::Succeeded,
                result: Some(json(r#"{"done":[]}"#)),
                error: None,
            },
        }
    }

    /// The settlement of a failure that is tried again.
    pub fn failure(&self, lease: &Lease, delay: Duration) -> Settlement {
        Settlement {
            lease: lease.clone(),
            attempt: self.attempt(lease, Outcome::Failed),
            ending: Ending::Retry { delay },
        }
    }

    /// The settlement of a job that ends without success, in `state`.
    pub fn ending(&self, lease: &Lease, state: State) -> Settlement {
        let attempt = self.attempt(lease, Outcome::Failed);
        let error = attempt.error.clone();
        let ending = Ending::End {
            state,
            result: None,
            error,
        };
        Settlement {
            lease: lease.clone(),
            attempt,
            ending,
        }
    }

    /// Settles one.
    #[track_caller]
    pub fn settle(&self, settlement: Settlement) -> Settled {
        let answer = self
            .engine()
            .settle(&[settlement])
            .expect("settle is answered");
        answer[0]
    }

    /// Lets a leased job succeed.
    #[track_caller]
    pub fn succeed(&self, lease: &Lease) {
        let settled = self.settle(self.success(lease));
        assert_eq!(settled, Settled::Now(State::Succeeded));
    }

    /// Lets a leased job fail and be tried again after `delay`.
    #[track_caller]
    pub fn fail(&self, lease: &Lease, delay: Duration) {
        let settled = self.settle(self.failure(lease, delay));
        assert_eq!(settled, Settled::Now(State::Retrying));
    }

    /// Gives a lease back.
    #[track_caller]
    pub fn release(&self, lease: &Lease, delay: Duration) -> Settled {
        let release = Release {
            lease: lease.clone(),
            delay,
            attempt: None,
        };
        let answer = self
            .engine()
            .release(&[release])
            .expect("release is answered");
        answer[0]
    }

    /// Submits a job and lets it crash once, so that it is a suspect.
    #[track_caller]
    pub fn suspect(&self, queue: &str) -> JobId {
        let id = self.submit_to(queue);
        let lease = self.take_one(queue);
        assert_eq!(lease.ticket().id, id, "the queue should be empty before");
        assert_eq!(
            self.pass(LEASE + Duration::from_secs(1)),
            1,
            "the lease runs out"
        );
        id
    }

    /// Claims ended jobs.
    #[track_caller]
    pub fn collect(&self, want: usize) -> Vec<Record> {
        self.engine().collect(want).expect("collect is answered")
    }

    /// Says that records are stored.
    #[track_caller]
    pub fn stored(&self, ids: &[JobId]) {
        self.engine().stored(ids).expect("stored is answered");
    }

    /// Collects and acknowledges until nothing is left to be had now.
    #[track_caller]
    pub fn drain(&self) -> Vec<Record> {
        let mut all = Vec::new();
        loop {
            let some = self.collect(1_000);
            if some.is_empty() {
                return all;
            }
            self.stored(&some.iter().map(|r| r.job.id).collect::<Vec<_>>());
            all.extend(some);
        }
    }
}

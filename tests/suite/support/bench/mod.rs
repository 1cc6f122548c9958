//! An engine on a manual clock, and the words in which tests speak to it: how it is opened, submitting and taking
//! here, giving back in [`give`], looking in [`look`].

mod give;
mod look;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tempfile::TempDir;
use windlass::clock::{Clock, ManualClock};
use windlass::job::{Job, JobId, Timestamp};
use windlass::queue::{
    Accepted, Call, Engine, EngineSettings, Lease, Renewal, Renewed, Reserve, Reserved, Share,
    Submission, Submitted,
};

/// The length of leases on a bench.
pub const LEASE: Duration = Duration::from_secs(15);

/// How many lost leases quarantine a job on a bench.
pub const MAX_CRASHES: u32 = 3;

/// Who reserves on a bench, if nobody else is named.
pub const NODE: &str = "node-a";

/// For how long a bench's engine remembers an Idempotency-Key, and how many.
pub const KEY_WINDOW: Duration = Duration::from_secs(3600);
/// See [`KEY_WINDOW`].
pub const KEYS_MAX: usize = 20;

/// What a bench's clock shows at first: some moment in 2026.
pub const START: Timestamp = Timestamp::from_micros(1_795_000_000_123_456);

/// An engine of the test's own on a clock that only the test moves.
pub struct Bench {
    /// The engine's clock.
    pub clock: Arc<ManualClock>,
    open: Box<dyn Fn() -> Arc<dyn Engine> + Send + Sync>,
    engine: Mutex<Option<Arc<dyn Engine>>>,
    enqueues: Mutex<Call>,
    reserves: Mutex<Call>,
    _home: Option<TempDir>,
}

impl Bench {
    /// A bench on whatever `open` opens; it is called again by [`Bench::reopen`] and must find the same jobs.
    pub fn new(
        home: Option<TempDir>,
        clock: Arc<ManualClock>,
        open: impl Fn() -> Arc<dyn Engine> + Send + Sync + 'static,
    ) -> Self {
        let engine = Mutex::new(Some(open()));
        Self {
            clock,
            open: Box::new(open),
            engine,
            enqueues: Mutex::new(Call::first("bench-submitter")),
            reserves: Mutex::new(Call::first("bench-poller")),
            _home: home,
        }
    }

    /// What every bench's engine is opened with; the namespace is fresh.
    pub fn settings() -> EngineSettings {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        EngineSettings {
            namespace: format!("bench-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            idempotency_window: KEY_WINDOW,
            idempotency_max: KEYS_MAX,
            lease: LEASE,
        }
    }

    /// The engine.
    pub fn engine(&self) -> Arc<dyn Engine> {
        let engine = held(&self.engine);
        Arc::clone(
            engine
                .as_ref()
                .expect("an engine is there but for a moment"),
        )
    }

    /// Gives the engine up and opens it again, as a daemon that starts anew does.
    pub fn reopen(&self) {
        let mut engine = held(&self.engine);
        *engine = None;
        *engine = Some((self.open)());
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock in steps that no lease can mind, with a heartbeat after each; tells how many leases ran out.
    pub fn pass(&self, time: Duration) -> usize {
        let end = self.now() + time;
        let mut lapsed = self.beat().lapsed;
        while self.now() < end {
            self.clock.advance((LEASE / 3).min(end.since(self.now())));
            lapsed += self.beat().lapsed;
        }
        lapsed
    }

    /// A reserve that takes nothing, repeated until it leaves no work undone.
    pub fn beat(&self) -> Reserved {
        let mut all = Reserved::default();
        loop {
            let one = self.reserve(&self.ask(&[], 0));
            all.lapsed += one.lapsed;
            (all.next, all.outbox) = (one.next, one.outbox);
            if !one.more {
                return all;
            }
        }
    }
}

/// Submitting.
impl Bench {
    /// A job that could be submitted: type `noop`, with a fresh id.
    pub fn job(&self, queue: &str) -> Job {
        let id = JobId::mint(self.now(), fastrand::u64(..));
        Job::new(id, "noop", queue, json("{}"))
    }

    /// `count` jobs whose ids follow each other.
    pub fn jobs(&self, queue: &str, count: usize) -> Vec<Job> {
        let first = JobId::mint(self.now(), fastrand::u64(..));
        let job = |i| Job::new(first.nth(i), "noop", queue, json("{}"));
        (0..count).map(job).collect()
    }

    /// A job that is due after `delay`.
    pub fn job_in(&self, queue: &str, delay: Duration) -> Job {
        let run_at = Some(self.now() + delay);
        Job {
            run_at,
            ..self.job(queue)
        }
    }

    /// Enqueues with the next number.
    #[track_caller]
    pub fn enqueue(&self, submissions: &[Submission]) -> Vec<Submitted> {
        let mut call = held(&self.enqueues);
        let answer = self.engine().enqueue(&call, submissions);
        call.advance();
        answer.expect("enqueue is answered")
    }

    /// Submits one job, which must be accepted as new.
    #[track_caller]
    pub fn submit(&self, job: Job) -> JobId {
        let id = job.id;
        let answer = self.enqueue(&[submission([job])]);
        assert!(
            matches!(&answer[..], [Submitted::Accepted(jobs)] if matches!(jobs[..], [Accepted::New(new, _)] if new == id)),
            "not accepted as new: {answer:?}"
        );
        id
    }

    /// Submits a job to run at once.
    #[track_caller]
    pub fn submit_to(&self, queue: &str) -> JobId {
        self.submit(self.job(queue))
    }

    /// Submits jobs, in calls that are not too large.
    #[track_caller]
    pub fn submit_all(&self, jobs: Vec<Job>) -> Vec<JobId> {
        let ids = jobs.iter().map(|job| job.id).collect();
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let piece: Vec<Job> = jobs.by_ref().take(1_000).collect();
            self.enqueue(&[submission(piece)]);
        }
        ids
    }
}

/// Taking.
impl Bench {
    /// What a poller would ask: leases of the usual length for [`NODE`], no suspects.
    pub fn ask<'a>(&self, shares: &'a [Share], want: usize) -> Reserve<'a> {
        Reserve {
            node: NODE,
            want,
            shares,
            lease: LEASE,
            suspect: false,
            max_crashes: MAX_CRASHES,
        }
    }

    /// Reserves with the next number.
    #[track_caller]
    pub fn reserve(&self, ask: &Reserve<'_>) -> Reserved {
        let mut call = held(&self.reserves);
        let answer = self.engine().reserve(&call, ask);
        call.advance();
        answer.expect("reserve is answered")
    }

    /// Takes up to `want` jobs of a queue, no suspects.
    #[track_caller]
    pub fn take(&self, queue: &str, want: usize) -> Vec<Lease> {
        self.reserve(&self.ask(&[share(queue, want)], want)).leases
    }

    /// Takes the one job that a queue must have to give.
    #[track_caller]
    pub fn take_one(&self, queue: &str) -> Lease {
        let lease = self.take(queue, 1).pop();
        lease.unwrap_or_else(|| panic!("{queue} gave nothing; it has {:?}", self.counts(queue)))
    }

    /// Takes up to `want` jobs of a queue, a suspect among them if there is one.
    #[track_caller]
    pub fn take_with_suspect(&self, queue: &str, want: usize) -> Vec<Lease> {
        let shares = [share(queue, want)];
        let ask = Reserve {
            suspect: true,
            ..self.ask(&shares, want)
        };
        self.reserve(&ask).leases
    }

    /// Renews one lease.
    #[track_caller]
    pub fn renew(&self, lease: &Lease) -> Renewed {
        let renewals = [Renewal {
            lease,
            progress: None,
        }];
        let answer = self
            .engine()
            .renew(&renewals, LEASE)
            .expect("renew is answered");
        answer[0]
    }
}

/// Jobs that are accepted together, without a key.
pub fn submission(jobs: impl IntoIterator<Item = Job>) -> Submission {
    let jobs = jobs.into_iter().map(Arc::new).collect();
    Submission {
        jobs,
        idempotency: None,
    }
}

/// A share of a queue without a limit.
pub fn share(queue: &str, share: usize) -> Share {
    Share {
        queue: queue.to_owned(),
        share,
        limit: None,
    }
}

/// JSON text as it is.
pub fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("the test wrote JSON")
}

/// Seconds, for short.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

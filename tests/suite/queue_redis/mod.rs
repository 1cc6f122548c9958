//! What only Redis can do wrong: the contract suite tests what every engine promises.
//!
//! - `trouble`: servers that forget scripts, hang, are away, refuse us or are unfit.
//! - `bounds`: a full Redis, large bodies, many leases, lines of spent tickets, bodies that cannot be read.

mod bounds;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::value::RawValue;
use windlass::job::{Attempt, Job, JobId, Outcome, State};
use windlass::queue::redis::RedisQueue;
use windlass::queue::{
    Accepted, Call, Ending, EngineSettings, Lease, Queue, QueueError, Reserve, Reserved, Settled,
    Settlement, Share, Submission, Submitted,
};

use crate::support::servers::Redis;

const LEASE: Duration = Duration::from_secs(60);
const NODE: &str = "here:8080";

/// A queue in a namespace of its own, on Redis' own clock.
struct Bench {
    queue: RedisQueue,
    prefix: String,
    enqueues: Call,
    reserves: Call,
}

impl Bench {
    fn on(redis: &Redis) -> Self {
        Self::at(&redis.addr())
    }

    fn at(addr: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let namespace = format!("own-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let prefix = format!("windlass:{{{namespace}}}:");
        let settings = EngineSettings {
            namespace,
            idempotency_window: Duration::from_secs(60),
            idempotency_max: 10,
            lease: LEASE,
        };
        Self {
            queue: RedisQueue::open(addr, settings, None).expect("a good address"),
            prefix,
            enqueues: Call::first("test-enqueue"),
            reserves: Call::first("test-reserve"),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Jobs whose payload is `payload`, with ids in order.
    fn jobs(&self, count: usize, payload: &str) -> Vec<Arc<Job>> {
        let first = JobId::mint(self.queue.now(), fastrand::u64(..));
        (0..count)
            .map(|i| Arc::new(Job::new(first.nth(i), "noop", "default", json(payload))))
            .collect()
    }

    fn try_enqueue(&mut self, jobs: Vec<Arc<Job>>) -> Result<(), QueueError> {
        let submission = Submission {
            jobs,
            idempotency: None,
        };
        let answer = self.queue.enqueue(&self.enqueues, &[submission])?;
        self.enqueues.advance();
        let [Submitted::Accepted(accepted)] = &answer[..] else {
            panic!("not accepted: {answer:?}");
        };
        let new = |a: &Accepted| matches!(a, Accepted::New(_, State::Queued));
        assert!(accepted.iter().all(new), "{accepted:?}");
        Ok(())
    }

    fn enqueue(&mut self, jobs: Vec<Arc<Job>>) {
        self.try_enqueue(jobs).expect("Redis answers");
    }

    fn try_reserve(&mut self, want: usize) -> Result<Reserved, QueueError> {
        let share = Share {
            queue: "default".to_owned(),
            share: want,
            limit: None,
        };
        let reserve = Reserve {
            node: NODE,
            want,
            shares: &[share],
            lease: LEASE,
            suspect: true,
            max_crashes: 3,
        };
        let answer = self.queue.reserve(&self.reserves, &reserve)?;
        self.reserves.advance();
        Ok(answer)
    }

    fn reserve(&mut self, want: usize) -> Reserved {
        self.try_reserve(want).expect("Redis answers")
    }

    fn succeed(&self, leases: &[Lease]) {
        let settlements: Vec<_> = leases.iter().map(success).collect();
        let answers = self.queue.settle(&settlements).expect("Redis answers");
        let well = |a: &Settled| *a == Settled::Now(State::Succeeded);
        assert!(answers.iter().all(well), "{answers:?}");
    }
}

fn success(lease: &Lease) -> Settlement {
    Settlement {
        lease: lease.clone(),
        attempt: Attempt {
            attempt: lease.attempt(),
            outcome: Outcome::Succeeded,
            started_at: lease.leased_at(),
            ended_at: lease.leased_at(),
            node: NODE.to_owned(),
            error: None,
            log: Vec::new(),
        },
        ending: Ending::End {
            state: State::Succeeded,
            result: Some(json("true")),
            error: None,
        },
    }
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

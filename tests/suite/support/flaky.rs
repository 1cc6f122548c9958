//! An engine behind a line that loses what the test says: the request, or the reply.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass::job::{Found, JobId, Record, Timestamp};
use windlass::queue::{
    Calendar, Call, Cancelled, Change, Claim, Desk, Engine, Entry, Fired, Levers, Line, Listed,
    MadeDue, Node, Place, Put, Queue, QueueCounts, QueueError, Release, Renewal, Renewed, Reserve,
    Reserved, Settled, Settlement, Submission, Submitted,
};

/// What goes wrong. Whether request or reply is lost, the caller sees the same error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The call never reaches the engine.
    Request,
    /// The call takes effect, and its answer is lost.
    Reply,
    /// Nothing gets lost: the engine has no room, says so, and does nothing.
    Room,
}

/// An engine that can be told to lose calls.
pub struct Flaky {
    engine: Arc<dyn Engine>,
    plan: Mutex<Vec<(&'static str, Lost)>>,
    calls: Mutex<BTreeMap<&'static str, usize>>,
}

impl Flaky {
    /// `engine` behind a line that loses nothing yet.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            engine,
            plan: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// Loses the next call of this name that no other loss is planned for.
    pub fn lose(&self, call: &'static str, what: Lost) {
        self.plan
            .lock()
            .expect("no test panics in here")
            .push((call, what));
    }

    /// Whether every planned loss has happened.
    pub fn is_spent(&self) -> bool {
        self.plan.lock().expect("no test panics in here").is_empty()
    }

    /// How many calls of this name were made so far.
    pub fn calls(&self, call: &str) -> usize {
        let calls = self.calls.lock().expect("no test panics in here");
        calls.get(call).copied().unwrap_or(0)
    }

    fn pass<T>(
        &self,
        call: &'static str,
        run: impl FnOnce() -> Result<T, QueueError>,
    ) -> Result<T, QueueError> {
        {
            let mut calls = self.calls.lock().expect("no test panics in here");
            *calls.entry(call).or_default() += 1;
        }
        let lost = {
            let mut plan = self.plan.lock().expect("no test panics in here");
            let next = plan.iter().position(|(name, _)| *name == call);
            next.map(|at| plan.remove(at).1)
        };
        let gone = |what: &str| QueueError::Unavailable {
            call,
            reason: format!("the {what} was lost"),
        };
        match lost {
            None => run(),
            Some(Lost::Request) => Err(gone("request")),
            Some(Lost::Room) => Err(QueueError::Full {
                reason: "no room".to_owned(),
            }),
            Some(Lost::Reply) => run().and(Err(gone("reply"))),
        }
    }
}

impl Queue for Flaky {
    fn now(&self) -> Timestamp {
        self.engine.now()
    }

    fn enqueue(&self, call: &Call, jobs: &[Submission]) -> Result<Vec<Submitted>, QueueError> {
        self.pass("enqueue", || self.engine.enqueue(call, jobs))
    }

    fn wait(&self, queues: &[String], timeout: Duration) -> Result<bool, QueueError> {
        self.pass("wait", || self.engine.wait(queues, timeout))
    }

    fn reserve(&self, call: &Call, ask: &Reserve<'_>) -> Result<Reserved, QueueError> {
        self.pass("reserve", || self.engine.reserve(call, ask))
    }

    fn renew(&self, renewals: &[Renewal<'_>], lease: Duration) -> Result<Vec<Renewed>, QueueError> {
        self.pass("renew", || self.engine.renew(renewals, lease))
    }

    fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, QueueError> {
        self.pass("settle", || self.engine.settle(settlements))
    }

    fn release(&self, releases: &[Release]) -> Result<Vec<Settled>, QueueError> {
        self.pass("release", || self.engine.release(releases))
    }

    fn collect(&self, want: usize) -> Result<Vec<Record>, QueueError> {
        self.pass("collect", || self.engine.collect(want))
    }

    fn stored(&self, ids: &[JobId]) -> Result<(), QueueError> {
        self.pass("stored", || self.engine.stored(ids))
    }
}

impl Desk for Flaky {
    fn check(&self) -> Result<(), QueueError> {
        self.pass("check", || self.engine.check())
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Found>>, QueueError> {
        self.pass("find", || self.engine.find(ids))
    }

    fn list(
        &self,
        line: Line<'_>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        self.pass("list", || self.engine.list(line, after, want))
    }

    fn queues(&self) -> Result<Vec<QueueCounts>, QueueError> {
        self.pass("queues", || self.engine.queues())
    }

    fn totals(&self) -> Result<Vec<(String, u64)>, QueueError> {
        self.pass("totals", || self.engine.totals())
    }

    fn beat(&self, node: &Node) -> Result<(), QueueError> {
        self.pass("beat", || self.engine.beat(node))
    }

    fn nodes(&self, within: Duration) -> Result<Vec<Node>, QueueError> {
        self.pass("nodes", || self.engine.nodes(within))
    }

    fn take_over(
        &self,
        node: &str,
        before: Timestamp,
        max_crashes: u32,
    ) -> Result<usize, QueueError> {
        self.pass("take_over", || {
            self.engine.take_over(node, before, max_crashes)
        })
    }
}

impl Levers for Flaky {
    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError> {
        self.pass("cancel", || self.engine.cancel(id))
    }

    fn pause(&self, queue: &str, paused: bool) -> Result<(), QueueError> {
        self.pass("pause", || self.engine.pause(queue, paused))
    }

    fn make_due(&self, id: JobId) -> Result<MadeDue, QueueError> {
        self.pass("make_due", || self.engine.make_due(id))
    }

    fn purge(&self, queue: &str) -> Result<u64, QueueError> {
        self.pass("purge", || self.engine.purge(queue))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, QueueError> {
        self.pass("retried", || self.engine.retried(ids))
    }

    fn forget_retry(&self, old: JobId, retry: JobId) -> Result<(), QueueError> {
        self.pass("forget_retry", || self.engine.forget_retry(old, retry))
    }
}

impl Calendar for Flaky {
    fn put(&self, name: &str, change: &Change<'_>) -> Result<Put, QueueError> {
        self.pass("put", || self.engine.put(name, change))
    }

    fn remove(&self, name: &str, revision: u64) -> Result<bool, QueueError> {
        self.pass("remove", || self.engine.remove(name, revision))
    }

    fn entry(&self, name: &str) -> Result<Option<Entry>, QueueError> {
        self.pass("entry", || self.engine.entry(name))
    }

    fn entries(&self) -> Result<Vec<Entry>, QueueError> {
        self.pass("entries", || self.engine.entries())
    }

    fn version(&self) -> Result<u64, QueueError> {
        self.pass("version", || self.engine.version())
    }

    fn fire(&self, claim: &Claim<'_>) -> Result<Fired, QueueError> {
        self.pass("fire", || self.engine.fire(claim))
    }
}

//! What goes into the calls of the queue's traits, and what comes out.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::job::{Attempt, Job, JobError, JobId, Progress, State, Ticket, Timestamp};

/// What every engine is opened with beside its address.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Which of several applications that share one store; part of every key.
    pub namespace: String,
    /// How long an Idempotency-Key is remembered.
    pub idempotency_window: Duration,
    /// How many Idempotency-Keys are remembered at most; beyond it, submissions with a new key are refused.
    pub idempotency_max: usize,
    /// The length of leases. A hole of more than half of it in the engine's own time line means that the engine was
    /// away, which no lease should pay for.
    pub lease: Duration,
}

/// The number of a call, by which the engine knows a repeat (Q6). A caller numbers its calls 1, 2, 3, … and goes on to
/// the next number only after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who calls; unique to one thread of one process.
    pub caller: String,
    /// Which of its calls.
    pub number: u64,
}

impl Call {
    /// The first call of a caller nobody else is: `role` and a random part.
    #[must_use]
    pub fn first(role: &str) -> Self {
        Self {
            caller: format!("{role}-{:016x}", fastrand::u64(..)),
            number: 1,
        }
    }

    /// Goes on to the next number; only after the present one was answered.
    pub fn advance(&mut self) {
        self.number += 1;
    }
}

/// Jobs that are accepted together or not at all.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The jobs, in order. Without [`Submission::idempotency`] they may be anything; with it, ids are
    /// `first.nth(0)`, `first.nth(1)`, …
    pub jobs: Vec<Arc<Job>>,
    /// By which a repeat of the whole submission is known for a long time.
    pub idempotency: Option<Idempotency>,
}

/// An Idempotency-Key and the fingerprint of the request that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key: 1 to 255 printable ASCII characters.
    pub key: String,
    /// SHA-256 of the request's body.
    pub digest: [u8; 32],
}

/// The answer to a [`Submission`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// Accepted; one answer a job, in order.
    Accepted(Vec<Accepted>),
    /// The same key came with the same body before; these are the ids that were answered then.
    Replayed(Vec<JobId>),
    /// The same key came with another body before; nothing was accepted.
    KeyReused,
    /// No more keys can be remembered at present; nothing was accepted.
    KeysFull,
    /// A job that runs an ended one again was named too long ago (`RETRY_WITHIN`); nothing was accepted. Begin anew.
    Outdated,
}

/// What became of one job of an accepted submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is a new job in this state (queued or scheduled).
    New(JobId, State),
    /// A live job holds its unique key, or a job runs the same ended one again: this one. The new one was not accepted.
    Existing(JobId),
}

impl Accepted {
    /// The id to answer with.
    #[must_use]
    pub fn id(self) -> JobId {
        match self {
            Self::New(id, _) | Self::Existing(id) => id,
        }
    }
}

/// One queue as a poller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The queue.
    pub queue: String,
    /// How many tickets to take from it before the other queues have had theirs. What is left over when every queue has
    /// had its share is filled in order.
    pub share: usize,
    /// At most this many of the queue run at once, over all daemons.
    pub limit: Option<u32>,
}

/// What a poller asks for.
#[derive(Debug, Clone)]
pub struct Reserve<'a> {
    /// Who will run what is lent.
    pub node: &'a str,
    /// How many tickets at most; 0 only keeps the queue going (others can then take what is due).
    pub want: usize,
    /// The queues to take from, in this order.
    pub shares: &'a [Share],
    /// For how long they are lent.
    pub lease: Duration,
    /// Whether one job that a process died of before may be among them. A node runs at most one such suspect at a time.
    pub suspect: bool,
    /// A job whose lease runs out for this many-th time is quarantined.
    pub max_crashes: u32,
}

/// One lending of a job. Only `reserve` makes these, and only with one can a job be settled or given back.
#[derive(Debug, Clone)]
pub struct Lease {
    pub(super) ticket: Ticket,
    pub(super) job: Arc<Job>,
    pub(super) failures: u32,
    pub(super) crashes: u32,
    pub(super) leased_at: Timestamp,
}

impl Lease {
    /// Which lending it is.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The job.
    #[must_use]
    pub fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// How many of its attempts failed so far.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How many of its attempts were lost with their worker so far. More than none makes it a suspect.
    #[must_use]
    pub fn crashes(&self) -> u32 {
        self.crashes
    }

    /// The number of the attempt that this lending is for, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.failures + self.crashes + 1
    }

    /// When it was lent, on the engine's clock.
    #[must_use]
    pub fn leased_at(&self) -> Timestamp {
        self.leased_at
    }
}

/// The answer to a [`Reserve`].
#[derive(Debug, Clone, Default)]
pub struct Reserved {
    /// What was lent.
    pub leases: Vec<Lease>,
    /// When something next happens by itself: a job is due, expires, or a lease ends; `None` if nothing will.
    pub next: Option<Timestamp>,
    /// Whether the call left work undone because of its bounds; then call again at once.
    pub more: bool,
    /// How many ended jobs wait for a recorder.
    pub outbox: usize,
    /// How many leases this call found run out, quarantined jobs among them.
    pub lapsed: usize,
}

/// Keeps one lease.
#[derive(Debug, Clone)]
pub struct Renewal<'a> {
    /// The lease.
    pub lease: &'a Lease,
    /// What its handler says of itself, if it has said something new.
    pub progress: Option<Progress>,
}

/// The answer to a [`Renewal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// The lease holds.
    Held,
    /// The lease holds, and somebody asked for the job's end.
    CancelRequested,
    /// The lease is lost: somebody else has the job, or it has ended. Stop working on it.
    Lost,
}

/// The end of one lease.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The lease.
    pub lease: Lease,
    /// The attempt that it was for.
    pub attempt: Attempt,
    /// What becomes of the job.
    pub ending: Ending,
}

/// What becomes of a job whose attempt is over.
#[derive(Debug, Clone)]
pub enum Ending {
    /// It ends.
    End {
        /// Succeeded, dead or cancelled.
        state: State,
        /// What the handler answered, as JSON text without U+0000.
        result: Option<Box<RawValue>>,
        /// Why it did not succeed.
        error: Option<JobError>,
    },
    /// It counts one failure more and waits for its next attempt.
    Retry {
        /// For so long, on the engine's clock.
        delay: Duration,
    },
}

/// The answer to a [`Settlement`] or a [`Release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The job stands in this state now.
    Now(State),
    /// The ticket is not the leased one (any more); nothing changed.
    NotOurs,
}

/// Gives one lease back.
#[derive(Debug, Clone)]
pub struct Release {
    /// The lease.
    pub lease: Lease,
    /// Not to be lent again before; zero: to the head of its line.
    pub delay: Duration,
    /// The attempt, if one had begun.
    pub attempt: Option<Attempt>,
}

/// Counts of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// The queue.
    pub queue: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Jobs that stand in its line.
    pub ready: u64,
    /// Jobs that wait for their time, retrying ones among them.
    pub scheduled: u64,
    /// Jobs that are lent to workers.
    pub running: u64,
    /// Since when the job that comes next has stood in its line.
    pub oldest_ready_at: Option<Timestamp>,
}

/// A daemon as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub node: String,
    /// When it started, on the engine's clock.
    pub started_at: Timestamp,
    /// When it was last heard of; the engine sets it.
    pub seen_at: Timestamp,
    /// How many worker threads it has.
    pub threads: usize,
    /// How many of them are at work.
    pub busy: usize,
    /// Whether it was told to take nothing more for a while.
    #[serde(default)]
    pub quiet: bool,
    /// The queues it takes from.
    pub queues: Vec<String>,
    /// The job types it knows.
    pub types: Vec<String>,
    /// The schedules that its file names.
    #[serde(default)]
    pub schedules: Vec<String>,
    /// What it runs.
    pub running: Vec<Running>,
}

/// One job that a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The job.
    pub id: JobId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Since when, on the engine's clock.
    pub since: Timestamp,
}

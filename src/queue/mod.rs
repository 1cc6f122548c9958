//! Where jobs wait and are handed out.
//!
//! [`Queue`] is the road of a job, [`Desk`] what operators ask, [`Levers`] what they do, [`Calendar`] the cron entries; an
//! [`Engine`] keeps all four. [`redis`] and [`sqlite`] are the engines; everything above this module sees only the traits.
//!
//! ```text
//!   enqueue ─▶ queued ──reserve──▶ running ──settle: ended──▶ outbox ──collect, stored──▶ (storage)
//!      │ later   ▲                    │
//!      ▼         │ due                │ settle: retry
//!   scheduled ───┴──── retrying ◀─────┘
//! ```
//!
//! # Guarantees
//!
//! `tests/suite/contract` runs each of these against every engine.
//!
//! - **Q1** What was accepted is not lost.
//! - **Q2** No ticket number is leased twice.
//! - **Q3** Only the leased ticket settles, renews, releases; any other changes nothing.
//! - **Q4** A settlement and its outbox entry happen together.
//! - **Q5** A job is never run early.
//! - **Q6** A repeat of enqueue, reserve or settle changes nothing.
//! - **Q7** There is one live job a unique key.
//! - **Q8** A release costs nothing, a lost lease one crash, an engine's absence nothing.
//! - **Q9** `collect` hands each ended job to some recorder until it is stored.
//! - **Q10** Ended is final.
//! - **Q11** The work of one call is bounded.
//! - **Q12** Work that waits wakes a poller that could take it.
//! - **Q13** There is one job a tick.
//! - **Q14** Counters equal what they count.
//! - **Q15** An ended job is run again by one job: who asks again gets that one.
//!
//! Delivery is therefore *at least once*: a handler may run twice, never zero times.
//!
//! # Time
//!
//! An engine has one clock: Redis' own for Redis, the host's for SQLite, a manual one in tests. Daemons that share a
//! Redis may disagree about the time. Job ids are minted on [`Queue::now`], and a job's `run_at` and `expires_at` are
//! instants on that same clock; a retry carries a delay, which the engine turns into an instant.
//!
//! # Repeating
//!
//! Every call may be repeated after an error, and must be: an error means that it is unknown whether the call took
//! effect. `enqueue` and `reserve` are numbered by their caller ([`Call`]); the others are safe by what they say.
//!
//! # Not here
//!
//! No retry policy (see [`crate::job::retry`]), no threads, no knowledge of handlers or storage.

mod calendar;
mod calls;
mod error;
mod levers;
mod list;
pub mod redis;
pub mod sqlite;

use std::time::Duration;

use crate::job::{Found, JobId, Record, Timestamp};

pub use calendar::{
    AHEAD_MAX, Calendar, Change, Claim, ENTRIES_MAX, Entry, Fired, Passed, Put, Turn, WHY_BYTES_MAX,
};
pub use calls::{
    Accepted, Call, Ending, EngineSettings, Idempotency, Lease, Node, QueueCounts, Release,
    Renewal, Renewed, Reserve, Reserved, Running, Settled, Settlement, Share, Submission,
    Submitted,
};
pub use error::QueueError;
pub use levers::{Cancelled, Levers, MadeDue, RETRY_KEPT, RETRY_WITHIN};
pub use list::{Line, Listed, Place};

/// Most tickets that one call touches, whatever it does (Q11). Callers with more make several calls.
pub const TICKETS_PER_CALL_MAX: usize = 1_000;

/// Most bytes of job bodies that one `reserve` or `collect` answers with (Q11); at least one job is always answered.
pub const BODY_BYTES_PER_CALL_MAX: usize = 4 * 1024 * 1024;

/// The road of a job.
pub trait Queue: Send + Sync {
    /// The engine's clock, as well as it is known here without asking; exact after any call that just succeeded.
    fn now(&self) -> Timestamp;

    /// Accepts submissions, each all or nothing, all in one atomic step; answers in their order.
    ///
    /// Repeating with the same [`Call`] answers the same and changes nothing (Q6). Holds at most
    /// [`TICKETS_PER_CALL_MAX`] jobs in all.
    ///
    /// A job that runs an ended one again (`retry_of`) is accepted unless another does (Q15), also one that has ended
    /// itself, until it is stored and for [`RETRY_KEPT`] longer. Its id must have been minted before its caller looked
    /// for such another, in [`Levers::retried`] and then in storage; past [`RETRY_WITHIN`] it is outdated.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: unknown whether it happened; repeat with the same `call`. [`QueueError::Full`]: the
    /// engine has no room and nothing was accepted.
    fn enqueue(
        &self,
        call: &Call,
        submissions: &[Submission],
    ) -> Result<Vec<Submitted>, QueueError>;

    /// Waits until work may be there for one of `queues`, at most `timeout`; tells whether it was woken (Q12).
    ///
    /// A wake-up is a hint and is spent by it: whoever is woken calls [`Queue::reserve`].
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: wait a little, then call again.
    fn wait(&self, queues: &[String], timeout: Duration) -> Result<bool, QueueError>;

    /// The heartbeat of the queue: in one atomic step puts run-out leases back in line, moves what is due to its line,
    /// ends what expired, and lends up to `want` tickets.
    ///
    /// Repeating with the same [`Call`] answers those of the same leases that still hold (Q6).
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: unknown whether it happened; repeat with the same `call`, or the leases run out.
    fn reserve(&self, call: &Call, reserve: &Reserve<'_>) -> Result<Reserved, QueueError>;

    /// Keeps leases for another `lease` and brings progress; answers in order whether each is still held (Q3).
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again before the leases end.
    fn renew(&self, renewals: &[Renewal<'_>], lease: Duration) -> Result<Vec<Renewed>, QueueError>;

    /// Ends leases: each job ends and enters the outbox, or goes back to wait for its retry, in one atomic step (Q4).
    ///
    /// Calling again after an error is safe (Q6). If the first call did take effect and only its reply was lost, the
    /// second finds the tickets spent and answers [`Settled::NotOurs`] for them; nothing changes. A retry of a job whose
    /// end was asked for ends it as cancelled instead.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: whether the step happened is unknown. Call again, on and on, for as long as the
    /// leases are renewed.
    fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, QueueError>;

    /// Gives leases back uncounted (Q8): to the head of their line, or for later. Repeating is safe, as with `settle`.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again, or let the leases run out (which costs each job a crash).
    fn release(&self, releases: &[Release]) -> Result<Vec<Settled>, QueueError>;

    /// Claims up to `want` ended jobs from the outbox for a minute, oldest first (Q9).
    ///
    /// A body that cannot be read any more is answered as a record of type `unreadable` with the text as its error, so
    /// that nothing waits behind it.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again; what was claimed comes back after a minute.
    fn collect(&self, want: usize) -> Result<Vec<Record>, QueueError>;

    /// Forgets ended jobs that storage now holds. Repeating is safe.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again, or let them be collected again; storage meets them with its conflict
    /// rule.
    fn stored(&self, ids: &[JobId]) -> Result<(), QueueError>;
}

/// What operators, and the daemon on its own behalf, ask of the queue.
pub trait Desk: Send + Sync {
    /// Makes sure that the engine can be used: reached, of a version, policy and layout that we know.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unfit`]: it never will be; say why and stop. [`QueueError::Unavailable`]: not yet; ask again.
    fn check(&self) -> Result<(), QueueError>;

    /// How jobs stand, in the order of `ids`; `None` for one that the queue does not hold (unknown, or stored).
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Found>>, QueueError>;

    /// Jobs of one line, in its order: up to `want` of those after `after`. Of lines that may be long, a bounded part is
    /// looked at (Q11).
    ///
    /// Whoever goes on with [`Listed::next`] sees each job that stays where it is once. Of [`Line::Ended`] nothing is
    /// missed that had ended before the call and is not stored before it returns.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn list(&self, line: Line<'_>, after: Option<Place>, want: usize)
    -> Result<Listed, QueueError>;

    /// Counts of every queue that holds a job, is paused, or ever held one (Q14), by name.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn queues(&self) -> Result<Vec<QueueCounts>, QueueError>;

    /// How many jobs ended in each ended state since the start, and how many are in the outbox (key `outbox`).
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn totals(&self) -> Result<Vec<(String, u64)>, QueueError>;

    /// Says that a node lives and what it does.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again at the next beat.
    fn beat(&self, node: &Node) -> Result<(), QueueError>;

    /// The nodes that were heard of within `within` on the engine's clock; older ones are forgotten.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn nodes(&self, within: Duration) -> Result<Vec<Node>, QueueError>;

    /// Takes every lease of a node's former process, known to be dead, back at once, each counted as a crash against
    /// `max_crashes`, and forgets the node; tells how many. Only who holds that node's lock may call it.
    ///
    /// What was lent after `before`, an instant at which the caller had reserved nothing yet, stays: a call that is
    /// executed late, when its caller has long repeated it and gone to work, must not take the new process' own leases.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again, before the first `reserve`.
    fn take_over(
        &self,
        node: &str,
        before: Timestamp,
        max_crashes: u32,
    ) -> Result<usize, QueueError>;
}

/// An engine: one place that keeps jobs, their queues and the cron entries.
pub trait Engine: Queue + Desk + Levers + Calendar {}

impl<T: Queue + Desk + Levers + Calendar> Engine for T {}

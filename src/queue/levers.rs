//! What operators do to jobs and queues.

use std::time::Duration;

use super::QueueError;
use crate::job::JobId;

/// How old the id of a retry may be when it is submitted. Who minted it before looking for an earlier retry, in the
/// queue and then in storage, cannot have missed one that both have let go of since: the queue keeps it for longer.
pub const RETRY_WITHIN: Duration = Duration::from_secs(1_800);

/// For how long the queue remembers a retry, at least, after it was stored.
pub const RETRY_KEPT: Duration = Duration::from_secs(3_600);

/// What operators do to jobs and queues.
pub trait Levers: Send + Sync {
    /// Ends a waiting job, or asks the worker of a running one to stop it.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError>;

    /// Pauses a queue (what runs goes on, nothing is taken from it) or resumes it.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn pause(&self, queue: &str, paused: bool) -> Result<(), QueueError>;

    /// Moves a job that waits for its time, a retry among them, to its line as if that time had come. Repeating is safe:
    /// the second call finds it in its line, or further on.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn make_due(&self, id: JobId) -> Result<MadeDue, QueueError>;

    /// Condemns all that waits in a queue at this moment, in its line or for its time; tells how many that are.
    ///
    /// None of these is lent any more. `reserve`, whoever calls it, ends them as cancelled, as many a call as its bounds
    /// allow (Q11), until none is left; until then they are counted and found where they stood. What is running stays,
    /// and what comes to wait from now on stays too. A repeat condemns what came in between as well.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn purge(&self, queue: &str) -> Result<u64, QueueError>;

    /// The jobs that run these ended ones again, in the order of `ids`, as far as the queue knows (Q15): those that it
    /// holds, and those stored lately. Storage knows the others.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, QueueError>;

    /// Forgets that `old` was run again by `retry`, which is stored, so that it can be run again by another. For who
    /// deletes `retry`. Repeating is safe.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn forget_retry(&self, old: JobId, retry: JobId) -> Result<(), QueueError>;
}

/// The answer to a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and has ended.
    Ended,
    /// It runs; its worker has been asked to stop it.
    Requested,
    /// It had ended already.
    TooLate,
    /// The queue does not hold it.
    Unknown,
}

/// The answer to [`Levers::make_due`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeDue {
    /// It stands in its line now.
    Now,
    /// It stood in its line already.
    Queued,
    /// It runs.
    Running,
    /// It had ended already.
    TooLate,
    /// The queue does not hold it.
    Unknown,
}

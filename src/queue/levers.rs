//! What operators do to jobs and queues.

use super::QueueError;
use crate::job::JobId;

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

//! What a list tells of a job: little enough that a thousand of them are one answer.

use super::{Found, JobError, JobId, Progress, State, Timestamp};

/// What a list tells of a job: all but its payload, its result and its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// The line it stands in.
    pub queue: String,
    /// Where it stands.
    pub state: State,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it is due, or was; `None` where it was due at once.
    pub run_at: Option<Timestamp>,
    /// When its last attempt began; `None` if none did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Attempts begun, released ones not counted.
    pub attempt: u32,
    /// How many failed attempts are followed by another.
    pub max_retries: u32,
    /// Why it did not succeed, or is tried again.
    pub error: Option<JobError>,
    /// What its handler last said of itself.
    pub progress: Option<Progress>,
    /// The ended job that this one runs again.
    pub retry_of: Option<JobId>,
}

impl Summary {
    /// What a list tells of `found`.
    #[must_use]
    pub fn of(found: &Found) -> Self {
        let job = found.job();
        Self {
            id: job.id,
            kind: job.kind.clone(),
            queue: job.queue.clone(),
            state: found.state(),
            tags: job.tags.clone(),
            run_at: found.run_at(),
            started_at: found.started_at(),
            ended_at: found.ended_at(),
            attempt: found.attempt(),
            max_retries: job.max_retries,
            error: found.error().cloned(),
            progress: found.progress().cloned(),
            retry_of: job.retry_of,
        }
    }
}

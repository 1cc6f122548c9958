//! What a list tells of a job: little enough that a thousand of them are one answer.

use super::{Found, JobError, JobId, Live, Progress, Record, State, Timestamp};

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
        match found {
            Found::Live(live) => Self::of_live(live),
            Found::Ended(record) => Self::of_record(record),
        }
    }

    fn of_live(live: &Live) -> Self {
        let last = live.attempts.last();
        Self {
            run_at: live.due.or(live.job.run_at),
            started_at: live.leased_at.or_else(|| last.map(|a| a.started_at)),
            attempt: live.attempt,
            // Why it is tried again is what its reader wants to know; while it runs, nothing is wrong.
            error: match live.state {
                State::Retrying => last.and_then(|a| a.error.clone()),
                _ => None,
            },
            progress: live.progress.clone(),
            ..Self::of_job(&live.job, live.state)
        }
    }

    /// What a list tells of an ended job.
    #[must_use]
    pub fn of_record(record: &Record) -> Self {
        Self {
            started_at: record.started_at(),
            ended_at: Some(record.ended_at),
            attempt: record.attempt,
            error: record.error.clone(),
            ..Self::of_job(&record.job, record.state)
        }
    }

    fn of_job(job: &super::Job, state: State) -> Self {
        Self {
            id: job.id,
            kind: job.kind.clone(),
            queue: job.queue.clone(),
            state,
            tags: job.tags.clone(),
            run_at: job.run_at,
            started_at: None,
            ended_at: None,
            attempt: 0,
            max_retries: job.max_retries,
            error: None,
            progress: None,
            retry_of: job.retry_of,
        }
    }
}

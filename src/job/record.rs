//! How a job stands: while it lives, and once it has ended.

use serde_json::value::RawValue;

use super::{Attempt, Job, JobError, Progress, State, Timestamp};

/// A job that has not ended.
#[derive(Debug, Clone)]
pub struct Live {
    /// What was accepted.
    pub job: Job,
    /// Where it stands; never an ended state.
    pub state: State,
    /// Attempts begun, released ones not counted.
    pub attempt: u32,
    /// When it is due, if it waits for its time.
    pub due: Option<Timestamp>,
    /// Since when it has been ready to run, if it stands in its queue's line. Of one with an attempt behind it that was lent
    /// and given back: since it was lent.
    pub ready_at: Option<Timestamp>,
    /// When its running attempt was lent to a worker.
    pub leased_at: Option<Timestamp>,
    /// Who runs it.
    pub node: Option<String>,
    /// Whether somebody asked for its end and its worker has yet to obey.
    pub cancel_requested: bool,
    /// What its handler last said of itself.
    pub progress: Option<Progress>,
    /// Its attempts so far, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Live {
    /// A job that was accepted just now.
    #[must_use]
    pub fn accepted(job: Job, state: State) -> Self {
        let (due, created_at) = (job.run_at, job.created_at());
        Self {
            job,
            state,
            attempt: 0,
            due: due.filter(|_| state == State::Scheduled),
            ready_at: (state == State::Queued).then_some(created_at),
            leased_at: None,
            node: None,
            cancel_requested: false,
            progress: None,
            attempts: Vec::new(),
        }
    }
}

/// A job that has ended: the one row that storage keeps of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was accepted.
    pub job: Job,
    /// How it ended; always an ended state.
    pub state: State,
    /// When it ended, on the queue engine's clock.
    pub ended_at: Timestamp,
    /// Attempts begun, released ones not counted.
    pub attempt: u32,
    /// All attempts kept, oldest first.
    pub attempts: Vec<Attempt>,
    /// What the handler answered, as JSON text.
    pub result: Option<Box<RawValue>>,
    /// Why it did not succeed.
    pub error: Option<JobError>,
}

impl Record {
    /// When its last attempt began; `None` if none did.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        self.attempts.last().map(|a| a.started_at)
    }

    /// Who ran its last attempt.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.attempts.last().map(|a| a.node.as_str())
    }
}

/// What an engine knows of a job.
#[derive(Debug, Clone)]
pub enum Found {
    /// It lives.
    Live(Live),
    /// It has ended.
    Ended(Record),
}

impl Found {
    /// What was accepted.
    #[must_use]
    pub fn job(&self) -> &Job {
        match self {
            Self::Live(live) => &live.job,
            Self::Ended(record) => &record.job,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self {
            Self::Live(live) => live.state,
            Self::Ended(record) => record.state,
        }
    }

    /// When it is due, or was; `None` where it was due at once.
    #[must_use]
    pub fn run_at(&self) -> Option<Timestamp> {
        match self {
            Self::Live(live) => live.due.or(live.job.run_at),
            Self::Ended(record) => record.job.run_at,
        }
    }

    /// When its last attempt began; `None` if none did.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        let running = match self {
            Self::Live(live) => live.leased_at,
            Self::Ended(_) => None,
        };
        running.or_else(|| self.attempts().last().map(|last| last.started_at))
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Live(_) => None,
            Self::Ended(record) => Some(record.ended_at),
        }
    }

    /// Attempts begun, released ones not counted.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        match self {
            Self::Live(live) => live.attempt,
            Self::Ended(record) => record.attempt,
        }
    }

    /// Its attempts that have ended, oldest first.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Live(live) => &live.attempts,
            Self::Ended(record) => &record.attempts,
        }
    }

    /// Why it did not succeed, or is tried again. While it runs, nothing is wrong.
    #[must_use]
    pub fn error(&self) -> Option<&JobError> {
        match self {
            Self::Live(live) if live.state == State::Retrying => {
                live.attempts.last()?.error.as_ref()
            }
            Self::Live(_) => None,
            Self::Ended(record) => record.error.as_ref(),
        }
    }

    /// What its handler last said of itself.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        match self {
            Self::Live(live) => live.progress.as_ref(),
            Self::Ended(_) => None,
        }
    }

    /// What its handler answered, as JSON text.
    #[must_use]
    pub fn result(&self) -> Option<&RawValue> {
        match self {
            Self::Live(_) => None,
            Self::Ended(record) => record.result.as_deref(),
        }
    }
}

//! A submitted job in the hands of whoever submitted it: to be asked for, waited for, called off.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::{AskError, WaitError};
use crate::api::Inside;
use crate::job::{Found, JobError, JobId, Record, State};

/// A submitted job; `O` is what it answers. To let go of it changes nothing for the job.
pub struct JobHandle<O> {
    pub(super) door: Inside,
    pub(super) id: JobId,
    pub(super) is_new: bool,
    pub(super) output: PhantomData<fn() -> O>,
}

impl<O> JobHandle<O> {
    /// Its id: all that is needed to ask for it later, or over HTTP.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Whether submitting made it; if not, it is the live job that had the unique key already, or one that was asked for by
    /// its id.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// How it stands; `None`: there is no such job, or it is so old that its record is gone.
    ///
    /// # Errors
    ///
    /// [`AskError`]: it cannot be told at present.
    pub fn find(&self) -> Result<Option<Found>, AskError> {
        AskError::or_none(self.door.find(self.id))
    }

    /// Waits for its end, at most for `wait`. Holds this thread and no other; not for handlers, whose threads others wait
    /// for.
    ///
    /// # Errors
    ///
    /// [`WaitError`]: it has not ended in that time, or nothing can be told of it.
    pub fn wait(&self, wait: Duration) -> Result<Ended<O>, WaitError> {
        match AskError::or_none(self.door.wait(self.id, wait))? {
            Some(Found::Ended(record)) => Ok(Ended {
                record,
                output: PhantomData,
            }),
            Some(Found::Live(live)) => Err(WaitError::Lives(Box::new(live))),
            None => Err(WaitError::Unknown),
        }
    }

    /// Ends it if it waits, or asks its handler to stop; tells how it stands then. One that has ended stays as it is.
    ///
    /// # Errors
    ///
    /// [`AskError`]: it cannot be told at present whether it was called off; call again.
    pub fn cancel(&self) -> Result<Option<Found>, AskError> {
        AskError::or_none(self.door.cancel(self.id))
    }
}

impl<O> Clone for JobHandle<O> {
    fn clone(&self) -> Self {
        Self {
            door: self.door.clone(),
            ..*self
        }
    }
}

impl<O> fmt::Debug for JobHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle({})", self.id)
    }
}

/// A job that has ended; `O` is what it answered if it succeeded.
#[derive(Debug, Clone)]
pub struct Ended<O> {
    record: Record,
    output: PhantomData<fn() -> O>,
}

impl<O> Ended<O> {
    /// Everything that is kept of it: state, attempts with their logs, times.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Whether it ended well.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.record.state == State::Succeeded
    }
}

impl<O: DeserializeOwned> Ended<O> {
    /// What it answered.
    ///
    /// # Errors
    ///
    /// [`NoOutput`]: it did not succeed, or its answer is not what this program takes for one.
    pub fn output(&self) -> Result<O, NoOutput> {
        let Some(result) = self.record.result.as_ref().filter(|_| self.has_succeeded()) else {
            return Err(NoOutput::Ended {
                state: self.record.state,
                error: self.record.error.clone(),
            });
        };
        serde_json::from_str(result.get()).map_err(NoOutput::Other)
    }
}

/// Why there is no output of an ended job.
#[derive(Debug, thiserror::Error)]
pub enum NoOutput {
    /// It did not succeed.
    #[error("the job is {state}{}", because(.error.as_ref()))]
    Ended {
        /// How it ended.
        state: State,
        /// Why, if that is known.
        error: Option<JobError>,
    },
    /// It succeeded, and what it answered is something else than this program expects: another version of its handler ran
    /// it, say.
    #[error("what the job answered is not understood: {0}")]
    Other(#[source] serde_json::Error),
}

fn because(error: Option<&JobError>) -> String {
    error.map_or_else(String::new, |error| format!(": {}", error.message))
}

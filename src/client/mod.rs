//! Jobs in and results out, for a program that has the daemon in itself: typed, and without HTTP.
//!
//! ```
//! use std::time::Duration;
//! use windlass::config::Config;
//! use windlass::daemon::Daemon;
//! use windlass::handlers::probe::{Sleep, SleepOutput, SleepPayload};
//! use windlass::handlers::{Handler, Registry};
//! # use std::net::SocketAddr;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let config = Config { api_addr: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::embedded(folder.path()) };
//! let mut registry = Registry::new();
//! registry.add(Sleep);
//! let daemon = Daemon::start(config, registry)?;
//! let client = daemon.client();
//!
//! // One job, or many that are accepted all or none.
//! let nap = SleepPayload { seconds: 0.01 };
//! let job = client.submit(Sleep::job(&nap).tag("nap"))?;
//! let naps = client.submit_all((0..3).map(|_| Sleep::job(&nap)))?;
//!
//! // The end of a job, and what it answered. An id is all that is needed to ask again later.
//! let ended = job.wait(Duration::from_secs(30))?;
//! assert_eq!(ended.output()?.slept, 0.01);
//! for job in naps {
//!     let later = client.job::<SleepOutput>(job.id());
//!     assert!(later.wait(Duration::from_secs(30))?.has_succeeded());
//! }
//!
//! // A job that lives can be called off.
//! let long = client.submit(Sleep::job(&nap).delay(Duration::from_secs(3600)))?;
//! long.cancel()?;
//! assert!(long.wait(Duration::from_secs(30))?.output().is_err());
//! # daemon.stop();
//! # Ok(())
//! # }
//! ```
//!
//! What a [`NewJob`] may say is what `POST /submit` takes, and it is read by the same rules: a payload that its handler's
//! `check` refuses is refused here too, and a job is accepted, recorded and found again like any other. Programs that do
//! not run the daemon themselves use HTTP.

mod error;
mod handle;

use std::marker::PhantomData;

use serde_json::value::RawValue;

use crate::api::Inside;
use crate::job::draft::Wrong;
use crate::job::{Found, JobId, NewJob};
use crate::queue::{Accepted, Submitted};

pub use error::{AskError, SubmitError, WaitError};
pub use handle::{Ended, JobHandle, NoOutput};

/// Submits jobs to the daemon of this process and asks for them. Clones are the same; any thread may have one.
#[derive(Clone)]
pub struct Client(Inside);

impl Client {
    /// A client that goes in by this door.
    pub(crate) fn new(door: Inside) -> Self {
        Self(door)
    }

    /// Submits a job. When this answers, it is committed: no crash loses it from here on.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]: nothing was accepted, or it is unknown whether it was.
    pub fn submit<O>(&self, job: NewJob<O>) -> Result<JobHandle<O>, SubmitError> {
        let json = job
            .to_json()
            .map_err(|wrong| SubmitError::Wrong(vec![wrong]))?;
        let mut handles = self.enqueue(&[json], true)?;
        handles.pop().ok_or_else(|| {
            SubmitError::Unavailable("the job was accepted, and none named".to_owned())
        })
    }

    /// Submits jobs that are accepted all or none, at most SUBMITMAX (1,000) of them; answers in their order. What is wrong
    /// with them is pointed at with the job's place among them before it: `/2/payload/to`.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn submit_all<O>(
        &self,
        jobs: impl IntoIterator<Item = NewJob<O>>,
    ) -> Result<Vec<JobHandle<O>>, SubmitError> {
        let (mut all, mut wrongs) = (Vec::new(), Vec::new());
        for (place, job) in jobs.into_iter().enumerate() {
            match job.to_json() {
                Ok(json) => all.push(json),
                Err(wrong) => {
                    let pointer = format!("/{place}{}", wrong.pointer);
                    wrongs.push(Wrong::new(pointer, wrong.detail));
                }
            }
        }
        if !wrongs.is_empty() {
            return Err(SubmitError::Wrong(wrongs));
        }
        if all.is_empty() {
            return Ok(Vec::new());
        }
        self.enqueue(&all, false)
    }

    /// A job that was submitted before, by its id, and what it answers.
    #[must_use]
    pub fn job<O>(&self, id: JobId) -> JobHandle<O> {
        self.handle(id, false)
    }

    /// How a job of any type stands; `None`: there is none with this id, or it is so old that its record is gone.
    ///
    /// # Errors
    ///
    /// [`AskError`]: it cannot be told at present.
    pub fn find(&self, id: JobId) -> Result<Option<Found>, AskError> {
        AskError::or_none(self.0.find(id))
    }

    fn enqueue<O>(
        &self,
        jobs: &[Box<RawValue>],
        is_one: bool,
    ) -> Result<Vec<JobHandle<O>>, SubmitError> {
        let accepted = match self.0.submit(jobs, is_one)? {
            Submitted::Accepted(accepted) => accepted,
            other => {
                let what = format!("the queue answers {other:?} to jobs without a key");
                return Err(SubmitError::Unavailable(what));
            }
        };
        let handle = |one: Accepted| self.handle(one.id(), matches!(one, Accepted::New(..)));
        Ok(accepted.into_iter().map(handle).collect())
    }

    fn handle<O>(&self, id: JobId, is_new: bool) -> JobHandle<O> {
        JobHandle {
            door: self.0.clone(),
            id,
            is_new,
            output: PhantomData,
        }
    }
}

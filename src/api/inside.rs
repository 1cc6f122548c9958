//! The door for this process itself: submissions and questions that come by call and not by HTTP, on the same road.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::problem::ApiError;
use super::read::look_for;
use super::server::Shared;
use super::submit;
use super::waiters::Waiting;
use crate::job::{Found, JobId};
use crate::queue::Submitted;

/// The door. Clones are the same.
#[derive(Clone)]
pub struct Inside(Arc<Shared>);

impl Inside {
    /// The door to what all threads of an API share.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Submits jobs as an array of `POST /submit` does: all or nothing, all that is wrong at once. Answers when they are
    /// accepted, in order.
    ///
    /// # Errors
    ///
    /// What `POST /submit` refuses.
    pub fn submit(&self, jobs: &[Box<RawValue>], is_one: bool) -> Result<Submitted, ApiError> {
        if self.0.is_stopping() {
            return Err(ApiError::Stopping);
        }
        let entries: Vec<&RawValue> = jobs.iter().map(AsRef::as_ref).collect();
        let drafts = submit::drafts_of(&self.0, &entries, is_one)?;
        let first = JobId::mint(self.0.services.queue.now(), fastrand::u64(..));
        let jobs = submit::named(drafts, first);
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let outcome = self.0.submitter.ask(jobs);
        outcome.map_err(|failure| failure.refusal(&ids))
    }

    /// How a job stands.
    ///
    /// # Errors
    ///
    /// What `GET /jobs/{id}` refuses.
    pub fn find(&self, id: JobId) -> Result<Box<Found>, ApiError> {
        look_for(&self.0.services, id)
    }

    /// How a job stands when it has ended, or when `wait` is over.
    ///
    /// # Errors
    ///
    /// What `GET /jobs/{id}` refuses.
    pub fn wait(&self, id: JobId, wait: Duration) -> Result<Box<Found>, ApiError> {
        let found = self.find(id)?;
        if found.state().is_ended() || wait.is_zero() {
            return Ok(found);
        }
        let (waiting, told) = Waiting::of_program(id, wait);
        self.0.waiters.park(waiting);
        // Whoever has the other end answers in any case; dropped without a word, it can only be asked again.
        let looked = told.recv().map_err(|_| ApiError::Stopping)?;
        looked.found(id)
    }

    /// Ends a waiting job, or asks the worker of a running one to stop it; tells how it stands then. One that has ended
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// What `GET /jobs/{id}` refuses.
    pub fn cancel(&self, id: JobId) -> Result<Box<Found>, ApiError> {
        self.0.services.queue.cancel(id)?;
        self.find(id)
    }
}

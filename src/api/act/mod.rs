//! What operators do to jobs: end one, make one due, delete one. To run one again is [`retry()`]; what is done to whole
//! queues is in [`queues`].

pub mod queues;
mod retry;

use super::Services;
use super::answer::Answer;
use super::problem::ApiError;
use super::read::{job_id, look_for, shown};
use super::routes::{Incoming, Then};
use super::server::Shared;
use crate::health::Part;
use crate::job::{Found, JobId, Record};
use crate::queue::{Cancelled, Engine, MadeDue, QueueError};

pub use retry::retry;

/// Answers `POST /jobs/{id}/cancel`.
///
/// # Errors
///
/// 404, 409 when the job has ended already, 503.
pub fn cancel(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let id = job_id(incoming)?;
    let services = &shared.services;
    match ask(services, |queue| queue.cancel(id))? {
        Cancelled::Ended | Cancelled::Requested => done(services, id),
        // A job that the queue does not hold may have ended and be in storage; only looking tells.
        Cancelled::TooLate | Cancelled::Unknown => Err(ended(&*look_for(services, id)?)),
    }
}

/// Answers `POST /jobs/{id}/run`.
///
/// # Errors
///
/// 404, 409 when the job does not wait for its time, 503.
pub fn run(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let id = job_id(incoming)?;
    let services = &shared.services;
    let reason = match ask(services, |queue| queue.make_due(id))? {
        MadeDue::Now => return done(services, id),
        MadeDue::Queued => {
            "the job does not wait for its time: it is queued, and runs as soon as a worker takes it"
        }
        MadeDue::Running => "the job does not wait for its time: it is running",
        MadeDue::TooLate | MadeDue::Unknown => return Err(ended(&*look_for(services, id)?)),
    };
    Err(ApiError::Conflict(reason.to_owned()))
}

/// Answers `DELETE /jobs/{id}`.
///
/// # Errors
///
/// 404, 409 while the job lives, 503.
pub fn delete(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let id = job_id(incoming)?;
    match *look_for(&shared.services, id)? {
        Found::Live(live) => Err(ApiError::Conflict(format!(
            "the job has not ended: it is {}; POST /jobs/{id}/cancel ends it",
            live.state
        ))),
        Found::Ended(record) => {
            erase(&shared.services, &record)?;
            Ok(Then::Answer(Answer::empty(204)))
        }
    }
}

/// Takes a job that has ended away from queue and storage. First it goes the way of all that ended, so that it counts in
/// its minute wherever it was; after each step it is as before for who looks, or gone.
fn erase(services: &Services, record: &Record) -> Result<(), ApiError> {
    let id = record.job.id;
    if let Some(storage) = &services.storage {
        storage.store(std::slice::from_ref(record))?;
    }
    ask(services, |queue| queue.stored(&[id]))?;
    if let Some(old) = record.job.retry_of {
        ask(services, |queue| queue.forget_retry(old, id))?;
    }
    if let Some(storage) = &services.storage {
        storage.delete(id)?;
    }
    Ok(())
}

/// Has the queue do something. No answer means that it may have been done, unless the queue was known to be away before.
fn ask<T>(
    services: &Services,
    act: impl FnOnce(&dyn Engine) -> Result<T, QueueError>,
) -> Result<T, ApiError> {
    let missing = services.health.all_missing();
    if missing.iter().any(|(part, _)| *part == Part::Queue) {
        services.queue.check()?;
    }
    act(services.queue.as_ref()).map_err(|err| match err {
        QueueError::Unavailable { .. } | QueueError::Broken { .. } => {
            ApiError::Unanswered(err.to_string())
        }
        QueueError::Full { .. } | QueueError::Unfit { .. } => err.into(),
    })
}

/// Shows a job to which something was done.
fn done(services: &Services, id: JobId) -> Result<Then, ApiError> {
    match look_for(services, id) {
        Ok(found) => Ok(Then::Answer(shown(202, &found))),
        Err(err) => Err(ApiError::Unanswered(err.to_string())),
    }
}

fn ended(found: &Found) -> ApiError {
    ApiError::Conflict(format!(
        "the job has ended already: it is {}; POST /jobs/{}/retry runs it again",
        found.state(),
        found.job().id
    ))
}

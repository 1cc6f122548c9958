//! `GET /jobs/{id}`: the queue is asked first, then storage, which commits before the queue forgets: there is no gap.

use std::time::Duration;

use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;
use super::view::JobView;
use super::waiters::Waiting;
use super::{Services, waiters};
use crate::job::duration::parse_duration;
use crate::job::{Found, JobId};
use crate::queue::TICKETS_PER_CALL_MAX;

/// The longest `?wait`.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a look for a job found.
#[derive(Debug)]
pub enum Looked {
    /// The job.
    Found(Box<Found>),
    /// Neither the queue nor storage has it.
    Nowhere,
    /// The queue did not answer, and storage does not have it. The cause is for the log.
    QueueAway(String),
    /// The queue does not have it, and storage did not answer. The cause is for the log.
    StorageAway(String),
}

impl Looked {
    /// The job, or the refusal that says why there is none.
    ///
    /// # Errors
    ///
    /// 404 only when both were asked and neither has it; 503 otherwise.
    pub fn found(self, id: JobId) -> Result<Box<Found>, ApiError> {
        match self {
            Self::Found(found) => Ok(found),
            Self::Nowhere => Err(ApiError::NotFound(format!("there is no job {id}"))),
            Self::QueueAway(cause) => Err(ApiError::QueueAway(cause)),
            Self::StorageAway(cause) => Err(ApiError::StorageAway(cause)),
        }
    }
}

/// Looks for jobs, in the order of `ids`.
#[must_use]
pub fn look(services: &Services, ids: &[JobId]) -> Vec<Looked> {
    let mut looked: Vec<Looked> = Vec::with_capacity(ids.len());
    for slice in ids.chunks(TICKETS_PER_CALL_MAX) {
        match services.queue.find(slice) {
            Ok(found) => looked.extend(found.into_iter().map(|found| match found {
                Some(found) => Looked::Found(Box::new(found)),
                None => Looked::Nowhere,
            })),
            Err(err) => {
                let cause = err.to_string();
                looked.extend(slice.iter().map(|_| Looked::QueueAway(cause.clone())));
            }
        }
    }
    let missing: Vec<usize> = (0..ids.len().min(looked.len()))
        .filter(|&i| !matches!(looked[i], Looked::Found(_)))
        .collect();
    if let Some(storage) = services.storage.as_ref().filter(|_| !missing.is_empty()) {
        for slice in missing.chunks(TICKETS_PER_CALL_MAX) {
            let ids: Vec<JobId> = slice.iter().map(|&i| ids[i]).collect();
            match storage.find(&ids) {
                Ok(found) => {
                    for (&i, record) in slice.iter().zip(found) {
                        if let Some(record) = record {
                            looked[i] = Looked::Found(Box::new(Found::Ended(record)));
                        }
                    }
                }
                Err(err) => {
                    for &i in slice {
                        if matches!(looked[i], Looked::Nowhere) {
                            looked[i] = Looked::StorageAway(err.to_string());
                        }
                    }
                }
            }
        }
    }
    looked
}

/// Looks for one job.
///
/// # Errors
///
/// 404 or 503, as [`Looked::found`] says.
pub fn look_for(services: &Services, id: JobId) -> Result<Box<Found>, ApiError> {
    let looked = look(services, &[id]).pop().unwrap_or(Looked::Nowhere);
    looked.found(id)
}

/// The jobs that run these ended ones again, in the order of `ids`, as far as can be found out at present: they are an
/// aside of what is told of a job.
#[must_use]
pub fn retries(services: &Services, ids: &[JobId]) -> Vec<Option<JobId>> {
    let none = || vec![None; ids.len()];
    let known = services.queue.retried(ids).unwrap_or_else(|err| {
        log::debug!("retries are told from storage alone: {err}");
        none()
    });
    let Some(storage) = services.storage.as_ref().filter(|_| known.contains(&None)) else {
        return known;
    };
    let stored = storage.retried(ids).unwrap_or_else(|err| {
        log::debug!("retries are told from the queue alone: {err}");
        none()
    });
    let both = known.into_iter().zip(stored);
    both.map(|(known, stored)| known.or(stored)).collect()
}

/// The answer that tells all of a job, also which other runs it again if it has ended.
#[must_use]
pub fn told(services: &Services, status: u16, found: &Found) -> Answer {
    let retry = match found {
        Found::Live(_) => None,
        Found::Ended(record) => retries(services, &[record.job.id]).pop().flatten(),
    };
    Answer::json(status, &JobView::of(found).retried_as(retry))
}

/// The answer that shows a job that lives, or has ended just now.
#[must_use]
pub fn shown(status: u16, found: &Found) -> Answer {
    Answer::json(status, &JobView::of(found))
}

/// Answers `GET /jobs/{id}`.
///
/// # Errors
///
/// 400 for a wrong `wait`, 404, 429 when too many wait already, 503.
pub fn job(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let id = job_id(incoming)?;
    let wait = wait_of(incoming)?;
    let found = look_for(&shared.services, id)?;
    let Some(wait) = wait.filter(|_| !found.state().is_ended()) else {
        return Ok(Then::Answer(told(&shared.services, 200, &found)));
    };
    let place = shared.waiters.take_place()?;
    let waiters = shared.waiters.clone();
    Ok(Then::Later(Box::new(move |exchange| {
        waiters.park(Waiting::new(
            exchange,
            id,
            wait,
            waiters::Else::AsItIs,
            place,
        ));
    })))
}

/// The job that the path names.
///
/// # Errors
///
/// 404 when it cannot be a job's id.
pub fn job_id(incoming: &Incoming<'_>) -> Result<JobId, ApiError> {
    let text = incoming.segments.first().map_or("", String::as_str);
    text.parse()
        .map_err(|_| ApiError::NotFound("job ids are UUIDs of version 7 in lower case".to_owned()))
}

/// How long the client wants to wait; `None` for not at all.
///
/// # Errors
///
/// 400 when `wait` is no length of time, or too long.
pub fn wait_of(incoming: &Incoming<'_>) -> Result<Option<Duration>, ApiError> {
    let Some(text) = incoming.parameter("wait") else {
        return Ok(None);
    };
    let wait = parse_duration(text)
        .map_err(|reason| ApiError::Malformed(format!("query parameter `wait`: {reason}")))?;
    if wait > WAIT_MAX {
        return Err(ApiError::Malformed(
            "query parameter `wait`: at most 60s; ask again after that".to_owned(),
        ));
    }
    Ok(Some(wait).filter(|wait| !wait.is_zero()))
}

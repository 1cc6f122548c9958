//! What operators do to jobs.

use super::problem::ApiError;
use super::read::{job_id, look_for, shown};
use super::routes::{Incoming, Then};
use super::server::Shared;
use crate::queue::Cancelled;

/// Answers `POST /jobs/{id}/cancel`.
///
/// # Errors
///
/// 404, 409 when the job has ended already, 503.
pub fn cancel(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let id = job_id(incoming)?;
    let cancelled = shared.services.queue.cancel(id)?;
    // A job that the queue does not hold may have ended and be in storage; only looking tells.
    let found = look_for(&shared.services, id)?;
    match cancelled {
        Cancelled::Ended | Cancelled::Requested => Ok(Then::Answer(shown(202, &found))),
        Cancelled::TooLate | Cancelled::Unknown => Err(ApiError::Conflict(format!(
            "the job has ended already: it is {}",
            found.state()
        ))),
    }
}

//! What operators do to queues: pause and resume them, and end all that waits in one.

use schemars::JsonSchema;
use serde::Serialize;

use super::ask;
use crate::api::answer::Answer;
use crate::api::problem::ApiError;
use crate::api::queues::view;
use crate::api::routes::{Incoming, Then};
use crate::api::server::Shared;

/// A purge that was begun.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Purge")]
pub struct PurgeView<'a> {
    queue: &'a str,
    /// How many jobs waited in it and are being cancelled, a thousand or so at a time. None of them is begun any more.
    cancelling: u64,
}

/// Answers `POST /queues/{name}/pause`.
///
/// # Errors
///
/// 404, 503.
pub fn pause(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    set(shared, incoming, true)
}

/// Answers `POST /queues/{name}/resume`.
///
/// # Errors
///
/// 404, 503.
pub fn resume(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    set(shared, incoming, false)
}

fn set(shared: &Shared, incoming: &Incoming<'_>, paused: bool) -> Result<Then, ApiError> {
    let (services, name) = (&shared.services, name_in(incoming));
    // A queue that nobody knows is misspelt: it would be paused, and the one that was meant go on.
    view(services, name)?;
    ask(services, |queue| queue.pause(name, paused))?;
    match view(services, name) {
        Ok(queue) => Ok(Then::Answer(Answer::json(200, &queue))),
        Err(err) => Err(ApiError::Unanswered(err.to_string())),
    }
}

/// Answers `DELETE /queues/{name}/jobs`.
///
/// # Errors
///
/// 404, 503.
pub fn purge(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let (services, queue) = (&shared.services, name_in(incoming));
    view(services, queue)?;
    let cancelling = ask(services, |engine| engine.purge(queue))?;
    log::info!("queue {queue}: {cancelling} waiting jobs are cancelled, as was asked for");
    Ok(Then::Answer(Answer::json(
        202,
        &PurgeView { queue, cancelling },
    )))
}

fn name_in<'a>(incoming: &'a Incoming<'_>) -> &'a str {
    incoming.segments.first().map_or("", String::as_str)
}

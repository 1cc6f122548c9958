//! What is said of accepted jobs: id, state and queue of each.

use schemars::JsonSchema;
use serde::Serialize;

use crate::api::Services;
use crate::api::read::{Looked, look};
use crate::job::{JobId, State};
use crate::queue::Accepted;

/// One accepted job. What is not known is null.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    /// Its id.
    pub id: JobId,
    state: Option<State>,
    queue: Option<String>,
}

/// The accepted jobs of an array, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipts {
    /// A receipt each.
    pub jobs: Vec<Receipt>,
}

/// The jobs of a submission that was accepted, and the status of the answer: 202, or 200 when each of them was there
/// already under its unique key. `queues` are those that were asked for.
#[must_use]
pub fn accepted(
    services: &Services,
    accepted: &[Accepted],
    queues: Vec<String>,
) -> (u16, Vec<Receipt>) {
    let existing: Vec<JobId> = accepted
        .iter()
        .filter_map(|one| match one {
            Accepted::Existing(id) => Some(*id),
            Accepted::New(..) => None,
        })
        .collect();
    let all_exist = existing.len() == accepted.len();
    let mut known = known(services, &existing).into_iter();
    let lines = accepted.iter().zip(queues).map(|(one, queue)| match one {
        Accepted::New(id, state) => Receipt {
            id: *id,
            state: Some(*state),
            queue: Some(queue),
        },
        Accepted::Existing(id) => {
            let (state, queue) = known.next().flatten().unzip();
            let id = *id;
            Receipt { id, state, queue }
        }
    });
    (if all_exist { 200 } else { 202 }, lines.collect())
}

/// The jobs of a submission that came before. `queues` are those that were asked for, now as then: it is the same body.
#[must_use]
pub fn replayed(services: &Services, ids: Vec<JobId>, queues: Vec<String>) -> Vec<Receipt> {
    let known = known(services, &ids);
    let lines = ids.into_iter().zip(known).zip(queues);
    lines
        .map(|((id, known), queue)| Receipt {
            id,
            state: known.map(|(state, _)| state),
            queue: Some(queue),
        })
        .collect()
}

/// State and queue of jobs, as far as they can be had.
fn known(services: &Services, ids: &[JobId]) -> Vec<Option<(State, String)>> {
    let known = |looked| match looked {
        Looked::Found(found) => Some((found.state(), found.job().queue.clone())),
        _ => None,
    };
    look(services, ids).into_iter().map(known).collect()
}

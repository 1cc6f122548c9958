//! What is said of accepted jobs: id, state and queue of each.

use std::io::Write;

use crate::api::Services;
use crate::api::read::{Looked, look};
use crate::job::{JobId, State};
use crate::queue::Accepted;

/// One accepted job. What is not known is null on the wire.
#[derive(Debug)]
pub struct Line {
    /// Its id.
    pub id: JobId,
    state: Option<State>,
    queue: Option<String>,
}

impl Line {
    /// Writes it as JSON. Names of queues and states need no escaping.
    pub fn write(&self, out: &mut Vec<u8>) {
        let id = self.id;
        // Writing to a Vec cannot fail.
        write!(out, "{{\"id\":\"{id}\",\"state\":").ok();
        quote(out, self.state.map(State::as_str));
        out.extend_from_slice(b",\"queue\":");
        quote(out, self.queue.as_deref());
        out.push(b'}');
    }
}

fn quote(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write!(out, "\"{text}\"").ok(),
        None => write!(out, "null").ok(),
    };
}

/// The jobs of a submission that was accepted, and the status of the answer: 202, or 200 when each of them was there
/// already under its unique key. `queues` are those that were asked for.
#[must_use]
pub fn accepted(
    services: &Services,
    accepted: &[Accepted],
    queues: Vec<String>,
) -> (u16, Vec<Line>) {
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
        Accepted::New(id, state) => Line {
            id: *id,
            state: Some(*state),
            queue: Some(queue),
        },
        Accepted::Existing(id) => {
            let (state, queue) = known.next().flatten().unzip();
            let id = *id;
            Line { id, state, queue }
        }
    });
    (if all_exist { 200 } else { 202 }, lines.collect())
}

/// The jobs of a submission that came before. `queues` are those that were asked for, now as then: it is the same body.
#[must_use]
pub fn replayed(services: &Services, ids: Vec<JobId>, queues: Vec<String>) -> Vec<Line> {
    let known = known(services, &ids);
    let lines = ids.into_iter().zip(known).zip(queues);
    lines
        .map(|((id, known), queue)| Line {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    #[test]
    fn a_line_is_json_with_null_for_what_is_not_known() {
        let id = JobId::mint(Timestamp::from_micros(1), 1);
        let mut out = Vec::new();
        let (state, queue) = (Some(State::Queued), None);
        Line { id, state, queue }.write(&mut out);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            format!("{{\"id\":\"{id}\",\"state\":\"queued\",\"queue\":null}}")
        );
    }
}

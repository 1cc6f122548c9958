//! What can be seen of an engine, against the model.

use std::fmt::Debug;

use windlass::job::{Found, JobId, State};

use super::model::{Known, Model, Place, QUEUES};
use crate::support::bench::Bench;

/// Nothing, or what is wrong, in words.
pub type Step = Result<(), String>;

/// Says that an engine's answer is the model's.
pub fn same<T: PartialEq + Debug>(what: &str, engine: T, model: T) -> Step {
    if engine == model {
        return Ok(());
    }
    Err(format!(
        "{what}: the engine says {engine:?}, the model {model:?}"
    ))
}

/// Compares all jobs, all counters and all totals.
pub fn compare(bench: &Bench, model: &Model, nodes: [&str; 2]) -> Step {
    let engine = bench.engine();
    // What is stored is never seen again; all of it is looked for now and then.
    let all = model.jobs.len().is_multiple_of(8);
    let jobs: Vec<&Known> = model
        .jobs
        .iter()
        .filter(|known| all || known.place != Place::Stored)
        .collect();
    let ids: Vec<JobId> = jobs.iter().map(|known| known.job.id).collect();
    let found = engine.find(&ids).map_err(|err| err.to_string())?;
    for (known, found) in jobs.into_iter().zip(&found) {
        compare_job(known, found.as_ref(), nodes)
            .map_err(|what| format!("{what} (of {known:?})"))?;
    }
    let queues = engine.queues().map_err(|err| err.to_string())?;
    for (q, name) in QUEUES.iter().enumerate() {
        let counts = queues.iter().find(|c| c.queue == *name);
        let numbers = counts.map_or((0, 0, 0), |c| (c.ready, c.scheduled, c.running));
        same(name, numbers, model.numbers(q))?;
        same("paused", counts.is_some_and(|c| c.paused), model.paused[q])?;
    }
    let totals = engine.totals().map_err(|err| err.to_string())?;
    let total = |name: &str| {
        totals
            .iter()
            .find(|(n, _)| n == name)
            .map_or(0, |(_, n)| *n)
    };
    for state in State::ALL.into_iter().filter(|s| s.is_ended()) {
        let expected = model.totals.get(&state).copied().unwrap_or(0);
        same(state.as_str(), total(state.as_str()), expected)?;
    }
    let waits = model
        .jobs
        .iter()
        .filter(|k| matches!(k.place, Place::Ended { .. }))
        .count();
    same("outbox", total("outbox"), waits as u64)
}

fn compare_job(known: &Known, found: Option<&Found>, nodes: [&str; 2]) -> Step {
    let begun = known.failures + known.crashes;
    let live = match found {
        None => return same("place", Place::Stored, known.place.clone()),
        Some(Found::Ended(record)) => {
            let Place::Ended { state, at, .. } = known.place else {
                return Err(format!("it has ended: {:?}", record.state));
            };
            same("how it ended", (record.state, record.ended_at), (state, at))?;
            same("attempt", record.attempt, begun)?;
            return same("attempts", record.attempts.len(), known.attempts);
        }
        Some(Found::Live(live)) => live,
    };
    let (state, due, lent) = match known.place {
        Place::Later {
            due,
            retrying: true,
        } => (State::Retrying, Some(due), None),
        Place::Later {
            due,
            retrying: false,
        } => (State::Scheduled, Some(due), None),
        Place::Line => (State::Queued, None, None),
        Place::Lent { at, node, .. } => (State::Running, None, Some((at, nodes[node]))),
        Place::Ended { .. } | Place::Stored => return Err(format!("it lives: {:?}", live.state)),
    };
    same("state", live.state, state)?;
    same("due", live.due, due)?;
    same("leased_at", live.leased_at, lent.map(|l| l.0))?;
    same("node", live.node.as_deref(), lent.map(|l| l.1))?;
    same("attempt", live.attempt, begun + u32::from(lent.is_some()))?;
    same("attempts", live.attempts.len(), known.attempts)?;
    same("cancel_requested", live.cancel_requested, known.cancel)
}

//! `GET /queues` and `GET /queues/{name}`: how the queues stand, over all daemons.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Services;
use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;
use super::view::Instant;
use crate::config::Config;
use crate::near::near;
use crate::queue::QueueCounts;

/// A queue, over all daemons.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Queue")]
pub struct QueueView {
    name: String,
    /// Its weight against the others of this daemon; null: this daemon does not take from it, or takes from its queues in
    /// strict order.
    weight: Option<u32>,
    /// At most so many of it run at once, as far as this daemon is told; null: there is no limit.
    limit: Option<u32>,
    /// Whether nothing is taken from it until it is resumed.
    paused: bool,
    /// Whether a daemon that lives takes from it; one that is quiet takes from none.
    served: bool,
    /// Jobs that are ready to run.
    ready: u64,
    /// Jobs that wait for their time, retrying ones among them.
    scheduled: u64,
    /// Jobs that run.
    running: u64,
    /// Since when the job that comes next has been ready.
    oldest_ready_at: Option<Instant>,
}

/// The queues that there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Queues")]
pub struct QueuesView {
    /// By name.
    queues: Vec<QueueView>,
}

/// Answers `GET /queues`.
///
/// # Errors
///
/// 503 when the queue cannot be asked.
pub fn queues(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let queues = all(&shared.services)?;
    Ok(Then::Answer(Answer::json(200, &QueuesView { queues })))
}

/// Answers `GET /queues/{name}`.
///
/// # Errors
///
/// 404, 503 when the queue cannot be asked.
pub fn queue(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let name = incoming.segments.first().map_or("", String::as_str);
    let queue = view(&shared.services, name)?;
    Ok(Then::Answer(Answer::json(200, &queue)))
}

/// How one queue stands.
///
/// # Errors
///
/// 404 when nobody knows it, 503 when the queue cannot be asked.
pub fn view(services: &Services, name: &str) -> Result<QueueView, ApiError> {
    let queues = all(services)?;
    if let Some(found) = queues.iter().find(|queue| queue.name == name) {
        return Ok(found.clone());
    }
    let known = queues.iter().map(|queue| queue.name.as_str());
    let hint =
        near(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Err(ApiError::NotFound(format!(
        "there is no queue `{name}`: no daemon takes from it and it never held a job{hint}"
    )))
}

/// All queues that hold or held a job, are paused, configured here or taken from elsewhere.
fn all(services: &Services) -> Result<Vec<QueueView>, ApiError> {
    let config = &services.terms.present().config;
    let counts = services.queue.queues()?;
    // By name, whether a daemon takes from it: a quiet one does so at other times.
    let mut served: BTreeMap<String, bool> = BTreeMap::new();
    for node in services.live_nodes()? {
        for queue in node.queues {
            *served.entry(queue).or_default() |= !node.quiet;
        }
    }
    Ok(merge(config, counts, &served))
}

fn merge(
    config: &Config,
    counts: Vec<QueueCounts>,
    served: &BTreeMap<String, bool>,
) -> Vec<QueueView> {
    let mut queues: BTreeMap<String, QueueCounts> = BTreeMap::new();
    let configured = config.queues.list.iter().map(|queue| &queue.queue);
    for name in configured.chain(config.limits.keys()).chain(served.keys()) {
        queues.insert(name.clone(), QueueCounts::default());
    }
    for counts in counts {
        queues.insert(counts.queue.clone(), counts);
    }
    let weight = |name: &str| {
        let here = config.queues.list.iter().find(|queue| queue.queue == name);
        here.filter(|_| !config.queues.strict)
            .map(|queue| queue.weight)
    };
    let view = |(name, counts): (String, QueueCounts)| QueueView {
        weight: weight(&name),
        limit: config.limits.get(&name).copied(),
        paused: counts.paused,
        served: served.get(&name).is_some_and(|served| *served),
        ready: counts.ready,
        scheduled: counts.scheduled,
        running: counts.running,
        oldest_ready_at: counts.oldest_ready_at.map(Instant),
        name,
    };
    queues.into_iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{QueueWeight, Queues};

    #[test]
    fn every_queue_that_anybody_knows_is_there_once() {
        let queue = |queue: &str, weight| QueueWeight {
            queue: queue.to_owned(),
            weight,
        };
        let mut config = Config {
            queues: Queues {
                list: vec![queue("b", 3), queue("a", 1)],
                strict: false,
            },
            limits: BTreeMap::from([("a".to_owned(), 2), ("limited".to_owned(), 1)]),
            ..Config::default()
        };
        let counts = |queue: &str| QueueCounts {
            queue: queue.to_owned(),
            ready: 7,
            ..QueueCounts::default()
        };
        let served = [("a", true), ("elsewhere", true), ("quiet", false)];
        let served = BTreeMap::from(served.map(|(name, served)| (name.to_owned(), served)));
        let all = merge(&config, vec![counts("a"), counts("held")], &served);
        let told: Vec<_> = all
            .iter()
            .map(|q| (q.name.as_str(), q.weight, q.limit, q.served, q.ready))
            .collect();
        assert_eq!(
            told,
            [
                ("a", Some(1), Some(2), true, 7),
                ("b", Some(3), None, false, 0),
                ("elsewhere", None, None, true, 0),
                ("held", None, None, false, 7),
                ("limited", None, Some(1), false, 0),
                ("quiet", None, None, false, 0),
            ]
        );
        config.queues.strict = true;
        assert_eq!(merge(&config, Vec::new(), &served)[0].weight, None);
    }
}

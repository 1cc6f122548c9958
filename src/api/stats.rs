//! `GET /stats` and `GET /workers`: how many jobs there are and were, and who runs them.

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;
use super::view::Instant;
use crate::job::{JobId, State};
use crate::queue::{Node, QueueCounts};

/// How many jobs there are, and how many there were.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Stats")]
pub struct StatsView {
    /// Live jobs as they stand; ended ones since the start of history, also those that are deleted by now.
    states: Totals,
    /// Ended jobs that wait to be recorded.
    outbox: u64,
}

/// Jobs by state.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Totals")]
struct Totals {
    /// Jobs that wait for their time, retrying ones among them.
    scheduled: u64,
    queued: u64,
    running: u64,
    succeeded: u64,
    dead: u64,
    cancelled: u64,
    expired: u64,
    quarantined: u64,
}

impl Totals {
    fn of(queues: &[QueueCounts], ended: &[(String, u64)]) -> Self {
        let live = |count: fn(&QueueCounts) -> u64| queues.iter().map(count).sum();
        let ended = |state: State| total(ended, state.as_str());
        Self {
            scheduled: live(|queue| queue.scheduled),
            queued: live(|queue| queue.ready),
            running: live(|queue| queue.running),
            succeeded: ended(State::Succeeded),
            dead: ended(State::Dead),
            cancelled: ended(State::Cancelled),
            expired: ended(State::Expired),
            quarantined: ended(State::Quarantined),
        }
    }
}

fn total(totals: &[(String, u64)], name: &str) -> u64 {
    let found = totals.iter().find(|(of, _)| of == name);
    found.map_or(0, |(_, count)| *count)
}

/// Answers `GET /stats`.
///
/// # Errors
///
/// 503 when the queue cannot be asked.
pub fn stats(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let queue = &shared.services.queue;
    let (queues, totals) = (queue.queues()?, queue.totals()?);
    let view = StatsView {
        states: Totals::of(&queues, &totals),
        outbox: total(&totals, "outbox"),
    };
    Ok(Then::Answer(Answer::json(200, &view)))
}

/// The daemons that live.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Workers")]
pub struct WorkersView<'a> {
    /// By name.
    nodes: Vec<NodeView<'a>>,
}

/// A daemon.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Node")]
struct NodeView<'a> {
    node: &'a str,
    started_at: Instant,
    /// When it was last heard of.
    seen_at: Instant,
    /// How many worker threads it has.
    threads: usize,
    /// How many of them are at work.
    busy: usize,
    /// Whether it was told to take no jobs for now.
    quiet: bool,
    /// The queues that it takes from.
    queues: &'a [String],
    /// The job types that it knows.
    types: &'a [String],
    /// What it ran when it was last heard of.
    running: Vec<RunningView<'a>>,
}

/// A job that a daemon runs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunningJob")]
struct RunningView<'a> {
    id: JobId,
    /// The name of its type.
    #[serde(rename = "type")]
    kind: &'a str,
    /// Since when it runs.
    since: Instant,
}

impl<'a> NodeView<'a> {
    fn of(node: &'a Node) -> Self {
        let running = node.running.iter().map(|job| RunningView {
            id: job.id,
            kind: &job.kind,
            since: Instant(job.since),
        });
        Self {
            node: &node.node,
            started_at: Instant(node.started_at),
            seen_at: Instant(node.seen_at),
            threads: node.threads,
            busy: node.busy,
            quiet: node.quiet,
            queues: &node.queues,
            types: &node.types,
            running: running.collect(),
        }
    }
}

/// Answers `GET /workers`.
///
/// # Errors
///
/// 503 when the queue cannot be asked.
pub fn workers(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let nodes = shared.services.live_nodes()?;
    let nodes = nodes.iter().map(NodeView::of).collect();
    Ok(Then::Answer(Answer::json(200, &WorkersView { nodes })))
}

//! The routes that show queues.

use super::{Parameter, Reply, Route};
use crate::api::queues::{self, QueueView, QueuesView};
use crate::api::refusal::Refusal;

/// How queues are read.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/queues",
        name: "queues",
        summary: "Lists the queues: how many jobs wait and run in each, and who serves it.",
        replies: &[Reply::json::<QueuesView>(200, "The queues, by name.")],
        refusals: &[Refusal::QUEUE_AWAY],
        handler: queues::queues,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/queues/{name}",
        name: "queue",
        summary: "Tells how a queue stands.",
        segments: &[Parameter::QUEUE],
        replies: &[Reply::json::<QueueView>(200, "The queue.")],
        refusals: &[Refusal::NOT_FOUND, Refusal::QUEUE_AWAY],
        handler: queues::queue,
        ..Route::PLAIN
    },
];

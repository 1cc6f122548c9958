//! The routes that show queues, and those that act on them.

use super::{Parameter, Reply, Route};
use crate::api::act::queues::{self as act, PurgeView};
use crate::api::queues::{self, QueueView, QueuesView};
use crate::api::refusal::Refusal;

/// How queues are read, and what can be done to them.
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
    Route {
        method: "POST",
        path: "/queues/{name}/pause",
        name: "pause_queue",
        summary: "Takes no more jobs from a queue; those that run go on.",
        segments: &[Parameter::QUEUE],
        replies: &[Reply::json::<QueueView>(200, "The queue, which is paused.")],
        refusals: ACT,
        handler: act::pause,
        ..Route::PLAIN
    },
    Route {
        method: "POST",
        path: "/queues/{name}/resume",
        name: "resume_queue",
        summary: "Takes jobs from a paused queue again.",
        segments: &[Parameter::QUEUE],
        replies: &[Reply::json::<QueueView>(
            200,
            "The queue, which is not paused.",
        )],
        refusals: ACT,
        handler: act::resume,
        ..Route::PLAIN
    },
    Route {
        method: "DELETE",
        path: "/queues/{name}/jobs",
        name: "purge_queue",
        summary: "Cancels all jobs that wait in a queue, in its line or for their time; those that come later stay.",
        segments: &[Parameter::QUEUE],
        replies: &[Reply::json::<PurgeView<'_>>(
            202,
            "None of the jobs that waited is begun any more; they are being cancelled.",
        )],
        refusals: ACT,
        handler: act::purge,
        ..Route::PLAIN
    },
];

const ACT: &[Refusal] = &[
    Refusal::NOT_FOUND,
    Refusal::QUEUE_AWAY,
    Refusal::OUTCOME_UNKNOWN,
];

//! The routes that show jobs, and those that act on them.

use super::{Parameter, Reply, Route};
use crate::api::refusal::Refusal;
use crate::api::view::JobView;
use crate::api::{act, read};

/// How jobs are read, and what can be done to them.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/jobs/{id}",
        name: "job",
        summary: "Tells how a job stands; with `wait`, once it has ended.",
        segments: &[Parameter::JOB],
        query: &[Parameter::WAIT],
        replies: &[Reply::json::<JobView<'_>>(200, "The job as it stands.")],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::TOO_MANY,
            Refusal::QUEUE_AWAY,
            Refusal::STORAGE_AWAY,
        ],
        handler: read::job,
        ..Route::PLAIN
    },
    Route {
        method: "POST",
        path: "/jobs/{id}/cancel",
        name: "cancel",
        summary: "Ends a waiting job, or asks the worker of a running one to stop it.",
        segments: &[Parameter::JOB],
        replies: &[Reply::json::<JobView<'_>>(
            202,
            "The job has ended, or its worker is asked to stop it.",
        )],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::QUEUE_AWAY,
            Refusal::STORAGE_AWAY,
        ],
        handler: act::cancel,
        ..Route::PLAIN
    },
];

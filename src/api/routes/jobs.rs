//! The routes that show jobs, and those that act on them.

use super::{Parameter, Reply, Route};
use crate::api::refusal::Refusal;
use crate::api::view::JobView;
use crate::api::{act, list, read};

/// How jobs are read, and what can be done to them.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/jobs",
        name: "jobs",
        summary: "Lists jobs page by page: ended ones newest first, or with `state` live ones as they will run.",
        query: &[
            Parameter::STATE,
            Parameter::TYPE,
            Parameter::IN_QUEUE,
            Parameter::TAG,
            Parameter::SINCE,
            Parameter::UNTIL,
            Parameter::LIMIT,
            Parameter::AFTER,
        ],
        replies: &[Reply::json::<list::PageView<'_>>(200, "A page of jobs.")],
        refusals: &[Refusal::QUEUE_AWAY, Refusal::STORAGE_AWAY],
        handler: list::jobs,
        ..Route::PLAIN
    },
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
            Refusal::OUTCOME_UNKNOWN,
            Refusal::STORAGE_AWAY,
        ],
        handler: act::cancel,
        ..Route::PLAIN
    },
    Route {
        method: "POST",
        path: "/jobs/{id}/retry",
        name: "retry",
        summary: "Runs an ended job again, as a new job; asked again, it answers with the same one.",
        segments: &[Parameter::JOB],
        replies: &[Reply::json::<JobView<'_>>(
            202,
            "The new job: the same payload and options, due at once. Or the one that an earlier request made, as it stands.",
        )
        .with(&[Parameter::LOCATION])],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::INVALID,
            Refusal::UNKNOWN_TYPE,
            Refusal::QUEUE_AWAY,
            Refusal::QUEUE_FULL,
            Refusal::OUTCOME_UNKNOWN,
            Refusal::STORAGE_AWAY,
        ],
        handler: act::retry,
        ..Route::PLAIN
    },
    Route {
        method: "POST",
        path: "/jobs/{id}/run",
        name: "run",
        summary: "Makes a job due now that waits for its time or for its next attempt.",
        segments: &[Parameter::JOB],
        replies: &[Reply::json::<JobView<'_>>(202, "The job, which is queued now.")],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::QUEUE_AWAY,
            Refusal::OUTCOME_UNKNOWN,
            Refusal::STORAGE_AWAY,
        ],
        handler: act::run,
        ..Route::PLAIN
    },
    Route {
        method: "DELETE",
        path: "/jobs/{id}",
        name: "delete_job",
        summary: "Deletes a job that has ended, for good; what it counts for in the history stays.",
        segments: &[Parameter::JOB],
        replies: &[Reply::empty(204, "The job is gone.")],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::QUEUE_AWAY,
            Refusal::OUTCOME_UNKNOWN,
            Refusal::STORAGE_AWAY,
        ],
        handler: act::delete,
        ..Route::PLAIN
    },
];

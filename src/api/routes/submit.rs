//! The route by which jobs come in.

use super::{Body, Parameter, Reply, Route};
use crate::api::refusal::Refusal;
use crate::api::submit::{self, LineAnswer, NewJob, NewJobs, Receipt, Receipts};
use crate::api::view::JobView;

/// How jobs come in.
pub const ROUTES: &[Route] = &[Route {
    method: "POST",
    path: "/submit",
    name: "submit",
    summary: "Accepts one job, an array of jobs, or NDJSON with a job a line.",
    query: &[Parameter::WAIT],
    headers: &[Parameter::IDEMPOTENCY_KEY],
    body: &[
        Body::json::<NewJobs>("One job, or an array of jobs that are accepted all or none."),
        Body::lines::<NewJob>(
            "A job a line; each piece of 1,000 lines is accepted whole or not at all.",
        ),
    ],
    replies: &[
        Reply::json::<Receipt>(202, "The job is accepted.").with(&[Parameter::LOCATION]),
        Reply::json::<Receipts>(202, "The jobs are accepted."),
        Reply::json::<Receipt>(
            200,
            "The job was accepted before, under its unique key or with this Idempotency-Key.",
        )
        .with(&[Parameter::LOCATION]),
        Reply::json::<Receipts>(200, "The jobs were accepted before."),
        Reply::json::<JobView<'_>>(200, "With `wait`: the job has ended."),
        Reply::lines::<LineAnswer>(200, "For NDJSON: what became of each line, in order."),
    ],
    refusals: &[
        Refusal::MEDIA_TYPE,
        Refusal::INVALID,
        Refusal::UNKNOWN_TYPE,
        Refusal::KEY_REUSED,
        Refusal::TOO_MANY,
        Refusal::QUEUE_AWAY,
        Refusal::QUEUE_FULL,
        Refusal::OUTCOME_UNKNOWN,
    ],
    handler: submit::submit,
    ..Route::PLAIN
}];

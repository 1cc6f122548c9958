//! The route by which jobs come in.

use super::{Body, Example, Parameter, Reply, Route};
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
        Body::json::<NewJobs>("One job, or an array of jobs that are accepted all or none.")
            .such_as(EXAMPLES),
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

const EXAMPLES: &[Example] = &[
    Example {
        name: "now",
        meaning: "A job that is due at once.",
        text: r#"{"type": "noop", "payload": {"any": "JSON"}}"#,
    },
    Example {
        name: "later",
        meaning: "A job that is due in a minute, in a queue of its own, once only while it waits or runs.",
        text: r#"{"type": "sleep", "payload": {"seconds": 0.1}, "queue": "slow", "delay": "1m", "unique": "nap"}"#,
    },
    Example {
        name: "careful",
        meaning: "A job that is tried three times at most, each time for ten seconds, and given up after an hour.",
        text: r#"{"type": "noop", "max_retries": 2, "backoff": {"base": "5s", "factor": 2, "cap": "1m"},
                  "timeout": "10s", "expires_in": "1h", "tags": ["example"]}"#,
    },
    Example {
        name: "email",
        meaning: "A mail.",
        text: r#"{"type": "email", "payload": {"to": "Ada <ada@example.com>", "subject": "Report", "body": "It is ready."}}"#,
    },
    Example {
        name: "image",
        meaning: "A picture of one dot, and what is made of it.",
        text: r#"{"type": "image", "payload": {
                    "source": {"base64": "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"},
                    "operations": [{"op": "rotate", "degrees": 90}],
                    "outputs": [{"path": "thumbnails/dot.png", "width": 64, "enlarge": true}]}}"#,
    },
    Example {
        name: "data",
        meaning: "Rows, and the sums of them.",
        text: r#"{"type": "data", "payload": {
                    "inputs": {"sales": {"rows": [{"city": "Rome", "sum": 7}, {"city": "Rome", "sum": 2}]}},
                    "steps": ["DELETE FROM sales WHERE sum < 3"],
                    "outputs": [{"select": "SELECT city, sum(sum) AS total FROM sales GROUP BY city", "to": {"result": "totals"}}]}}"#,
    },
    Example {
        name: "several",
        meaning: "Two jobs, of which both are accepted or none.",
        text: r#"[{"type": "noop"}, {"type": "noop", "run_at": "2026-11-24T07:42:06Z"}]"#,
    },
];

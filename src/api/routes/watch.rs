//! The routes that tell what a daemon is, and how it is.

use super::{Parameter, Reply, Route};
use crate::api::{catalog, watch};

/// What a daemon tells of itself.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/types",
        name: "types",
        summary: "Lists the job types that this daemon runs, with the schemas of their payloads and results.",
        replies: &[Reply::json::<catalog::Catalog<'_>>(
            200,
            "The job types, by name.",
        )],
        handler: catalog::types,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/healthz",
        name: "healthz",
        summary: "Answers while the process serves.",
        replies: &[Reply::json::<watch::Healthy>(200, "The process serves.")],
        handler: watch::healthz,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/readyz",
        name: "readyz",
        summary: "Tells whether the daemon can serve, and what it misses.",
        replies: &[
            Reply::json::<watch::Readiness>(
                200,
                "The daemon can take jobs; what it misses nevertheless is `degraded`.",
            ),
            Reply::problem::<watch::Readiness>(
                503,
                "The daemon cannot take jobs; `missing` says why.",
            )
            .with(&[Parameter::RETRY_AFTER]),
        ],
        handler: watch::readyz,
        ..Route::PLAIN
    },
];

//! The routes that tell what daemons are, and how they are.

use super::{Parameter, Reply, Route};
use crate::api::refusal::Refusal;
use crate::api::{catalog, openapi, stats, watch};

/// What a daemon tells of itself and of the others.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/stats",
        name: "stats",
        summary: "Counts the jobs by state: live ones as they stand, ended ones since the start of history.",
        replies: &[Reply::json::<stats::StatsView>(200, "The counts.")],
        refusals: &[Refusal::QUEUE_AWAY],
        handler: stats::stats,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/workers",
        name: "workers",
        summary: "Lists the daemons that live, and what each of them runs.",
        replies: &[Reply::json::<stats::WorkersView<'_>>(
            200,
            "The daemons, by name.",
        )],
        refusals: &[Refusal::QUEUE_AWAY],
        handler: stats::workers,
        ..Route::PLAIN
    },
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
    Route {
        method: "GET",
        path: "/openapi.json",
        name: "openapi",
        summary: "Describes all of this for other programs (OpenAPI 3.1), with the payloads of the job types.",
        headers: &[Parameter::IF_NONE_MATCH],
        replies: &[
            Reply::json::<serde_json::Map<String, serde_json::Value>>(200, "The document.")
                .with(&[Parameter::ETAG]),
            Reply::empty(304, "The client has it already.").with(&[Parameter::ETAG]),
        ],
        handler: openapi::openapi,
        ..Route::PLAIN
    },
];

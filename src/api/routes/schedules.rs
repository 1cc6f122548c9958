//! The routes of schedules.

use schemars::json_schema;

use super::{Body, Parameter, Reply, Route};
use crate::api::refusal::Refusal;
use crate::api::schedules::{self, COUNT_MAX, Fires, NewSchedule, ScheduleView, ScheduleViews};
use crate::api::submit::Receipt;

/// The name of a schedule.
const NAME: Parameter = Parameter {
    is_required: false,
    name: "name",
    meaning: "The name of a schedule.",
    shape: |_| json_schema!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}),
};

/// How many fires are told.
const COUNT: Parameter = Parameter {
    is_required: false,
    name: "count",
    meaning: "How many fires (10).",
    shape: |_| json_schema!({"type": "integer", "minimum": 1, "maximum": COUNT_MAX}),
};

/// After which instant.
const FROM: Parameter = Parameter {
    is_required: false,
    name: "from",
    meaning: "Fires after this instant instead of now.",
    shape: |_| json_schema!({"type": "string", "format": "date-time"}),
};

/// An expression.
const CRON: Parameter = Parameter {
    is_required: true,
    name: "cron",
    meaning: "The expression.",
    shape: |_| json_schema!({"type": "string", "examples": ["*/5 * * * *"]}),
};

/// Whose clocks it reads.
const TIME_ZONE: Parameter = Parameter {
    is_required: false,
    name: "time_zone",
    meaning: "The time zone (UTC).",
    shape: |_| json_schema!({"type": "string", "examples": ["Europe/Berlin"]}),
};

/// How schedules are made, shown and run.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/schedules",
        name: "schedules",
        summary: "Lists the schedules, by name.",
        replies: &[Reply::json::<ScheduleViews<'_>>(200, "All schedules.")],
        refusals: &[Refusal::QUEUE_AWAY],
        handler: schedules::list,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/schedules/{name}",
        name: "schedule",
        summary: "Shows a schedule: what it does, when it fires next, when it last did.",
        segments: &[NAME],
        replies: &[Reply::json::<ScheduleView<'_>>(
            200,
            "The schedule as it stands.",
        )],
        refusals: &[Refusal::NOT_FOUND, Refusal::QUEUE_AWAY],
        handler: schedules::get,
        ..Route::PLAIN
    },
    Route {
        method: "PUT",
        path: "/schedules/{name}",
        name: "put_schedule",
        summary: "Makes a schedule or replaces it; with `enabled` alone, lets it fire or not.",
        segments: &[NAME],
        body: &[Body::json::<NewSchedule>("The schedule.")],
        replies: &[
            Reply::json::<ScheduleView<'_>>(201, "It is made.").with(&[Parameter::LOCATION]),
            Reply::json::<ScheduleView<'_>>(200, "It is changed."),
        ],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::MEDIA_TYPE,
            Refusal::INVALID,
            Refusal::UNKNOWN_TYPE,
            Refusal::TOO_MANY,
            Refusal::QUEUE_AWAY,
        ],
        handler: schedules::put,
        ..Route::PLAIN
    },
    Route {
        method: "DELETE",
        path: "/schedules/{name}",
        name: "delete_schedule",
        summary: "Deletes a schedule; its jobs stay.",
        segments: &[NAME],
        replies: &[Reply::empty(204, "It is gone.")],
        refusals: &[Refusal::NOT_FOUND, Refusal::CONFLICT, Refusal::QUEUE_AWAY],
        handler: schedules::delete,
        ..Route::PLAIN
    },
    Route {
        method: "POST",
        path: "/schedules/{name}/run",
        name: "run_schedule",
        summary: "Submits the job of a schedule now; its times stay as they are.",
        segments: &[NAME],
        replies: &[Reply::json::<Receipt>(202, "The job is accepted.").with(&[Parameter::LOCATION])],
        refusals: &[
            Refusal::NOT_FOUND,
            Refusal::CONFLICT,
            Refusal::QUEUE_AWAY,
            Refusal::QUEUE_FULL,
            Refusal::OUTCOME_UNKNOWN,
        ],
        handler: schedules::run,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/schedules/{name}/preview",
        name: "preview_schedule",
        summary: "Tells when a schedule fires next.",
        segments: &[NAME],
        query: &[COUNT, FROM],
        replies: &[Reply::json::<Fires>(200, "Its next fires, in order.")],
        refusals: &[Refusal::NOT_FOUND, Refusal::QUEUE_AWAY],
        handler: schedules::of_schedule,
        ..Route::PLAIN
    },
    Route {
        method: "GET",
        path: "/cron/preview",
        name: "preview_cron",
        summary: "Tells when an expression fires next.",
        query: &[CRON, TIME_ZONE, COUNT, FROM],
        replies: &[Reply::json::<Fires>(200, "Its next fires, in order.")],
        handler: schedules::of_expression,
        ..Route::PLAIN
    },
];

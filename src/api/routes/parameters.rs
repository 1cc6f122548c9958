//! What stands by name in paths, queries and headers, as data.

use schemars::{SchemaGenerator, json_schema};

use super::Shape;
use crate::api::list;
use crate::api::read::WAIT_MAX;
use crate::job::JobId;
use crate::job::duration::written;

/// Something by name in a path, a query or the headers of a request.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// Its values.
    pub shape: Shape,
    /// Whether it must be there. What is in a path always is.
    pub is_required: bool,
}

impl Parameter {
    /// A parameter that may be left out.
    pub const fn new(name: &'static str, meaning: &'static str, shape: Shape) -> Self {
        Self {
            name,
            meaning,
            shape,
            is_required: false,
        }
    }

    /// The same, which must be there.
    pub const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// What stands in paths.
impl Parameter {
    /// The id of a job.
    pub const JOB: Self = Self::new(
        "id",
        "The id of a job.",
        SchemaGenerator::subschema_for::<JobId>,
    );

    /// The name of a queue.
    pub const QUEUE: Self = Self::new(
        "name",
        "The name of a queue.",
        |_| json_schema!({"type": "string", "pattern": NAME}),
    );
}

/// What stands in queries.
impl Parameter {
    /// How long to wait for the end of a job.
    pub const WAIT: Self = Self::new(
        "wait",
        "Answers once the job has ended, or after so long.",
        |_| {
            let max = written(WAIT_MAX);
            json_schema!({
                "type": "string",
                "description": format!("A length of time, at most {max}: `500ms`, `10s`, `1m`, or a number of seconds."),
                "pattern": DURATION,
                "examples": ["10s"],
            })
        },
    );
}

/// Headers of requests.
impl Parameter {
    /// A name for the request. Any text is taken: one that is not sane is passed over, not refused.
    pub const REQUEST_ID: Self = Self::new(
        "X-Request-Id",
        "The name of the request in answers and logs: 1 to 128 letters, digits and `_.:/+=-`; one is made where none \
         comes, or another text.",
        |_| json_schema!({"type": "string"}),
    );

    /// The key that makes a request safe to repeat.
    pub const IDEMPOTENCY_KEY: Self = Self::new(
        "Idempotency-Key",
        "Makes the request safe to repeat: the same request with the same key is answered with the same ids, and makes \
         no jobs again.",
        |_| json_schema!({"type": "string", "pattern": "^[ -~]{1,255}$"}),
    );

    /// What the client has already.
    pub const IF_NONE_MATCH: Self = Self::new(
        "If-None-Match",
        "The `ETag` of what the client has; if it is the same still, 304 comes instead.",
        |_| json_schema!({"type": "string"}),
    );
}

/// Headers of answers.
impl Parameter {
    /// The name that the request has.
    pub const REQUEST_NAMED: Self = Self::new(
        "X-Request-Id",
        "The name of the request: the client's own, or one that was made.",
        |_| json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_.:/+=-]{1,128}$"}),
    );

    /// Where the job that was made is.
    pub const LOCATION: Self = Self::new(
        "Location",
        "Where the job is to be found.",
        |_| json_schema!({"type": "string", "format": "uri-reference"}),
    );

    /// When to try again.
    pub const RETRY_AFTER: Self = Self::new(
        "Retry-After",
        "After how many seconds to try again.",
        |_| json_schema!({"type": "integer", "minimum": 1}),
    );

    /// The name of this very content.
    pub const ETAG: Self = Self::new(
        "ETag",
        "The name of this very content.",
        |_| json_schema!({"type": "string"}),
    );
}

/// What a list is asked for.
impl Parameter {
    /// In which state.
    pub const STATE: Self = Self::new(
        "state",
        "Only jobs in this state; `ended` (the default) and `live` stand for several.",
        |_| json_schema!({"type": "string", "enum": list::states().collect::<Vec<_>>(), "default": "ended"}),
    );

    /// Of which type.
    pub const TYPE: Self = Self::new(
        "type",
        "Only jobs of this type.",
        |_| json_schema!({"type": "string", "pattern": NAME}),
    );

    /// Of which queue.
    pub const IN_QUEUE: Self = Self::new(
        "queue",
        "Only jobs of this queue.",
        |_| json_schema!({"type": "string", "pattern": NAME}),
    );

    /// With which tag.
    pub const TAG: Self = Self::new(
        "tag",
        "Only jobs with this tag.",
        |_| json_schema!({"type": "string", "minLength": 1}),
    );

    /// Created from when on.
    pub const SINCE: Self = Self::new(
        "since",
        "Only jobs that were created at this instant or later.",
        |_| json_schema!({"type": "string", "format": "date-time"}),
    );

    /// Created until when.
    pub const UNTIL: Self = Self::new(
        "until",
        "Only jobs that were created before this instant.",
        |_| json_schema!({"type": "string", "format": "date-time"}),
    );

    /// How many.
    pub const LIMIT: Self = Self::new(
        "limit",
        "How many jobs a page holds.",
        |_| json_schema!({"type": "integer", "minimum": 1, "maximum": list::LIMIT_MAX, "default": list::LIMIT}),
    );

    /// Where to go on.
    pub const AFTER: Self = Self::new(
        "after",
        "Goes on where the page ended that this came from as `next`.",
        |_| json_schema!({"type": "string"}),
    );
}

/// What names of queues and job types look like.
pub const NAME: &str = "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$";

/// What lengths of time look like as text.
pub const DURATION: &str = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)?$";

//! What a submitted job may be, as JSON Schema: beside what [`crate::job::draft`] reads, with its bounds.
//!
//! They read by hand, so that every wrong field is found at once and pointed at; a test holds reader and schema together.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::api::routes::{DURATION, NAME};
use crate::job::Backoff;
use crate::job::draft::fields::{
    DELAY_MAX, RETRIES_MAX, TAG_BYTES_MAX, TAGS_MAX, TIMEOUT_MAX, TIMEOUT_MIN, UNIQUE_BYTES_MAX,
};
use crate::job::duration::written;

/// A job as it is submitted.
pub struct NewJob;

/// A job, or an array of them.
pub struct NewJobs;

impl JsonSchema for NewJob {
    fn schema_name() -> Cow<'static, str> {
        "NewJob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        properties.insert("type".to_owned(), name("What runs the job."));
        properties.insert(
            "payload".to_owned(),
            json!({"description": "What the job is given; `{}` where it is left out."}),
        );
        properties.extend(options());
        json_schema!({
            "description": "A job as it is submitted.",
            "type": "object",
            "properties": properties,
            "required": ["type"],
            "not": {
                "description": "`delay` and `run_at` exclude each other.",
                "properties": {"delay": {"type": ["string", "number"]}, "run_at": {"type": "string"}},
                "required": ["delay", "run_at"],
            },
            "additionalProperties": false,
        })
    }
}

impl JsonSchema for NewJobs {
    fn schema_name() -> Cow<'static, str> {
        "NewJobs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<NewJob>();
        json_schema!({
            "description": "A job, or an array of jobs.",
            "oneOf": [
                one,
                {"type": "array", "items": one, "minItems": 1},
            ],
        })
    }
}

/// The fields of a submitted job beyond its type and payload. Null is as if they were left out.
pub fn options() -> Map<String, Value> {
    let seconds = |seconds: u64| Duration::from_secs(seconds);
    let millis = Duration::from_millis(1);
    let backoff = json!({
        "base": duration("The wait after the first failure; at most `cap`.", Duration::ZERO, Backoff::CAP_MAX, seconds(15)),
        "factor": or_null(json!({
            "description": "By how much each further wait is longer.",
            "type": "number", "minimum": Backoff::FACTORS.start(), "maximum": Backoff::FACTORS.end(), "default": 4,
        })),
        "cap": duration("The longest wait.", Duration::ZERO, Backoff::CAP_MAX, seconds(3600)),
    });
    let key = json!({"type": "string", "minLength": 1, "maxLength": UNIQUE_BYTES_MAX, "pattern": PRINTABLE});
    let options = json!({
        "queue": or_null(name("The line that it waits in; `default`, or that of its type, where it is left out.")),
        "delay": duration("After how long it is due; excludes `run_at`.", Duration::ZERO, DELAY_MAX, seconds(10)),
        "run_at": or_null(json!({
            "description": "When it is due, at most 400 days ahead; a past instant means at once. Excludes `delay`.",
            "type": "string", "format": "date-time", "examples": ["2026-11-24T07:42:06Z"],
        })),
        "max_retries": or_null(json!({
            "description": "How many failed attempts are followed by another.",
            "type": "integer", "minimum": 0, "maximum": RETRIES_MAX,
        })),
        "backoff": or_null(json!({
            "description": "How long to wait between attempts: base × factor^(k−1) after the k-th failure, at most cap, \
                            of which a random 50 to 100 % is waited.",
            "type": "object", "properties": backoff, "additionalProperties": false,
        })),
        "timeout": duration("How long an attempt may take.", TIMEOUT_MIN, TIMEOUT_MAX, seconds(60)),
        "expires_in": duration("After how long it is given up if it has not begun.", millis, DELAY_MAX, seconds(3600)),
        "unique": {
            "description": "A key; while a job with it is live, submitting another answers with the first.",
            "anyOf": [
                key,
                {
                    "type": "object",
                    "properties": {"key": key, "for": duration("For how long at most.", millis, DELAY_MAX, seconds(3600))},
                    "required": ["key"],
                    "additionalProperties": false,
                },
                {"type": "null"},
            ],
        },
        "tags": or_null(json!({
            "description": "Words to find it by, of at most 64 bytes each.",
            "type": "array", "maxItems": TAGS_MAX,
            "items": {"type": "string", "minLength": 1, "maxLength": TAG_BYTES_MAX, "pattern": PRINTABLE},
        })),
    });
    match options {
        Value::Object(options) => options,
        _ => Map::new(),
    }
}

/// Text without control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

fn name(meaning: &str) -> Value {
    json!({
        "description": meaning,
        "type": "string",
        "pattern": NAME,
    })
}

/// A length of time from `min` to `max`: as text, whose bounds a schema cannot tell, or as a number of seconds.
fn duration(meaning: &str, min: Duration, max: Duration, example: Duration) -> Value {
    let bounds = format!("From {} to {}.", written(min), written(max));
    json!({
        "description": format!("{meaning} {bounds}"),
        "anyOf": [
            {"type": "string", "pattern": DURATION},
            {"type": "number", "minimum": min.as_secs_f64(), "maximum": max.as_secs_f64()},
            {"type": "null"},
        ],
        "examples": [written(example).to_string()],
    })
}

/// The same, or null.
fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::draft::FIELDS;

    #[test]
    fn every_field_that_is_read_has_its_schema() {
        let mut told: Vec<_> = options().into_iter().map(|(name, _)| name).collect();
        told.extend(["type".to_owned(), "payload".to_owned()]);
        told.sort_unstable();
        let mut read = FIELDS.to_vec();
        read.sort_unstable();
        assert_eq!(told, read);
    }
}

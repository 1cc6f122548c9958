//! What a schedule may be, as JSON Schema: beside what [`Definition::read`](crate::schedule::Definition::read) reads.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::api::submit::NewJob;
use crate::schedule::{CatchUp, Overlap};

/// A schedule as it is put.
pub struct NewSchedule;

impl JsonSchema for NewSchedule {
    fn schema_name() -> Cow<'static, str> {
        "NewSchedule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A schedule as it is put. Of one that is there, `enabled` alone may be put; then the rest stays as it is.",
            "type": "object",
            "properties": {
                "cron": {
                    "description": "When it fires: five fields, or six with the seconds first; `@daily` and its like; `@every 90s`.",
                    "type": ["string", "null"],
                    "examples": ["*/5 * * * *", "0 30 2 * * Mon-Fri", "@every 90s"],
                },
                "time_zone": {
                    "description": "Whose clocks that reads: a name of the IANA database.",
                    "type": ["string", "null"],
                    "default": "UTC",
                    "examples": ["Europe/Berlin"],
                },
                "job": generator.subschema_for::<NewJob>(),
                "catch_up": {
                    "description": "What becomes of ticks that nobody was there for: none, the last or all of them bring their job.",
                    "enum": words(CatchUp::WORDS),
                    "default": CatchUp::default().as_str(),
                },
                "overlap": {
                    "description": "Whether a job may run beside the last one; with `skip`, ticks pass while that lives.",
                    "enum": words(Overlap::WORDS),
                    "default": Overlap::default().as_str(),
                },
                "enabled": {
                    "description": "Whether it fires.",
                    "type": ["boolean", "null"],
                    "default": true,
                },
            },
            "anyOf": [
                {"required": ["cron", "job"]},
                {"required": ["enabled"], "maxProperties": 1},
            ],
            "additionalProperties": false,
        })
    }
}

/// The words, and null, which is as good as leaving it out.
fn words(words: &[&str]) -> Vec<Option<String>> {
    let words = words.iter().map(|word| Some((*word).to_owned()));
    words.chain([None]).collect()
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::*;
    use crate::schedule::FIELDS;

    #[test]
    fn the_schema_knows_the_fields_that_are_read() {
        let schema = schema_for!(NewSchedule);
        let properties = schema.get("properties").and_then(|p| p.as_object());
        let mut told: Vec<&str> = properties
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        let mut read = FIELDS.to_vec();
        told.sort_unstable();
        read.sort_unstable();
        assert_eq!(told, read);
    }
}

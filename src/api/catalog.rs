//! `GET /types`: what this daemon can run, and what each type is given and answers.

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;

/// The job types that a daemon runs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobTypes")]
pub struct Catalog<'a> {
    types: Vec<Entry<'a>>,
}

/// A job type, with JSON Schemas (2020-12).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobType")]
struct Entry<'a> {
    name: &'a str,
    payload_schema: schemars::Schema,
    result_schema: schemars::Schema,
}

/// Answers `GET /types`, by name.
///
/// # Errors
///
/// None.
pub fn types(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let entry = |(name, handler): (_, &std::sync::Arc<dyn crate::handlers::Registered>)| Entry {
        name,
        payload_schema: handler.payload_schema(),
        result_schema: handler.output_schema(),
    };
    let present = shared.services.terms.present();
    let types = present.registry.iter().map(entry).collect();
    Ok(Then::Answer(Answer::json(200, &Catalog { types })))
}

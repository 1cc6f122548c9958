//! `/healthz` and `/readyz`: what a supervisor or load balancer asks.

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;

/// The answer of `/healthz`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub struct Healthy {
    status: &'static str,
}

/// A part that is missing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MissingPart")]
struct Missing {
    part: &'static str,
    reason: String,
}

/// Whether a daemon is ready; a problem document when it is not.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Readiness {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    title: &'static str,
    status: u16,
    ready: bool,
    missing: Vec<Missing>,
    degraded: Vec<Missing>,
}

/// Answers `GET /healthz`: 200 while the process serves.
///
/// # Errors
///
/// None.
pub fn healthz(_: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    Ok(Then::Answer(Answer::json(200, &Healthy { status: "ok" })))
}

/// Answers `GET /readyz`: 200 when the daemon can take jobs, else 503 with what is missing. What is missing but not
/// needed for that stands under `degraded`.
///
/// # Errors
///
/// None.
pub fn readyz(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let mut missing = Vec::new();
    let mut degraded = Vec::new();
    for (part, reason) in shared.services.health.all_missing() {
        let list = if part.is_needed() {
            &mut missing
        } else {
            &mut degraded
        };
        let part = part.as_str();
        list.push(Missing { part, reason });
    }
    if shared.is_stopping() {
        missing.push(Missing {
            part: "daemon",
            reason: "it is stopping".to_owned(),
        });
    }
    let ready = missing.is_empty();
    let status = if ready { 200 } else { 503 };
    let body = Readiness {
        kind: (!ready).then_some("urn:windlass:not-ready"),
        title: match (ready, degraded.is_empty()) {
            (true, true) => "ready",
            (true, false) => "ready, degraded",
            (false, _) => "not ready",
        },
        status,
        ready,
        missing,
        degraded,
    };
    let answer = Answer::json(status, &body);
    Ok(Then::Answer(if ready {
        answer
    } else {
        answer
            .of_type("application/problem+json")
            .with("Retry-After", "5")
    }))
}

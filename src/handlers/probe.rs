//! `noop` and `sleep`: for trying things out, and for the benchmark.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cancellation, Context, Failure, Handler, Wrong};

/// Does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Noop;

/// Anything in an object; it is not looked at.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoopPayload {}

/// Nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoopOutput {}

impl Handler for Noop {
    const TYPE: &'static str = "noop";
    type Payload = NoopPayload;
    type Output = NoopOutput;

    fn run(&self, _: NoopPayload, _: &Context) -> Result<NoopOutput, Failure> {
        Ok(NoopOutput {})
    }
}

/// Waits.
#[derive(Debug, Clone, Copy)]
pub struct Sleep;

/// For how long to wait.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SleepPayload {
    /// Seconds, at most a day.
    #[schemars(range(min = 0.0, max = 86400.0))]
    pub seconds: f64,
}

/// For how long it waited.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SleepOutput {
    /// Seconds.
    pub slept: f64,
}

impl Handler for Sleep {
    const TYPE: &'static str = "sleep";
    type Payload = SleepPayload;
    type Output = SleepOutput;

    fn check(&self, payload: &SleepPayload) -> Result<(), Vec<Wrong>> {
        if (0.0..=86_400.0).contains(&payload.seconds) {
            Ok(())
        } else {
            Err(vec![Wrong::new(
                "/seconds",
                "must be a number from 0 to 86400",
            )])
        }
    }

    fn run(&self, payload: SleepPayload, context: &Context) -> Result<SleepOutput, Failure> {
        let duration = Duration::try_from_secs_f64(payload.seconds)
            .map_err(|err| Failure::permanent(format!("seconds: {err}")))?;
        match context.wait(duration) {
            Ok(()) => Ok(SleepOutput {
                slept: payload.seconds,
            }),
            Err(Cancellation::Cancelled) => Err(Failure::cancelled()),
            Err(Cancellation::Deadline) => Err(Failure::timeout(duration)),
        }
    }
}

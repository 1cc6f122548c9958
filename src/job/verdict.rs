//! What follows from an attempt: the one place where that is decided.

use std::time::Duration;

use super::{ErrorKind, Job, JobError, Outcome, State};

/// Why an attempt did not succeed, and whether another may. What a handler answers instead of its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    error: JobError,
    delay: Option<Duration>,
}

impl Failure {
    /// Another attempt may succeed; it comes after the job's own backoff.
    #[must_use]
    pub fn retry(message: impl AsRef<str>) -> Self {
        Self {
            error: JobError::new(ErrorKind::Failed, message.as_ref()),
            delay: None,
        }
    }

    /// Another attempt may succeed, but not before `delay`; it takes the place of the backoff.
    #[must_use]
    pub fn retry_in(delay: Duration, message: impl AsRef<str>) -> Self {
        Self {
            delay: Some(delay),
            ..Self::retry(message)
        }
    }

    /// No other attempt can succeed: the job ends.
    #[must_use]
    pub fn permanent(message: impl AsRef<str>) -> Self {
        Self {
            error: JobError::new(ErrorKind::Permanent, message.as_ref()),
            delay: None,
        }
    }

    /// The handler stopped because it was asked to; see `Context::cancelled`.
    #[must_use]
    pub fn cancelled() -> Self {
        Self {
            error: JobError::new(ErrorKind::Cancelled, "it was cancelled"),
            delay: None,
        }
    }

    /// The deadline passed before the handler answered.
    #[must_use]
    pub fn timeout(after: Duration) -> Self {
        Self {
            error: JobError::new(
                ErrorKind::Timeout,
                &format!("it did not end within {after:?}"),
            ),
            delay: None,
        }
    }

    /// The handler panicked.
    #[must_use]
    pub fn panic(message: &str) -> Self {
        Self {
            error: JobError::new(ErrorKind::Panic, message),
            delay: None,
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &JobError {
        &self.error
    }
}

/// What becomes of a job after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It ends in this state.
    End {
        /// An ended state.
        state: State,
        /// How the attempt ended.
        outcome: Outcome,
        /// Why it did not succeed.
        error: Option<JobError>,
    },
    /// It is tried again.
    Retry {
        /// How long to wait; a delay, not an instant: the engine's clock makes the instant.
        delay: Duration,
        /// How the attempt ended.
        outcome: Outcome,
        /// Why it failed.
        error: JobError,
    },
}

/// Decides what follows from an attempt of `job` that had `failures` failed ones before it.
///
/// `failure` is what the attempt answered (`None`: it succeeded), `cancel` whether somebody asked for the job's end,
/// `jitter` a number in `[0, 1)` drawn by the caller.
#[must_use]
pub fn judge(
    job: &Job,
    failures: u32,
    failure: Option<&Failure>,
    cancel: bool,
    jitter: f64,
) -> Verdict {
    let Some(Failure { error, delay }) = failure else {
        return Verdict::End {
            state: State::Succeeded,
            outcome: Outcome::Succeeded,
            error: None,
        };
    };
    let outcome = match error.kind {
        ErrorKind::Timeout => Outcome::TimedOut,
        // A handler that says so without having been asked has failed.
        ErrorKind::Cancelled if cancel => Outcome::Cancelled,
        _ => Outcome::Failed,
    };
    let end = |state| Verdict::End {
        state,
        outcome,
        error: Some(error.clone()),
    };
    if cancel {
        return end(State::Cancelled);
    }
    if error.kind == ErrorKind::Permanent || failures >= job.max_retries {
        return end(State::Dead);
    }
    let delay = delay.unwrap_or_else(|| job.backoff.delay(failures + 1, jitter));
    Verdict::Retry {
        delay,
        outcome,
        error: error.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Event, JobId, Timestamp};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn job(max_retries: u32) -> Job {
        let payload = RawValue::from_string("{}".to_owned()).expect("JSON");
        Job {
            max_retries,
            ..Job::new(
                JobId::mint(Timestamp::from_micros(1), 1),
                "noop",
                "default",
                payload,
            )
        }
    }

    fn failures() -> impl Strategy<Value = Option<Failure>> {
        prop_oneof![
            Just(None),
            Just(Some(Failure::retry("x"))),
            Just(Some(Failure::retry_in(Duration::from_secs(7), "x"))),
            Just(Some(Failure::permanent("x"))),
            Just(Some(Failure::cancelled())),
            Just(Some(Failure::timeout(Duration::from_secs(1)))),
            Just(Some(Failure::panic("x"))),
        ]
    }

    proptest! {
        #[test]
        fn every_verdict_is_a_move_of_the_table(max in 0u32..10, before in 0u32..12, failure in failures(), cancel: bool, jitter in 0.0f64..1.0) {
            let state = match judge(&job(max), before, failure.as_ref(), cancel, jitter) {
                Verdict::End { state, .. } => state,
                Verdict::Retry { .. } => State::Retrying,
            };
            let event = match state {
                State::Succeeded => Event::Succeed,
                State::Retrying => Event::Fail,
                State::Dead => Event::FailForGood,
                _ => Event::Cancel,
            };
            prop_assert_eq!(State::after(Some(State::Running), event), Some(state));
        }

        #[test]
        fn nothing_unknown_counts_as_success_and_no_retry_exceeds_its_number(max in 0u32..10, before in 0u32..12, failure in failures(), cancel: bool) {
            let verdict = judge(&job(max), before, failure.as_ref(), cancel, 0.5);
            let succeeded = matches!(verdict, Verdict::End { state: State::Succeeded, .. });
            prop_assert_eq!(succeeded, failure.is_none());
            if matches!(verdict, Verdict::Retry { .. }) {
                prop_assert!(before < max && !cancel);
            }
        }
    }

    #[test]
    fn five_retries_are_six_attempts() {
        let attempts = (0..)
            .take_while(|&k| {
                matches!(
                    judge(&job(5), k, Some(&Failure::retry("x")), false, 0.0),
                    Verdict::Retry { .. }
                )
            })
            .count()
            + 1;
        assert_eq!(attempts, 6);
    }
}

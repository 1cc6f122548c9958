//! One run of a job, and what went wrong in it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The handler answered with its output.
    Succeeded,
    /// The handler answered with a failure, or panicked.
    Failed,
    /// The handler did not answer by its deadline.
    TimedOut,
    /// The worker was not heard of any more.
    Crashed,
    /// A stopping daemon gave the job back; not counted.
    Released,
    /// The handler stopped because it was asked to.
    Cancelled,
}

impl Outcome {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Crashed => "crashed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The text is the name of no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no outcome has that name")]
pub struct NotAnOutcome;

impl FromStr for Outcome {
    type Err = NotAnOutcome;

    fn from_str(name: &str) -> Result<Self, NotAnOutcome> {
        let all = [
            Self::Succeeded,
            Self::Failed,
            Self::TimedOut,
            Self::Crashed,
            Self::Released,
            Self::Cancelled,
        ];
        let known = all.into_iter().find(|outcome| outcome.as_str() == name);
        known.ok_or(NotAnOutcome)
    }
}

/// What sort of error it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The handler failed, in a way that another attempt may mend.
    Failed,
    /// The handler failed for good.
    Permanent,
    /// The deadline passed.
    Timeout,
    /// The handler panicked.
    Panic,
    /// The worker died.
    Crash,
    /// The job had not begun in the time it was given.
    Expired,
    /// Somebody asked for the job's end.
    Cancelled,
}

impl ErrorKind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Permanent => "permanent",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
            Self::Crash => "crash",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why an attempt, or a whole job, did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobError {
    /// What sort of error it was.
    pub kind: ErrorKind,
    /// What its reader needs to know, in words.
    pub message: String,
}

impl JobError {
    /// Longest message kept, in bytes; what is longer is cut.
    pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

    /// An error whose message is fit to be kept: no U+0000 (PostgreSQL's jsonb refuses it), cut at its bound.
    #[must_use]
    pub fn new(kind: ErrorKind, message: &str) -> Self {
        Self {
            kind,
            message: fit(message, Self::MESSAGE_BYTES_MAX),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which attempt it was, from 1. A released attempt shares its number with the next.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When the handler was called; for a crashed one, when the job was lent.
    pub started_at: Timestamp,
    /// When it ended; for a crashed one, when that was found.
    pub ended_at: Timestamp,
    /// Who ran it.
    pub node: String,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// What the handler wrote to its log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl Attempt {
    /// An attempt that was lost with its worker: lent at `leased_at`, found lost at `ended_at`.
    #[must_use]
    pub fn crashed(
        attempt: u32,
        leased_at: Timestamp,
        ended_at: Timestamp,
        node: impl Into<String>,
    ) -> Self {
        let message = "its worker died, or was not heard of for the length of its lease";
        Self {
            attempt,
            outcome: Outcome::Crashed,
            started_at: leased_at,
            ended_at,
            node: node.into(),
            error: Some(JobError::new(ErrorKind::Crash, message)),
            log: Vec::new(),
        }
    }

    /// Most attempts kept of one job: the first and the latest ones; those between are dropped.
    pub const KEPT_MAX: usize = 20;

    /// Most bytes of log kept of one attempt: the first ones, and a line that says how much is missing.
    pub const LOG_BYTES_MAX: usize = 16 * 1024;
}

/// How far a running job has come, in the handler's own units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; `None` where the handler cannot know.
    pub total: Option<u64>,
    /// What it is doing.
    pub note: String,
}

/// `text` without U+0000, at most `max` bytes of it, cut between characters.
#[must_use]
pub(crate) fn fit(text: &str, max: usize) -> String {
    let mut fit = text.replace('\0', "\u{fffd}");
    if fit.len() > max {
        let cut = (0..=max.saturating_sub(3))
            .rev()
            .find(|&i| fit.is_char_boundary(i))
            .unwrap_or(0);
        fit.truncate(cut);
        fit.push('…');
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_fitted_text_is_bounded_and_free_of_nul(text: String, max in 3usize..100) {
            let fitted = fit(&text, max);
            prop_assert!(fitted.len() <= max && !fitted.contains('\0'));
            // Only what did not fit, or could not stay, is changed.
            let whole = text.len() <= max && !text.contains('\0');
            prop_assert!(!whole || fitted == text);
        }
    }
}

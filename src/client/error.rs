//! Why a client gets no job, or no answer.

use std::fmt;

use crate::api::ApiError;
use crate::job::draft::Wrong;
use crate::job::{Found, JobId, Live};

/// Why a job was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// These fields are wrong; nothing was accepted. The program has to be mended, or what it was given.
    #[error("{}", Listed(.0))]
    Wrong(Vec<Wrong>),
    /// The queue is away or full, or the daemon stops; nothing was accepted. Try again later.
    #[error("nothing was accepted: {0}")]
    Unavailable(String),
    /// The queue was asked and did not answer: these may have been accepted. Ask for them ([`super::Client::find`]), or
    /// submit again what bears to be run twice.
    #[error("it is unknown whether the queue accepted: {reason}")]
    Unknown {
        /// The ids that the jobs then have, in order.
        ids: Vec<JobId>,
        /// What is known of the cause.
        reason: String,
    },
}

impl From<ApiError> for SubmitError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Invalid(wrongs) | ApiError::UnknownType(wrongs) => Self::Wrong(wrongs),
            ApiError::TooLarge(detail, wrongs) if wrongs.is_empty() => {
                Self::Wrong(vec![Wrong::new("", detail)])
            }
            ApiError::TooLarge(_, wrongs) => Self::Wrong(wrongs),
            ApiError::Malformed(detail) => Self::Wrong(vec![Wrong::new("", detail)]),
            ApiError::OutcomeUnknown(ids, reason) => Self::Unknown { ids, reason },
            other => Self::Unavailable(other.cause()),
        }
    }
}

/// Wrong fields in one line.
struct Listed<'a>(&'a [Wrong]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Wrong { pointer, detail }) in self.0.iter().enumerate() {
            let between = if number > 0 { "; " } else { "" };
            match pointer.as_str() {
                "" => write!(f, "{between}{detail}")?,
                pointer => write!(f, "{between}{pointer}: {detail}")?,
            }
        }
        Ok(())
    }
}

/// It cannot be told at present how a job stands: queue or storage are away. Ask again later.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be told how the job stands: {0}")]
pub struct AskError(String);

impl AskError {
    /// What was found; nothing is `None`.
    pub(super) fn or_none(found: Result<Box<Found>, ApiError>) -> Result<Option<Found>, Self> {
        match found {
            Ok(found) => Ok(Some(*found)),
            Err(ApiError::NotFound(_)) => Ok(None),
            Err(other) => Err(Self(other.cause())),
        }
    }
}

/// Why there is no end of a job to be told.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The time to wait was over before; this is how it stands.
    #[error("the job has not ended yet: it is {}", .0.state)]
    Lives(Box<Live>),
    /// There is no job with this id, or it is so old that its record is gone.
    #[error("there is no such job")]
    Unknown,
    /// It cannot be told at present.
    #[error(transparent)]
    Away(#[from] AskError),
}

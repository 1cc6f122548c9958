//! What is refused, and how it is said: each refusal becomes a problem document (RFC 9457).
//!
//! An error has two messages: `detail` is for the sender and says what to do next; the cause, where there is one, is for
//! the log alone. The status of an answer is known nowhere else.

use std::fmt;

use serde::Serialize;

use super::answer::Answer;
use crate::handlers::Wrong;
use crate::job::JobId;
use crate::queue::QueueError;
use crate::storage::StorageError;

/// Most wrong fields that one answer lists; the rest are counted.
const WRONGS_MAX: usize = 100;

/// How long a client is asked to wait before it tries again, in seconds, where a part is away.
const AWAY_SECONDS: u32 = 5;

/// How long a client is asked to wait before it tries again, in seconds, where a bound is reached.
const FULL_SECONDS: u32 = 1;

/// Why a request is refused.
#[derive(Debug)]
pub enum ApiError {
    /// 400: not JSON, or not a request that we understand.
    Malformed(String),
    /// 403: not from where it comes.
    Forbidden(String),
    /// 404: what the path names is not there.
    NotFound(String),
    /// 405: the path is there, the method is not; these are.
    MethodNotAllowed(String),
    /// 408: the body did not come in time.
    TooSlow(String),
    /// 409: the state of the job does not allow it.
    Conflict(String),
    /// 413: a body, or the parts of it that are listed, beyond a bound.
    TooLarge(String, Vec<Wrong>),
    /// 415: the content type is missing or not ours.
    MediaType(String),
    /// 422: these fields are wrong.
    Invalid(Vec<Wrong>),
    /// 422: these jobs are of types that nobody here runs.
    UnknownType(Vec<Wrong>),
    /// 422: the Idempotency-Key came before with another body.
    KeyReused,
    /// 422: in order, but another line of the same piece is not.
    PieceRefused,
    /// 429: a bound is reached.
    TooMany(String),
    /// 501: a method or transfer coding that we do not do.
    NotImplemented(String),
    /// 503: the queue is away; nothing was enqueued or changed. The cause is for the log.
    QueueAway(String),
    /// 503: the queue has no room; nothing was enqueued. The cause is for the log.
    QueueFull(String),
    /// 503: storage is away and the question needs it. The cause is for the log.
    StorageAway(String),
    /// 503: these may have been enqueued. The cause is for the log.
    OutcomeUnknown(Vec<JobId>, String),
    /// 503: the daemon takes nothing more.
    Stopping,
    /// 503: more requests than we hold at once.
    Busy(String),
    /// 500: our mistake. The cause is for the log.
    Internal(String),
}

/// A problem document.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// A stable name for this sort of problem.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    /// The status of the answer that it comes in.
    pub status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Pointed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<JobId>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// One wrong field on the wire.
#[derive(Debug, Clone, Serialize)]
struct Pointed {
    pointer: String,
    detail: String,
}

impl ApiError {
    /// The wrong fields of one or more jobs, as the refusal that fits them: too large, of an unknown type, or wrong.
    #[must_use]
    pub fn of_wrongs(wrongs: Vec<(Sort, Wrong)>) -> Self {
        let all = |sort| wrongs.iter().all(|(s, _)| *s == sort);
        let (too_large, unknown) = (all(Sort::TooLarge), all(Sort::UnknownType));
        let wrongs = wrongs.into_iter().map(|(_, wrong)| wrong).collect();
        if too_large {
            let detail = "a payload is larger than PAYLOADMAX allows; put the data into a file and \
                          pass its path";
            Self::TooLarge(detail.to_owned(), wrongs)
        } else if unknown {
            Self::UnknownType(wrongs)
        } else {
            Self::Invalid(wrongs)
        }
    }

    /// The document for the sender.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, kind, title) = self.name();
        let (errors, ids) = match self {
            Self::TooLarge(_, wrongs) | Self::Invalid(wrongs) | Self::UnknownType(wrongs) => {
                (wrongs.as_slice(), &[][..])
            }
            Self::OutcomeUnknown(ids, _) => (&[][..], ids.as_slice()),
            _ => (&[][..], &[][..]),
        };
        let errors = errors.iter().take(WRONGS_MAX).map(|wrong| Pointed {
            pointer: wrong.pointer.clone(),
            detail: wrong.detail.clone(),
        });
        let retry_after = match self {
            Self::QueueAway(_) | Self::StorageAway(_) | Self::Stopping => Some(AWAY_SECONDS),
            Self::OutcomeUnknown(..) => Some(AWAY_SECONDS),
            Self::QueueFull(_) | Self::TooMany(_) | Self::Busy(_) => Some(FULL_SECONDS),
            _ => None,
        };
        Problem {
            kind,
            title,
            status,
            detail: self.detail(),
            errors: errors.collect(),
            ids: ids.to_vec(),
            retry_after,
        }
    }

    /// The answer that says so.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let problem = self.problem();
        let mut answer = Answer::json(problem.status, &problem).of_type("application/problem+json");
        if let Some(seconds) = problem.retry_after {
            answer = answer.with("Retry-After", &seconds.to_string());
        }
        if let Self::MethodNotAllowed(allow) = self {
            answer = answer.with("Allow", allow);
        }
        answer
    }

    /// Status, stable name and title.
    fn name(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed(_) => (400, "urn:windlass:malformed", "The request is malformed"),
            Self::Forbidden(_) => (403, "urn:windlass:forbidden", "Not allowed from there"),
            Self::NotFound(_) => (404, "urn:windlass:not-found", "Not found"),
            Self::MethodNotAllowed(_) => (
                405,
                "urn:windlass:method-not-allowed",
                "The method is not allowed here",
            ),
            Self::TooSlow(_) => (408, "urn:windlass:too-slow", "The request came too slowly"),
            Self::Conflict(_) => (
                409,
                "urn:windlass:conflict",
                "The state does not allow this",
            ),
            Self::TooLarge(..) => (413, "urn:windlass:too-large", "Too large"),
            Self::MediaType(_) => (
                415,
                "urn:windlass:media-type",
                "The content type is not supported",
            ),
            Self::Invalid(_) => (422, "urn:windlass:invalid", "Some fields are wrong"),
            Self::UnknownType(_) => (422, "urn:windlass:unknown-job-type", "Unknown job type"),
            Self::KeyReused => (
                422,
                "urn:windlass:idempotency-key-reused",
                "The Idempotency-Key was used before",
            ),
            Self::PieceRefused => (
                422,
                "urn:windlass:piece-refused",
                "Another line of the piece is wrong",
            ),
            Self::TooMany(_) => (429, "urn:windlass:too-many", "A bound is reached"),
            Self::NotImplemented(_) => (501, "urn:windlass:not-implemented", "Not implemented"),
            Self::QueueAway(_) => (503, "urn:windlass:queue-away", "The queue is unreachable"),
            Self::QueueFull(_) => (503, "urn:windlass:queue-full", "The queue is full"),
            Self::StorageAway(_) => (503, "urn:windlass:storage-away", "Storage is unreachable"),
            Self::OutcomeUnknown(..) => (
                503,
                "urn:windlass:outcome-unknown",
                "It is unknown whether this was enqueued",
            ),
            Self::Stopping => (503, "urn:windlass:stopping", "The daemon is stopping"),
            Self::Busy(_) => (503, "urn:windlass:busy", "Too many requests at once"),
            Self::Internal(_) => (500, "urn:windlass:internal", "Internal error"),
        }
    }

    /// What the sender is told.
    fn detail(&self) -> String {
        match self {
            Self::Malformed(detail)
            | Self::Forbidden(detail)
            | Self::NotFound(detail)
            | Self::TooSlow(detail)
            | Self::Conflict(detail)
            | Self::TooLarge(detail, _)
            | Self::MediaType(detail)
            | Self::TooMany(detail)
            | Self::NotImplemented(detail)
            | Self::Busy(detail) => detail.clone(),
            Self::MethodNotAllowed(allow) => format!("use one of: {allow}"),
            Self::Invalid(wrongs) | Self::UnknownType(wrongs) => summary(wrongs),
            Self::KeyReused => "this Idempotency-Key came before with another body; a new request \
                                needs a key of its own"
                .to_owned(),
            Self::QueueAway(_) => {
                "the queue cannot be reached; nothing was enqueued or changed; try again later"
                    .to_owned()
            }
            Self::QueueFull(_) => {
                "the queue has no room for new jobs; nothing was enqueued; try again later"
                    .to_owned()
            }
            Self::StorageAway(_) => {
                "the queue does not hold this job, and storage, where it would \
                                     be if it has ended, cannot be reached; try again later"
                    .to_owned()
            }
            Self::OutcomeUnknown(..) => {
                "the queue did not answer; the jobs of `ids` may have been \
                                         enqueued: repeat with an Idempotency-Key, or ask \
                                         GET /jobs/{id}"
                    .to_owned()
            }
            Self::PieceRefused => "this line is in order, but another of its piece is not, and a \
                                   piece (1,000 lines) is taken whole or not at all"
                .to_owned(),
            Self::Stopping => {
                "the daemon is stopping; nothing was enqueued or changed; try again at another \
                 daemon, or later"
                    .to_owned()
            }
            Self::Internal(_) => "this is a mistake of the daemon's; its log says more".to_owned(),
        }
    }
}

/// What sort of wrong a wrong field is; the worst sort names the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Not what it should be.
    Invalid,
    /// A job type that nobody here runs.
    UnknownType,
    /// A payload beyond PAYLOADMAX.
    TooLarge,
}

impl fmt::Display for ApiError {
    /// For the log: the cause, where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, kind, _) = self.name();
        write!(f, "{status} {kind}: ")?;
        match self {
            Self::QueueAway(cause)
            | Self::QueueFull(cause)
            | Self::StorageAway(cause)
            | Self::OutcomeUnknown(_, cause)
            | Self::Internal(cause) => f.write_str(cause),
            _ => f.write_str(&self.detail()),
        }
    }
}

impl From<QueueError> for ApiError {
    fn from(err: QueueError) -> Self {
        match err {
            QueueError::Full { .. } => Self::QueueFull(err.to_string()),
            QueueError::Broken { .. } => Self::Internal(err.to_string()),
            QueueError::Unavailable { .. } | QueueError::Unfit { .. } => {
                Self::QueueAway(err.to_string())
            }
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(err: StorageError) -> Self {
        Self::StorageAway(err.to_string())
    }
}

/// The first wrong fields in a sentence, for those who read `detail` alone.
fn summary(wrongs: &[Wrong]) -> String {
    let shown = wrongs.iter().take(3).map(|wrong| {
        if wrong.pointer.is_empty() {
            wrong.detail.clone()
        } else {
            format!("{}: {}", wrong.pointer, wrong.detail)
        }
    });
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if wrongs.len() > 3 {
        text.push_str(&format!("; and {} more", wrongs.len() - 3));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_its_five_members_and_every_wrong_field() {
        let error = ApiError::Invalid(vec![
            Wrong::new("/payload/to", "is missing"),
            Wrong::new("/tags/0", "is empty"),
        ]);
        let json = serde_json::to_value(error.problem()).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:windlass:invalid",
                "title": "Some fields are wrong",
                "status": 422,
                "detail": "/payload/to: is missing; /tags/0: is empty",
                "errors": [
                    {"pointer": "/payload/to", "detail": "is missing"},
                    {"pointer": "/tags/0", "detail": "is empty"},
                ],
            })
        );
    }

    #[test]
    fn the_cause_is_for_the_log_alone() {
        let error = ApiError::QueueAway("connect to 10.0.0.7: refused".to_owned());
        assert!(error.to_string().contains("10.0.0.7"));
        let body = String::from_utf8(error.answer().body).expect("UTF-8");
        assert!(!body.contains("10.0.0.7"), "{body}");
    }

    #[test]
    fn the_sort_of_the_wrong_fields_names_the_refusal() {
        let status_and_type = |sorts: &[Sort]| {
            let wrongs = sorts.iter().map(|s| (*s, Wrong::new("/x", "y"))).collect();
            let (status, kind, _) = ApiError::of_wrongs(wrongs).name();
            (status, kind)
        };
        assert_eq!(status_and_type(&[Sort::TooLarge]).0, 413);
        assert_eq!(
            status_and_type(&[Sort::UnknownType, Sort::UnknownType]),
            (422, "urn:windlass:unknown-job-type")
        );
        assert_eq!(
            status_and_type(&[Sort::UnknownType, Sort::Invalid]),
            (422, "urn:windlass:invalid")
        );
    }
}

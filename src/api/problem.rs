//! What is refused, and how it is said: each refusal becomes a problem document (RFC 9457).
//!
//! An error has two messages: `detail` is for the sender and says what to do next; the cause, where there is one, is for
//! the log alone. The statuses stand in [`super::refusal`].

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::refusal::Refusal;
use crate::job::JobId;
use crate::job::draft::{Refused, Sort, Wrong};
use crate::queue::QueueError;
use crate::storage::StorageError;

/// Most wrong fields that one answer lists; the rest are counted.
const WRONGS_MAX: usize = 100;

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
    /// 503: the queue did not answer; what was asked for may have been done. The cause is for the log.
    Unanswered(String),
    /// 503: the daemon takes nothing more.
    Stopping,
    /// 503: more requests than we hold at once.
    Busy(String),
    /// 500: our mistake. The cause is for the log.
    Internal(String),
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    /// A stable name for this sort of problem.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The same in words.
    title: &'static str,
    /// The status of the answer that it comes in.
    pub status: u16,
    /// What went wrong, and what to do about it.
    detail: String,
    /// Each wrong field, where fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Pointed>,
    /// The jobs of which it is unknown whether they were enqueued.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<JobId>,
}

/// One wrong field.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "WrongField")]
struct Pointed {
    /// Where it is: a JSON Pointer (RFC 6901) into the body; in a batch it begins with the index.
    #[schemars(pattern(r"^(/([^~/]|~[01])*)*$"))]
    pointer: String,
    /// What is wrong with it, and what is expected.
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
        let sort = self.refusal();
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
        Problem {
            kind: sort.name,
            title: sort.title,
            status: sort.status,
            detail: self.detail(),
            errors: errors.collect(),
            ids: ids.to_vec(),
        }
    }

    /// The answer that says so.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let problem = self.problem();
        let mut answer = Answer::json(problem.status, &problem).of_type("application/problem+json");
        if let Some(seconds) = self.refusal().retry_after {
            answer = answer.with("Retry-After", &seconds.to_string());
        }
        if let Self::MethodNotAllowed(allow) = self {
            answer = answer.with("Allow", allow);
        }
        answer
    }

    /// The sort of this refusal.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Malformed(_) => Refusal::MALFORMED,
            Self::Forbidden(_) => Refusal::FORBIDDEN,
            Self::NotFound(_) => Refusal::NOT_FOUND,
            Self::MethodNotAllowed(_) => Refusal::METHOD_NOT_ALLOWED,
            Self::TooSlow(_) => Refusal::TOO_SLOW,
            Self::Conflict(_) => Refusal::CONFLICT,
            Self::TooLarge(..) => Refusal::TOO_LARGE,
            Self::MediaType(_) => Refusal::MEDIA_TYPE,
            Self::Invalid(_) => Refusal::INVALID,
            Self::UnknownType(_) => Refusal::UNKNOWN_TYPE,
            Self::KeyReused => Refusal::KEY_REUSED,
            Self::PieceRefused => Refusal::PIECE_REFUSED,
            Self::TooMany(_) => Refusal::TOO_MANY,
            Self::NotImplemented(_) => Refusal::NOT_IMPLEMENTED,
            Self::QueueAway(_) => Refusal::QUEUE_AWAY,
            Self::QueueFull(_) => Refusal::QUEUE_FULL,
            Self::StorageAway(_) => Refusal::STORAGE_AWAY,
            Self::OutcomeUnknown(..) | Self::Unanswered(_) => Refusal::OUTCOME_UNKNOWN,
            Self::Stopping => Refusal::STOPPING,
            Self::Busy(_) => Refusal::BUSY,
            Self::Internal(_) => Refusal::INTERNAL,
        }
    }

    /// What is known of it in this process: more than a sender is told.
    pub fn cause(&self) -> String {
        match self {
            Self::QueueAway(cause)
            | Self::QueueFull(cause)
            | Self::StorageAway(cause)
            | Self::OutcomeUnknown(_, cause)
            | Self::Unanswered(cause)
            | Self::Internal(cause) => cause.clone(),
            _ => self.detail(),
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
                "storage, where jobs are kept once they have ended, cannot be reached; try again later"
                    .to_owned()
            }
            Self::OutcomeUnknown(..) => {
                "the queue did not answer; the jobs of `ids` may have been \
                                         enqueued: repeat with an Idempotency-Key, or ask \
                                         GET /jobs/{id}"
                    .to_owned()
            }
            Self::Unanswered(_) => "the queue did not answer; what was asked for may have been done: look, or ask again, \
                                    which does no harm"
                .to_owned(),
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

impl fmt::Display for ApiError {
    /// For the log: the cause, where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = self.refusal();
        write!(f, "{} {}: {}", sort.status, sort.name, self.cause())
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

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotJson(detail) => Self::Malformed(detail),
            Refused::Away(cause) => Self::QueueAway(cause),
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
            let sort = ApiError::of_wrongs(wrongs).refusal();
            (sort.status, sort.name)
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

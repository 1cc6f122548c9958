//! The sorts of refusals there are, as data: status, stable name, title, and when to try again.
//!
//! [`super::problem`] makes documents of them; the route table says which may come where.

/// A sort of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// Its stable name, the `type` of the document.
    pub name: &'static str,
    /// The same in words.
    pub title: &'static str,
    /// After how many seconds to try again, where that may help.
    pub retry_after: Option<u32>,
}

/// How long a client is asked to wait before it tries again, in seconds, where a part is away.
const AWAY_SECONDS: u32 = 5;

/// How long a client is asked to wait before it tries again, in seconds, where a bound is reached.
const FULL_SECONDS: u32 = 1;

impl Refusal {
    /// Not JSON, or not a request that we understand.
    pub const MALFORMED: Self =
        Self::new(400, "urn:windlass:malformed", "The request is malformed");
    /// Not from where it comes.
    pub const FORBIDDEN: Self = Self::new(403, "urn:windlass:forbidden", "Not allowed from there");
    /// What the path names is not there.
    pub const NOT_FOUND: Self = Self::new(404, "urn:windlass:not-found", "Not found");
    /// The path is there, the method is not.
    pub const METHOD_NOT_ALLOWED: Self = Self::new(
        405,
        "urn:windlass:method-not-allowed",
        "The method is not allowed here",
    );
    /// The body did not come in time.
    pub const TOO_SLOW: Self =
        Self::new(408, "urn:windlass:too-slow", "The request came too slowly");
    /// The state does not allow it.
    pub const CONFLICT: Self = Self::new(
        409,
        "urn:windlass:conflict",
        "The state does not allow this",
    );
    /// A body or a payload beyond a bound.
    pub const TOO_LARGE: Self = Self::new(413, "urn:windlass:too-large", "Too large");
    /// The content type is missing or not ours.
    pub const MEDIA_TYPE: Self = Self::new(
        415,
        "urn:windlass:media-type",
        "The content type is not supported",
    );
    /// Some fields are wrong.
    pub const INVALID: Self = Self::new(422, "urn:windlass:invalid", "Some fields are wrong");
    /// Nobody runs jobs of this type.
    pub const UNKNOWN_TYPE: Self =
        Self::new(422, "urn:windlass:unknown-job-type", "Unknown job type");
    /// The Idempotency-Key came before with another body.
    pub const KEY_REUSED: Self = Self::new(
        422,
        "urn:windlass:idempotency-key-reused",
        "The Idempotency-Key was used before",
    );
    /// In order, but another line of the same piece is not.
    pub const PIECE_REFUSED: Self = Self::new(
        422,
        "urn:windlass:piece-refused",
        "Another line of the piece is wrong",
    );
    /// A bound is reached.
    pub const TOO_MANY: Self =
        Self::new(429, "urn:windlass:too-many", "A bound is reached").after(FULL_SECONDS);
    /// Our mistake.
    pub const INTERNAL: Self = Self::new(500, "urn:windlass:internal", "Internal error");
    /// A method or transfer coding that we do not do.
    pub const NOT_IMPLEMENTED: Self =
        Self::new(501, "urn:windlass:not-implemented", "Not implemented");
    /// The queue is away; nothing was enqueued or changed.
    pub const QUEUE_AWAY: Self =
        Self::new(503, "urn:windlass:queue-away", "The queue is unreachable").after(AWAY_SECONDS);
    /// The queue has no room; nothing was enqueued.
    pub const QUEUE_FULL: Self =
        Self::new(503, "urn:windlass:queue-full", "The queue is full").after(FULL_SECONDS);
    /// Storage is away and the question needs it.
    pub const STORAGE_AWAY: Self =
        Self::new(503, "urn:windlass:storage-away", "Storage is unreachable").after(AWAY_SECONDS);
    /// Jobs may have been enqueued, or something else been done, or not.
    pub const OUTCOME_UNKNOWN: Self = Self::new(
        503,
        "urn:windlass:outcome-unknown",
        "It is unknown whether this was done",
    )
    .after(AWAY_SECONDS);
    /// The daemon takes nothing more.
    pub const STOPPING: Self =
        Self::new(503, "urn:windlass:stopping", "The daemon is stopping").after(AWAY_SECONDS);
    /// More requests than we hold at once.
    pub const BUSY: Self =
        Self::new(503, "urn:windlass:busy", "Too many requests at once").after(FULL_SECONDS);

    /// What any request may be answered with, whatever its route.
    pub const ANYWHERE: &[Self] = &[
        Self::MALFORMED,
        Self::FORBIDDEN,
        Self::TOO_SLOW,
        Self::TOO_LARGE,
        Self::INTERNAL,
        Self::NOT_IMPLEMENTED,
        Self::STOPPING,
        Self::BUSY,
    ];

    const fn new(status: u16, name: &'static str, title: &'static str) -> Self {
        Self {
            status,
            name,
            title,
            retry_after: None,
        }
    }

    const fn after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }
}

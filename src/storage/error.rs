//! What can go wrong with storage, by what the caller should do about it.

use thiserror::Error;

/// What can go wrong with storage.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The store did not answer, or not in time. Whether a write happened is unknown; it is safe to repeat.
    #[error("storage did not answer `{call}`: {reason}")]
    Unavailable {
        /// The call that failed.
        call: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// The store cannot be used as it is; only an operator helps.
    #[error("storage cannot be used: {reason}")]
    Unfit {
        /// What is wrong, and what to change.
        reason: String,
    },
}

impl StorageError {
    /// A store that did not answer.
    pub(crate) fn unavailable(call: &'static str, reason: impl ToString) -> Self {
        Self::Unavailable {
            call,
            reason: reason.to_string(),
        }
    }
}

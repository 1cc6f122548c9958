//! What can go wrong with a queue, by what the caller should do about it.

use thiserror::Error;

/// What can go wrong with a queue.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The engine did not answer. Whether the call took effect is unknown; it is safe to repeat.
    #[error("the queue did not answer `{call}`: {reason}")]
    Unavailable {
        /// The call that failed.
        call: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// The engine has no room for new work and accepted nothing. Try again once there is room.
    #[error("the queue is full: {reason}")]
    Full {
        /// What the engine said.
        reason: String,
    },
    /// The engine cannot be used as it is, now or later: its version, its policy, its layout. Only an operator helps.
    #[error("the queue cannot be used: {reason}")]
    Unfit {
        /// What is wrong, and what to change.
        reason: String,
    },
    /// The engine answered what it never should. The call may have taken effect.
    #[error("the queue answered `{call}` with something unexpected: {reason}")]
    Broken {
        /// The call that failed.
        call: &'static str,
        /// What was wrong with the answer.
        reason: String,
    },
}

impl QueueError {
    /// An engine that did not answer.
    pub(crate) fn unavailable(call: &'static str, reason: impl ToString) -> Self {
        Self::Unavailable {
            call,
            reason: reason.to_string(),
        }
    }

    /// An answer that makes no sense.
    pub(crate) fn broken(call: &'static str, reason: impl ToString) -> Self {
        Self::Broken {
            call,
            reason: reason.to_string(),
        }
    }

    /// Whether repeating the same call later can help without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Full { .. })
    }
}

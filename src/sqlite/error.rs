//! What can go wrong with the file, by what its callers should do about it.

use thiserror::Error;

/// What can go wrong with the SQLite file.
#[derive(Debug, Error)]
pub enum DbError {
    /// The disk is full: nothing was written. Try again once there is room.
    #[error("no room for the database: {reason}")]
    Full {
        /// What SQLite said.
        reason: String,
    },
    /// No answer in time, or none at all because the system failed. Whether a write happened is unknown.
    #[error("the database did not answer: {reason}")]
    Unavailable {
        /// What was waited for, or what SQLite said.
        reason: String,
    },
    /// The file cannot be used as it is; only an operator helps.
    #[error("the database cannot be used: {reason}")]
    Unfit {
        /// What is wrong, and what to change.
        reason: String,
    },
    /// The file holds what it never should, or was asked for what it never does; nothing was written.
    #[error("the database holds or was asked something unexpected: {reason}")]
    Broken {
        /// What was found.
        reason: String,
    },
}

impl DbError {
    /// Something that should never be.
    pub(crate) fn broken(reason: impl ToString) -> Self {
        Self::Broken {
            reason: reason.to_string(),
        }
    }

    /// No answer.
    pub(super) fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable {
            reason: reason.to_string(),
        }
    }

    /// The same failure once more, for each caller whose work was part of one transaction.
    pub(super) fn again(&self) -> Self {
        let reason = match self {
            Self::Full { reason }
            | Self::Unavailable { reason }
            | Self::Unfit { reason }
            | Self::Broken { reason } => reason.clone(),
        };
        match self {
            Self::Full { .. } => Self::Full { reason },
            Self::Unavailable { .. } => Self::Unavailable { reason },
            Self::Unfit { .. } => Self::Unfit { reason },
            Self::Broken { .. } => Self::Broken { reason },
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(err: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;

        let reason = err.to_string();
        match err.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full {
                reason: format!("{reason}; free space on its disk"),
            },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Unfit {
                reason: format!("{reason}; restore the file from a backup, or move it away"),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::Unfit {
                    reason: format!(
                        "{reason}; the daemon must be able to write the file and its folder"
                    ),
                }
            }
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::OperationAborted
                | ErrorCode::SystemIoFailure
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SchemaChanged,
            ) => Self::Unavailable { reason },
            _ => Self::Broken { reason },
        }
    }
}

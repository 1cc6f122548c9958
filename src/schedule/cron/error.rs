//! What is wrong with an expression.

use std::fmt;

use super::Field;

/// What is wrong with a cron expression: in which field, why, and what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronError {
    field: Option<Field>,
    reason: String,
}

impl CronError {
    pub(super) fn in_field(field: Field, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            reason: reason.into(),
        }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self {
            field: None,
            reason: reason.into(),
        }
    }

    /// The field that is wrong; `None` when it is the expression as a whole.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        self.field
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{field}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for CronError {}

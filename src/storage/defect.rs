//! Records whose content the store refuses: they are kept without payload and result, and their error says why.

use crate::job::{ErrorKind, JobError, Record};

/// How the error of such a record begins.
const REFUSED: &str = "the record's content could not be stored: ";

/// The error of a record that is kept without its content for `reason`; `own` is the one that it came with.
pub(super) fn refused(reason: &str, own: Option<&JobError>) -> JobError {
    match own {
        None => JobError::new(ErrorKind::Failed, &format!("{REFUSED}{reason}")),
        Some(own) => {
            let message = format!("{REFUSED}{reason}; its error was: {}", own.message);
            JobError::new(own.kind, &message)
        }
    }
}

/// Whether a record was kept without its content: its payload is null, whatever it was.
#[must_use]
pub fn is_defective(record: &Record) -> bool {
    let error = record.error.as_ref();
    error.is_some_and(|error| error.message.starts_with(REFUSED))
}

//! What can end the reading of an input, and what it means for the job.

use std::io;

use super::Failure;

/// Why an input is read no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// The input itself is wrong; no other attempt reads it better.
    Bad { place: Option<Place>, what: String },
    /// It cannot be read at present.
    Read(io::Error),
    /// The second reading found something else than the first.
    Changed,
    /// The job is over for a reason of its own.
    Failed(Failure),
}

/// Where in an input something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of a file, from 1.
    Line(u64),
    /// A row of those in the payload, from 1.
    Row(u64),
}

impl Halt {
    /// Something wrong in the input, at the place that the reader knows.
    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self::Bad {
            place: None,
            what: what.into(),
        }
    }

    /// The same, with its place if it has none yet.
    pub(super) fn at(self, place: Place) -> Self {
        match self {
            Self::Bad { place: None, what } => Self::Bad {
                place: Some(place),
                what,
            },
            other => other,
        }
    }

    /// What it means for the job; `input` says which one it is.
    pub(super) fn failure(self, input: &str) -> Failure {
        match self {
            Self::Bad { place, what } => {
                let place = match place {
                    Some(Place::Line(line)) => format!(", line {line}"),
                    Some(Place::Row(row)) => format!(", row {row}"),
                    None => String::new(),
                };
                Failure::permanent(format!("{input}{place}: {what}"))
            }
            Self::Read(err) => Failure::retry(format!("{input} cannot be read: {err}")),
            Self::Changed => Failure::retry(format!("{input} was changed while it was read")),
            Self::Failed(failure) => failure,
        }
    }
}

impl From<io::Error> for Halt {
    fn from(err: io::Error) -> Self {
        Self::Read(err)
    }
}

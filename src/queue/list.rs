//! What goes into the listing of jobs, and what comes out.

use crate::job::{Job, JobId, State, Timestamp};

/// Jobs that stand in one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Those that are lent to workers, of one queue or of all: who was lent first comes first.
    Running(Option<&'a str>),
    /// Those of a queue that a process died of before, in the order in which they are lent.
    Suspects(&'a str),
    /// The others of a queue that are ready, in the order in which they are lent.
    Ready(&'a str),
    /// Those that wait for their time, of one queue or of all, in one state (scheduled, retrying) or in both: who is due
    /// first comes first.
    Waiting(Option<&'a str>, Option<State>),
    /// Those that have ended and are not stored yet: newest id first.
    Ended,
}

/// Where a job stands in its line. What it means is known to the engine; others bring it back as they got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// By what its line is ordered.
    pub at: i64,
    /// The job.
    pub id: JobId,
    /// The number of its ticket, where the engine needs it to find the place again.
    pub n: u64,
}

/// The answer to a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The jobs, in the order of their line.
    pub places: Vec<Place>,
    /// After which place to go on; `None`: this was the end of the line. There may be more though fewer than wanted were
    /// found: so many jobs were looked at and passed over.
    pub next: Option<Place>,
}

impl Listed {
    /// The first `want` of `places`, which are sorted, and whether there are more.
    pub(super) fn first(mut places: Vec<Place>, want: usize) -> Self {
        let more = places.len() > want;
        places.truncate(want);
        Self {
            next: places.last().copied().filter(|_| more),
            places,
        }
    }
}

/// Since when a queued job stands in its line, with so many counted attempts behind it and the last time at which it was
/// to be lent again, as far as that is known. One that was never begun has been ready all the time, however often it
/// was lent and given back.
pub(super) fn ready_at(
    job: &Job,
    attempts: u32,
    again: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let first = job
        .run_at
        .map_or(job.created_at(), |at| at.max(job.created_at()));
    let since = match again {
        Some(again) if attempts > 0 => again,
        _ => first,
    };
    since.min(now)
}

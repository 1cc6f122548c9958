//! What can be asked of many records at once.

use crate::job::{Record, State, Timestamp};

/// Which records to list; every given part must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Ended in this state.
    pub state: Option<State>,
    /// Of this type.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<String>,
    /// With this tag among its tags.
    pub tag: Option<String>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct Page {
    /// The records, newest id first. Payloads, results and attempts are there too.
    pub records: Vec<Record>,
    /// Whether more follow; the next page comes after the last id of this one.
    pub more: bool,
}

/// How many buckets a [`Minute`]'s histogram has.
pub const MINUTE_BUCKETS: usize = 16;

/// What ended within one minute, for one type, queue and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// The minute's first instant.
    pub minute: Timestamp,
    /// The type.
    pub kind: String,
    /// The queue.
    pub queue: String,
    /// The state.
    pub state: State,
    /// How many jobs.
    pub jobs: u64,
    /// For how long they waited, in all, in milliseconds: from being due to the start of the last attempt.
    pub wait_ms: u64,
    /// For how long they ran, in all, in milliseconds: the last attempts alone.
    pub run_ms: u64,
    /// Run times: bucket `i` counts those of at least `2^(i-1)` and less than `2^i` milliseconds (0: below 1 ms; the last
    /// one is open).
    pub histogram: [u64; MINUTE_BUCKETS],
}

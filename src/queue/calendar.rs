//! The entries of the calendar, and the claim on each tick.

use std::sync::Arc;
use std::time::Duration;

use super::{Accepted, QueueError};
use crate::job::{Job, JobId, Timestamp, fit};

/// Most entries. Every scheduler holds them all.
pub const ENTRIES_MAX: usize = 10_000;

/// How far an entry may have been dealt with ahead of the engine's clock. A clock that was set back by no more than this
/// comes to ticks that were claimed before, and they stay claimed; one that was set back by more would leave the entry
/// without any tick for as long, so its ticks are to be had anew.
pub const AHEAD_MAX: Duration = Duration::from_secs(3600);

/// Most bytes that are kept of why a tick passed.
pub const WHY_BYTES_MAX: usize = 500;

/// The entries of the calendar and the claim on each tick.
///
/// What an entry does and when is text to the engine. It keeps how far each entry has been dealt with, so that any number
/// of schedulers may look at the same entries: of a tick, one of them has it, and the job with it.
pub trait Calendar: Send + Sync {
    /// Adds an entry or changes one, if it is the one that the caller knows. Repeating after a lost answer is
    /// [`Put::Conflict`], since the first call changed the revision: look at the entry again.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: look at the entry, then call again.
    fn put(&self, name: &str, change: &Change<'_>) -> Result<Put, QueueError>;

    /// Removes an entry, if it is of this revision; tells whether it was.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn remove(&self, name: &str, revision: u64) -> Result<bool, QueueError>;

    /// An entry.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn entry(&self, name: &str) -> Result<Option<Entry>, QueueError>;

    /// All entries, by name.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn entries(&self) -> Result<Vec<Entry>, QueueError>;

    /// The number of the last put or remove: whoever has read all entries since it changed need not read them again. What
    /// `fire` changes does not count.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn version(&self) -> Result<u64, QueueError>;

    /// Claims a tick of an entry, and in the same atomic step accepts its job, if the tick is later than all that was dealt
    /// with (Q13); or runs the entry out of turn.
    ///
    /// Repeating is safe: a claimed tick is [`Fired::Taken`], and a job that was accepted out of turn is not accepted
    /// again.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again. [`QueueError::Full`]: nothing happened; the tick is still to be had.
    fn fire(&self, claim: &Claim<'_>) -> Result<Fired, QueueError>;
}

/// An entry as the calendar keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; see [`crate::job::is_name`].
    pub name: String,
    /// The number of the put that it stands as; no two puts have the same.
    pub revision: u64,
    /// What it does and when: text that only the scheduler reads.
    pub definition: String,
    /// Whether it has ticks at present.
    pub enabled: bool,
    /// When it was first put, on the engine's clock.
    pub created_at: Timestamp,
    /// Every tick up to here was dealt with, or never was one; at first its creation.
    pub done: Timestamp,
    /// The last tick that brought a job, or when it last ran out of turn, if that is later.
    pub last_at: Option<Timestamp>,
    /// The job of that time.
    pub last_job: Option<JobId>,
    /// The last tick that brought no job.
    pub passed: Option<Passed>,
}

/// A tick that brought no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The tick.
    pub tick: Timestamp,
    /// Why: a line of at most [`WHY_BYTES_MAX`] bytes.
    pub why: String,
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// The entry that is changed; `None`: there must be none of the name.
    pub revision: Option<u64>,
    /// What it does and when.
    pub definition: &'a str,
    /// Whether it has ticks.
    pub enabled: bool,
    /// Whether ticks count from now on: those that lie between the last one and now are forgotten.
    pub afresh: bool,
}

/// The answer to a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is as the change says.
    Done,
    /// The entry is not the one that the caller knows; nothing changed.
    Conflict,
    /// There are [`ENTRIES_MAX`] entries already; nothing changed.
    TooMany,
}

/// A claim on a tick.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The entry.
    pub name: &'a str,
    /// The revision by which the tick and the job were found.
    pub revision: u64,
    /// The tick; `None`: out of turn. It is never one that has yet to come.
    pub tick: Option<Timestamp>,
    /// What is to happen.
    pub turn: Turn<'a>,
}

/// What a claim makes of its tick.
#[derive(Debug, Clone)]
pub enum Turn<'a> {
    /// This job.
    Job {
        /// The job.
        job: Arc<Job>,
        /// Whether it must not run beside the entry's last job: while that one lives, the tick passes without a job.
        alone: bool,
    },
    /// Nothing, and this is why. All ticks up to this one have passed.
    Pass(&'a str),
}

/// The answer to a [`Claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The tick is ours and the job is accepted.
    Enqueued(Accepted),
    /// The entry's last job lives, and this one was not to run beside it. The tick has passed.
    StillLive(JobId),
    /// The tick is ours and has passed.
    Passed,
    /// Ticks up to this instant were dealt with before, this one among them.
    Taken(Timestamp),
    /// On the engine's clock the tick has yet to come; it is still to be had then.
    Early,
    /// There is no such entry, or it has changed. Nothing happened.
    Changed,
}

/// Why a tick passed while the entry's last job was live.
pub(super) fn still_live(job: JobId) -> String {
    format!("the last job, {job}, was still live")
}

/// What is kept of why a tick passed.
pub(super) fn kept(why: &str) -> String {
    fit(&why.replace(['\n', '\r'], " "), WHY_BYTES_MAX)
}

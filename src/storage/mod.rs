//! Where jobs that have ended are kept: one row a job, for as long as HISTORYDAYS says.
//!
//! [`Storage`] is the contract; [`postgres`] and [`sqlite`] keep it. [`bounded`] puts a deadline on every call, because
//! the PostgreSQL driver has none.
//!
//! # Guarantees
//!
//! `tests/suite/contract/storage.rs` runs each of these against every engine.
//!
//! - **S1** A record stored twice is one row.
//! - **S2** A bad record stops no other.
//! - **S3** What is acknowledged is readable.
//! - **S4** Retention counts from the end of a job.
//! - **S5** Migrations may race.
//! - **S6** Pages never repeat nor miss an ended job.
//! - **S7** What was deleted is not stored again.
//!
//! # Not here
//!
//! Nothing about live jobs: those are wholly in the queue.

pub mod bounded;
mod defect;
mod error;
mod migrations;
mod page;
pub mod postgres;
pub mod sqlite;

use std::time::Duration;

use crate::job::{JobId, Record, Timestamp};

pub use defect::is_defective;
pub use error::StorageError;
pub use page::{Filter, MINUTE_BUCKETS, Minute, Page};

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is stored.
    New,
    /// It had been stored before, and may have been deleted since.
    Known,
    /// The store refused its content: it is kept with payload and result NULL, its bytes in `raw`, and this reason.
    Defective(String),
}

/// Where ended jobs are kept.
pub trait Storage: Send + Sync {
    /// Makes sure that the store can be used: reached, its schema brought up to date.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unfit`]: it never will be (a newer schema, a changed migration, no rights). Otherwise ask again.
    fn check(&self) -> Result<(), StorageError>;

    /// Stores records, at most 1,000; answers in order. All that are answered are committed and readable (S3), those
    /// stored before are left as they were (S1) or gone if they were deleted since (S7), and one that the store refuses
    /// does not stop the rest (S2).
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: unknown which of them were stored; call again with all.
    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError>;

    /// Records by id, in the order of `ids`; `None` for one that is not stored.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again.
    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError>;

    /// The records that ran these jobs again, in the order of `ids`; `None` where no stored one did.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again.
    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError>;

    /// Deletes a record and keeps it from being stored again for as long as it would have been kept (S7); tells whether it
    /// was there. What it counts for in its minute stays. Repeating is safe.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again.
    fn delete(&self, id: JobId) -> Result<bool, StorageError>;

    /// One page of the records that match, newest id first, those after `after` (exclusive) if given (S6). Its cost is
    /// bounded: it may end before it is full, and says where the next one begins.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again.
    fn page(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, StorageError>;

    /// The counts of each minute from `since` (inclusive) to `until` (exclusive), oldest first.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again.
    fn minutes(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Minute>, StorageError>;

    /// Forgets records that ended more than `history` before `now` (S4), in bounded pieces; tells how many rows (or, in
    /// a store that forgets by the day, days) went. Call again until nothing goes.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`]: call again later.
    fn retain(&self, now: Timestamp, history: Duration) -> Result<usize, StorageError>;
}

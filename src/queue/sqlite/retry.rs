//! Ended jobs that are run again, each by one job (Q15). While that job is here its own row says so; once it is stored, a
//! row of `retried` does for a while.

use rusqlite::{OptionalExtension, params};

use super::enqueue::Draft;
use super::rows::{bytes, id_at};
use super::step::Step;
use crate::job::JobId;
use crate::queue::{RETRY_KEPT, RETRY_WITHIN};
use crate::sqlite::DbError;

/// Which job runs another again.
pub(super) const RETRY: &str = "SELECT id FROM jobs WHERE retry_of = ?1
     UNION ALL SELECT retry FROM retried WHERE old = ?1 LIMIT 1";

impl Step<'_, '_> {
    /// The job that runs `old` again, if one does.
    pub(super) fn retry_of(&self, old: JobId) -> Result<Option<JobId>, DbError> {
        Ok(self
            .conn
            .prepare_cached(RETRY)?
            .query_row(params![bytes(old)], |row| id_at(row, 0))
            .optional()?)
    }

    /// Whether a job is a retry that was named so long ago that an earlier one may have been forgotten since.
    pub(super) fn is_outdated(&self, draft: &Draft) -> bool {
        draft.retry_of.is_some() && self.now.since(draft.id.created_at()) > RETRY_WITHIN
    }

    /// Remembers a retry that storage has now.
    pub(super) fn keep_retry(&self, old: JobId, retry: JobId) -> Result<(), DbError> {
        // In bounded pieces: each call takes away more than it brings.
        self.conn
            .prepare_cached(
                "DELETE FROM retried WHERE old IN (SELECT old FROM retried WHERE until <= ?1 LIMIT 10)",
            )?
            .execute([self.now.as_micros()])?;
        let until = self.now + RETRY_KEPT;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO retried (old, retry, until) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![bytes(old), bytes(retry), until.as_micros()])?;
        Ok(())
    }

    /// Forgets a retry that was deleted from storage.
    pub(super) fn forget_retry(&self, old: JobId, retry: JobId) -> Result<(), DbError> {
        self.conn
            .prepare_cached("DELETE FROM retried WHERE old = ?1 AND retry = ?2")?
            .execute(params![bytes(old), bytes(retry)])?;
        Ok(())
    }
}

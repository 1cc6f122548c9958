//! Ended jobs go out: claimed for a minute, forgotten once they are stored.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::rows::{OUTBOX, WHOLE, Whole, bytes, id_at};
use super::step::Step;
use crate::job::JobId;
use crate::queue::{BODY_BYTES_PER_CALL_MAX, TICKETS_PER_CALL_MAX};
use crate::sqlite::DbError;

/// For how long a recorder has what it claimed to itself.
const CLAIM: Duration = Duration::from_secs(60);

impl Step<'_, '_> {
    /// Claims ended jobs, those first that have waited longest (Q9).
    pub(super) fn collect(&mut self, want: usize) -> Result<Vec<Whole>, DbError> {
        let until = (self.now + CLAIM).as_micros();
        // No claim lasts longer: what lies beyond is of a clock that was set back.
        self.cut(OUTBOX, until, self.now.as_micros())?;
        let mut find = self.conn.prepare_cached(&format!(
            "{WHOLE} WHERE j.line = ?1 AND j.at <= ?2 ORDER BY j.at LIMIT ?3"
        ))?;
        let want = want.min(TICKETS_PER_CALL_MAX) as i64;
        let mut rows = find.query(params![OUTBOX, self.now.as_micros(), want])?;
        let (mut claimed, mut size) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let whole = Whole::read(row)?;
            size += whole.len();
            if size > BODY_BYTES_PER_CALL_MAX && !claimed.is_empty() {
                break;
            }
            claimed.push(whole);
        }
        drop(rows);
        let mut claim = self
            .conn
            .prepare_cached("UPDATE jobs SET at = ?2 WHERE id = ?1")?;
        for whole in &claimed {
            claim.execute(params![bytes(whole.id()), until])?;
        }
        Ok(claimed)
    }

    /// Forgets ended jobs; one that lives, or is not there, is left alone.
    pub(super) fn stored(&mut self, ids: &[JobId]) -> Result<(), DbError> {
        let mut job = self.conn.prepare_cached(
            "DELETE FROM jobs WHERE id = ?1 AND line = ?2 RETURNING retry_of IS NOT NULL, retry_of",
        )?;
        let mut body = self
            .conn
            .prepare_cached("DELETE FROM bodies WHERE id = ?1")?;
        for id in ids {
            let gone = job.query_row(params![bytes(*id), OUTBOX], |row| {
                let is_retry: bool = row.get(0)?;
                is_retry.then(|| id_at(row, 1)).transpose()
            });
            if let Some(retry_of) = gone.optional()? {
                body.execute(params![bytes(*id)])?;
                self.engine.outbox -= 1;
                if let Some(old) = retry_of {
                    self.keep_retry(old, *id)?;
                }
            }
        }
        Ok(())
    }
}

//! What operators do to jobs and queues.

use rusqlite::{OptionalExtension, params};

use super::alone::cancelled;
use super::retry::RETRY;
use super::rows::{LATER, LEASES, OUTBOX, Row, bytes, id_at};
use super::step::{End, Step, To};
use super::{SqliteQueue, failed};
use crate::job::{Event, JobId};
use crate::queue::{Cancelled, Levers, MadeDue, QueueError};
use crate::sqlite::DbError;

impl Levers for SqliteQueue {
    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError> {
        self.step("cancel", move |step| step.cancel(id))
    }

    fn pause(&self, queue: &str, paused: bool) -> Result<(), QueueError> {
        let name = queue.to_owned();
        self.step("pause", move |step| {
            let queue = step.queue(&name)?;
            let line = step.change(queue)?;
            let resumed = std::mem::replace(&mut line.paused, paused) && !paused;
            if resumed {
                step.ring.insert(queue);
            }
            Ok(())
        })
    }

    fn make_due(&self, id: JobId) -> Result<MadeDue, QueueError> {
        self.step("make_due", move |step| step.make_due(id))
    }

    fn purge(&self, queue: &str) -> Result<u64, QueueError> {
        let name = queue.to_owned();
        self.step("purge", move |step| step.purge(&name))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, QueueError> {
        let retried = self.db.read(|conn| {
            let mut find = conn.prepare_cached(RETRY)?;
            ids.iter()
                .map(|id| {
                    Ok(find
                        .query_row(params![bytes(*id)], |row| id_at(row, 0))
                        .optional()?)
                })
                .collect()
        });
        retried.map_err(|err| failed("retried", err))
    }

    fn forget_retry(&self, old: JobId, retry: JobId) -> Result<(), QueueError> {
        self.step("forget_retry", move |step| step.forget_retry(old, retry))
    }
}

impl Step<'_, '_> {
    fn cancel(&mut self, id: JobId) -> Result<Cancelled, DbError> {
        let Some(row) = Row::find(self.conn, id)? else {
            return Ok(Cancelled::Unknown);
        };
        match row.line {
            OUTBOX => Ok(Cancelled::TooLate),
            LEASES => {
                self.conn
                    .prepare_cached("UPDATE jobs SET cancel = 1 WHERE id = ?1")?
                    .execute(params![bytes(id)])?;
                Ok(Cancelled::Requested)
            }
            _ => {
                self.end_cancelled(&row)?;
                Ok(Cancelled::Ended)
            }
        }
    }

    /// Ends a job that waits, since somebody asked for that.
    pub(super) fn end_cancelled(&mut self, row: &Row) -> Result<(), DbError> {
        let end = End {
            event: Event::Cancel,
            attempt: row.attempts(),
            result: None,
            error: Some(cancelled()),
        };
        self.end(row, &end)?;
        Ok(())
    }

    fn make_due(&mut self, id: JobId) -> Result<MadeDue, DbError> {
        let Some(mut row) = Row::find(self.conn, id)? else {
            return Ok(MadeDue::Unknown);
        };
        match row.line {
            OUTBOX => Ok(MadeDue::TooLate),
            LEASES => Ok(MadeDue::Running),
            LATER if self.is_condemned(&row)? => {
                self.end_cancelled(&row)?;
                Ok(MadeDue::TooLate)
            }
            LATER => {
                row.leased_at = self.now.as_micros();
                self.move_on(&row, Event::Due, To::Tail)?;
                Ok(MadeDue::Now)
            }
            _ => Ok(MadeDue::Queued),
        }
    }
}

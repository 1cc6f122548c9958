//! What operators do to jobs and queues.

use rusqlite::params;

use super::SqliteQueue;
use super::alone::cancelled;
use super::rows::{LEASES, OUTBOX, Row, bytes};
use super::step::{End, Step};
use crate::job::{Event, JobId};
use crate::queue::{Cancelled, Levers, QueueError};
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
                let end = End {
                    event: Event::Cancel,
                    attempt: row.attempts(),
                    result: None,
                    error: Some(cancelled()),
                };
                self.end(&row, &end)?;
                Ok(Cancelled::Ended)
            }
        }
    }
}

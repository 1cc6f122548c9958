//! What time alone does, as part of every reserve: leases run out, what waited is due, what waited too long expires.

use rusqlite::params;

use super::rows::{LATER, LEASES, Row, id_at};
use super::step::{End, Step, To, first_at, first_expiry};
use crate::job::{Attempt, ErrorKind, Event, JobError, JobId, Timestamp};
use crate::queue::{BODY_BYTES_PER_CALL_MAX, TICKETS_PER_CALL_MAX};
use crate::sqlite::DbError;

/// What a call may still do.
pub(super) struct Budget {
    /// Tickets that it may touch.
    pub tickets: usize,
    /// How many of them by what goes on without lending: the rest is kept for that, so that neither starves the other.
    pub upkeep: usize,
    /// Bytes of bodies that it may answer with.
    pub bytes: usize,
}

impl Budget {
    /// What a reserve of `want` tickets may do.
    pub(super) fn of(want: usize) -> Self {
        let rest = TICKETS_PER_CALL_MAX.saturating_sub(want);
        Self {
            tickets: TICKETS_PER_CALL_MAX,
            upkeep: rest.max(TICKETS_PER_CALL_MAX / 2),
            bytes: BODY_BYTES_PER_CALL_MAX,
        }
    }

    pub(super) fn spend(&mut self, tickets: usize) {
        self.tickets -= tickets;
        self.upkeep -= tickets;
    }
}

impl Step<'_, '_> {
    /// Puts leases that ran out back in line.
    pub(super) fn lapse_due(
        &mut self,
        max_crashes: u32,
        budget: &mut Budget,
    ) -> Result<usize, DbError> {
        if self.now.as_micros() < self.engine.grace {
            return Ok(0);
        }
        let ids = self.come(LEASES, self.now.as_micros(), budget.upkeep)?;
        budget.spend(ids.len());
        for id in &ids {
            self.lapse(*id, max_crashes)?;
        }
        Ok(ids.len())
    }

    /// Takes a lease back: its worker is taken for dead. One crash is counted (Q8).
    pub(super) fn lapse(&mut self, id: JobId, max_crashes: u32) -> Result<(), DbError> {
        let Some(mut row) = Row::find(self.conn, id)?.filter(|row| row.line == LEASES) else {
            return Ok(());
        };
        let attempt = Attempt::crashed(
            row.attempts() + 1,
            Timestamp::from_micros(row.leased_at),
            self.now,
            row.node.clone().unwrap_or_default(),
        );
        let lost = attempt.error.clone();
        row.remember(&serde_json::to_string(&attempt).map_err(DbError::broken)?);
        row.n += 1;
        row.crashes += 1;
        let end = |event, error| End {
            event,
            attempt: row.attempts(),
            result: None,
            error,
        };
        if row.cancel {
            self.end(&row, &end(Event::Cancel, Some(cancelled())))?;
        } else if row.crashes >= max_crashes {
            self.end(&row, &end(Event::LapseForGood, lost))?;
        } else {
            self.move_on(&row, Event::Lapse, To::Tail)?;
        }
        Ok(())
    }

    /// Moves what is due to its queue's line, also of paused queues.
    pub(super) fn promote(&mut self, budget: &mut Budget) -> Result<(), DbError> {
        let ids = self.come(LATER, self.now.as_micros(), budget.upkeep)?;
        budget.spend(ids.len());
        for id in ids {
            let Some(row) = Row::find(self.conn, id)? else {
                continue;
            };
            if self.is_condemned(&row)? {
                self.end_cancelled(&row)?;
            } else {
                self.move_on(&row, Event::Due, To::Tail)?;
            }
        }
        Ok(())
    }

    /// Ends waiting jobs whose time is over, also of paused queues.
    pub(super) fn expire(&mut self, budget: &mut Budget) -> Result<(), DbError> {
        if budget.upkeep == 0 {
            return Ok(());
        }
        let mut find = self.conn.prepare_cached(
            "SELECT id FROM jobs WHERE expires_at IS NOT NULL AND line <> 2 AND line <> 3 AND expires_at <= ?1
             ORDER BY expires_at LIMIT ?2",
        )?;
        let ids = find
            .query_map(params![self.now.as_micros(), budget.upkeep as i64], |row| {
                id_at(row, 0)
            })?
            .collect::<Result<Vec<_>, _>>()?;
        budget.spend(ids.len());
        for id in ids {
            if let Some(row) = Row::find(self.conn, id)? {
                self.end_expired(&row)?;
            }
        }
        Ok(())
    }

    pub(super) fn end_expired(&mut self, row: &Row) -> Result<(), DbError> {
        let message = "it had not begun in the time it was given";
        self.end(
            row,
            &End {
                event: Event::Expire,
                attempt: row.attempts(),
                result: None,
                error: Some(JobError::new(ErrorKind::Expired, message)),
            },
        )?;
        Ok(())
    }

    /// When something next happens by itself. A purge that is under way goes on at once.
    pub(super) fn next_event(&self) -> Result<Option<Timestamp>, DbError> {
        if self.engine.purges > 0 {
            return Ok(Some(self.now));
        }
        let expiry = first_expiry(self.conn)?;
        let lease = first_at(self.conn, LEASES)?.map(|end| end.max(self.engine.grace));
        let due = first_at(self.conn, LATER)?;
        Ok([expiry, lease, due]
            .into_iter()
            .flatten()
            .min()
            .map(Timestamp::from_micros))
    }
}

/// Why a job ends that somebody asked to end.
pub(super) fn cancelled() -> JobError {
    JobError::new(ErrorKind::Cancelled, "it was cancelled")
}

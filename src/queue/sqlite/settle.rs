//! Leases come to their end, or go on: settle, release, renew. Each acts only for the ticket that is lent (Q3).

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::alone::cancelled;
use super::rows::{LEASES, Row, bytes};
use super::step::{End, Step, To};
use crate::job::{Attempt, Event, JobError, JobId, State, Ticket};
use crate::queue::{Ending, QueueError, Release, Renewal, Renewed, Settled, Settlement};
use crate::sqlite::DbError;

/// What becomes of a job.
#[derive(Debug)]
enum Fate {
    End {
        event: Event,
        result: Option<String>,
        error: Option<JobError>,
    },
    Retry(Duration),
    Release(Duration),
}

/// The end of a lease as it goes to the writer's thread.
#[derive(Debug)]
pub(super) struct Outcome {
    id: JobId,
    n: i64,
    attempt: Option<String>,
    fate: Fate,
}

impl Outcome {
    pub(super) fn of_settlement(settlement: &Settlement) -> Result<Self, QueueError> {
        let fate = match &settlement.ending {
            Ending::Retry { delay } => Fate::Retry(*delay),
            Ending::End {
                state,
                result,
                error,
            } => Fate::End {
                event: match state {
                    State::Succeeded => Event::Succeed,
                    State::Dead => Event::FailForGood,
                    State::Cancelled => Event::Cancel,
                    other => {
                        let reason = format!("no worker ends a job as {other}");
                        return Err(QueueError::broken("settle", reason));
                    }
                },
                result: result.as_ref().map(|result| result.get().to_owned()),
                error: error.clone(),
            },
        };
        Self::of(
            "settle",
            settlement.lease.ticket,
            Some(&settlement.attempt),
            fate,
        )
    }

    pub(super) fn of_release(release: &Release) -> Result<Self, QueueError> {
        let fate = Fate::Release(release.delay);
        Self::of(
            "release",
            release.lease.ticket,
            release.attempt.as_ref(),
            fate,
        )
    }

    fn of(
        call: &'static str,
        ticket: Ticket,
        attempt: Option<&Attempt>,
        fate: Fate,
    ) -> Result<Self, QueueError> {
        let broken = |err: serde_json::Error| QueueError::broken(call, err);
        Ok(Self {
            id: ticket.id,
            n: i64::try_from(ticket.n).map_err(|err| QueueError::broken(call, err))?,
            attempt: attempt
                .map(serde_json::to_string)
                .transpose()
                .map_err(broken)?,
            fate,
        })
    }
}

/// A renewal as it goes to the writer's thread.
#[derive(Debug)]
pub(super) struct Held {
    id: JobId,
    n: i64,
    progress: Option<String>,
}

impl Held {
    pub(super) fn of(renewal: &Renewal<'_>) -> Result<Self, QueueError> {
        let ticket = renewal.lease.ticket;
        Ok(Self {
            id: ticket.id,
            n: i64::try_from(ticket.n).map_err(|err| QueueError::broken("renew", err))?,
            progress: renewal
                .progress
                .as_ref()
                .map(serde_json::to_string)
                .transpose()
                .map_err(|err| QueueError::broken("renew", err))?,
        })
    }
}

impl Step<'_, '_> {
    /// Ends one lease.
    pub(super) fn settle(&mut self, outcome: &Outcome) -> Result<Settled, DbError> {
        let Some(mut row) = Row::leased(self.conn, outcome.id, outcome.n)? else {
            return Ok(Settled::NotOurs);
        };
        if let Some(attempt) = &outcome.attempt {
            row.remember(attempt);
        }
        let before = row.attempts();
        let cancel = |attempt| End {
            event: Event::Cancel,
            attempt,
            result: None,
            error: Some(cancelled()),
        };
        let state = match &outcome.fate {
            Fate::End {
                event,
                result,
                error,
            } => self.end(
                &row,
                &End {
                    event: *event,
                    attempt: before + 1,
                    result: result.clone(),
                    error: error.clone(),
                },
            )?,
            Fate::Retry(_) if row.cancel => self.end(&row, &cancel(before + 1))?,
            Fate::Retry(delay) => {
                row.n += 1;
                row.failures += 1;
                self.move_on(&row, Event::Fail, To::Later(self.now + *delay))?
            }
            Fate::Release(_) if row.cancel => self.end(&row, &cancel(before))?,
            Fate::Release(delay) => {
                row.n += 1;
                if delay.is_zero() {
                    self.move_on(&row, Event::Release, To::Head)?
                } else {
                    self.move_on(&row, Event::ReleaseLater, To::Later(self.now + *delay))?
                }
            }
        };
        Ok(Settled::Now(state))
    }

    /// Ends a job whose body cannot be read, if the ticket is still the leased one; its attempt never began.
    pub(super) fn bury(&mut self, ticket: Ticket, error: JobError) -> Result<(), DbError> {
        let n = i64::try_from(ticket.n).map_err(DbError::broken)?;
        if let Some(row) = Row::leased(self.conn, ticket.id, n)? {
            let end = End {
                event: Event::FailForGood,
                attempt: row.attempts(),
                result: None,
                error: Some(error),
            };
            self.end(&row, &end)?;
        }
        Ok(())
    }

    /// Keeps one lease.
    pub(super) fn renew(&mut self, held: &Held, lease: Duration) -> Result<Renewed, DbError> {
        let cancel: Option<bool> = self
            .conn
            .prepare_cached(
                "UPDATE jobs SET at = ?4, progress = coalesce(?5, progress)
                 WHERE id = ?1 AND n = ?2 AND line = ?3 RETURNING cancel",
            )?
            .query_row(
                params![
                    bytes(held.id),
                    held.n,
                    LEASES,
                    (self.now + lease).as_micros(),
                    held.progress
                ],
                |row| row.get(0),
            )
            .optional()?;
        Ok(match cancel {
            None => Renewed::Lost,
            Some(false) => Renewed::Held,
            Some(true) => Renewed::CancelRequested,
        })
    }
}

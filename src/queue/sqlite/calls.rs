//! Numbered calls: the last number of each caller and what it was answered (Q6).

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::step::Step;
use crate::queue::Call;
use crate::sqlite::DbError;

/// For how long a call can be repeated; a caller that has been silent for so long is no more.
const KEPT: Duration = Duration::from_secs(3600);

/// How often those are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

impl Step<'_, '_> {
    /// What a repeat of `call` is answered; `None` if this is the first time.
    pub(super) fn repeat(&self, call: &Call) -> Result<Option<String>, DbError> {
        let last: Option<(i64, String)> = self
            .conn
            .prepare_cached("SELECT number, answer FROM calls WHERE caller = ?1")?
            .query_row([&call.caller], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let number = number(call)?;
        match last {
            Some((last, answer)) if last == number => Ok(Some(answer)),
            Some((last, _)) if last > number => Err(DbError::broken(format!(
                "{} has gone on to call {last} and cannot repeat {number}",
                call.caller
            ))),
            _ => Ok(None),
        }
    }

    /// Keeps the answer of `call` for its repeat.
    pub(super) fn keep(&mut self, call: &Call, answer: &str) -> Result<(), DbError> {
        let now = self.now.as_micros();
        self.conn
            .prepare_cached(
                "INSERT INTO calls (caller, number, at, answer) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (caller) DO UPDATE SET number = ?2, at = ?3, answer = ?4",
            )?
            .execute(params![call.caller, number(call)?, now, answer])?;
        let pruned = self.engine.pruned;
        if now < pruned || now - pruned > micros(PRUNE_EVERY) {
            self.engine.pruned = now;
            self.conn
                .prepare_cached("DELETE FROM calls WHERE at < ?1")?
                .execute([now - micros(KEPT)])?;
        }
        Ok(())
    }
}

fn number(call: &Call) -> Result<i64, DbError> {
    i64::try_from(call.number).map_err(DbError::broken)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

//! A purge: what waits in a queue is condemned in one step, and cancelled in pieces by the reserves that follow.
//!
//! The queue's line is left behind whole, under the number of its lane; the queue goes on with another. Of the jobs that
//! wait for their time, which stand in one line for all queues, every one of the queue is condemned that was not spared:
//! those that came there since.

use rusqlite::{OptionalExtension, params};

use super::alone::Budget;
use super::rows::{LATER, Row, bytes, id_at, ready_line};
use super::step::Step;
use crate::job::JobId;
use crate::sqlite::DbError;

/// What is left to do of a purge.
struct Purge {
    number: i64,
    queue: i64,
    /// The lane that was left behind; `None`: those who wait for their time are looked through.
    lane: Option<i64>,
    /// How far.
    after: (i64, Option<JobId>),
}

impl Step<'_, '_> {
    /// Condemns what waits in a queue; tells how many jobs that are.
    pub(super) fn purge(&mut self, name: &str) -> Result<u64, DbError> {
        let Some(queue) = self.known_queue(name)? else {
            return Ok(0);
        };
        let lane = self.engine.lanes + 1;
        let line = self.change(queue)?;
        let (ready, scheduled) = (line.ready, line.scheduled);
        if ready > 0 {
            let left = std::mem::replace(&mut line.lane, lane);
            self.engine.lanes = lane;
            self.note_purge(queue, Some(left))?;
        }
        if scheduled > 0 {
            self.forget_spared(queue)?;
            let again = self
                .conn
                .prepare_cached(
                    "UPDATE purges SET at = ?2, id = NULL WHERE queue = ?1 AND lane IS NULL",
                )?
                .execute([queue, i64::MIN])?;
            if again == 0 {
                self.note_purge(queue, None)?;
            }
        }
        if ready + scheduled > 0 {
            self.ring.insert(queue);
        }
        Ok((ready + scheduled).unsigned_abs())
    }

    fn note_purge(&mut self, queue: i64, lane: Option<i64>) -> Result<(), DbError> {
        self.conn
            .prepare_cached("INSERT INTO purges (queue, lane, at) VALUES (?1, ?2, ?3)")?
            .execute(params![queue, lane, i64::MIN])?;
        self.engine.purges += 1;
        Ok(())
    }

    fn finish_purge(&mut self, purge: &Purge) -> Result<(), DbError> {
        self.conn
            .prepare_cached("DELETE FROM purges WHERE number = ?1")?
            .execute([purge.number])?;
        self.engine.purges -= 1;
        if purge.lane.is_none() {
            self.forget_spared(purge.queue)?;
        }
        Ok(())
    }

    fn forget_spared(&self, queue: i64) -> Result<(), DbError> {
        self.conn
            .prepare_cached("DELETE FROM spared WHERE queue = ?1")?
            .execute([queue])?;
        Ok(())
    }

    /// Notes that a job comes to wait for its time while its queue is purged: it came after the call, and stays.
    pub(super) fn spare(&self, queue: i64, id: JobId) -> Result<(), DbError> {
        if self.engine.purges > 0 {
            self.conn
                .prepare_cached(
                    "INSERT INTO spared (queue, id)
                     SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM purges WHERE queue = ?1 AND lane IS NULL)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![queue, bytes(id)])?;
        }
        Ok(())
    }

    /// Whether a job waits for its time since before its queue was purged.
    pub(super) fn is_condemned(&self, row: &Row) -> Result<bool, DbError> {
        if self.engine.purges == 0 || row.line != LATER {
            return Ok(false);
        }
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM purges WHERE queue = ?1 AND lane IS NULL)
                 AND NOT EXISTS (SELECT 1 FROM spared WHERE queue = ?1 AND id = ?2)",
            )?
            .query_row(params![row.queue, bytes(row.id)], |row| row.get(0))?)
    }

    /// Goes on with the purges, oldest first.
    pub(super) fn sweep(&mut self, budget: &mut Budget) -> Result<(), DbError> {
        while self.engine.purges > 0 && budget.upkeep > 0 {
            let Some(purge) = self.oldest_purge()? else {
                return Ok(());
            };
            match purge.lane {
                Some(lane) => self.sweep_lane(&purge, lane, budget)?,
                None => self.sweep_later(&purge, budget)?,
            }
        }
        Ok(())
    }

    fn oldest_purge(&self) -> Result<Option<Purge>, DbError> {
        let mut find = self.conn.prepare_cached(
            "SELECT number, queue, lane, at, id IS NOT NULL, id FROM purges ORDER BY number LIMIT 1",
        )?;
        Ok(find
            .query_row([], |row| {
                let has_id: bool = row.get(4)?;
                Ok(Purge {
                    number: row.get(0)?,
                    queue: row.get(1)?,
                    lane: row.get(2)?,
                    after: (row.get(3)?, has_id.then(|| id_at(row, 5)).transpose()?),
                })
            })
            .optional()?)
    }

    fn sweep_lane(&mut self, purge: &Purge, lane: i64, budget: &mut Budget) -> Result<(), DbError> {
        let room = budget.upkeep;
        let mut ids = self.come(ready_line(lane, false), i64::MAX, room)?;
        ids.extend(self.come(ready_line(lane, true), i64::MAX, room - ids.len())?);
        budget.spend(ids.len());
        for id in &ids {
            if let Some(row) = Row::find(self.conn, *id)? {
                self.end_cancelled(&row)?;
            }
        }
        if ids.len() < room {
            self.finish_purge(purge)?;
        }
        Ok(())
    }

    fn sweep_later(&mut self, purge: &Purge, budget: &mut Budget) -> Result<(), DbError> {
        let (at, id) = purge.after;
        let room = budget.upkeep;
        let mut find = self.conn.prepare_cached(
            "SELECT j.id, j.at, j.queue = ?4 AND NOT EXISTS (SELECT 1 FROM spared s WHERE s.queue = ?4 AND s.id = j.id)
             FROM jobs j WHERE j.line = ?1 AND (j.at, j.id) > (?2, ?3) ORDER BY j.at, j.id LIMIT ?5",
        )?;
        let passed = find
            .query_map(
                params![
                    LATER,
                    at,
                    id.map(bytes).unwrap_or_default(),
                    purge.queue,
                    room as i64
                ],
                |row| Ok((id_at(row, 0)?, row.get::<_, i64>(1)?, row.get(2)?)),
            )?
            .collect::<Result<Vec<(JobId, i64, bool)>, _>>()?;
        budget.spend(passed.len());
        for (id, ..) in passed.iter().filter(|(.., condemned)| *condemned) {
            if let Some(row) = Row::find(self.conn, *id)? {
                self.end_cancelled(&row)?;
            }
        }
        match passed.last() {
            Some((id, at, _)) if passed.len() == room => {
                self.conn
                    .prepare_cached("UPDATE purges SET at = ?2, id = ?3 WHERE number = ?1")?
                    .execute(params![purge.number, at, bytes(*id)])?;
                Ok(())
            }
            _ => self.finish_purge(purge),
        }
    }
}

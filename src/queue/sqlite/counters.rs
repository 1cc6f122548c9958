//! The engine's own row and those of the queues: what is counted, so that nobody has to count (Q14).

use rusqlite::{Connection, params};

use crate::job::State;
use crate::sqlite::DbError;

/// The engine's own row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EngineRow {
    pub head: i64,
    pub tail: i64,
    pub clock: Option<i64>,
    pub grace: i64,
    pub pruned: i64,
    pub keys: i64,
    pub outbox: i64,
    pub lanes: i64,
    pub purges: i64,
    succeeded: i64,
    dead: i64,
    cancelled: i64,
    expired: i64,
    quarantined: i64,
}

impl EngineRow {
    pub(super) fn load(conn: &Connection) -> Result<Self, DbError> {
        let mut load = conn.prepare_cached(
            "SELECT head, tail, clock, grace, pruned, keys, outbox, succeeded, dead, cancelled, expired, quarantined,
             lanes, purges FROM engine",
        )?;
        Ok(load.query_row([], |row| {
            Ok(Self {
                head: row.get(0)?,
                tail: row.get(1)?,
                clock: row.get(2)?,
                grace: row.get(3)?,
                pruned: row.get(4)?,
                keys: row.get(5)?,
                outbox: row.get(6)?,
                succeeded: row.get(7)?,
                dead: row.get(8)?,
                cancelled: row.get(9)?,
                expired: row.get(10)?,
                quarantined: row.get(11)?,
                lanes: row.get(12)?,
                purges: row.get(13)?,
            })
        })?)
    }

    pub(super) fn save(&self, conn: &Connection) -> Result<(), DbError> {
        conn.prepare_cached(
            "UPDATE engine SET head = ?1, tail = ?2, clock = ?3, grace = ?4, pruned = ?5, keys = ?6, outbox = ?7,
             succeeded = ?8, dead = ?9, cancelled = ?10, expired = ?11, quarantined = ?12, lanes = ?13, purges = ?14",
        )?
        .execute(params![
            self.head,
            self.tail,
            self.clock,
            self.grace,
            self.pruned,
            self.keys,
            self.outbox,
            self.succeeded,
            self.dead,
            self.cancelled,
            self.expired,
            self.quarantined,
            self.lanes,
            self.purges
        ])?;
        Ok(())
    }

    pub(super) fn count_end(&mut self, state: State) {
        self.outbox += 1;
        match state {
            State::Succeeded => self.succeeded += 1,
            State::Dead => self.dead += 1,
            State::Cancelled => self.cancelled += 1,
            State::Expired => self.expired += 1,
            State::Quarantined => self.quarantined += 1,
            State::Scheduled | State::Queued | State::Running | State::Retrying => {}
        }
    }
}

/// A queue's row.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub name: String,
    /// Numbers its lines; see [`super::rows::ready_line`].
    pub lane: i64,
    pub paused: bool,
    pub full: bool,
    pub ready: i64,
    pub scheduled: i64,
    pub running: i64,
    pub changed: bool,
}

impl Line {
    /// Reads the row of a queue.
    pub(super) fn load(conn: &Connection, queue: i64) -> Result<Self, DbError> {
        let mut load = conn.prepare_cached(
            "SELECT name, paused, full, ready, scheduled, running, lane FROM queues WHERE id = ?1",
        )?;
        Ok(load.query_row([queue], |row| {
            Ok(Self {
                name: row.get(0)?,
                paused: row.get(1)?,
                full: row.get(2)?,
                ready: row.get(3)?,
                scheduled: row.get(4)?,
                running: row.get(5)?,
                lane: row.get(6)?,
                changed: false,
            })
        })?)
    }

    /// Writes the row of a queue.
    pub(super) fn save(&self, conn: &Connection, queue: i64) -> Result<(), DbError> {
        conn.prepare_cached(
            "UPDATE queues SET paused = ?2, full = ?3, ready = ?4, scheduled = ?5, running = ?6, lane = ?7 WHERE id = ?1",
        )?
        .execute(params![
            queue,
            self.paused,
            self.full,
            self.ready,
            self.scheduled,
            self.running,
            self.lane
        ])?;
        Ok(())
    }
}

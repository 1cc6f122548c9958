//! One atomic step of the engine: its own row and the queues' counters are read when it begins, jobs move, and what
//! changed is written and rung when it is over.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::counters::{EngineRow, Line};
use super::rows::{LATER, LEASES, OUTBOX, Row, bytes, ready_line};
use crate::job::{Event, JobError, JobId, State, Timestamp};
use crate::sqlite::{DbError, Tx};

/// Where a job that lives on goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    /// To the head of its queue's line.
    Head,
    /// To the tail of its queue's line.
    Tail,
    /// To those that wait for their time: this one.
    Later(Timestamp),
}

/// How a job ends.
#[derive(Debug)]
pub(super) struct End {
    /// By what.
    pub event: Event,
    /// Attempts that were begun.
    pub attempt: u32,
    /// JSON text.
    pub result: Option<String>,
    /// Why it did not succeed.
    pub error: Option<JobError>,
}

/// One atomic step.
pub(super) struct Step<'t, 'c> {
    tx: &'t mut Tx<'c>,
    pub conn: &'c Connection,
    pub now: Timestamp,
    pub engine: EngineRow,
    loaded: EngineRow,
    lines: HashMap<i64, Line>,
    names: HashMap<String, i64>,
    /// Queues to whose lines something was added, or from which somebody can take again.
    pub ring: BTreeSet<i64>,
    /// Queues for which nobody need be woken, whatever has rung before.
    pub hush: BTreeSet<i64>,
    /// A suspect is no longer lent: who lent it may take another, from whichever queue.
    suspect_done: bool,
    /// The earliest due time and expiry of all, once they had to be known.
    earliest_due: Option<i64>,
    earliest_expiry: Option<i64>,
}

impl<'t, 'c> Step<'t, 'c> {
    pub(super) fn begin(tx: &'t mut Tx<'c>, now: Timestamp) -> Result<Self, DbError> {
        let conn = tx.conn();
        let engine = EngineRow::load(conn)?;
        Ok(Self {
            tx,
            conn,
            now,
            loaded: engine.clone(),
            engine,
            lines: HashMap::new(),
            names: HashMap::new(),
            ring: BTreeSet::new(),
            hush: BTreeSet::new(),
            suspect_done: false,
            earliest_due: None,
            earliest_expiry: None,
        })
    }

    /// Writes what changed beside the jobs, and lets the bells ring after the commit.
    pub(super) fn finish(mut self) -> Result<(), DbError> {
        if self.suspect_done {
            self.ring_suspects()?;
        }
        if self.engine != self.loaded {
            self.engine.save(self.conn)?;
        }
        for (id, line) in self.lines.iter().filter(|(_, line)| line.changed) {
            line.save(self.conn, *id)?;
        }
        for (ids, ring) in [(&self.ring, true), (&self.hush, false)] {
            for line in ids.iter().filter_map(|id| self.lines.get(id)) {
                self.tx.ring(&line.name, ring);
            }
        }
        Ok(())
    }

    /// The queue of a name, if it has a row.
    pub(super) fn known_queue(&mut self, name: &str) -> Result<Option<i64>, DbError> {
        if let Some(id) = self.names.get(name) {
            return Ok(Some(*id));
        }
        let id: Option<i64> = self
            .conn
            .prepare_cached("SELECT id FROM queues WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        if let Some(id) = id {
            self.names.insert(name.to_owned(), id);
        }
        Ok(id)
    }

    /// The queue of a name; it gets a row if it has none.
    pub(super) fn queue(&mut self, name: &str) -> Result<i64, DbError> {
        if let Some(id) = self.known_queue(name)? {
            return Ok(id);
        }
        self.engine.lanes += 1;
        self.conn
            .prepare_cached("INSERT INTO queues (name, lane) VALUES (?1, ?2)")?
            .execute(params![name, self.engine.lanes])?;
        let id = self.conn.last_insert_rowid();
        self.names.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The row of a queue, to read.
    pub(super) fn line(&mut self, queue: i64) -> Result<&Line, DbError> {
        self.load(queue).map(|line| &*line)
    }

    /// The row of a queue, to change.
    pub(super) fn change(&mut self, queue: i64) -> Result<&mut Line, DbError> {
        let line = self.load(queue)?;
        line.changed = true;
        Ok(line)
    }

    fn load(&mut self, queue: i64) -> Result<&mut Line, DbError> {
        use std::collections::hash_map::Entry;

        match self.lines.entry(queue) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(Line::load(self.conn, queue)?)),
        }
    }

    /// Counts a job in where it now stands.
    pub(super) fn enter(&mut self, queue: i64, state: State) -> Result<(), DbError> {
        let line = self.change(queue)?;
        match state {
            State::Queued => line.ready += 1,
            State::Scheduled | State::Retrying => line.scheduled += 1,
            State::Running => line.running += 1,
            _ => {}
        }
        if state == State::Queued {
            self.ring.insert(queue);
        }
        Ok(())
    }

    /// Counts a job out of where it stood; a place that this frees wakes who found none.
    pub(super) fn leave(&mut self, row: &Row) -> Result<(), DbError> {
        let line = self.change(row.queue)?;
        match row.state {
            State::Queued => line.ready -= 1,
            State::Scheduled | State::Retrying => line.scheduled -= 1,
            State::Running => {
                line.running -= 1;
                if std::mem::take(&mut line.full) {
                    self.ring.insert(row.queue);
                }
                self.suspect_done |= row.crashes > 0;
            }
            _ => {}
        }
        Ok(())
    }

    fn ring_suspects(&mut self) -> Result<(), DbError> {
        let mut find = self.conn.prepare_cached(
            "SELECT q.id FROM queues q WHERE q.ready > 0 AND NOT q.paused
             AND EXISTS (SELECT 1 FROM jobs j WHERE j.line = 2 * q.lane + 3)",
        )?;
        let waiting = find
            .query_map([], |row| row.get(0))?
            .collect::<Result<Vec<i64>, _>>()?;
        for queue in waiting {
            self.line(queue)?;
            self.ring.insert(queue);
        }
        Ok(())
    }

    /// Moves a job to where it lives on. Its row says what is new: n, failures, crashes, history.
    pub(super) fn move_on(&mut self, row: &Row, event: Event, to: To) -> Result<State, DbError> {
        let state = after(Some(row.state), event)?;
        self.leave(row)?;
        if row.state == State::Running {
            self.expect_expiry(row.queue, row.expires_at)?;
        }
        // From when on it may be lent again, as far as it was lent before.
        let again = match (to, event) {
            (To::Later(due), _) => due.as_micros(),
            (_, Event::Lapse) => self.now.as_micros(),
            _ => row.leased_at,
        };
        let ready = ready_line(self.line(row.queue)?.lane, row.crashes > 0);
        let (line, at) = match to {
            To::Head => {
                self.engine.head -= 1;
                (ready, self.engine.head)
            }
            To::Tail => (ready, self.tail()),
            To::Later(due) => {
                self.expect_due(row.queue, due)?;
                self.spare(row.queue, row.id)?;
                (LATER, due.as_micros())
            }
        };
        self.conn
            .prepare_cached(
                "UPDATE jobs SET line = ?2, at = ?3, state = ?4, n = ?5, failures = ?6, crashes = ?7, history = ?8,
                 leased_at = ?9, node = NULL, progress = NULL WHERE id = ?1",
            )?
            .execute(params![
                bytes(row.id),
                line,
                at,
                state.as_str(),
                row.n,
                row.failures,
                row.crashes,
                row.history,
                again
            ])?;
        self.enter(row.queue, state)?;
        Ok(state)
    }

    /// Ends a job: it enters the outbox and gives up its unique key (Q4, Q7, Q10).
    pub(super) fn end(&mut self, row: &Row, end: &End) -> Result<State, DbError> {
        let state = after(Some(row.state), end.event)?;
        self.leave(row)?;
        let error = end
            .error
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(DbError::broken)?;
        self.conn
            .prepare_cached(
                "UPDATE jobs SET line = ?2, at = ?3, ended_at = ?3, state = ?4, attempt = ?5, crashes = ?6, history = ?7,
                 result = ?8, error = ?9, leased_at = NULL, node = NULL, progress = NULL WHERE id = ?1",
            )?
            .execute(params![
                bytes(row.id),
                OUTBOX,
                self.now.as_micros(),
                state.as_str(),
                end.attempt,
                row.crashes,
                row.history,
                end.result,
                error
            ])?;
        if let Some(key) = &row.unique {
            self.conn
                .prepare_cached("DELETE FROM uniques WHERE key = ?1 AND id = ?2")?
                .execute(params![key, bytes(row.id)])?;
        }
        self.engine.count_end(state);
        Ok(state)
    }

    /// The next place at the tail of any line.
    pub(super) fn tail(&mut self) -> i64 {
        self.engine.tail += 1;
        self.engine.tail
    }

    /// Wakes who takes from `queue` if nothing was due as early as `due`: sleepers know only of the event that they were
    /// told.
    pub(super) fn expect_due(&mut self, queue: i64, due: Timestamp) -> Result<(), DbError> {
        let earliest = match self.earliest_due {
            Some(earliest) => earliest,
            None => first_at(self.conn, LATER)?.unwrap_or(i64::MAX),
        };
        let due = due.as_micros();
        self.earliest_due = Some(earliest.min(due));
        if due < earliest {
            self.line(queue)?;
            self.ring.insert(queue);
        }
        Ok(())
    }

    /// The same for when a job that waits now expires.
    pub(super) fn expect_expiry(
        &mut self,
        queue: i64,
        expires_at: Option<i64>,
    ) -> Result<(), DbError> {
        let Some(expires_at) = expires_at else {
            return Ok(());
        };
        let earliest = match self.earliest_expiry {
            Some(earliest) => earliest,
            None => first_expiry(self.conn)?.unwrap_or(i64::MAX),
        };
        self.earliest_expiry = Some(earliest.min(expires_at));
        if expires_at < earliest {
            self.line(queue)?;
            self.ring.insert(queue);
        }
        Ok(())
    }

    /// Notes a sign of life. After a hole of more than half a lease no lease counts as run out for one more (Q8); a
    /// lease that ends later than the present clock could make it is cut.
    pub(super) fn stamp(&mut self, lease: Duration, asked: Duration) -> Result<(), DbError> {
        let now = self.now;
        let away = self
            .engine
            .clock
            .is_none_or(|last| now.since(Timestamp::from_micros(last)) > lease / 2);
        let latest = (now + lease.max(asked)).as_micros();
        if away {
            self.engine.grace = (now + lease).as_micros();
        }
        self.engine.grace = self.engine.grace.min(latest);
        self.engine.clock = Some(now.as_micros());
        self.cut(LEASES, latest, latest)
    }

    /// Brings what stands in a line after `latest` forward to `to`; a clock that was set back has left it there.
    pub(super) fn cut(&mut self, line: i64, latest: i64, to: i64) -> Result<(), DbError> {
        self.conn
            .prepare_cached(
                "UPDATE jobs SET at = ?3 WHERE id IN
                 (SELECT id FROM jobs WHERE line = ?1 AND at > ?2 LIMIT 1000)",
            )?
            .execute([line, latest, to])?;
        Ok(())
    }

    /// Ids in a line at or before `until`, in order, at most `max`.
    pub(super) fn come(&self, line: i64, until: i64, max: usize) -> Result<Vec<JobId>, DbError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let mut find = self.conn.prepare_cached(
            "SELECT id FROM jobs WHERE line = ?1 AND at <= ?2 ORDER BY at LIMIT ?3",
        )?;
        let ids = find.query_map(params![line, until, max as i64], |row| {
            super::rows::id_at(row, 0)
        })?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

/// The first place in a line.
pub(super) fn first_at(conn: &Connection, line: i64) -> Result<Option<i64>, DbError> {
    Ok(conn
        .prepare_cached("SELECT min(at) FROM jobs WHERE line = ?1")?
        .query_row([line], |row| row.get(0))?)
}

/// When the first waiting job expires.
pub(super) fn first_expiry(conn: &Connection) -> Result<Option<i64>, DbError> {
    Ok(conn
        .prepare_cached(
            "SELECT min(expires_at) FROM jobs WHERE expires_at IS NOT NULL AND line <> 2 AND line <> 3",
        )?
        .query_row([], |row| row.get(0))?)
}

/// Where `event` leads; a move that the table does not know is refused.
pub(super) fn after(from: Option<State>, event: Event) -> Result<State, DbError> {
    State::after(from, event)
        .ok_or_else(|| DbError::broken(format!("{event:?} does not lead on from {from:?}")))
}

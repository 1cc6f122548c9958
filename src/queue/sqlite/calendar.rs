//! The calendar: its entries, and the claim on each tick.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::enqueue::Drafts;
use super::rows::{OUTBOX, bytes, id_at, instant};
use super::step::Step;
use super::{SqliteQueue, failed};
use crate::job::{JobId, State, Timestamp};
use crate::queue::calendar::{kept, still_live};
use crate::queue::{
    AHEAD_MAX, Accepted, Calendar, Change, Claim, ENTRIES_MAX, EngineSettings, Entry, Fired,
    Passed, Put, QueueError, Submission, Submitted, Turn,
};
use crate::sqlite::DbError;

/// The columns of an [`Entry`].
const ENTRY: &str = "SELECT name, revision, definition, enabled, created_at, done, last_at,
     last_job IS NOT NULL, last_job, passed_at, passed_why FROM calendar ";

impl Calendar for SqliteQueue {
    fn put(&self, name: &str, change: &Change<'_>) -> Result<Put, QueueError> {
        let (name, definition) = (name.to_owned(), change.definition.to_owned());
        let Change {
            revision,
            enabled,
            afresh,
            ..
        } = *change;
        self.step("put", move |step| {
            let old = find(step.conn, &name)?;
            if old.as_ref().map(|entry| entry.revision) != revision {
                return Ok(Put::Conflict);
            }
            if old.is_none() && count(step.conn)? >= ENTRIES_MAX {
                return Ok(Put::TooMany);
            }
            let revision = step.next_version()?;
            let now = step.now.as_micros();
            step.conn
                .prepare_cached(
                    "INSERT INTO calendar (name, revision, enabled, created_at, done, definition)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?5)
                     ON CONFLICT (name) DO UPDATE SET revision = ?2, enabled = ?3, definition = ?5,
                     done = CASE WHEN ?6 THEN ?4 ELSE done END",
                )?
                .execute(params![name, revision, enabled, now, definition, afresh])?;
            Ok(Put::Done)
        })
    }

    fn remove(&self, name: &str, revision: u64) -> Result<bool, QueueError> {
        let name = name.to_owned();
        self.step("remove", move |step| {
            let gone = step
                .conn
                .prepare_cached("DELETE FROM calendar WHERE name = ?1 AND revision = ?2")?
                .execute(params![name, number(revision)])?;
            if gone > 0 {
                step.next_version()?;
            }
            Ok(gone > 0)
        })
    }

    fn entry(&self, name: &str) -> Result<Option<Entry>, QueueError> {
        let entry = self.db.read(|conn| find(conn, name));
        entry.map_err(|err| failed("entry", err))
    }

    fn entries(&self) -> Result<Vec<Entry>, QueueError> {
        let entries = self.db.read(|conn| {
            let mut all = conn.prepare_cached(&format!("{ENTRY} ORDER BY name"))?;
            let entries = all.query_map([], read)?;
            Ok(entries.collect::<Result<_, _>>()?)
        });
        entries.map_err(|err| failed("entries", err))
    }

    fn version(&self) -> Result<u64, QueueError> {
        let version = self.db.read(|conn| {
            let mut version = conn.prepare_cached("SELECT calendar FROM engine")?;
            Ok(version.query_row([], |row| row.get::<_, i64>(0))?)
        });
        version
            .map(i64::unsigned_abs)
            .map_err(|err| failed("version", err))
    }

    fn fire(&self, claim: &Claim<'_>) -> Result<Fired, QueueError> {
        let claim = Claimed::of(claim)?;
        let settings = self.settings.clone();
        self.step("fire", move |step| step.fire(&settings, &claim))
    }
}

/// A claim, ready for the writer's thread.
struct Claimed {
    name: String,
    revision: u64,
    tick: Option<Timestamp>,
    turn: Ready,
}

enum Ready {
    Job {
        id: JobId,
        run_at: Option<Timestamp>,
        drafts: Drafts,
        alone: bool,
    },
    Pass(String),
}

impl Claimed {
    fn of(claim: &Claim<'_>) -> Result<Self, QueueError> {
        let turn = match &claim.turn {
            Turn::Pass(why) => Ready::Pass(kept(why)),
            Turn::Job { job, alone } => Ready::Job {
                id: job.id,
                run_at: job.run_at,
                drafts: Drafts::of(&Submission {
                    jobs: vec![job.clone()],
                    idempotency: None,
                })?,
                alone: *alone,
            },
        };
        Ok(Self {
            name: claim.name.to_owned(),
            revision: claim.revision,
            tick: claim.tick,
            turn,
        })
    }
}

impl Step<'_, '_> {
    fn fire(&mut self, settings: &EngineSettings, claim: &Claimed) -> Result<Fired, DbError> {
        let entry = find(self.conn, &claim.name)?;
        let Some(entry) = entry.filter(|entry| entry.revision == claim.revision) else {
            return Ok(Fired::Changed);
        };
        if let Some(tick) = claim.tick {
            if tick > self.now {
                return Ok(Fired::Early);
            }
            if tick <= entry.done && entry.done <= self.now + AHEAD_MAX {
                return Ok(Fired::Taken(entry.done));
            }
        }
        match &claim.turn {
            Ready::Pass(why) => {
                self.pass(claim, why)?;
                Ok(Fired::Passed)
            }
            Ready::Job {
                id,
                run_at,
                drafts,
                alone,
            } => {
                if claim.tick.is_none() && entry.last_job == Some(*id) {
                    // A repeat whose first answer was lost.
                    let later = run_at.is_some_and(|at| at > self.now);
                    let state = if later {
                        State::Scheduled
                    } else {
                        State::Queued
                    };
                    return Ok(Fired::Enqueued(Accepted::New(*id, state)));
                }
                if let Some(last) = entry.last_job.filter(|_| *alone)
                    && self.is_live(last)?
                {
                    self.pass(claim, &still_live(last))?;
                    return Ok(Fired::StillLive(last));
                }
                self.make(settings, claim, drafts).map(Fired::Enqueued)
            }
        }
    }

    /// Lets a tick pass.
    fn pass(&self, claim: &Claimed, why: &str) -> Result<(), DbError> {
        if let Some(tick) = claim.tick {
            self.conn
                .prepare_cached(
                    "UPDATE calendar SET done = ?2, passed_at = ?2, passed_why = ?3 WHERE name = ?1",
                )?
                .execute(params![claim.name, tick.as_micros(), why])?;
        }
        Ok(())
    }

    /// Accepts the job of a claim.
    fn make(
        &mut self,
        settings: &EngineSettings,
        claim: &Claimed,
        drafts: &Drafts,
    ) -> Result<Accepted, DbError> {
        let first = match self.submit(settings, drafts)? {
            Submitted::Accepted(jobs) => jobs.first().copied(),
            Submitted::Replayed(_)
            | Submitted::KeyReused
            | Submitted::KeysFull
            | Submitted::Outdated => None,
        };
        // The tick stays to be had: what this step did is undone.
        let accepted =
            first.ok_or_else(|| DbError::broken(format!("no job for {}", claim.name)))?;
        let at = claim.tick.unwrap_or(self.now).as_micros();
        let done = claim.tick.map(Timestamp::as_micros);
        self.conn
            .prepare_cached(
                "UPDATE calendar SET done = coalesce(?2, done), last_at = ?3, last_job = ?4
                 WHERE name = ?1",
            )?
            .execute(params![claim.name, done, at, bytes(accepted.id())])?;
        Ok(accepted)
    }

    fn is_live(&self, job: JobId) -> Result<bool, DbError> {
        let line: Option<i64> = self
            .conn
            .prepare_cached("SELECT line FROM jobs WHERE id = ?1")?
            .query_row([bytes(job)], |row| row.get(0))
            .optional()?;
        Ok(line.is_some_and(|line| line != OUTBOX))
    }

    /// The number of a put or remove, by which schedulers know that entries have changed.
    fn next_version(&self) -> Result<i64, DbError> {
        let mut next = self
            .conn
            .prepare_cached("UPDATE engine SET calendar = calendar + 1 RETURNING calendar")?;
        Ok(next.query_row([], |row| row.get(0))?)
    }
}

fn find(conn: &Connection, name: &str) -> Result<Option<Entry>, DbError> {
    let mut one = conn.prepare_cached(&format!("{ENTRY} WHERE name = ?1"))?;
    Ok(one.query_row([name], read).optional()?)
}

fn count(conn: &Connection) -> Result<usize, DbError> {
    let mut count = conn.prepare_cached("SELECT count(*) FROM calendar")?;
    let count: i64 = count.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let at = |i| row.get(i).map(Timestamp::from_micros);
    let has_job: bool = row.get(7)?;
    let passed_at = instant(row.get(9)?);
    let why: Option<String> = row.get(10)?;
    Ok(Entry {
        name: row.get(0)?,
        revision: row.get::<_, i64>(1)?.unsigned_abs(),
        definition: row.get(2)?,
        enabled: row.get(3)?,
        created_at: at(4)?,
        done: at(5)?,
        last_at: instant(row.get(6)?),
        last_job: has_job.then(|| id_at(row, 8)).transpose()?,
        passed: passed_at.map(|tick| Passed {
            tick,
            why: why.unwrap_or_default(),
        }),
    })
}

/// A revision as it stands in a column.
fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

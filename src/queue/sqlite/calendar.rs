//! The cron entries, and the claim on each tick.

use rusqlite::{OptionalExtension, params};

use super::enqueue::Drafts;
use super::rows::{bytes, id_at, instant};
use super::step::Step;
use super::{SqliteQueue, failed};
use crate::job::Timestamp;
use crate::queue::{
    Accepted, Calendar, EngineSettings, Entry, Fired, QueueError, Submission, Submitted,
};
use crate::sqlite::DbError;

impl Calendar for SqliteQueue {
    fn put(&self, name: &str, definition: &str) -> Result<bool, QueueError> {
        let (name, definition) = (name.to_owned(), definition.to_owned());
        self.step("put", move |step| {
            let changed = step
                .conn
                .prepare_cached("UPDATE entries SET definition = ?2 WHERE name = ?1")?
                .execute([&name, &definition])?;
            if changed == 0 {
                step.conn
                    .prepare_cached(
                        "INSERT INTO entries (name, definition, created_at) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![name, definition, step.now.as_micros()])?;
            }
            Ok(changed == 0)
        })
    }

    fn remove(&self, name: &str) -> Result<bool, QueueError> {
        let name = name.to_owned();
        self.step("remove", move |step| {
            let gone = step
                .conn
                .prepare_cached("DELETE FROM entries WHERE name = ?1")?
                .execute([&name])?;
            Ok(gone > 0)
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, QueueError> {
        let entries = self.db.read(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT name, definition, created_at, last_tick, last_job IS NOT NULL, last_job
                 FROM entries ORDER BY name",
            )?;
            let entries = find.query_map([], |row| {
                let has_job: bool = row.get(4)?;
                Ok(Entry {
                    name: row.get(0)?,
                    definition: row.get(1)?,
                    created_at: Timestamp::from_micros(row.get(2)?),
                    last_tick: instant(row.get(3)?),
                    last_job: has_job.then(|| id_at(row, 5)).transpose()?,
                })
            })?;
            Ok(entries.collect::<Result<_, _>>()?)
        });
        entries.map_err(|err| failed("entries", err))
    }

    fn fire(
        &self,
        name: &str,
        tick: Timestamp,
        submission: &Submission,
    ) -> Result<Fired, QueueError> {
        let name = name.to_owned();
        let drafts = Drafts::of(submission)?;
        let settings = self.settings.clone();
        self.step("fire", move |step| {
            step.fire(&settings, &name, tick, &drafts)
        })
    }
}

impl Step<'_, '_> {
    fn fire(
        &mut self,
        settings: &EngineSettings,
        name: &str,
        tick: Timestamp,
        drafts: &Drafts,
    ) -> Result<Fired, DbError> {
        let last: Option<Option<i64>> = self
            .conn
            .prepare_cached("SELECT last_tick FROM entries WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let Some(last) = last else {
            return Ok(Fired::NoEntry);
        };
        if last.is_some_and(|last| tick.as_micros() <= last) {
            return Ok(Fired::Taken);
        }
        let first = match self.submit(settings, drafts)? {
            Submitted::Accepted(jobs) => jobs.first().copied(),
            Submitted::Replayed(ids) => ids.first().copied().map(Accepted::Existing),
            Submitted::KeyReused | Submitted::KeysFull | Submitted::Outdated => None,
        };
        // The tick stays to be had: what this step did is undone.
        let accepted =
            first.ok_or_else(|| DbError::broken(format!("no job for a tick of {name}")))?;
        self.conn
            .prepare_cached("UPDATE entries SET last_tick = ?2, last_job = ?3 WHERE name = ?1")?
            .execute(params![name, tick.as_micros(), bytes(accepted.id())])?;
        Ok(Fired::Enqueued(accepted))
    }
}

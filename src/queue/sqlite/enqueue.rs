//! Work comes in: submissions, each all or nothing, all in one step.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{LATER, bytes, id_at, ready_line};
use super::step::{Step, after};
use crate::job::{Event, JobId, State, Timestamp};
use crate::queue::{
    Accepted, Call, EngineSettings, Idempotency, QueueError, Submission, Submitted,
    TICKETS_PER_CALL_MAX,
};
use crate::sqlite::DbError;

/// A job ready to be written: its text is made on the caller's thread, not on the writer's.
#[derive(Debug)]
pub(super) struct Draft {
    pub id: JobId,
    queue: String,
    body: String,
    run_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    unique: Option<(String, Option<Timestamp>)>,
    pub retry_of: Option<JobId>,
}

/// A submission ready to be written.
#[derive(Debug)]
pub(super) struct Drafts {
    jobs: Vec<Draft>,
    idempotency: Option<Idempotency>,
}

impl Drafts {
    pub(super) fn of(submission: &Submission) -> Result<Self, QueueError> {
        let draft = |job: &std::sync::Arc<crate::job::Job>| {
            Ok(Draft {
                id: job.id,
                queue: job.queue.clone(),
                body: serde_json::to_string(&**job)
                    .map_err(|err| QueueError::broken("enqueue", err))?,
                run_at: job.run_at,
                expires_at: job.expires_at,
                unique: job.unique.clone().map(|key| (key, job.unique_until)),
                retry_of: job.retry_of,
            })
        };
        Ok(Self {
            jobs: submission
                .jobs
                .iter()
                .map(draft)
                .collect::<Result<_, _>>()?,
            idempotency: submission.idempotency.clone(),
        })
    }
}

/// An answer as it is kept for the repeat.
#[derive(Serialize, Deserialize)]
enum Kept {
    Accepted(Vec<(JobId, Option<State>)>),
    Replayed(Vec<JobId>),
    KeyReused,
    KeysFull,
    Outdated,
}

impl From<&Submitted> for Kept {
    fn from(submitted: &Submitted) -> Self {
        match submitted {
            Submitted::Accepted(jobs) => Self::Accepted(
                jobs.iter()
                    .map(|one| match *one {
                        Accepted::New(id, state) => (id, Some(state)),
                        Accepted::Existing(id) => (id, None),
                    })
                    .collect(),
            ),
            Submitted::Replayed(ids) => Self::Replayed(ids.clone()),
            Submitted::KeyReused => Self::KeyReused,
            Submitted::KeysFull => Self::KeysFull,
            Submitted::Outdated => Self::Outdated,
        }
    }
}

impl From<Kept> for Submitted {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Accepted(jobs) => Self::Accepted(
                jobs.into_iter()
                    .map(|(id, state)| {
                        state.map_or(Accepted::Existing(id), |state| Accepted::New(id, state))
                    })
                    .collect(),
            ),
            Kept::Replayed(ids) => Self::Replayed(ids),
            Kept::KeyReused => Self::KeyReused,
            Kept::KeysFull => Self::KeysFull,
            Kept::Outdated => Self::Outdated,
        }
    }
}

impl Step<'_, '_> {
    /// Accepts submissions, or answers as before if `call` is a repeat.
    pub(super) fn enqueue(
        &mut self,
        settings: &EngineSettings,
        call: &Call,
        submissions: &[Drafts],
    ) -> Result<Vec<Submitted>, DbError> {
        if let Some(answer) = self.repeat(call)? {
            let kept: Vec<Kept> = serde_json::from_str(&answer).map_err(DbError::broken)?;
            return Ok(kept.into_iter().map(Submitted::from).collect());
        }
        let answers = submissions
            .iter()
            .map(|drafts| self.submit(settings, drafts))
            .collect::<Result<Vec<_>, _>>()?;
        let kept: Vec<Kept> = answers.iter().map(Kept::from).collect();
        let kept = serde_json::to_string(&kept).map_err(DbError::broken)?;
        self.keep(call, &kept)?;
        Ok(answers)
    }

    /// Accepts one submission.
    pub(super) fn submit(
        &mut self,
        settings: &EngineSettings,
        drafts: &Drafts,
    ) -> Result<Submitted, DbError> {
        if let Some(idempotency) = &drafts.idempotency
            && let Some(answer) = self.known_key(settings, idempotency)?
        {
            return Ok(answer);
        }
        if drafts.jobs.iter().any(|draft| self.is_outdated(draft)) {
            return Ok(Submitted::Outdated);
        }
        let accepted = drafts
            .jobs
            .iter()
            .map(|draft| self.accept(draft))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(idempotency) = &drafts.idempotency {
            self.keep_key(settings, idempotency, &accepted)?;
        }
        Ok(Submitted::Accepted(accepted))
    }

    fn accept(&mut self, draft: &Draft) -> Result<Accepted, DbError> {
        if let Some(old) = draft.retry_of
            && let Some(retry) = self.retry_of(old)?
        {
            return Ok(Accepted::Existing(retry));
        }
        if let Some((key, _)) = &draft.unique
            && let Some(holder) = self.holder(key)?
        {
            return Ok(Accepted::Existing(holder));
        }
        let due = draft.run_at.filter(|due| *due > self.now);
        let event = if due.is_some() {
            Event::SubmitLater
        } else {
            Event::Submit
        };
        let state = after(None, event)?;
        let queue = self.queue(&draft.queue)?;
        let expires_at = draft.expires_at.map(Timestamp::as_micros);
        self.expect_expiry(queue, expires_at)?;
        let (line, at) = match due {
            Some(due) => {
                self.expect_due(queue, due)?;
                self.spare(queue, draft.id)?;
                (LATER, due.as_micros())
            }
            None => (ready_line(self.line(queue)?.lane, false), self.tail()),
        };
        let id = bytes(draft.id);
        // A job that the queue holds already is left as it is: its id says that it is the same.
        let new = self
            .conn
            .prepare_cached(
                "INSERT INTO jobs (id, queue, line, at, state, expires_at, unique_key, retry_of)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                id,
                queue,
                line,
                at,
                state.as_str(),
                expires_at,
                draft.unique.as_ref().map(|(key, _)| key),
                draft.retry_of.map(bytes)
            ])?;
        if new == 0 {
            return Ok(Accepted::New(draft.id, state));
        }
        self.conn
            .prepare_cached("INSERT INTO bodies (id, body) VALUES (?1, ?2)")?
            .execute(params![id, draft.body])?;
        if let Some((key, until)) = &draft.unique {
            self.conn
                .prepare_cached(
                    "INSERT INTO uniques (key, id, until) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET id = ?2, until = ?3",
                )?
                .execute(params![key, id, until.map(Timestamp::as_micros)])?;
        }
        self.enter(queue, state)?;
        Ok(Accepted::New(draft.id, state))
    }

    /// The live job that holds a unique key now.
    fn holder(&self, key: &str) -> Result<Option<JobId>, DbError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT id FROM uniques WHERE key = ?1 AND (until IS NULL OR until > ?2)",
            )?
            .query_row(params![key, self.now.as_micros()], |row| id_at(row, 0))
            .optional()?)
    }

    /// The answer to a submission whose key decides it; `None` if it is to be accepted.
    fn known_key(
        &mut self,
        settings: &EngineSettings,
        idempotency: &Idempotency,
    ) -> Result<Option<Submitted>, DbError> {
        let known: Option<(Vec<u8>, Vec<u8>, i64, i64)> = self
            .conn
            .prepare_cached("SELECT digest, ids, count, expires FROM idempotency WHERE key = ?1")?
            .query_row([&idempotency.key], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        if let Some((digest, ids, count, expires)) = known {
            if expires <= self.now.as_micros() {
                self.forget_keys("DELETE FROM idempotency WHERE key = ?1", &idempotency.key)?;
            } else if digest == idempotency.digest {
                return Ok(Some(Submitted::Replayed(unpack(&ids, count)?)));
            } else {
                return Ok(Some(Submitted::KeyReused));
            }
        }
        // In bounded pieces: one call takes away as many as it can bring.
        self.forget_keys(
            "DELETE FROM idempotency WHERE key IN
             (SELECT key FROM idempotency WHERE expires <= ?1 ORDER BY expires LIMIT 1000)",
            &self.now.as_micros(),
        )?;
        let full = usize::try_from(self.engine.keys).unwrap_or(0) >= settings.idempotency_max;
        Ok(full.then_some(Submitted::KeysFull))
    }

    fn forget_keys(&mut self, sql: &str, which: &dyn rusqlite::ToSql) -> Result<(), DbError> {
        let gone = self.conn.prepare_cached(sql)?.execute([which])?;
        self.engine.keys -= i64::try_from(gone).unwrap_or(0);
        Ok(())
    }

    fn keep_key(
        &mut self,
        settings: &EngineSettings,
        idempotency: &Idempotency,
        accepted: &[Accepted],
    ) -> Result<(), DbError> {
        let ids: Vec<JobId> = accepted.iter().map(|one| one.id()).collect();
        let expires = self.now + settings.idempotency_window;
        self.conn
            .prepare_cached(
                "INSERT INTO idempotency (key, digest, ids, count, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                idempotency.key,
                idempotency.digest,
                pack(&ids),
                ids.len() as i64,
                expires.as_micros()
            ])?;
        self.engine.keys += 1;
        Ok(())
    }
}

/// Ids in as few bytes as can be: a million keys with a thousand jobs each would be 16 GB otherwise.
fn pack(ids: &[JobId]) -> Vec<u8> {
    let follow = ids
        .first()
        .is_some_and(|first| ids.iter().enumerate().all(|(i, id)| *id == first.nth(i)));
    let kept = if follow { &ids[..1] } else { ids };
    kept.iter().flat_map(|id| bytes(*id)).collect()
}

fn unpack(kept: &[u8], count: i64) -> Result<Vec<JobId>, DbError> {
    let count = usize::try_from(count).map_err(DbError::broken)?;
    let (ids, rest) = kept.as_chunks::<16>();
    let ids: Vec<JobId> = ids
        .iter()
        .map(|bytes| JobId::from_uuid(Uuid::from_bytes(*bytes)))
        .collect();
    match ids.as_slice() {
        _ if !rest.is_empty() => Err(DbError::broken("ids of a key are cut off")),
        [first] => Ok((0..count.min(TICKETS_PER_CALL_MAX))
            .map(|i| first.nth(i))
            .collect()),
        _ if ids.len() == count => Ok(ids),
        _ => Err(DbError::broken("ids of a key are missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_ids_come_back(first: u64, count in 0usize..20, strange in proptest::option::of(any::<u64>())) {
            let at = Timestamp::from_micros(1_000_000);
            let first = JobId::mint(at, first);
            let mut ids: Vec<JobId> = (0..count).map(|i| first.nth(i)).collect();
            if let (Some(strange), Some(last)) = (strange, ids.last_mut()) {
                *last = JobId::mint(at, strange);
            }
            prop_assert_eq!(unpack(&pack(&ids), ids.len() as i64).unwrap(), ids);
        }
    }
}

//! Records in SQLite: in the file that the embedded queue uses too.
//!
//! Records are written on the file's one writer ([`crate::sqlite`]) and read beside it. `rows` turns records into
//! columns and back, `list` finds pages of them; what SQLite would take and PostgreSQL would not is defective here too,
//! so that both engines tell the same of a record.

mod list;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Filter, MINUTE_BUCKETS, Minute, Page, Storage, StorageError, Stored};
use crate::job::{JobId, Record, Timestamp};
use crate::sqlite::{Db, DbError};
use rows::{RECORD, Text, bytes, read_minute};

/// Most rows that one `retain` takes away: a transaction of some milliseconds, between which jobs go on.
const RETAIN_MAX: i64 = 1_000;

/// Records in an open file.
pub struct SqliteStorage {
    db: Arc<Db>,
}

impl SqliteStorage {
    /// The records in `db`.
    #[must_use]
    pub fn new(db: Arc<Db>) -> Self {
        Self { db }
    }
}

impl Storage for SqliteStorage {
    fn check(&self) -> Result<(), StorageError> {
        // Opening the file has brought its schema up to date; what remains is whether it still answers.
        self.db
            .read(|conn| {
                let first = "SELECT 1 FROM records LIMIT 1";
                conn.query_row(first, [], |_| Ok(())).optional()?;
                Ok(())
            })
            .map_err(|err| failed("check", err))
    }

    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError> {
        let texts = records
            .iter()
            .map(Text::of)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|err| failed("store", err))?;
        self.db
            .write(move |tx| {
                let stored = texts
                    .iter()
                    .map(|text| store(tx, text))
                    .collect::<Result<Vec<_>, _>>()?;
                let new = texts.iter().zip(&stored);
                let new = new.filter(|(_, stored)| **stored != Stored::Known);
                for minute in Minute::merge(new.map(|(text, _)| &text.minute)) {
                    count(tx, minute)?;
                }
                Ok(stored)
            })
            .map_err(|err| failed("store", err))
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.db
            .read(|conn| {
                let mut find = conn.prepare_cached(&format!("{RECORD} WHERE r.id = ?1"))?;
                ids.iter()
                    .map(|id| {
                        let row = find.query_row(params![bytes(*id)], rows::read).optional()?;
                        row.map(rows::Row::record).transpose()
                    })
                    .collect()
            })
            .map_err(|err| failed("find", err))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError> {
        self.db
            .read(|conn| {
                let mut find =
                    conn.prepare_cached("SELECT id FROM records WHERE retry_of = ?1 LIMIT 1")?;
                ids.iter()
                    .map(|id| {
                        let retry = find.query_row([bytes(*id)], |row| Ok(rows::id(row.get(0)?)));
                        Ok(retry.optional()?)
                    })
                    .collect()
            })
            .map_err(|err| failed("retried", err))
    }

    fn delete(&self, id: JobId) -> Result<bool, StorageError> {
        self.db
            .write(move |tx| {
                let noted = tx
                    .prepare_cached(
                        "INSERT INTO deleted (id, ended_at) SELECT id, ended_at FROM records WHERE id = ?1
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute([bytes(id)])?;
                forget(tx, &[bytes(id)])?;
                Ok(noted > 0)
            })
            .map_err(|err| failed("delete", err))
    }

    fn page(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        self.db
            .read(|conn| list::page(conn, filter, after, limit))
            .map_err(|err| failed("page", err))
    }

    fn minutes(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Minute>, StorageError> {
        self.db
            .read(|conn| {
                let mut find = conn.prepare_cached(
                    "SELECT minute, type, queue, state, jobs, wait_ms, run_ms, histogram FROM minutes
                     WHERE minute >= ?1 AND minute < ?2 ORDER BY minute, type, queue, state",
                )?;
                let minutes = find
                    .query_map([since.as_micros(), until.as_micros()], read_minute)?
                    .collect::<Result<_, _>>()?;
                Ok(minutes)
            })
            .map_err(|err| failed("minutes", err))
    }

    fn retain(&self, now: Timestamp, history: Duration) -> Result<usize, StorageError> {
        let oldest = (now - history).as_micros();
        self.db
            .write(move |tx| retain(tx, oldest))
            .map_err(|err| failed("retain", err))
    }
}

/// Inserts one record, unless it is there (S1).
fn store(conn: &Connection, text: &Text) -> Result<Stored, DbError> {
    let new = conn
        .prepare_cached(
            "INSERT INTO records (id, type, queue, state, ended_at, attempt, body, history, result, error, raw, retry_of)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
             WHERE NOT EXISTS (SELECT 1 FROM deleted WHERE id = ?1) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            text.id,
            text.minute.kind,
            text.minute.queue,
            text.minute.state.as_str(),
            text.ended_at,
            text.attempt,
            text.body,
            text.history,
            text.result,
            text.error,
            text.raw,
            text.retry_of
        ])?;
    if new == 0 {
        return Ok(Stored::Known);
    }
    for tag in &text.tags {
        conn.prepare_cached(
            "INSERT INTO record_tags (tag, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![tag, text.id])?;
    }
    Ok(match &text.defect {
        Some(reason) => Stored::Defective(reason.clone()),
        None => Stored::New,
    })
}

/// Adds to the counts of a minute.
fn count(conn: &Connection, mut minute: Minute) -> Result<(), DbError> {
    let before = conn
        .prepare_cached(
            "SELECT minute, type, queue, state, jobs, wait_ms, run_ms, histogram FROM minutes
             WHERE minute = ?1 AND type = ?2 AND queue = ?3 AND state = ?4",
        )?
        .query_row(
            params![
                minute.minute.as_micros(),
                minute.kind,
                minute.queue,
                minute.state.as_str()
            ],
            read_minute,
        )
        .optional()?;
    if let Some(before) = before {
        minute.add(&before);
    }
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let histogram: [u64; MINUTE_BUCKETS] = minute.histogram;
    conn.prepare_cached("INSERT OR REPLACE INTO minutes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            minute.minute.as_micros(),
            minute.kind,
            minute.queue,
            minute.state.as_str(),
            count(minute.jobs),
            count(minute.wait_ms),
            count(minute.run_ms),
            serde_json::to_string(&histogram).map_err(DbError::broken)?
        ])?;
    Ok(())
}

/// Forgets records that ended before `oldest`, those first that ended first (S4).
fn retain(conn: &Connection, oldest: i64) -> Result<usize, DbError> {
    let gone = conn
        .prepare_cached("SELECT id FROM records WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2")?
        .query_map([oldest, RETAIN_MAX], |row| row.get::<_, [u8; 16]>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    forget(conn, &gone)?;
    // Those deleted earlier would go now as well; a recorder that still held one has given up long ago.
    conn.prepare_cached(
        "DELETE FROM deleted WHERE id IN (SELECT id FROM deleted WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2)",
    )?
    .execute([oldest, RETAIN_MAX])?;
    Ok(gone.len())
}

/// Takes records away, with their tags.
fn forget(conn: &Connection, ids: &[[u8; 16]]) -> Result<(), DbError> {
    let mut record = conn.prepare_cached("DELETE FROM records WHERE id = ?1 RETURNING body")?;
    let mut tag = conn.prepare_cached("DELETE FROM record_tags WHERE tag = ?1 AND id = ?2")?;
    for id in ids {
        let body: Option<String> = record.query_row([id], |row| row.get(0)).optional()?;
        for name in body.iter().flat_map(|body| rows::tags(body)) {
            tag.execute(params![name, id])?;
        }
    }
    Ok(())
}

/// What a failure of the file means to who called storage.
fn failed(call: &'static str, err: DbError) -> StorageError {
    match err {
        DbError::Unfit { reason } => StorageError::Unfit { reason },
        DbError::Full { reason } | DbError::Unavailable { reason } | DbError::Broken { reason } => {
            StorageError::Unavailable { call, reason }
        }
    }
}

//! A job as a row: its columns and how they are read back.

use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::job::{Attempt, ErrorKind, Found, Job, JobError, JobId, Live, Record, State, Timestamp};
use crate::queue::list::ready_at;
use crate::sqlite::DbError;

/// The line of jobs that wait for their time.
pub(super) const LATER: i64 = 1;
/// The line of jobs that are lent.
pub(super) const LEASES: i64 = 2;
/// The line of jobs that have ended.
pub(super) const OUTBOX: i64 = 3;

/// The line of ready jobs of a queue's lane, or that of its suspects.
pub(super) const fn ready_line(lane: i64, suspect: bool) -> i64 {
    2 * lane + 2 + suspect as i64
}

/// An id as it stands in a column.
pub(super) fn bytes(id: JobId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

/// An id as it is read from column `i`.
pub(super) fn id_at(row: &SqlRow<'_>, i: usize) -> rusqlite::Result<JobId> {
    row.get(i).map(Uuid::from_bytes).map(JobId::from_uuid)
}

/// An instant as it stands in a column.
pub(super) fn instant(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// What is decided from when a job moves. `leased_at` tells of one that is lent since when, and of one that waits again from
/// when on it may be lent.
#[derive(Debug)]
pub(super) struct Row {
    pub id: JobId,
    pub queue: i64,
    pub line: i64,
    pub state: State,
    pub n: i64,
    pub failures: u32,
    pub crashes: u32,
    pub cancel: bool,
    pub leased_at: i64,
    pub node: Option<String>,
    pub unique: Option<String>,
    pub history: Option<String>,
    pub expires_at: Option<i64>,
}

impl Row {
    /// The row of a job, if the queue holds it.
    pub(super) fn find(conn: &Connection, id: JobId) -> Result<Option<Self>, DbError> {
        let mut find = conn.prepare_cached(
            "SELECT queue, line, state, n, failures, crashes, cancel, leased_at, node, unique_key, history, expires_at
             FROM jobs WHERE id = ?1",
        )?;
        let row = find
            .query_row(params![bytes(id)], |row| {
                let state = row.get_ref(2)?.as_str()?;
                Ok(Self {
                    id,
                    queue: row.get(0)?,
                    line: row.get(1)?,
                    state: State::from_str(state).map_err(|_| rusqlite::Error::InvalidQuery)?,
                    n: row.get(3)?,
                    failures: row.get(4)?,
                    crashes: row.get(5)?,
                    cancel: row.get(6)?,
                    leased_at: row.get::<_, Option<i64>>(7)?.unwrap_or_default(),
                    node: row.get(8)?,
                    unique: row.get(9)?,
                    history: row.get(10)?,
                    expires_at: row.get(11)?,
                })
            })
            .optional()?;
        Ok(row)
    }

    /// The row of a job if it is lent by just this ticket (Q3).
    pub(super) fn leased(conn: &Connection, id: JobId, n: i64) -> Result<Option<Self>, DbError> {
        let row = Self::find(conn, id)?;
        Ok(row.filter(|row| row.line == LEASES && row.n == n))
    }

    /// Attempts that were begun before the present one.
    pub(super) fn attempts(&self) -> u32 {
        self.failures + self.crashes
    }

    /// Adds an attempt (as JSON) to the history, of which the first and the latest are kept.
    pub(super) fn remember(&mut self, attempt: &str) {
        let before = self.history.as_deref().unwrap_or("[]");
        // A history that no longer parses is lost; the job is not.
        let mut kept: Vec<&RawValue> = serde_json::from_str(before).unwrap_or_default();
        while kept.len() >= Attempt::KEPT_MAX {
            kept.remove(1);
        }
        let mut history = String::with_capacity(before.len() + attempt.len() + 3);
        history.push('[');
        for one in kept {
            history.push_str(one.get());
            history.push(',');
        }
        history.push_str(attempt);
        history.push(']');
        self.history = Some(history);
    }
}

/// Everything about one job, as text still: read by the connection, understood elsewhere.
#[derive(Debug)]
pub(super) struct Whole {
    id: JobId,
    queue: String,
    line: i64,
    at: i64,
    state: String,
    failures: u32,
    crashes: u32,
    cancel: bool,
    attempt: u32,
    leased_at: Option<i64>,
    ended_at: Option<i64>,
    node: Option<String>,
    progress: Option<String>,
    history: Option<String>,
    result: Option<String>,
    error: Option<String>,
    body: Option<String>,
}

/// The columns of a [`Whole`], and the tables they come from.
pub(super) const WHOLE: &str =
    "SELECT j.id, q.name, j.line, j.at, j.state, j.failures, j.crashes, j.cancel, j.attempt,
     j.leased_at, j.ended_at, j.node, j.progress, j.history, j.result, j.error, b.body
     FROM jobs j LEFT JOIN bodies b ON b.id = j.id LEFT JOIN queues q ON q.id = j.queue ";

impl Whole {
    /// Reads a row of [`WHOLE`].
    pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: id_at(row, 0)?,
            queue: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            line: row.get(2)?,
            at: row.get(3)?,
            state: row.get(4)?,
            failures: row.get(5)?,
            crashes: row.get(6)?,
            cancel: row.get(7)?,
            attempt: row.get(8)?,
            leased_at: row.get(9)?,
            ended_at: row.get(10)?,
            node: row.get(11)?,
            progress: row.get(12)?,
            history: row.get(13)?,
            result: row.get(14)?,
            error: row.get(15)?,
            body: row.get(16)?,
        })
    }

    /// How many bytes of text it is, nearly.
    pub(super) fn len(&self) -> usize {
        [&self.body, &self.result, &self.history]
            .into_iter()
            .map(|text| text.as_ref().map_or(0, String::len))
            .sum()
    }

    /// The job's id.
    pub(super) fn id(&self) -> JobId {
        self.id
    }

    /// How the job stands; one that cannot be read is of type `unreadable`.
    pub(super) fn found(&self, now: Timestamp) -> Result<Found, DbError> {
        if self.line == OUTBOX {
            return self.record().map(Found::Ended);
        }
        let (lent, begun) = (self.line == LEASES, self.failures + self.crashes);
        let history = self.history.as_deref();
        let state = self.state()?;
        let job = parse_job(self.id, self.body.as_deref())
            .unwrap_or_else(|_| unreadable(self.id, &self.queue));
        Ok(Found::Live(Live {
            ready_at: (state == State::Queued)
                .then(|| ready_at(&job, begun, instant(self.leased_at), now)),
            job,
            state,
            attempt: begun + u32::from(lent),
            due: (self.line == LATER).then(|| Timestamp::from_micros(self.at)),
            leased_at: instant(self.leased_at).filter(|_| lent),
            node: self.node.clone(),
            cancel_requested: self.cancel,
            progress: parse(self.progress.as_deref()).unwrap_or_default(),
            attempts: parse(history).unwrap_or_default().unwrap_or_default(),
        }))
    }

    /// The record of an ended job; of one that cannot be read, the type is `unreadable` and the error says why.
    pub(super) fn record(&self) -> Result<Record, DbError> {
        let state = self.state()?;
        let ended_at = instant(self.ended_at).unwrap_or_default();
        let read = || -> Result<Record, String> {
            Ok(Record {
                job: parse_job(self.id, self.body.as_deref())?,
                state,
                ended_at,
                attempt: self.attempt,
                attempts: parse(self.history.as_deref())?.unwrap_or_default(),
                result: parse(self.result.as_deref())?,
                error: parse(self.error.as_deref())?,
            })
        };
        Ok(read().unwrap_or_else(|reason| Record {
            job: unreadable(self.id, &self.queue),
            state,
            ended_at,
            attempt: self.attempt,
            attempts: parse(self.history.as_deref())
                .unwrap_or_default()
                .unwrap_or_default(),
            result: None,
            error: Some(unreadable_error(&reason, self.body.as_deref())),
        }))
    }

    fn state(&self) -> Result<State, DbError> {
        State::from_str(&self.state).map_err(DbError::broken)
    }
}

/// The job in a body, or why it cannot be read.
pub(super) fn parse_job(id: JobId, body: Option<&str>) -> Result<Job, String> {
    let body = body.ok_or("its body is missing")?;
    let job: Job = serde_json::from_str(body).map_err(|err| err.to_string())?;
    Ok(Job { id, ..job })
}

/// Why a job whose body cannot be read comes to nothing.
pub(super) fn unreadable_error(reason: &str, body: Option<&str>) -> JobError {
    let body = body.unwrap_or_default();
    JobError::new(
        ErrorKind::Permanent,
        &format!("what the queue keeps of it cannot be read: {reason}; it is: {body}"),
    )
}

/// Stands in for a job whose body cannot be read.
fn unreadable(id: JobId, queue: &str) -> Job {
    Job::new(id, "unreadable", queue, RawValue::NULL.to_owned())
}

fn parse<'a, T: Deserialize<'a>>(text: Option<&'a str>) -> Result<Option<T>, String> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(|err| err.to_string())
}

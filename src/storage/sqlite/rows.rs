//! A record as a row, and back.

use std::str::FromStr;

use rusqlite::Row as SqlRow;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::job::{Attempt, Job, JobError, JobId, Record, State, Timestamp, fit};
use crate::sqlite::DbError;
use crate::storage::Minute;
use crate::storage::defect::refused;

/// An id as it stands in a column.
pub(super) fn bytes(id: JobId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

/// An id as it is read from a column.
pub(super) fn id(bytes: [u8; 16]) -> JobId {
    JobId::from_uuid(Uuid::from_bytes(bytes))
}

/// A record as its columns; made on the caller's thread.
#[derive(Debug)]
pub(super) struct Text {
    pub id: [u8; 16],
    pub ended_at: i64,
    pub attempt: u32,
    pub body: String,
    pub history: String,
    pub result: Option<String>,
    pub error: Option<String>,
    pub raw: Option<String>,
    pub retry_of: Option<[u8; 16]>,
    pub tags: Vec<String>,
    /// Why it is kept without payload and result.
    pub defect: Option<String>,
    /// What it adds to the counts; also its type, queue and state.
    pub minute: Minute,
}

/// What a defective record brought, as it came.
#[derive(Serialize)]
struct Raw<'a> {
    payload: &'a RawValue,
    result: Option<&'a RawValue>,
    error: Option<&'a JobError>,
    tags: &'a [String],
    attempts: &'a [Attempt],
}

impl Text {
    pub(super) fn of(record: &Record) -> Result<Self, DbError> {
        let json = |err: serde_json::Error| DbError::broken(err);
        let Some(minute) = Minute::tally([record]).pop() else {
            return Err(DbError::broken("a record counts nowhere"));
        };
        let text = Self {
            id: bytes(record.job.id),
            ended_at: record.ended_at.as_micros(),
            attempt: record.attempt,
            body: serde_json::to_string(&record.job).map_err(json)?,
            history: serde_json::to_string(&record.attempts).map_err(json)?,
            result: record.result.as_ref().map(|result| result.get().to_owned()),
            error: to_text(record.error.as_ref())?,
            raw: None,
            retry_of: record.job.retry_of.map(bytes),
            tags: record.job.tags.clone(),
            defect: None,
            minute,
        };
        match defect_of(record, &text) {
            None => Ok(text),
            Some(reason) => text.defective(record, reason),
        }
    }

    /// The same without what is wrong with it (S2).
    fn defective(self, record: &Record, reason: String) -> Result<Self, DbError> {
        let json = |err: serde_json::Error| DbError::broken(err);
        let raw = Raw {
            payload: &record.job.payload,
            result: record.result.as_deref(),
            error: record.error.as_ref(),
            tags: &record.job.tags,
            attempts: &record.attempts,
        };
        let job = Job {
            payload: RawValue::NULL.to_owned(),
            tags: self.tags.iter().map(|tag| whole(tag)).collect(),
            ..record.job.clone()
        };
        let attempts: Vec<Attempt> = record.attempts.iter().map(acceptable).collect();
        let error = refused(&reason, record.error.as_ref());
        Ok(Self {
            body: serde_json::to_string(&job).map_err(json)?,
            history: serde_json::to_string(&attempts).map_err(json)?,
            result: None,
            error: to_text(Some(&error))?,
            raw: Some(serde_json::to_string(&raw).map_err(json)?),
            tags: job.tags,
            defect: Some(reason),
            ..self
        })
    }
}

/// A text without U+0000, uncut.
fn whole(text: &str) -> String {
    fit(text, usize::MAX)
}

/// An attempt whose texts are fit to be kept.
fn acceptable(attempt: &Attempt) -> Attempt {
    Attempt {
        node: whole(&attempt.node),
        error: attempt
            .error
            .as_ref()
            .map(|error| JobError::new(error.kind, &error.message)),
        log: attempt.log.iter().map(|line| whole(line)).collect(),
        ..attempt.clone()
    }
}

fn to_text(error: Option<&JobError>) -> Result<Option<String>, DbError> {
    error
        .map(serde_json::to_string)
        .transpose()
        .map_err(DbError::broken)
}

/// What PostgreSQL would refuse in a record, which SQLite would keep.
fn defect_of(record: &Record, text: &Text) -> Option<String> {
    let parts = [
        ("payload", Some(record.job.payload.get())),
        ("result", text.result.as_deref()),
        ("error", text.error.as_deref()),
        ("history", Some(text.history.as_str())),
    ];
    let tag = record.job.tags.iter().any(|tag| tag.contains('\0'));
    parts
        .into_iter()
        .find_map(|(what, json)| defect(what, json?))
        .or_else(|| tag.then(|| "a tag holds U+0000".to_owned()))
}

/// What jsonb would refuse in a JSON text: U+0000, and halves of surrogate pairs.
fn defect(what: &str, json: &str) -> Option<String> {
    let mut rest = json;
    // Whether the escape before ended just here and was the first half of a pair.
    let mut half = false;
    while let Some(at) = rest.find('\\') {
        let alone = half && at > 0;
        let escape = &rest[at + 1..];
        let code = escape
            .strip_prefix('u')
            .and_then(|hex| u32::from_str_radix(hex.get(..4)?, 16).ok());
        let second = code.is_some_and(|code| (0xdc00..0xe000).contains(&code));
        if alone || half != second {
            return Some(format!("the {what} holds half a surrogate pair"));
        }
        if code == Some(0) {
            return Some(format!("the {what} holds U+0000"));
        }
        half = code.is_some_and(|code| (0xd800..0xdc00).contains(&code));
        rest = escape.get(if code.is_some() { 5 } else { 1 }..)?;
    }
    half.then(|| format!("the {what} holds half a surrogate pair"))
}

/// The columns that [`read`] reads.
pub(super) const RECORD: &str = "SELECT r.id, r.state, r.ended_at, r.attempt, r.body, r.history, r.result, r.error FROM records r";

/// A record as it was read, not yet understood.
#[derive(Debug)]
pub(super) struct Row {
    id: [u8; 16],
    state: String,
    ended_at: i64,
    attempt: u32,
    body: String,
    history: String,
    result: Option<String>,
    error: Option<String>,
}

/// Reads a row of [`RECORD`].
pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        state: row.get(1)?,
        ended_at: row.get(2)?,
        attempt: row.get(3)?,
        body: row.get(4)?,
        history: row.get(5)?,
        result: row.get(6)?,
        error: row.get(7)?,
    })
}

impl Row {
    /// How many bytes of text it is, nearly.
    pub(super) fn size(&self) -> usize {
        let result = self.result.as_ref().map_or(0, String::len);
        self.body.len() + self.history.len() + result
    }

    pub(super) fn record(self) -> Result<Record, DbError> {
        let id = id(self.id);
        let broken = |err: serde_json::Error| DbError::broken(format!("record {id}: {err}"));
        let job: Job = serde_json::from_str(&self.body).map_err(broken)?;
        let attempts: Vec<Attempt> = serde_json::from_str(&self.history).map_err(broken)?;
        Ok(Record {
            job: Job { id, ..job },
            state: State::from_str(&self.state).map_err(DbError::broken)?,
            ended_at: Timestamp::from_micros(self.ended_at),
            attempt: self.attempt,
            attempts,
            result: self
                .result
                .map(RawValue::from_string)
                .transpose()
                .map_err(broken)?,
            error: self
                .error
                .map(|error| serde_json::from_str(&error))
                .transpose()
                .map_err(broken)?,
        })
    }
}

/// The tags in a record's body; none if it cannot be read.
pub(super) fn tags(body: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Tags {
        #[serde(rename = "g", default)]
        tags: Vec<String>,
    }
    serde_json::from_str::<Tags>(body)
        .map(|body| body.tags)
        .unwrap_or_default()
}

/// Reads a row of `minutes`.
pub(super) fn read_minute(row: &SqlRow<'_>) -> rusqlite::Result<Minute> {
    let count = |i| row.get(i).map(i64::unsigned_abs);
    let histogram: String = row.get(7)?;
    let state = row.get_ref(3)?.as_str()?;
    Ok(Minute {
        minute: Timestamp::from_micros(row.get(0)?),
        kind: row.get(1)?,
        queue: row.get(2)?,
        state: State::from_str(state).map_err(|_| rusqlite::Error::InvalidQuery)?,
        jobs: count(4)?,
        wait_ms: count(5)?,
        run_ms: count(6)?,
        histogram: serde_json::from_str(&histogram).map_err(|_| rusqlite::Error::InvalidQuery)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_jsonb_refuses_is_a_defect() {
        for fine in [
            r#""a\\u0000""#,
            r#""\\\\u0000""#,
            r#"{"k\n":"\u0001\u00e4"}"#,
            r#""\ud83d\ude00\ud83d\ude00""#,
            "1e5",
        ] {
            assert_eq!(defect("payload", fine), None, "{fine}");
        }
        for bad in [
            r#""a\u0000""#,
            r#"{"\u0000":1}"#,
            r#""\\\u0000""#,
            r#""\ud83d""#,
            r#""\ud83dx\ude00""#,
            r#""\ude00""#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d\ude00""#,
        ] {
            assert!(defect("payload", bad).is_some(), "{bad}");
        }
    }
}

//! A record as a row, and a row as a record.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use postgres::Row;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::instant;
use super::pool::Fault;
use crate::job::{
    Attempt, Backoff, Job, JobError, JobId, Record, Summary, TYPE_NAME_MAX, Timestamp, fit,
};
use crate::storage::defect::refused;

/// What [`read`] needs, in its order.
pub(super) const COLUMNS: &str = "id, type, queue, state, tags, payload::text, result::text, error::text, attempts, \
                                  ended_at, history::text, retry_of, options::text";

/// What [`summary`] needs, in its order: nothing that may be large.
pub(super) const SUMMARY: &str = "id, type, queue, state, tags, error::text, attempts, started_at, ended_at, retry_of, \
                                  options::text";

/// Longest tag kept of a record whose content was refused, in bytes; indexed keys have a bound of their own.
const TAG_BYTES_MAX: usize = 255;

/// The fields of a job that few jobs set; a job with none of them has none of this.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_until: Option<Timestamp>,
}

/// [`Options::max_retries`] is left out when it is this.
const RETRIES_USUAL: u32 = 5;

impl Options {
    fn of(job: &Job) -> Self {
        Self {
            max_retries: (job.max_retries != RETRIES_USUAL).then_some(job.max_retries),
            backoff: (!job.backoff.is_default()).then_some(job.backoff),
            timeout_us: job
                .timeout
                .map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
            run_at: job.run_at,
            expires_at: job.expires_at,
            unique: job.unique.clone(),
            unique_until: job.unique_until,
        }
    }

    fn put(self, job: &mut Job) {
        job.max_retries = self.max_retries.unwrap_or(RETRIES_USUAL);
        job.backoff = self.backoff.unwrap_or_default();
        job.timeout = self.timeout_us.map(Duration::from_micros);
        job.run_at = self.run_at;
        job.expires_at = self.expires_at;
        job.unique = self.unique;
        job.unique_until = self.unique_until;
    }
}

/// The values of one row.
#[derive(Debug)]
pub(super) struct Values<'a> {
    /// The record, for the counts of its minute.
    pub record: &'a Record,
    pub id: Uuid,
    /// The literal of an array.
    pub tags: Cow<'static, str>,
    pub payload: Option<&'a str>,
    pub result: Option<&'a str>,
    pub error: Option<String>,
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: DateTime<Utc>,
    pub history: String,
    pub retry_of: Option<Uuid>,
    pub options: Option<String>,
    pub raw: Option<Vec<u8>>,
}

impl<'a> Values<'a> {
    /// The row of `record`, or why PostgreSQL would have no room for it.
    pub fn of(record: &'a Record) -> Result<Self, String> {
        let job = &record.job;
        let number =
            |n: u32| i32::try_from(n).map_err(|_| format!("attempt {n} is too large a number"));
        let instant = |at: Timestamp| {
            instant::exact(at)
                .ok_or_else(|| format!("{at} us since 1970 is no instant of the calendar"))
        };
        for attempt in &record.attempts {
            number(attempt.attempt)?;
        }
        let options = Options::of(job);
        Ok(Self {
            record,
            id: job.id.as_uuid(),
            tags: array(&job.tags),
            payload: Some(job.payload.get()),
            result: record.result.as_deref().map(RawValue::get),
            error: record.error.as_ref().map(json).transpose()?,
            attempts: number(record.attempt)?,
            created_at: instant(job.created_at())?,
            started_at: record.started_at().map(instant).transpose()?,
            ended_at: instant(record.ended_at)?,
            history: json(&record.attempts)?,
            retry_of: job.retry_of.map(JobId::as_uuid),
            options: (options != Options::default())
                .then(|| json(&options))
                .transpose()?,
            raw: None,
        })
    }

    /// How many bytes of text it holds, roughly.
    pub fn size(&self) -> usize {
        let text = |text: Option<&str>| text.map_or(0, str::len);
        text(self.payload) + text(self.result) + self.history.len() + self.tags.len()
    }
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// The literal of an array of texts.
fn array(texts: &[String]) -> Cow<'static, str> {
    if texts.is_empty() {
        return Cow::Borrowed("{}");
    }
    let mut literal = String::from("{");
    for (at, text) in texts.iter().enumerate() {
        literal.push_str(if at == 0 { "\"" } else { ",\"" });
        for letter in text.chars() {
            if matches!(letter, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(letter);
        }
        literal.push('"');
    }
    literal.push('}');
    Cow::Owned(literal)
}

/// All of `record` as bytes that can be read again, for the column `raw`.
pub(super) fn raw(record: &Record) -> Vec<u8> {
    #[derive(Serialize)]
    struct Whole<'a> {
        id: JobId,
        job: &'a Job,
        state: &'static str,
        ended_at: Timestamp,
        attempt: u32,
        attempts: &'a [Attempt],
        result: Option<&'a RawValue>,
        error: Option<&'a JobError>,
    }
    let whole = Whole {
        id: record.job.id,
        job: &record.job,
        state: record.state.as_str(),
        ended_at: record.ended_at,
        attempt: record.attempt,
        attempts: &record.attempts,
        result: record.result.as_deref(),
        error: record.error.as_ref(),
    };
    serde_json::to_vec(&whole).unwrap_or_else(|error| error.to_string().into_bytes())
}

/// What is stored instead of a record whose content is refused for `reason`: everything that is surely acceptable.
pub(super) fn acceptable(record: &Record, reason: &str) -> Record {
    let number = |n: u32| n.min(i32::MAX as u32);
    let text = |text: &str| fit(text, JobError::MESSAGE_BYTES_MAX);
    let error = refused(reason, record.error.as_ref());
    let job = &record.job;
    let mut kept = Job::new(
        job.id,
        &fit(&job.kind, TYPE_NAME_MAX),
        &fit(&job.queue, TYPE_NAME_MAX),
        RawValue::NULL.to_owned(),
    );
    kept.tags = job.tags.iter().map(|tag| fit(tag, TAG_BYTES_MAX)).collect();
    kept.max_retries = job.max_retries;
    kept.retry_of = job.retry_of;
    Record {
        job: kept,
        state: record.state,
        ended_at: instant::within_reach(record.ended_at),
        attempt: number(record.attempt),
        attempts: record
            .attempts
            .iter()
            .map(|attempt| Attempt {
                attempt: number(attempt.attempt),
                outcome: attempt.outcome,
                started_at: instant::within_reach(attempt.started_at),
                ended_at: instant::within_reach(attempt.ended_at),
                node: text(&attempt.node),
                error: attempt
                    .error
                    .as_ref()
                    .map(|e| JobError::new(e.kind, &e.message)),
                log: attempt.log.iter().map(|line| text(line)).collect(),
            })
            .collect(),
        result: None,
        error: Some(error),
    }
}

/// The record of a row of [`COLUMNS`].
pub(super) fn read(row: &Row) -> Result<Record, Fault> {
    let id = JobId::from_uuid(row.try_get(0)?);
    // A payload of SQL NULL was refused when it was stored; `error` says so.
    let payload: Option<String> = row.try_get(5)?;
    let payload = RawValue::from_string(payload.unwrap_or_else(|| "null".to_owned()))
        .map_err(|e| unreadable(id, "payload", &e))?;
    let mut job = Job::new(id, row.try_get(1)?, row.try_get(2)?, payload);
    job.tags = row.try_get(4)?;
    job.retry_of = row.try_get::<_, Option<Uuid>>(11)?.map(JobId::from_uuid);
    options(id, row.try_get(12)?)?.put(&mut job);
    let state: &str = row.try_get(3)?;
    let history: &str = row.try_get(10)?;
    let attempt: i32 = row.try_get(8)?;
    Ok(Record {
        job,
        state: state.parse().map_err(|e| unreadable(id, "state", &e))?,
        ended_at: instant::read(row.try_get(9)?),
        attempt: u32::try_from(attempt).map_err(|e| unreadable(id, "number of attempts", &e))?,
        attempts: serde_json::from_str(history).map_err(|e| unreadable(id, "history", &e))?,
        result: row
            .try_get::<_, Option<String>>(6)?
            .map(RawValue::from_string)
            .transpose()
            .map_err(|e| unreadable(id, "result", &e))?,
        error: error(id, row.try_get(7)?)?,
    })
}

/// The summary of a row of [`SUMMARY`].
pub(super) fn summary(row: &Row) -> Result<Summary, Fault> {
    let id = JobId::from_uuid(row.try_get(0)?);
    let state: &str = row.try_get(3)?;
    let attempt: i32 = row.try_get(6)?;
    let options = options(id, row.try_get(10)?)?;
    Ok(Summary {
        id,
        kind: row.try_get(1)?,
        queue: row.try_get(2)?,
        state: state.parse().map_err(|e| unreadable(id, "state", &e))?,
        tags: row.try_get(4)?,
        run_at: options.run_at,
        started_at: row
            .try_get::<_, Option<DateTime<Utc>>>(7)?
            .map(instant::read),
        ended_at: Some(instant::read(row.try_get(8)?)),
        attempt: u32::try_from(attempt).map_err(|e| unreadable(id, "number of attempts", &e))?,
        max_retries: options.max_retries.unwrap_or(RETRIES_USUAL),
        error: error(id, row.try_get(5)?)?,
        progress: None,
        retry_of: row.try_get::<_, Option<Uuid>>(9)?.map(JobId::from_uuid),
    })
}

fn options(id: JobId, text: Option<&str>) -> Result<Options, Fault> {
    text.map_or(Ok(Options::default()), serde_json::from_str)
        .map_err(|e| unreadable(id, "value in options", &e))
}

fn error(id: JobId, text: Option<&str>) -> Result<Option<JobError>, Fault> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(|e| unreadable(id, "error", &e))
}

fn unreadable(id: JobId, what: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::Unfit(format!(
        "the row of job {id} has a {what} that is not ours: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ErrorKind, State};

    fn record() -> Record {
        let payload = RawValue::from_string("{\"a\":1}".to_owned()).expect("JSON");
        let id = JobId::mint(Timestamp::from_micros(1_790_000_000_000_000), 7);
        Record {
            job: Job::new(id, "noop", "default", payload),
            state: State::Dead,
            ended_at: Timestamp::from_micros(1_790_000_001_000_000),
            attempt: 1,
            attempts: Vec::new(),
            result: None,
            error: None,
        }
    }

    #[test]
    fn a_usual_job_has_no_options_and_others_keep_theirs() {
        assert_eq!(Values::of(&record()).expect("a good row").options, None);
        let mut job = record().job;
        job.max_retries = 0;
        job.timeout = Some(Duration::from_micros(1_500));
        job.unique = Some("k".to_owned());
        job.run_at = Some(Timestamp::from_micros(5));
        let text = json(&Options::of(&job)).expect("JSON");
        let mut back = record().job;
        serde_json::from_str::<Options>(&text)
            .expect("ours")
            .put(&mut back);
        assert_eq!(Options::of(&back), Options::of(&job));
    }

    #[test]
    fn an_array_literal_quotes_what_would_end_it() {
        assert_eq!(array(&[]), "{}");
        let tags = ["a", "b\"c", "d\\e", "{,}", ""].map(String::from);
        assert_eq!(array(&tags), r#"{"a","b\"c","d\\e","{,}",""}"#);
    }

    #[test]
    fn what_no_row_can_hold_is_explained_and_has_an_acceptable_form() {
        let mut bad = record();
        bad.job.kind = "x\0".repeat(100);
        bad.attempt = u32::MAX;
        bad.ended_at = Timestamp::from_micros(i64::MAX);
        bad.error = Some(JobError::new(ErrorKind::Timeout, "too slow"));
        let reason = Values::of(&bad).expect_err("no row");
        assert!(reason.contains("4294967295"), "{reason}");
        let kept = acceptable(&bad, &reason);
        let error = kept.error.clone().expect("an explanation");
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.contains(&reason) && error.message.contains("too slow"));
        assert!(!kept.job.kind.contains('\0') && kept.job.kind.len() <= TYPE_NAME_MAX);
        Values::of(&kept).expect("a row");
        assert!(!raw(&bad).is_empty());
    }
}

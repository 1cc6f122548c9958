//! How jobs stand in Redis as text, and back: bodies, results, attempts.

use ::serde_json::value::RawValue;

use super::attempts;
use crate::job::{
    Attempt, ErrorKind, Found, Job, JobError, JobId, Live, Record, State, Timestamp, fit,
};
use crate::queue::list::ready_at;

/// The type of a job whose body cannot be read.
const UNREADABLE: &str = "unreadable";

/// What the scripts read of a job when they accept it; empty for a job without any of it.
pub(super) fn options(job: &Job) -> String {
    let timed = job.run_at.is_some() || job.expires_at.is_some();
    if !timed && job.unique.is_none() && job.retry_of.is_none() {
        return String::new();
    }
    format!(
        "{} {} {} {} {}",
        micros(job.run_at),
        micros(job.expires_at),
        micros(job.unique_until),
        job.retry_of.map_or("-".to_owned(), |old| old.to_string()),
        job.unique.as_deref().unwrap_or("")
    )
}

/// The body of a job: a head line for the scripts (`<expires_at> <unique_until> <queue> <unique key>`), then its JSON.
pub(super) fn body(job: &Job) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(128 + job.payload.get().len());
    bytes.extend_from_slice(
        format!(
            "{} {} {} {}\n",
            micros(job.expires_at),
            micros(job.unique_until),
            job.queue,
            job.unique.as_deref().unwrap_or("")
        )
        .as_bytes(),
    );
    serde_json::to_writer(&mut bytes, job)?;
    Ok(bytes)
}

fn micros(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_micros)
}

/// Reads a body; the text says why it cannot be read.
pub(super) fn job(id: JobId, body: &[u8]) -> Result<Job, String> {
    let start = body
        .iter()
        .position(|b| *b == b'\n')
        .ok_or("it has no head line")?;
    let mut job: Job = serde_json::from_slice(&body[start + 1..]).map_err(|err| err.to_string())?;
    job.id = id;
    Ok(job)
}

/// What the head line of a body tells, as far as it can be read.
pub(super) struct Head {
    pub(super) queue: String,
    pub(super) unique: String,
}

impl Head {
    pub(super) fn read(body: &[u8]) -> Self {
        let line = body.split(|b| *b == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.splitn(4, ' ').skip(2);
        let mut word = || words.next().unwrap_or("").to_owned();
        Self {
            queue: word(),
            unique: word(),
        }
    }
}

/// Why a job whose body cannot be read ends.
pub(super) fn unreadable_error(reason: &str) -> JobError {
    JobError::new(
        ErrorKind::Permanent,
        &format!("what the queue holds of this job cannot be read: {reason}"),
    )
}

/// Stands in for a job whose body cannot be read.
fn unreadable(id: JobId, body: &[u8]) -> Job {
    let mut queue = Head::read(body).queue;
    if !crate::job::is_name(&queue) {
        UNREADABLE.clone_into(&mut queue);
    }
    Job::new(id, UNREADABLE, &queue, RawValue::NULL.to_owned())
}

/// What follows the instant in a row of `results`: attempts begun, then error, last attempt and result, a line each.
pub(super) fn tail(
    attempts: u32,
    error: Option<&JobError>,
    attempt: Option<&Attempt>,
    result: Option<&RawValue>,
) -> Result<String, serde_json::Error> {
    let error = error.map_or(Ok(String::new()), serde_json::to_string)?;
    let attempt = attempt.map_or(Ok(String::new()), attempts::line)?;
    // The result comes last: it is somebody's JSON and may hold line breaks.
    let result = result.map_or("", RawValue::get);
    Ok(format!(" {attempts}\n{error}\n{attempt}\n{result}"))
}

/// How an ended job stands.
pub(super) fn record(
    id: JobId,
    body: Option<&[u8]>,
    result: &[u8],
    history: Option<&[u8]>,
    now: Timestamp,
) -> Record {
    let body = body.unwrap_or_default();
    let read = job(id, body);
    let text = String::from_utf8_lossy(result);
    let end = End::read(&text).unwrap_or_else(|| End {
        state: State::Dead,
        ended_at: now,
        attempt: 0,
        error: Some(unreadable_error("how it ended is not known")),
        last: None,
        result: None,
    });
    let mut attempts = attempts::read_all(history);
    attempts.extend(end.last);
    if attempts.len() > Attempt::KEPT_MAX {
        let later = attempts.split_off(attempts.len() - (Attempt::KEPT_MAX - 1));
        attempts.truncate(1);
        attempts.extend(later);
    }
    let (job, error) = match read {
        Ok(job) => (job, end.error),
        Err(reason) => (unreadable(id, body), Some(unreadable_error(&reason))),
    };
    Record {
        job,
        state: end.state,
        ended_at: end.ended_at,
        attempt: end.attempt,
        attempts,
        result: end.result,
        error,
    }
}

/// A row of `results`.
struct End {
    state: State,
    ended_at: Timestamp,
    attempt: u32,
    error: Option<JobError>,
    last: Option<Attempt>,
    result: Option<Box<RawValue>>,
}

impl End {
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.splitn(4, '\n');
        let mut head = lines.next()?.split(' ');
        let state: State = head.next()?.parse().ok()?;
        let ended_at = Timestamp::from_micros(head.next()?.parse().ok()?);
        let attempt = head.next()?.parse().ok()?;
        let error = lines.next().filter(|line| !line.is_empty());
        let error = match error {
            Some(line) => Some(serde_json::from_str(line).ok()?),
            None => error_of(state, attempt),
        };
        let last = match lines.next().filter(|line| !line.is_empty()) {
            Some(line) => Some(attempts::read(line)?),
            None => None,
        };
        let result = match lines.next().filter(|rest| !rest.is_empty()) {
            Some(rest) => Some(RawValue::from_string(rest.to_owned()).ok()?),
            None => None,
        };
        Some(Self {
            state,
            ended_at,
            attempt,
            error,
            last,
            result,
        })
    }
}

/// Why a job ended that a script ended by itself.
fn error_of(state: State, attempts: u32) -> Option<JobError> {
    let (kind, message) = match state {
        State::Expired => (
            ErrorKind::Expired,
            "it had not begun in the time it was given".to_owned(),
        ),
        State::Cancelled => (ErrorKind::Cancelled, "it was cancelled".to_owned()),
        State::Quarantined => (
            ErrorKind::Crash,
            format!(
                "its worker died once too often; after {attempts} attempts it is not tried again"
            ),
        ),
        _ => return None,
    };
    Some(JobError::new(kind, &message))
}

/// What `find` answers of one job.
pub(super) struct Row {
    pub(super) body: Option<Vec<u8>>,
    pub(super) result: Option<Vec<u8>>,
    pub(super) run: Option<Vec<u8>>,
    pub(super) history: Option<Vec<u8>>,
    pub(super) progress: Option<Vec<u8>>,
    pub(super) due: Option<Vec<u8>>,
    /// When it is lent: its grant, or nothing where the row of `runs` tells.
    pub(super) lent: Option<Vec<u8>>,
}

impl Row {
    /// How the job stands; `None` where the queue does not hold it.
    pub(super) fn found(self, id: JobId, now: Timestamp) -> Option<Found> {
        let body = self.body?;
        let history = self.history.as_deref();
        if let Some(result) = &self.result {
            return Some(Found::Ended(record(id, Some(&body), result, history, now)));
        }
        let lent = self.lent.is_some();
        let run = match &self.lent {
            Some(grant) if !grant.is_empty() => Run::of_grant(grant),
            _ => Run::read(self.run.as_deref()),
        };
        let due = self
            .due
            .and_then(|due| String::from_utf8(due).ok()?.parse::<f64>().ok())
            .map(|due| {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "scores are whole microseconds"
                )]
                Timestamp::from_micros(due as i64)
            });
        let state = match due {
            _ if lent => State::Running,
            Some(_) if run.retrying => State::Retrying,
            Some(_) => State::Scheduled,
            None => State::Queued,
        };
        let job = job(id, &body).unwrap_or_else(|_| unreadable(id, &body));
        Some(Found::Live(Live {
            ready_at: (state == State::Queued)
                .then(|| ready_at(&job, run.attempts, Some(run.leased_at), now)),
            job,
            state,
            attempt: run.attempts + u32::from(lent),
            due,
            leased_at: lent.then_some(run.leased_at),
            node: (lent && !run.node.is_empty()).then_some(run.node),
            cancel_requested: lent && run.cancel,
            progress: self
                .progress
                .and_then(|text| serde_json::from_slice(&text).ok()),
            attempts: attempts::read_all(history),
        }))
    }
}

/// A row of `runs`, as far as it is shown.
#[derive(Default)]
struct Run {
    attempts: u32,
    cancel: bool,
    retrying: bool,
    leased_at: Timestamp,
    node: String,
}

impl Run {
    fn read(row: Option<&[u8]>) -> Self {
        let text = String::from_utf8_lossy(row.unwrap_or_default());
        let mut lines = text.split('\n');
        let words: Vec<&str> = lines.next().unwrap_or("").split(' ').collect();
        let [_, failures, crashes, mark, leased_at, _] = words[..] else {
            return Self::default();
        };
        let count = |word: &str| word.parse::<u32>().unwrap_or(0);
        Self {
            attempts: count(failures) + count(crashes),
            cancel: mark == "1",
            retrying: mark == "2",
            leased_at: Timestamp::from_micros(leased_at.parse().unwrap_or(0)),
            node: lines.next().unwrap_or("").to_owned(),
        }
    }

    /// What a grant tells of a job that is lent for the first time: `<tickets left> <lent at> <node>`.
    fn of_grant(grant: &[u8]) -> Self {
        let text = String::from_utf8_lossy(grant);
        let mut words = text.splitn(3, ' ').skip(1);
        Self {
            leased_at: Timestamp::from_micros(
                words.next().and_then(|at| at.parse().ok()).unwrap_or(0),
            ),
            node: words.next().unwrap_or("").to_owned(),
            ..Self::default()
        }
    }
}

/// A name that can stand on a line of its own.
pub(super) fn one_line(name: &str) -> String {
    fit(&name.replace(['\n', '\r'], " "), 255)
}

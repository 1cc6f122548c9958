//! How a job looks to programs: the JSON of `GET /jobs/{id}`, and what lists tell of it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::job::{Attempt, Found, JobError, JobId, Outcome, Progress, State, Summary, Timestamp};

/// A job. What is not known, or not yet, is null.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub struct JobView<'a> {
    id: JobId,
    /// The name of its type.
    #[serde(rename = "type")]
    kind: &'a str,
    queue: &'a str,
    state: State,
    tags: &'a [String],
    /// What it was submitted with, digit for digit.
    #[schemars(with = "serde_json::Value")]
    payload: &'a RawValue,
    created_at: Instant,
    /// When it is due, if it is not due at once.
    run_at: Option<Instant>,
    /// When its last attempt began.
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    /// How many attempts have begun; released ones are not counted.
    attempt: u32,
    max_retries: u32,
    /// What its handler answered.
    #[schemars(with = "Option<serde_json::Value>")]
    result: Option<&'a RawValue>,
    /// Why it did not succeed, or is tried again.
    error: Option<&'a JobError>,
    progress: Option<&'a Progress>,
    /// The job that it is another run of.
    retry_of: Option<JobId>,
    /// The job that is another run of it.
    retried_as: Option<JobId>,
    /// Its attempts that have ended, first one first.
    attempts: Vec<AttemptView<'a>>,
}

/// One run of a job that has ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
struct AttemptView<'a> {
    /// Which attempt it was, from 1. A released attempt shares its number with the next.
    attempt: u32,
    started_at: Instant,
    ended_at: Instant,
    outcome: Outcome,
    error: Option<&'a JobError>,
    /// The daemon that ran it.
    node: &'a str,
    /// What its handler logged.
    log: &'a [String],
}

/// An instant on the wire: RFC 3339, UTC, microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Instant(pub Timestamp);

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
            "examples": ["2026-11-24T07:42:06.123456Z"],
        })
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl<'a> JobView<'a> {
    /// A job as it stands.
    #[must_use]
    pub fn of(found: &'a Found) -> Self {
        let job = found.job();
        Self {
            id: job.id,
            kind: &job.kind,
            queue: &job.queue,
            state: found.state(),
            tags: &job.tags,
            payload: &job.payload,
            created_at: Instant(job.created_at()),
            run_at: found.run_at().map(Instant),
            started_at: found.started_at().map(Instant),
            ended_at: found.ended_at().map(Instant),
            attempt: found.attempt(),
            max_retries: job.max_retries,
            result: found.result(),
            error: found.error(),
            progress: found.progress(),
            retry_of: job.retry_of,
            retried_as: None,
            attempts: found.attempts().iter().map(AttemptView::of).collect(),
        }
    }

    /// The same, told which job runs it again.
    #[must_use]
    pub fn retried_as(self, retried_as: Option<JobId>) -> Self {
        Self { retried_as, ..self }
    }
}

/// What a list tells of a job: all but its payload, its result and its attempts. What is not known, or not yet, is null.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobSummary")]
pub struct SummaryView<'a> {
    id: JobId,
    /// The name of its type.
    #[serde(rename = "type")]
    kind: &'a str,
    queue: &'a str,
    state: State,
    tags: &'a [String],
    created_at: Instant,
    /// When it is due, if it is not due at once.
    run_at: Option<Instant>,
    /// When its last attempt began.
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    /// How many attempts have begun; released ones are not counted.
    attempt: u32,
    max_retries: u32,
    /// Why it did not succeed, or is tried again.
    error: Option<&'a JobError>,
    progress: Option<&'a Progress>,
    /// The job that it is another run of.
    retry_of: Option<JobId>,
    /// The job that is another run of it.
    retried_as: Option<JobId>,
}

impl<'a> SummaryView<'a> {
    /// What a list tells of a job, and which job is another run of it.
    #[must_use]
    pub fn of(job: &'a Summary, retried_as: Option<JobId>) -> Self {
        Self {
            id: job.id,
            kind: &job.kind,
            queue: &job.queue,
            state: job.state,
            tags: &job.tags,
            created_at: Instant(job.id.created_at()),
            run_at: job.run_at.map(Instant),
            started_at: job.started_at.map(Instant),
            ended_at: job.ended_at.map(Instant),
            attempt: job.attempt,
            max_retries: job.max_retries,
            error: job.error.as_ref(),
            progress: job.progress.as_ref(),
            retry_of: job.retry_of,
            retried_as,
        }
    }
}

impl<'a> AttemptView<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: Instant(attempt.started_at),
            ended_at: Instant(attempt.ended_at),
            outcome: attempt.outcome,
            error: attempt.error.as_ref(),
            node: &attempt.node,
            log: &attempt.log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ErrorKind, Job, Live, Record};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(1_795_506_126_000_000 + micros)
    }

    fn job() -> Job {
        let payload = RawValue::from_string("{\"n\":12345678901234567890}".to_owned());
        Job::new(
            JobId::mint(at(123_456), 7),
            "noop",
            "default",
            payload.expect("JSON"),
        )
    }

    fn attempt() -> Attempt {
        Attempt {
            attempt: 1,
            outcome: Outcome::Failed,
            started_at: at(200_000),
            ended_at: at(300_000),
            node: "host:8080".to_owned(),
            error: Some(JobError::new(ErrorKind::Failed, "no route")),
            log: vec!["trying".to_owned()],
        }
    }

    #[test]
    fn an_ended_job_has_every_member_in_the_order_of_the_contract() {
        let found = Found::Ended(Record {
            job: job(),
            state: State::Dead,
            ended_at: at(300_000),
            attempt: 1,
            attempts: vec![attempt()],
            result: None,
            error: Some(JobError::new(ErrorKind::Failed, "no route")),
        });
        let text = serde_json::to_string(&JobView::of(&found)).expect("JSON");
        let id = job().id;
        assert_eq!(
            text,
            format!(
                "{{\"id\":\"{id}\",\"type\":\"noop\",\"queue\":\"default\",\"state\":\"dead\",\"tags\":[],\
                 \"payload\":{{\"n\":12345678901234567890}},\
                 \"created_at\":\"2026-11-24T07:42:06.123456Z\",\"run_at\":null,\
                 \"started_at\":\"2026-11-24T07:42:06.200000Z\",\"ended_at\":\"2026-11-24T07:42:06.300000Z\",\
                 \"attempt\":1,\"max_retries\":5,\"result\":null,\
                 \"error\":{{\"kind\":\"failed\",\"message\":\"no route\"}},\"progress\":null,\
                 \"retry_of\":null,\"retried_as\":null,\"attempts\":[{{\"attempt\":1,\
                 \"started_at\":\"2026-11-24T07:42:06.200000Z\",\"ended_at\":\"2026-11-24T07:42:06.300000Z\",\
                 \"outcome\":\"failed\",\"error\":{{\"kind\":\"failed\",\"message\":\"no route\"}},\
                 \"node\":\"host:8080\",\"log\":[\"trying\"]}}]}}"
            )
        );
    }

    #[test]
    fn a_retrying_job_tells_when_it_is_due_and_why_it_failed() {
        let live = Live {
            job: job(),
            state: State::Retrying,
            attempt: 1,
            due: Some(at(900_000)),
            ready_at: None,
            leased_at: None,
            node: None,
            cancel_requested: false,
            progress: None,
            attempts: vec![attempt()],
        };
        let found = Found::Live(live);
        let json = serde_json::to_value(JobView::of(&found)).expect("JSON");
        assert_eq!(json["run_at"], "2026-11-24T07:42:06.900000Z");
        assert_eq!(json["error"]["message"], "no route");
        assert_eq!(json["ended_at"], serde_json::Value::Null);
    }
}

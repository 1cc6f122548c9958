//! A job as a program asks for it: the same fields as over HTTP, and read by the same rules.

use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Number, Value};

use super::draft::Wrong;
use super::duration::written;

/// A job that is to be submitted; `O` is what it will answer.
///
/// Nothing is checked before it is submitted: then all that is wrong with it is told at once.
///
/// ```
/// use std::time::Duration;
/// use windlass::job::NewJob;
///
/// let job: NewJob<u64> = NewJob::of_type("word-count", &"to be or not to be")
///     .queue("texts")
///     .delay(Duration::from_secs(90))
///     .unique("hamlet")
///     .tag("shakespeare");
/// assert_eq!(
///     job.to_json().expect("a text is JSON").get(),
///     r#"{"type":"word-count","payload":"to be or not to be","queue":"texts","delay":"90s","unique":"hamlet","tags":["shakespeare"]}"#
/// );
/// ```
#[derive(Debug, Clone)]
pub struct NewJob<O> {
    fields: Fields,
    output: PhantomData<fn() -> O>,
}

/// The fields as they go over the wire.
#[derive(Debug, Clone, Serialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    /// Or why it is no JSON.
    #[serde(serialize_with = "payload")]
    payload: Result<Box<RawValue>, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<Unique>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Backoff {
    base: String,
    factor: Value,
    cap: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Unique {
    WhileItLives(String),
    AtMost {
        key: String,
        #[serde(rename = "for")]
        span: String,
    },
}

impl<O> NewJob<O> {
    /// A job of the type `kind`, whoever runs it. For a handler in Rust, `Handler::job` says the types for you.
    #[must_use]
    pub fn of_type(kind: &str, payload: &(impl Serialize + ?Sized)) -> Self {
        Self {
            fields: Fields {
                kind: kind.to_owned(),
                payload: to_raw_value(payload).map_err(|err| err.to_string()),
                queue: None,
                delay: None,
                run_at: None,
                max_retries: None,
                backoff: None,
                timeout: None,
                expires_in: None,
                unique: None,
                tags: Vec::new(),
            },
            output: PhantomData,
        }
    }

    /// The line to stand in. Not said: that of its type, or `default`.
    #[must_use]
    pub fn queue(mut self, queue: &str) -> Self {
        self.fields.queue = Some(queue.to_owned());
        self
    }

    /// Not to be run before `delay` has passed.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.fields.delay = Some(text(delay));
        self
    }

    /// Not to be run before this instant; one that is past means at once.
    #[must_use]
    pub fn run_at(mut self, instant: SystemTime) -> Self {
        self.fields.run_at = Some(DateTime::<Utc>::from(instant).to_rfc3339());
        self
    }

    /// How many failed attempts are followed by another. Not said: MAXRETRIES.
    #[must_use]
    pub fn max_retries(mut self, number: u32) -> Self {
        self.fields.max_retries = Some(number);
        self
    }

    /// How long to wait between attempts: `base` after the first, each further wait `factor` times as long, none longer than
    /// `cap`; of each a random half to all is waited. Not said: 15 s, 4 and 1 h.
    #[must_use]
    pub fn backoff(mut self, base: Duration, factor: f64, cap: Duration) -> Self {
        self.fields.backoff = Some(Backoff {
            base: text(base),
            factor: number(factor),
            cap: text(cap),
        });
        self
    }

    /// How long an attempt may take. Not said: as its type says, or JOBTIMEOUT.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.fields.timeout = Some(text(limit));
        self
    }

    /// Ends the job as expired if it has not begun by then.
    #[must_use]
    pub fn expires_in(mut self, span: Duration) -> Self {
        self.fields.expires_in = Some(text(span));
        self
    }

    /// While a job with this key lives, submitting another answers that one.
    #[must_use]
    pub fn unique(mut self, key: &str) -> Self {
        self.fields.unique = Some(Unique::WhileItLives(key.to_owned()));
        self
    }

    /// The same, but for `span` at most.
    #[must_use]
    pub fn unique_for(mut self, key: &str, span: Duration) -> Self {
        self.fields.unique = Some(Unique::AtMost {
            key: key.to_owned(),
            span: text(span),
        });
        self
    }

    /// A word to find it by; say it again for another.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.fields.tags.push(tag.to_owned());
        self
    }

    /// The job as `POST /submit` takes it.
    ///
    /// # Errors
    ///
    /// The payload cannot be written as JSON: a map in it has keys that are no texts, say.
    pub fn to_json(&self) -> Result<Box<RawValue>, Wrong> {
        // Nothing else of it can fail.
        to_raw_value(&self.fields).map_err(|err| Wrong::new("/payload", err.to_string()))
    }
}

fn payload<S: Serializer>(
    payload: &Result<Box<RawValue>, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match payload {
        Ok(payload) => payload.serialize(serializer),
        Err(reason) => Err(S::Error::custom(format!(
            "cannot be written as JSON: {reason}"
        ))),
    }
}

/// A number, or a text where JSON has no number, for the door to refuse.
fn number(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

fn text(length: Duration) -> String {
    written(length).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_field_goes_over_the_wire_as_it_is_read_there() {
        let second = Duration::from_secs(1);
        let job = NewJob::<()>::of_type("t", &())
            .run_at(SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000))
            .max_retries(0)
            .backoff(second, 1.5, 60 * second)
            .timeout(Duration::from_millis(1_500))
            .expires_in(3_600 * second)
            .unique_for("k", 60 * second);
        let json: Value = serde_json::from_str(job.to_json().unwrap().get()).unwrap();
        let expected = serde_json::json!({
            "type": "t", "payload": null, "run_at": "1970-01-01T00:00:01.500+00:00", "max_retries": 0,
            "backoff": {"base": "1s", "factor": 1.5, "cap": "1m"}, "timeout": "1500ms", "expires_in": "1h",
            "unique": {"key": "k", "for": "1m"},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_is_no_json_is_told_at_its_place_and_no_number_becomes_another() {
        let odd = BTreeMap::from([((1, 2), 3)]);
        let wrong = NewJob::<()>::of_type("t", &odd).to_json().unwrap_err();
        assert_eq!(wrong.pointer, "/payload");
        assert!(wrong.detail.starts_with("cannot be written as JSON"));
        let job = NewJob::<()>::of_type("t", &()).backoff(Duration::ZERO, f64::NAN, Duration::ZERO);
        assert!(job.to_json().unwrap().get().contains(r#""factor":"NaN""#));
    }
}

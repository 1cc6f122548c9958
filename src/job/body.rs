//! A job as it was accepted: written once, never changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Backoff, JobId, Timestamp};

/// Longest name of a queue, in bytes: it is part of key names and of every entry of the timed sets.
pub const QUEUE_NAME_MAX: usize = 64;

/// Longest name of a job type, in bytes: it is a label of metrics and a column of an index.
pub const TYPE_NAME_MAX: usize = 64;

/// Whether `text` can name a queue or a job type: 1 to 64 of `a-z A-Z 0-9 _ . -`, beginning with a letter or digit.
///
/// The narrow alphabet is what lets names stand in keys, tickets' lines, URLs and metrics without any escaping.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= QUEUE_NAME_MAX
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A job as it was accepted.
///
/// Its serde form is what engines keep: short names, and every field that holds its default left out, since a queue may
/// hold millions of these. The id is not part of it, being the key under which the body is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Its name. Tells when it was created, too.
    #[serde(skip, default = "nobody")]
    pub id: JobId,
    /// Which handler runs it; see [`is_name`].
    #[serde(rename = "t")]
    pub kind: String,
    /// The line it stands in; see [`is_name`].
    #[serde(rename = "q")]
    pub queue: String,
    /// What the handler gets: JSON text, kept digit for digit.
    #[serde(rename = "p")]
    pub payload: Box<RawValue>,
    /// Words to find it by.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How many failed attempts are followed by another: 5 means up to six attempts.
    #[serde(rename = "r")]
    pub max_retries: u32,
    /// How long to wait between attempts.
    #[serde(rename = "b", default, skip_serializing_if = "Backoff::is_default")]
    pub backoff: Backoff,
    /// How long one attempt may take; `None`: as long as the daemon's JOBTIMEOUT.
    #[serde(
        rename = "o",
        default,
        with = "opt_micros",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// Not to be run before; `None`: at once.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// Not to be begun after; `None`: it may wait for ever.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The ended job that this one runs again.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
    /// While a job with this key lives, no other with it is accepted.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// Until when [`Job::unique`] holds, if that is sooner than the job's end.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub unique_until: Option<Timestamp>,
}

impl Job {
    /// A job of `kind` in `queue` with everything else at its default: at once, five retries, no limits of its own.
    #[must_use]
    pub fn new(id: JobId, kind: &str, queue: &str, payload: Box<RawValue>) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            queue: queue.to_owned(),
            payload,
            tags: Vec::new(),
            max_retries: 5,
            backoff: Backoff::default(),
            timeout: None,
            run_at: None,
            expires_at: None,
            retry_of: None,
            unique: None,
            unique_until: None,
        }
    }

    /// The job named `id` that runs this one, which has ended, again: the same payload and options, due at once. What
    /// counted from its creation (until when it may begin, until when its unique key holds) counts from the new one's.
    #[must_use]
    pub fn again(&self, id: JobId) -> Self {
        let moved = |until: Timestamp| id.created_at() + until.since(self.created_at());
        Self {
            id,
            run_at: None,
            expires_at: self.expires_at.map(moved),
            unique_until: self.unique_until.map(moved),
            retry_of: Some(self.id),
            ..self.clone()
        }
    }

    /// When it was accepted, on the engine's clock.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.id.created_at()
    }
}

/// Stands in for the id until the engine that read the body puts the real one.
fn nobody() -> JobId {
    JobId::mint(Timestamp::default(), 0)
}

mod opt_micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match d {
            Some(d) => s.serialize_u64(u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Duration::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn again_is_the_same_job_due_at_once_with_its_spans_begun_anew() {
        let at = |secs: i64| Timestamp::from_micros(1_795_000_000_000_000 + secs * 1_000_000);
        let payload = RawValue::from_string("{\"n\": 1.0}".to_owned()).expect("JSON");
        let old = Job {
            tags: vec!["a".to_owned()],
            max_retries: 2,
            timeout: Some(Duration::from_secs(9)),
            run_at: Some(at(600)),
            expires_at: Some(at(3_600)),
            retry_of: Some(JobId::mint(at(-5), 1)),
            unique: Some("key".to_owned()),
            unique_until: Some(at(60)),
            ..Job::new(JobId::mint(at(0), 2), "noop", "low", payload)
        };
        let id = JobId::mint(at(10_000), 3);
        let expected = Job {
            id,
            run_at: None,
            expires_at: Some(at(13_600)),
            unique_until: Some(at(10_060)),
            retry_of: Some(old.id),
            ..old.clone()
        };
        assert_eq!(format!("{:?}", old.again(id)), format!("{expected:?}"));
    }
}

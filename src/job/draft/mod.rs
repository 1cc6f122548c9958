//! A job as somebody asks for it, in a request or in an entry of the calendar: every field read strictly, all wrong ones
//! found at once.
//!
//! [`strict`] finds what parsers let pass, [`object`] opens the object, [`fields`] reads its fields one by one. A
//! [`Draft`] becomes a job when it is given an id.

pub mod fields;
pub mod object;
pub mod strict;

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Backoff, Job, JobId, Timestamp, fit};
use fields::When;
use object::Object;

/// The fields of a submitted job.
pub const FIELDS: [&str; 11] = [
    "type",
    "payload",
    "queue",
    "delay",
    "run_at",
    "max_retries",
    "backoff",
    "timeout",
    "expires_in",
    "unique",
    "tags",
];

/// The queue of a job that names none, and whose type has none of its own.
const QUEUE_DEFAULT: &str = "default";

/// The payload of a job that names none.
pub const EMPTY_PAYLOAD: &str = "{}";

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where it is: a JSON Pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong with it, and what is expected.
    pub detail: String,
}

impl Wrong {
    /// Most bytes of a detail: what is longer quotes what somebody sent, who knows it.
    pub const DETAIL_BYTES_MAX: usize = 400;

    /// A wrong field. A detail beyond its bound is cut.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: fit(&detail.into(), Self::DETAIL_BYTES_MAX),
        }
    }
}

/// What sort of wrong a wrong field is; the worst sort names the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Not what it should be.
    Invalid,
    /// A job type that nobody runs.
    UnknownType,
    /// A payload beyond PAYLOADMAX.
    TooLarge,
}

/// Most that is noted as wrong of the keys and strings of one job, and most unknown fields of one object. An answer lists
/// no more, and each takes memory of its own.
pub const NOTED_MAX: usize = 100;

/// The wrong fields found so far.
pub type Wrongs = Vec<(Sort, Wrong)>;

/// Why a draft could not even be looked over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is no JSON that can be kept: where, and why.
    NotJson(String),
    /// Whether its type is known cannot be found out at present; the cause is for the log.
    Away(String),
}

/// What a job is measured by.
pub struct Rules<'a> {
    /// The largest payload, in bytes.
    pub payload_max: usize,
    /// The retries of jobs that do not say.
    pub max_retries: u32,
    /// What is known of the job types.
    pub types: &'a dyn Types,
    /// The engine's present.
    pub now: Timestamp,
}

/// What is known of the job types where a draft is read.
pub trait Types {
    /// Looks over the payload of a job of this type; `None`: the payload was found wrong already, and only the type is
    /// asked for.
    fn look(&self, kind: &str, payload: Option<&RawValue>) -> Looked;

    /// The queue of jobs of this type that name none; `None`: that of all others.
    fn queue(&self, kind: &str) -> Option<String>;
}

/// What a look at a type and a payload found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Nothing is wrong, as far as can be told here.
    Fits,
    /// These fields of the payload are wrong.
    Wrong(Vec<Wrong>),
    /// Nobody runs the type; this one may have been meant.
    Unknown(Option<String>),
    /// Whether somebody runs the type cannot be found out at present; the cause is for the log.
    Away(String),
}

/// A job that was found in order but has no id yet.
#[derive(Debug)]
pub struct Draft {
    kind: String,
    /// The line it wants to stand in.
    pub queue: String,
    payload: Box<RawValue>,
    when: When,
    max_retries: u32,
    backoff: Backoff,
    timeout: Option<Duration>,
    expires_in: Option<Duration>,
    unique: Option<(String, Option<Duration>)>,
    tags: Vec<String>,
}

impl Draft {
    /// The job, named; what is relative counts from the creation that its id tells.
    #[must_use]
    pub fn into_job(self, id: JobId) -> Job {
        let created_at = id.created_at();
        let (unique, unique_for) = self
            .unique
            .map_or((None, None), |(key, span)| (Some(key), span));
        Job {
            tags: self.tags,
            max_retries: self.max_retries,
            backoff: self.backoff,
            timeout: self.timeout,
            run_at: match self.when {
                When::Now => None,
                When::After(delay) => Some(created_at + delay),
                When::At(instant) => Some(instant),
            },
            expires_at: self.expires_in.map(|span| created_at + span),
            unique,
            unique_until: unique_for.map(|span| created_at + span),
            ..Job::new(id, &self.kind, &self.queue, self.payload)
        }
    }
}

/// Reads one submitted job; `at` is the pointer to it. `None` when something was wrong with it.
///
/// # Errors
///
/// [`Refused`]: it is no JSON that can be kept, or another daemon may know the type and cannot be asked.
pub fn read(
    raw: &RawValue,
    at: &str,
    rules: &Rules<'_>,
    wrongs: &mut Wrongs,
) -> Result<Option<Draft>, Refused> {
    let found = walked(raw, at, wrongs)?;
    read_walked(raw, at, &found, rules, wrongs)
}

/// Walks over an object to which the pointer `at` leads, and notes what parsers let pass; answers with where that is.
///
/// # Errors
///
/// [`Refused`]: it is no JSON that can be kept.
pub fn walked(raw: &RawValue, at: &str, wrongs: &mut Wrongs) -> Result<Vec<String>, Refused> {
    let mut found = Vec::new();
    strict::walk(raw.get(), at, &mut found)
        .map_err(|unkept| Refused::NotJson(format!("the body cannot be kept: {unkept}")))?;
    let pointers = found.iter().map(|w| w.pointer.clone()).collect();
    wrongs.extend(found.into_iter().map(|w| (Sort::Invalid, w)));
    Ok(pointers)
}

/// [`read`] of what was walked over already, and found wrong in these places.
///
/// # Errors
///
/// [`Refused`]: another daemon may know the type and cannot be asked.
pub fn read_walked(
    raw: &RawValue,
    at: &str,
    found: &[String],
    rules: &Rules<'_>,
    wrongs: &mut Wrongs,
) -> Result<Option<Draft>, Refused> {
    let before = wrongs.len();
    let is_clean = !found.iter().any(|pointer| pointer.starts_with(at));
    let payload = format!("{at}/payload");
    let payload_is_clean = !found.iter().any(|pointer| pointer.starts_with(&payload));
    let form = "{\"type\": …, \"payload\": …}";
    let Some(object) = Object::open(raw, at, form, &FIELDS, wrongs) else {
        return Ok(None);
    };
    let mut entry = Entry(object);
    let kind = entry.kind();
    let payload = entry.payload(rules.payload_max);
    if let (Some(kind), Some(payload)) = (&kind, &payload) {
        entry.check_payload(kind, payload, payload_is_clean, rules)?;
    }
    let draft = entry.draft(kind, payload, rules);
    Ok(draft.filter(|_| is_clean && wrongs.len() == before))
}

/// One job that is being read.
struct Entry<'e, 'w>(Object<'e, 'w>);

impl<'e> Entry<'e, '_> {
    fn kind(&mut self) -> Option<String> {
        if self.0.member("type").is_none() {
            self.0
                .wrong("/type", "is missing; it names what runs the job");
        }
        self.0.field("type", |raw| fields::name(raw, "a job type"))
    }

    /// The payload; an object without members where there is none.
    fn payload(&mut self, max: usize) -> Option<Cow<'e, RawValue>> {
        let Some(payload) = self.0.given("payload") else {
            let empty = RawValue::from_string(EMPTY_PAYLOAD.to_owned()).ok()?;
            return Some(Cow::Owned(empty));
        };
        let length = payload.get().len();
        if length > max {
            let detail = format!("is {length} bytes long; at most {max} (PAYLOADMAX)");
            self.0.wrong_of(Sort::TooLarge, "/payload", detail);
            return None;
        }
        Some(Cow::Borrowed(payload))
    }

    fn check_payload(
        &mut self,
        kind: &str,
        payload: &RawValue,
        is_clean: bool,
        rules: &Rules<'_>,
    ) -> Result<(), Refused> {
        // A handler that reads what was found wrong already would only say it again.
        match rules.types.look(kind, is_clean.then_some(payload)) {
            Looked::Fits => {}
            Looked::Wrong(wrongs) => {
                for wrong in wrongs {
                    self.0
                        .wrong(&format!("/payload{}", wrong.pointer), wrong.detail);
                }
            }
            Looked::Unknown(near) => {
                let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                let detail = format!("no daemon runs the job type `{kind}`{hint}");
                self.0.wrong_of(Sort::UnknownType, "/type", detail);
            }
            Looked::Away(cause) => return Err(Refused::Away(cause)),
        }
        Ok(())
    }

    /// Reads the rest. `None` where one of the parts is missing; all that is wrong is noted in any case.
    fn draft(
        &mut self,
        kind: Option<String>,
        payload: Option<Cow<'e, RawValue>>,
        rules: &Rules<'_>,
    ) -> Option<Draft> {
        let when = self.when(rules.now);
        let queue = self.0.field("queue", |raw| fields::name(raw, "a queue"));
        let max_retries = self.0.field("max_retries", fields::max_retries);
        let backoff = self.0.field("backoff", fields::backoff);
        let timeout = self.0.field("timeout", fields::timeout);
        let expires_in = self.0.field("expires_in", fields::span);
        let unique = self.0.field("unique", fields::unique);
        let tags = self.0.field("tags", fields::tags);
        if let Some(expires_in) = expires_in
            && when.delay(rules.now) >= expires_in
        {
            self.0.wrong(
                "/expires_in",
                "would be over before the job is due; it counts from now on",
            );
        }
        let kind = kind?;
        let queue = queue
            .or_else(|| rules.types.queue(&kind))
            .unwrap_or_else(|| QUEUE_DEFAULT.to_owned());
        Some(Draft {
            kind,
            queue,
            payload: payload?.into_owned(),
            when,
            max_retries: max_retries.unwrap_or(rules.max_retries),
            backoff: backoff.unwrap_or_default(),
            timeout,
            expires_in,
            unique,
            tags: tags.unwrap_or_default(),
        })
    }

    fn when(&mut self, now: Timestamp) -> When {
        if self.0.member("delay").is_some() && self.0.member("run_at").is_some() {
            self.0
                .wrong("/run_at", "excludes `delay`; give one of the two");
        }
        let delay = self.0.field("delay", fields::delay);
        let run_at = self.0.field("run_at", |raw| fields::run_at(raw, now));
        delay.or(run_at).unwrap_or(When::Now)
    }
}

#[cfg(test)]
mod tests;

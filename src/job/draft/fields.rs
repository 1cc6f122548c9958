//! The fields of a submitted job, one by one: from JSON text to a value within its bounds.

use std::time::Duration;

use serde_json::value::RawValue;

use super::NOTED_MAX;
use super::object::unknown_field;
use crate::job::duration::{duration_of_seconds, parse_duration, written};
use crate::job::{Backoff, Timestamp, is_name};

/// What is wrong with a field: where beneath it (a JSON Pointer, mostly empty), and what is expected.
pub type Wrongs = Vec<(String, String)>;

/// The farthest that a job may be put off. Ids, partitions and leases all assume a job of about this age at most.
pub const DELAY_MAX: Duration = Duration::from_secs(400 * 24 * 3600);

/// The shortest time of one attempt. Below, not even an answer of a quick handler would be in time.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(100);
/// The longest time of one attempt. Above, an operator would rather split the job.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Most retries that may be asked for.
pub const RETRIES_MAX: u64 = 100;

/// Longest unique key, in bytes: it is a key of Redis' hash and of an index.
pub const UNIQUE_BYTES_MAX: usize = 255;

/// Most tags of a job: they are all in an index.
pub const TAGS_MAX: usize = 32;
/// The longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 64;

/// When a job is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// So long after its creation.
    After(Duration),
    /// At this instant.
    At(Timestamp),
}

impl When {
    /// How long that is from `now`.
    #[must_use]
    pub fn delay(self, now: Timestamp) -> Duration {
        match self {
            Self::Now => Duration::ZERO,
            Self::After(delay) => delay,
            Self::At(instant) => instant.since(now),
        }
    }
}

fn wrong<T>(detail: impl Into<String>) -> Result<T, Wrongs> {
    Err(vec![(String::new(), detail.into())])
}

fn text(raw: &RawValue) -> Result<String, Wrongs> {
    serde_json::from_str(raw.get()).or_else(|_| wrong("must be a string"))
}

/// The name of a queue or type.
pub fn name(raw: &RawValue, of: &str) -> Result<String, Wrongs> {
    let name = text(raw)?;
    if is_name(&name) {
        return Ok(name);
    }
    wrong(format!(
        "cannot name {of}: 1 to 64 of a-z A-Z 0-9 _ . -, beginning with a letter or digit"
    ))
}

/// A length of time, as text or as a number of seconds.
fn duration_within(raw: &RawValue, min: Duration, max: Duration) -> Result<Duration, Wrongs> {
    let outside = || wrong(format!("must be from {} to {}", written(min), written(max)));
    let json = raw.get();
    if json.starts_with('"') {
        let length = parse_duration(&text(raw)?).or_else(wrong)?;
        return if (min..=max).contains(&length) {
            Ok(length)
        } else {
            outside()
        };
    }
    let Ok(seconds) = serde_json::from_str::<f64>(json) else {
        return wrong("must be a length of time like \"10s\", or a number of seconds");
    };
    // Measured before it is rounded, as whoever goes by the schema measures it.
    if !(min.as_secs_f64()..=max.as_secs_f64()).contains(&seconds) {
        return outside();
    }
    duration_of_seconds(seconds).or_else(wrong)
}

/// `delay`: so long from now.
pub fn delay(raw: &RawValue) -> Result<When, Wrongs> {
    let delay = duration_within(raw, Duration::ZERO, DELAY_MAX)?;
    Ok(if delay.is_zero() {
        When::Now
    } else {
        When::After(delay)
    })
}

/// `run_at`: an instant; one that is past means at once.
pub fn run_at(raw: &RawValue, now: Timestamp) -> Result<When, Wrongs> {
    let Some(instant) = Timestamp::parse(&text(raw)?) else {
        return wrong("must be an instant like \"2026-11-24T07:42:06Z\" (RFC 3339, with its zone)");
    };
    if instant.since(now) > DELAY_MAX {
        return wrong("lies more than 400d ahead");
    }
    Ok(if instant <= now {
        When::Now
    } else {
        When::At(instant)
    })
}

/// `max_retries`: a whole number.
pub fn max_retries(raw: &RawValue) -> Result<u32, Wrongs> {
    match serde_json::from_str::<u64>(raw.get()) {
        Ok(number) if number <= RETRIES_MAX => Ok(u32::try_from(number).unwrap_or(0)),
        _ => wrong(format!("must be a whole number from 0 to {RETRIES_MAX}")),
    }
}

/// `timeout`: how long an attempt may take.
pub fn timeout(raw: &RawValue) -> Result<Duration, Wrongs> {
    duration_within(raw, TIMEOUT_MIN, TIMEOUT_MAX)
}

/// A length of time that is not nothing.
pub fn span(raw: &RawValue) -> Result<Duration, Wrongs> {
    duration_within(raw, Duration::from_millis(1), DELAY_MAX)
}

/// The members of an object, each as it stands.
type Members<'a> = Vec<(String, &'a RawValue)>;

/// An object with some of `known` as its members, and what is wrong with the others.
fn members<'a>(raw: &'a RawValue, known: &[&str]) -> Result<(Members<'a>, Wrongs), Wrongs> {
    let Ok(found) =
        serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(raw.get())
    else {
        return wrong(format!("must be an object with {}", known.join(", ")));
    };
    let unknown = found
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .take(NOTED_MAX);
    let unknown = unknown.map(|name| unknown_field(name, known)).collect();
    let members = found.into_iter().filter(|(_, raw)| raw.get() != "null");
    Ok((members.collect(), unknown))
}

/// `read` of the member `name`, if it is there; what is wrong with it is pointed at.
fn member<T>(
    members: &[(String, &RawValue)],
    name: &str,
    wrongs: &mut Wrongs,
    read: impl FnOnce(&RawValue) -> Result<T, Wrongs>,
) -> Option<T> {
    let (_, raw) = members.iter().find(|(n, _)| n == name)?;
    match read(raw) {
        Ok(value) => Some(value),
        Err(found) => {
            let found = found.into_iter();
            wrongs.extend(found.map(|(below, detail)| (format!("/{name}{below}"), detail)));
            None
        }
    }
}

/// `backoff`: any of base, factor and cap; what is left out is as by default.
pub fn backoff(raw: &RawValue) -> Result<Backoff, Wrongs> {
    let (members, mut wrongs) = members(raw, &["base", "factor", "cap"])?;
    let wait = |raw: &RawValue| duration_within(raw, Duration::ZERO, Backoff::CAP_MAX);
    let base = member(&members, "base", &mut wrongs, wait);
    let cap = member(&members, "cap", &mut wrongs, wait);
    let factor = member(
        &members,
        "factor",
        &mut wrongs,
        |raw| match serde_json::from_str::<f64>(raw.get()) {
            Ok(factor) if Backoff::FACTORS.contains(&factor) => Ok(factor),
            _ => wrong("must be a number from 1 to 100"),
        },
    );
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    Backoff::new(
        base.unwrap_or(Duration::from_secs(15)),
        factor.unwrap_or(4.0),
        cap.unwrap_or(Duration::from_secs(3600)),
    )
    .map_err(|(name, detail)| vec![(format!("/{name}"), detail.to_owned())])
}

/// `unique`: a key, or a key and how long it holds.
pub fn unique(raw: &RawValue) -> Result<(String, Option<Duration>), Wrongs> {
    if raw.get().starts_with('"') {
        return Ok((unique_key(raw)?, None));
    }
    if !raw.get().starts_with('{') {
        return wrong("must be a key, or an object with key and for");
    }
    let (members, mut wrongs) = members(raw, &["key", "for"])?;
    if !members.iter().any(|(name, _)| name == "key") {
        wrongs.push(("/key".to_owned(), "is missing".to_owned()));
    }
    let key = member(&members, "key", &mut wrongs, unique_key);
    let span = member(&members, "for", &mut wrongs, span);
    match key {
        Some(key) if wrongs.is_empty() => Ok((key, span)),
        _ => Err(wrongs),
    }
}

fn unique_key(raw: &RawValue) -> Result<String, Wrongs> {
    let key = text(raw)?;
    if is_label(&key, UNIQUE_BYTES_MAX) {
        return Ok(key);
    }
    wrong(format!(
        "must be 1 to {UNIQUE_BYTES_MAX} bytes without control characters"
    ))
}

/// `tags`: words to find the job by.
pub fn tags(raw: &RawValue) -> Result<Vec<String>, Wrongs> {
    let Ok(found) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return wrong("must be an array of strings");
    };
    if found.len() > TAGS_MAX {
        return wrong(format!("holds {} tags; at most {TAGS_MAX}", found.len()));
    }
    let mut wrongs = Vec::new();
    let mut tags = Vec::with_capacity(found.len());
    for (index, raw) in found.into_iter().enumerate() {
        match serde_json::from_str::<String>(raw.get()) {
            Ok(tag) if is_label(&tag, TAG_BYTES_MAX) => tags.push(tag),
            _ => wrongs.push((
                format!("/{index}"),
                format!(
                    "must be a string of 1 to {TAG_BYTES_MAX} bytes without control characters"
                ),
            )),
        }
    }
    if wrongs.is_empty() {
        Ok(tags)
    } else {
        Err(wrongs)
    }
}

fn is_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    /// The pointers of what is wrong.
    fn pointers<T>(found: Result<T, Wrongs>) -> Vec<String> {
        let wrongs = found.err().unwrap_or_default();
        wrongs.into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn lengths_of_time_are_text_or_seconds_within_their_bounds() {
        for (json, length) in [("\"2m\"", 120_000), ("0.5", 500), ("10", 10_000)] {
            let found = timeout(&raw(json)).expect("a length of time");
            assert_eq!(found, Duration::from_millis(length), "{json}");
        }
        for json in ["\"25h\"", "0", "-1", "\"soon\"", "true", "[1]", "1e300"] {
            assert!(timeout(&raw(json)).is_err(), "{json}");
        }
        assert_eq!(delay(&raw("0")), Ok(When::Now));
        assert_eq!(delay(&raw("\"400d\"")), Ok(When::After(DELAY_MAX)));
        assert!(delay(&raw("\"401d\"")).is_err());
    }

    #[test]
    fn an_instant_has_a_zone_and_a_past_one_means_now() {
        let now = Timestamp::from_micros(1_795_506_126_000_000);
        let at = |json: &str| run_at(&raw(json), now);
        assert_eq!(at("\"2020-01-01T00:00:00Z\""), Ok(When::Now));
        let due = Timestamp::from_micros(1_795_506_127_500_000);
        for same in [
            "\"2026-11-24T07:42:07.5Z\"",
            "\"2026-11-24T08:42:07.500000+01:00\"",
        ] {
            assert_eq!(at(same), Ok(When::At(due)), "{same}");
        }
        for wrong in [
            "\"2026-11-24T07:42:07\"",
            "\"tomorrow\"",
            "1795506127",
            "\"2028-11-24T07:42:07Z\"",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_wrong_part_of_an_object_is_pointed_at() {
        assert!(backoff(&raw(r#"{"base": "1s", "factor": 2, "cap": "1m"}"#)).is_ok());
        assert!(backoff(&raw("{}")).is_ok_and(|b| b.is_default()));
        assert_eq!(
            pointers(backoff(&raw(r#"{"base": "x", "factor": "y", "cap": 3}"#))),
            ["/base", "/factor"]
        );
        assert_eq!(pointers(backoff(&raw(r#"{"factor": 0.5}"#))), ["/factor"]);
        assert_eq!(pointers(backoff(&raw(r#"{"bass": 1}"#))), ["/bass"]);
        assert_eq!(pointers(backoff(&raw("3"))), [""]);
    }

    #[test]
    fn a_unique_key_comes_alone_or_with_how_long_it_holds() {
        assert_eq!(unique(&raw("\"k\"")), Ok(("k".to_owned(), None)));
        assert_eq!(
            unique(&raw(r#"{"key": "k", "for": "1h"}"#)),
            Ok(("k".to_owned(), Some(Duration::from_secs(3600))))
        );
        assert_eq!(pointers(unique(&raw(r#"{"for": "x"}"#))), ["/key", "/for"]);
        assert_eq!(pointers(unique(&raw("{}"))), ["/key"]);
        assert_eq!(pointers(unique(&raw("\"\""))), [""]);
        assert_eq!(pointers(unique(&raw("7"))), [""]);
        let long = format!("\"{}\"", "x".repeat(256));
        assert_eq!(pointers(unique(&raw(&long))), [""]);
    }

    #[test]
    fn tags_are_few_short_and_printable() {
        assert_eq!(
            tags(&raw(r#"["a", "größer"]"#)),
            Ok(vec!["a".to_owned(), "größer".to_owned()])
        );
        assert_eq!(
            pointers(tags(&raw(r#"["a", "", 3, "b\n"]"#))),
            ["/1", "/2", "/3"]
        );
        assert_eq!(pointers(tags(&raw(&format!("{:?}", vec!["t"; 33])))), [""]);
        assert_eq!(pointers(tags(&raw("\"a\""))), [""]);
    }

    #[test]
    fn retries_are_a_whole_number_within_bounds() {
        assert_eq!(max_retries(&raw("100")), Ok(100));
        for json in ["101", "-1", "1.5", "\"5\""] {
            assert!(max_retries(&raw(json)).is_err(), "{json}");
        }
    }
}

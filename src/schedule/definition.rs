//! What a schedule does and when, as somebody writes it: strictly read, all that is wrong found at once.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

use super::cron::{Cron, Rule, TimeZone};
use crate::job::draft::object::Object;
use crate::job::draft::{self, Draft, Refused, Rules, Wrongs};
use crate::near;

/// The fields of a schedule.
pub const FIELDS: [&str; 6] = ["cron", "time_zone", "job", "catch_up", "overlap", "enabled"];

/// What becomes of the ticks that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// They pass.
    #[default]
    None,
    /// The last of them brings its job, late.
    Last,
    /// Each brings its job, up to CATCHUPMAX of them, the latest.
    All,
}

/// Whether a job may run beside the one of the tick before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It may.
    #[default]
    Allow,
    /// It may not: while the last job lives, ticks pass.
    Skip,
}

/// What a schedule does and when.
#[derive(Debug, Clone)]
pub struct Definition {
    /// When it fires.
    pub rule: Rule,
    /// The job that a tick brings, as it would be submitted: JSON that was read once and found in order.
    pub job: Box<RawValue>,
    /// What becomes of ticks that nobody was there for.
    pub catch_up: CatchUp,
    /// Whether its jobs may run beside each other.
    pub overlap: Overlap,
    /// Whether it is to have ticks.
    pub enabled: bool,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal,)+ }) => {
        impl $name {
            /// All of them, as they are written.
            pub const WORDS: &[&str] = &[$($word),+];

            /// It as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            /// Reads it as it is written; what is wrong continues "must be …".
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let known = Self::WORDS.join(", ");
                        let near = near::near(text, Self::WORDS.iter().copied());
                        let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                        Err(format!("must be one of {known}{hint}"))
                    }
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(CatchUp { None = "none", Last = "last", All = "all", });
words!(Overlap { Allow = "allow", Skip = "skip", });

impl Definition {
    /// Reads a schedule as somebody wrote it. `None` when something was wrong with it.
    ///
    /// # Errors
    ///
    /// `Refused`: it is no JSON that can be kept, or another daemon may know the job's type and cannot be asked.
    pub fn read(
        raw: &RawValue,
        rules: &Rules<'_>,
        wrongs: &mut Wrongs,
    ) -> Result<Option<Self>, Refused> {
        let before = wrongs.len();
        let found = draft::walked(raw, "", wrongs)?;
        let form = "{\"cron\": …, \"job\": {…}}";
        let Some(mut object) = Object::open(raw, "", form, &FIELDS, wrongs) else {
            return Ok(None);
        };
        if object.member("cron").is_none() {
            object.wrong("/cron", "is missing; it says when, such as \"*/5 * * * *\"");
        }
        let cron = object.field("cron", |raw| {
            Cron::parse(&text(raw)?).or_else(|err| wrong(err.to_string()))
        });
        let zone = object.field("time_zone", |raw| {
            TimeZone::parse(&text(raw)?).or_else(|err| wrong(err.to_string()))
        });
        let catch_up = object.field("catch_up", word);
        let overlap = object.field("overlap", word);
        let enabled = object.field("enabled", |raw| match raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => wrong("must be true or false"),
        });
        let job = object.member("job");
        match job {
            Some(job) => _ = draft::read_walked(job, "/job", &found, rules, object.wrongs())?,
            None => object.wrong(
                "/job",
                "is missing; it is what would be submitted at each tick",
            ),
        }
        let definition = || {
            Some(Self {
                rule: Rule {
                    cron: cron?,
                    zone: zone.unwrap_or_default(),
                },
                job: job?.to_owned(),
                catch_up: catch_up.unwrap_or_default(),
                overlap: overlap.unwrap_or_default(),
                enabled: enabled.unwrap_or(true),
            })
        };
        Ok(definition().filter(|_| wrongs.len() == before))
    }

    /// The job of a tick, measured by the rules of now. `None` when something is wrong with it, such as a payload that its
    /// type no longer takes.
    ///
    /// # Errors
    ///
    /// `Refused`: another daemon may know the type and cannot be asked.
    pub fn draft(&self, rules: &Rules<'_>, wrongs: &mut Wrongs) -> Result<Option<Draft>, Refused> {
        draft::read(&self.job, "/job", rules, wrongs)
    }

    /// Whether both fire at the same times.
    #[must_use]
    pub fn fires_like(&self, other: &Self) -> bool {
        self.rule.cron.as_str() == other.rule.cron.as_str() && self.rule.zone == other.rule.zone
    }

    /// Whether both do the same, be they enabled or not.
    #[must_use]
    pub fn does_like(&self, other: &Self) -> bool {
        let job = |definition: &Self| serde_json::from_str::<Value>(definition.job.get()).ok();
        self.fires_like(other)
            && (self.catch_up, self.overlap) == (other.catch_up, other.overlap)
            && (self.job.get() == other.job.get() || job(self) == job(other))
    }
}

/// Whether both are the same to the letter.
impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.fires_like(other)
            && (self.catch_up, self.overlap) == (other.catch_up, other.overlap)
            && self.enabled == other.enabled
            && self.job.get() == other.job.get()
    }
}

fn wrong<T>(detail: impl Into<String>) -> Result<T, draft::fields::Wrongs> {
    Err(vec![(String::new(), detail.into())])
}

fn text(raw: &RawValue) -> Result<String, draft::fields::Wrongs> {
    serde_json::from_str(raw.get()).or_else(|_| wrong("must be a string"))
}

fn word<T: FromStr<Err = String>>(raw: &RawValue) -> Result<T, draft::fields::Wrongs> {
    text(raw)?.parse().or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;
    use crate::job::draft::{Looked, Sort, Types};

    /// One type is known, and takes only objects.
    struct Known;

    impl Types for Known {
        fn look(&self, kind: &str, payload: Option<&RawValue>) -> Looked {
            match (kind, payload) {
                ("noop", Some(payload)) if !payload.get().starts_with('{') => {
                    Looked::Wrong(vec![draft::Wrong::new("", "must be an object")])
                }
                ("noop", _) => Looked::Fits,
                _ => Looked::Unknown(None),
            }
        }

        fn queue(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn read(json: &str) -> Result<Definition, Vec<(Sort, String)>> {
        let rules = Rules {
            payload_max: 1000,
            max_retries: 5,
            types: &Known,
            now: Timestamp::from_micros(1_795_506_126_000_000),
        };
        let raw = RawValue::from_string(json.to_owned()).expect("JSON");
        let mut wrongs = Vec::new();
        match Definition::read(&raw, &rules, &mut wrongs).expect("JSON that can be kept") {
            Some(definition) => Ok(definition),
            None => Err(wrongs.into_iter().map(|(s, w)| (s, w.pointer)).collect()),
        }
    }

    fn pointers(json: &str) -> Vec<String> {
        let wrongs = read(json).err().unwrap_or_default();
        wrongs.into_iter().map(|(_, pointer)| pointer).collect()
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        let job = r#"{"type": "noop"}"#;
        let json = format!(r#"{{"cron": "*/5 * * * *", "job": {job}, "time_zone": null}}"#);
        let read = read(&json).expect("a schedule");
        assert_eq!(read.rule.cron.as_str(), "*/5 * * * *");
        assert_eq!(read.rule.zone, TimeZone::UTC);
        assert_eq!(
            (read.catch_up, read.overlap),
            (CatchUp::None, Overlap::Allow)
        );
        assert!(read.enabled && read.job.get() == job);
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        assert_eq!(
            pointers(
                r#"{"cron": "0 25 * * *", "time_zone": "europe/berlin", "catch_up": "lats", "overlap": 1,
                    "enabled": "yes", "corn": 1, "job": {"type": "noop", "payload": [], "delay": "x", "tag": 1}}"#
            ),
            [
                "/corn",
                "/cron",
                "/time_zone",
                "/catch_up",
                "/overlap",
                "/enabled",
                "/job/tag",
                "/job/payload",
                "/job/delay",
            ]
        );
        assert_eq!(pointers("{}"), ["/cron", "/job"]);
        assert_eq!(pointers("[1]"), [""]);
        assert_eq!(
            pointers(
                r#"{"cron": "@daily", "cron": "@daily", "job": {"type": "noop", "tags": ["\u0000"]}}"#
            ),
            ["/cron", "/job/tags/0", "/job/tags/0"]
        );
        assert_eq!(
            read(r#"{"cron": "@daily", "job": {"type": "nope"}}"#).expect_err("unknown"),
            [(Sort::UnknownType, "/job/type".to_owned())]
        );
    }

    #[test]
    fn a_word_that_is_near_is_named() {
        let err = "lats".parse::<CatchUp>().expect_err("no such word");
        assert_eq!(err, "must be one of none, last, all; did you mean `last`?");
        let err = "queue".parse::<Overlap>().expect_err("no such word");
        assert_eq!(err, "must be one of allow, skip");
    }

    #[test]
    fn likeness_minds_neither_spaces_nor_whether_it_is_enabled() {
        let of = |json: &str| read(json).expect("a schedule");
        let one = of(
            r#"{"cron": "@daily", "job": {"type": "noop", "tags": ["a"], "payload": {"a": 1, "b": 2}}}"#,
        );
        let other = of(
            r#"{"enabled": false, "cron": "@daily", "job": {"payload":{"b":2,"a":1},"tags":["a"],"type":"noop"}}"#,
        );
        assert!(one.does_like(&other) && one.fires_like(&other));
        for different in [
            r#"{"cron": "@daily", "job": {"type": "noop", "tags": ["b"], "payload": {"a": 1, "b": 2}}}"#,
            r#"{"cron": "@daily", "overlap": "skip", "job": {"type": "noop", "tags": ["a"], "payload": {"a": 1, "b": 2}}}"#,
            r#"{"cron": "@hourly", "job": {"type": "noop", "tags": ["a"], "payload": {"a": 1, "b": 2}}}"#,
        ] {
            assert!(!one.does_like(&of(different)), "{different}");
        }
    }
}

//! A schedule as the calendar keeps it: a text that tells its version.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Definition;
use super::cron::{Cron, Rule, TimeZone};

/// The version of the text that the calendar keeps. A program that does not know it leaves the entry alone.
const VERSION: u32 = 1;

/// Where a schedule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Source")]
pub enum Source {
    /// From a `[[schedule]]` entry of the configuration file, to which it belongs.
    File,
    /// From the API.
    Api,
}

/// A schedule as the calendar keeps it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where it comes from.
    pub source: Source,
    /// What it does and when.
    pub definition: Definition,
}

/// The text of it.
#[derive(Serialize, Deserialize)]
struct Text<'a> {
    v: u32,
    source: Source,
    cron: String,
    time_zone: String,
    catch_up: String,
    overlap: String,
    enabled: bool,
    #[serde(borrow)]
    job: &'a RawValue,
}

impl Kept {
    /// The text that the calendar keeps; of equal schedules it is the same.
    #[must_use]
    pub fn to_text(&self) -> String {
        let definition = &self.definition;
        let text = Text {
            v: VERSION,
            source: self.source,
            cron: definition.rule.cron.to_string(),
            time_zone: definition.rule.zone.to_string(),
            catch_up: definition.catch_up.to_string(),
            overlap: definition.overlap.to_string(),
            enabled: definition.enabled,
            job: &definition.job,
        };
        // Nothing in it is beyond JSON.
        serde_json::to_string(&text).unwrap_or_default()
    }

    /// Reads what [`Kept::to_text`] wrote.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, such as that a later program wrote it.
    pub fn of_text(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let Version { v } = serde_json::from_str(text).map_err(|err| err.to_string())?;
        if v != VERSION {
            return Err(format!(
                "it has the form {v} and this program knows {VERSION}; another version of windlass wrote it"
            ));
        }
        let text: Text<'_> = serde_json::from_str(text).map_err(|err| err.to_string())?;
        let rule = Rule {
            cron: Cron::parse(&text.cron).map_err(|err| format!("cron: {err}"))?,
            zone: TimeZone::parse(&text.time_zone).map_err(|err| err.to_string())?,
        };
        Ok(Self {
            source: text.source,
            definition: Definition {
                rule,
                job: text.job.to_owned(),
                catch_up: text.catch_up.parse()?,
                overlap: text.overlap.parse()?,
                enabled: text.enabled,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::schedule::{CatchUp, Overlap};

    /// A definition that somebody could have written.
    fn definition(job: &str, catch_up: &str, overlap: &str, enabled: bool) -> Definition {
        Definition {
            rule: Rule {
                cron: Cron::parse("15 4 * * Mon").expect("an expression"),
                zone: TimeZone::parse("Europe/Berlin").expect("a zone"),
            },
            job: RawValue::from_string(job.to_owned()).expect("JSON"),
            catch_up: catch_up.parse().expect("a word"),
            overlap: overlap.parse().expect("a word"),
            enabled,
        }
    }

    #[test]
    fn a_text_of_another_version_is_told_so() {
        let err = Kept::of_text(r#"{"v": 2, "when": "now"}"#).expect_err("a later form");
        assert!(err.contains("form 2"), "{err}");
        assert!(Kept::of_text("nonsense").is_err());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_back(
            catch_up in 0usize..3, overlap in 0usize..2, enabled: bool, of_file: bool, digits in "[0-9]{1,30}", text in "[ -~ä\n]{0,20}",
        ) {
            let job = format!(r#"{{"type": "noop",  "payload": {{"n": 1{digits}, "t": {}}}}}"#, Value::from(text));
            let kept = Kept {
                source: if of_file { Source::File } else { Source::Api },
                definition: definition(&job, CatchUp::WORDS[catch_up], Overlap::WORDS[overlap], enabled),
            };
            let text = kept.to_text();
            let back = Kept::of_text(&text).expect("what was written");
            prop_assert_eq!(back.to_text(), text);
            prop_assert_eq!(back.source, kept.source);
            prop_assert_eq!(back.definition.job.get(), job, "digit for digit");
            prop_assert!(back.definition == kept.definition);
        }
    }
}

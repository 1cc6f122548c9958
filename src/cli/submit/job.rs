//! One job, made of flags.

use std::io::Read;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

/// The flags that make a job; what they mean is the API's to say, and what is wrong with them too.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct JobFlags {
    /// The type of the job; `windlass types` lists them.
    #[arg(
        long = "type",
        id = "kind",
        value_name = "TYPE",
        help_heading = "One job"
    )]
    kind: Option<String>,
    /// Its payload: JSON, or @FILE (@- for standard input).
    #[arg(long, value_name = "JSON", requires = "kind", help_heading = "One job")]
    payload: Option<String>,
    /// Its queue.
    #[arg(long, requires = "kind", help_heading = "One job")]
    queue: Option<String>,
    /// Run it after this time (`10s`, `2m`, `1h`, `7d`).
    #[arg(
        long,
        value_name = "DURATION",
        requires = "kind",
        conflicts_with = "run_at",
        help_heading = "One job"
    )]
    delay: Option<String>,
    /// Run it at this instant (RFC 3339).
    #[arg(
        long,
        value_name = "INSTANT",
        requires = "kind",
        help_heading = "One job"
    )]
    run_at: Option<String>,
    /// How many failed attempts are followed by another.
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "kind",
        help_heading = "One job"
    )]
    max_retries: Option<u32>,
    /// How long an attempt may take.
    #[arg(
        long,
        value_name = "DURATION",
        requires = "kind",
        help_heading = "One job"
    )]
    timeout: Option<String>,
    /// Give it up if it has not begun after this time.
    #[arg(
        long,
        value_name = "DURATION",
        requires = "kind",
        help_heading = "One job"
    )]
    expires_in: Option<String>,
    /// While a job with this key lives, submit no second one.
    #[arg(long, value_name = "KEY", requires = "kind", help_heading = "One job")]
    unique: Option<String>,
    /// Mark it; may be given several times.
    #[arg(
        long = "tag",
        value_name = "TAG",
        requires = "kind",
        help_heading = "One job"
    )]
    tags: Vec<String>,
}

/// A job as the API takes it.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

impl JobFlags {
    /// Whether they make a job at all.
    pub fn is_given(&self) -> bool {
        self.kind.is_some()
    }

    /// The job as JSON.
    ///
    /// # Errors
    ///
    /// The payload is not JSON, or its file cannot be read.
    pub fn json(&self) -> Result<String, String> {
        let document = Document {
            kind: self.kind.as_deref().unwrap_or_default(),
            payload: self.payload.as_deref().map(payload).transpose()?,
            queue: self.queue.as_deref(),
            delay: self.delay.as_deref(),
            run_at: self.run_at.as_deref(),
            max_retries: self.max_retries,
            timeout: self.timeout.as_deref(),
            expires_in: self.expires_in.as_deref(),
            unique: self.unique.as_deref(),
            tags: &self.tags,
        };
        serde_json::to_string(&document).map_err(|err| err.to_string())
    }
}

/// The text of a payload, digit for digit.
fn payload(given: &str) -> Result<Box<RawValue>, String> {
    let text = match given.strip_prefix('@') {
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|err| format!("--payload: cannot read standard input: {err}"))?;
            text
        }
        Some(path) => std::fs::read_to_string(path)
            .map_err(|err| format!("--payload: cannot read {path}: {err}"))?,
        None => given.to_owned(),
    };
    RawValue::from_string(text.trim().to_owned()).map_err(|err| {
        format!(
            "--payload is not JSON: {err}\n  \
             write it in single quotes, as in --payload '{{\"to\":\"user@example.com\"}}', or put it into a file: \
             --payload @FILE"
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        job: JobFlags,
    }

    fn json(arguments: &[&str]) -> Result<String, String> {
        let line = Line::try_parse_from([&["submit"], arguments].concat())
            .map_err(|err| err.to_string())?;
        line.job.json()
    }

    #[test]
    fn flags_become_the_fields_of_their_names() {
        assert_eq!(
            json(&["--type", "noop"]).as_deref(),
            Ok(r#"{"type":"noop"}"#)
        );
        let whole = json(&[
            "--type",
            "t",
            "--payload",
            "{\"n\": 12345678901234567890}",
            "--queue",
            "q",
            "--delay",
            "10s",
            "--max-retries",
            "0",
            "--timeout",
            "1m",
            "--expires-in",
            "1h",
            "--unique",
            "u",
            "--tag",
            "a",
            "--tag",
            "b",
        ]);
        let expected = r#"{"type":"t","payload":{"n": 12345678901234567890},"queue":"q","delay":"10s","max_retries":0,"timeout":"1m","expires_in":"1h","unique":"u","tags":["a","b"]}"#;
        assert_eq!(whole.as_deref(), Ok(expected));
    }

    #[test]
    fn a_payload_that_the_shell_took_apart_is_told() {
        let problem = json(&["--type", "t", "--payload", "{to:x}"]).expect_err("not JSON");
        assert!(problem.contains("single quotes"), "{problem}");
        let problem = json(&["--type", "t", "--payload", "@/no/such"]).expect_err("no file");
        assert!(
            problem.starts_with("--payload: cannot read /no/such: "),
            "{problem}"
        );
        assert!(json(&["--queue", "q"]).is_err());
        assert!(json(&["--type", "t", "--delay", "1s", "--run-at", "x"]).is_err());
    }
}

//! Makes and changes schedules.

use std::fs;
use std::io::{self, Read};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use serde_json::value::RawValue;

use super::show;
use crate::cli::Exit;
use crate::cli::client::Asked;
use crate::cli::session::{Halt, Session};
use crate::cli::submit::JobFlags;

/// The options of `windlass schedules put`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The schedule.
    #[arg(value_name = "SCHEDULE", value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// A file with the whole schedule as the API takes it (JSON); `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "cron", conflicts_with_all = ["cron", "kind"])]
    file: Option<String>,
    /// When it fires: `*/5 * * * *`, `@daily`, `@every 90s`.
    #[arg(long, value_name = "EXPRESSION", requires = "kind")]
    cron: Option<String>,
    /// The time zone of the expression, such as Europe/Berlin.
    #[arg(long, visible_alias = "tz", value_name = "ZONE", requires = "cron")]
    time_zone: Option<String>,
    /// What happens to fires that nobody was up for: none, last or all of them are made up for.
    #[arg(long, value_name = "WHICH", requires = "cron")]
    catch_up: Option<String>,
    /// Whether it fires while the last one's job lives: allow or skip.
    #[arg(long, value_name = "HOW", requires = "cron")]
    overlap: Option<String>,
    /// Keep it, and do not let it fire.
    #[arg(long, requires = "cron")]
    disabled: bool,
    #[command(flatten)]
    job: JobFlags,
}

/// A schedule as the API takes it.
#[derive(Serialize)]
struct Document<'a> {
    cron: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<&'a str>,
    job: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    catch_up: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap: Option<&'a str>,
    enabled: bool,
}

/// Makes a schedule, or replaces it.
pub(super) fn run(session: &Session, options: &Options) -> Result<Exit, Halt> {
    let document = match (&options.file, &options.cron) {
        (Some(file), _) => read(file)?,
        (None, cron) => from_flags(options, cron.as_deref().unwrap_or_default())?,
    };
    put(session, &options.name, &document)
}

fn put(session: &Session, name: &str, document: &str) -> Result<Exit, Halt> {
    session.show(
        &Asked::new("PUT", &["schedules", name]).body(document),
        |answer| Ok(show::shown(&session.screen, &answer.read()?)),
    )
}

fn read(file: &str) -> Result<String, Halt> {
    let mut text = String::new();
    let read = match file {
        "-" => io::stdin().read_to_string(&mut text).map(|_| text),
        path => fs::read_to_string(path),
    };
    read.map_err(|err| Halt::Failed(format!("cannot read {file}: {err}")))
}

fn from_flags(options: &Options, cron: &str) -> Result<String, Halt> {
    let job = options.job.json().map_err(Halt::Usage)?;
    let wrong = |err: serde_json::Error| Halt::Failed(err.to_string());
    let document = Document {
        cron,
        time_zone: options.time_zone.as_deref(),
        job: serde_json::from_str(&job).map_err(wrong)?,
        catch_up: options.catch_up.as_deref(),
        overlap: options.overlap.as_deref(),
        enabled: !options.disabled,
    };
    serde_json::to_string(&document).map_err(wrong)
}

/// Lets a schedule fire, or not; all else about it stays as it is.
pub(super) fn set_enabled(session: &Session, name: &str, enabled: bool) -> Result<Exit, Halt> {
    let answer = session.client.ask(&Asked::get(&["schedules", name]))?;
    let found: show::Schedule = answer.read()?;
    let job = found
        .job
        .ok_or_else(|| answer.strange("a schedule without a job"))?;
    let document = Document {
        cron: &found.cron,
        time_zone: found.time_zone.as_deref(),
        job: &job,
        catch_up: found.catch_up.as_deref(),
        overlap: found.overlap.as_deref(),
        enabled,
    };
    let document = serde_json::to_string(&document).map_err(|err| Halt::Failed(err.to_string()))?;
    put(session, name, &document)
}

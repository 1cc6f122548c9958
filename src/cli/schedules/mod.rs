//! `windlass schedules`: the cron entries, of the file and of the API alike.
//!
//! - [`put`]: makes and changes them. [`show`]: shows them, and when they fire.

mod put;
mod show;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Exit;
use super::client::Asked;
use super::documents::Job;
use super::session::{self, Asking, Halt, Session};
use super::terminal::text;
use crate::config::Sources;

/// The options of `windlass schedules`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    asking: Asking,
}

/// What is done with schedules.
#[derive(Debug, Subcommand)]
enum Act {
    /// List the schedules; also what happens without a word.
    #[command(visible_alias = "ls")]
    List,
    /// Show a schedule and the job that it makes.
    Show(Name),
    /// Make a schedule, or replace it.
    Put(Box<put::Options>),
    /// Make its job now, whatever its time.
    Run(Name),
    /// Let it fire.
    Enable(Name),
    /// Keep it, and do not let it fire.
    Disable(Name),
    /// Delete a schedule.
    Delete(Name),
    /// Tell when a schedule fires next; `windlass cron explain` tells it of any expression.
    Preview(show::Preview),
}

/// A schedule.
#[derive(Debug, Args)]
struct Name {
    /// The schedule.
    #[arg(value_name = "SCHEDULE", value_parser = NonEmptyStringValueParser::new())]
    name: String,
}

/// Does what was asked for.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| match &options.act {
        None | Some(Act::List) => show::list(session),
        Some(Act::Show(schedule)) => show::one(session, &schedule.name),
        Some(Act::Put(options)) => put::run(session, options),
        Some(Act::Run(schedule)) => fire(session, &schedule.name),
        Some(Act::Enable(schedule)) => put::set_enabled(session, &schedule.name, true),
        Some(Act::Disable(schedule)) => put::set_enabled(session, &schedule.name, false),
        Some(Act::Delete(schedule)) => delete(session, &schedule.name),
        Some(Act::Preview(options)) => show::preview(session, options),
    })
}

fn fire(session: &Session, name: &str) -> Result<Exit, Halt> {
    session.show(&Asked::post(&["schedules", name, "run"]), |answer| {
        let job: Job = answer.read()?;
        let line = format!("{}  {}  {}", job.id, job.state(), job.queue());
        Ok(format!("{}\n", text::one_line(&line)))
    })
}

/// What programs are told where the API answers without a document.
#[derive(Serialize)]
struct Deleted<'a> {
    name: &'a str,
    deleted: bool,
}

fn delete(session: &Session, name: &str) -> Result<Exit, Halt> {
    let answer = session
        .client
        .ask(&Asked::new("DELETE", &["schedules", name]))?;
    if session.json && answer.text.is_empty() {
        session.say(&Deleted {
            name,
            deleted: true,
        })?;
        return Ok(Exit::Fine);
    }
    session.shown(&answer, |_| {
        Ok(format!("{}  deleted\n", text::one_line(name)))
    })?;
    Ok(Exit::Fine)
}

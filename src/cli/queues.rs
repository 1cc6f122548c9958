//! `windlass queues`: how the queues stand, and pause, resume and purge.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde::Deserialize;

use super::Exit;
use super::client::Asked;
use super::session::{self, Asking, Halt, Session, note};
use super::terminal::ask::{Consent, consent};
use super::terminal::table::{Cell, Column, Table};
use super::terminal::{Look, Screen, text};
use crate::config::Sources;

/// The options of `windlass queues`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    asking: Asking,
}

/// What is done with queues.
#[derive(Debug, Subcommand)]
enum Act {
    /// List the queues; also what happens without a word.
    #[command(visible_alias = "ls")]
    List,
    /// Take no more jobs from a queue; those that run go on.
    Pause(Name),
    /// Take jobs from a queue again.
    Resume(Name),
    /// Cancel all jobs that wait in a queue.
    Purge {
        #[command(flatten)]
        queue: Name,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// A queue.
#[derive(Debug, Args)]
struct Name {
    /// The queue.
    #[arg(value_name = "QUEUE", value_parser = NonEmptyStringValueParser::new())]
    name: String,
}

/// A queue on the wire.
#[derive(Debug, Deserialize)]
struct Queue {
    name: String,
    weight: Option<u32>,
    limit: Option<u32>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    served: bool,
    #[serde(default)]
    ready: u64,
    #[serde(default)]
    scheduled: u64,
    #[serde(default)]
    running: u64,
    oldest_ready_at: Option<String>,
}

/// A purge that was begun.
#[derive(Debug, Deserialize)]
struct Purge {
    cancelling: u64,
}

#[derive(Debug, Deserialize)]
struct Queues {
    queues: Vec<Queue>,
}

/// Does what was asked for.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| match &options.act {
        None | Some(Act::List) => list(session),
        Some(Act::Pause(queue)) => set(session, &queue.name, "pause"),
        Some(Act::Resume(queue)) => set(session, &queue.name, "resume"),
        Some(Act::Purge { queue, yes }) => purge(session, &queue.name, *yes),
    })
}

fn list(session: &Session) -> Result<Exit, Halt> {
    session.show(&Asked::get(&["queues"]), |answer| {
        let found: Queues = answer.read()?;
        Ok(table(&session.screen, &found.queues))
    })
}

fn set(session: &Session, name: &str, verb: &str) -> Result<Exit, Halt> {
    session.show(&Asked::post(&["queues", name, verb]), |answer| {
        let queue: Queue = answer.read()?;
        Ok(table(&session.screen, &[queue]))
    })
}

fn purge(session: &Session, name: &str, yes: bool) -> Result<Exit, Halt> {
    let queue: Queue = session.client.ask(&Asked::get(&["queues", name]))?.read()?;
    if !yes {
        let question = format!(
            "Cancel all jobs that wait in `{}` ({} ready, {} scheduled)?",
            text::one_line(name),
            queue.ready,
            queue.scheduled
        );
        match consent(&question) {
            Consent::Given => {}
            Consent::Denied => {
                note(&"nothing was cancelled");
                return Ok(Exit::Failed);
            }
            Consent::NobodyThere => {
                let what = "this cancels all jobs that wait there, and there is no terminal to ask on: add --yes";
                return Err(Halt::Usage(what.to_owned()));
            }
        }
    }
    session.show(&Asked::new("DELETE", &["queues", name, "jobs"]), |answer| {
        let begun: Purge = answer.read()?;
        let what = match begun.cancelling {
            1 => "1 job is being cancelled".to_owned(),
            n => format!("{n} jobs are being cancelled"),
        };
        Ok(format!("{}  {what}\n", text::one_line(name)))
    })
}

const COLUMNS: &[Column] = &[
    Column::text("NAME"),
    Column::number("READY"),
    Column::number("SCHEDULED"),
    Column::number("RUNNING"),
    Column::text("OLDEST READY").spare(1),
    Column::number("WEIGHT").spare(3),
    Column::number("LIMIT").spare(2),
    Column::text("STATUS"),
];

fn table(screen: &Screen, queues: &[Queue]) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let row = |queue: &Queue| -> Vec<Cell> {
        vec![
            queue.name.as_str().into(),
            queue.ready.to_string().into(),
            queue.scheduled.to_string().into(),
            queue.running.to_string().into(),
            screen.when(queue.oldest_ready_at.as_deref()).into(),
            number(queue.weight).into(),
            number(queue.limit).into(),
            status(queue),
        ]
    };
    let rows: Vec<_> = queues.iter().map(row).collect();
    Table::new(COLUMNS).rows(screen, &rows)
}

fn status(queue: &Queue) -> Cell {
    match (queue.paused, queue.served) {
        (true, true) => Cell::new("paused", Look::Warning),
        (true, false) => Cell::new("paused, unserved", Look::Warning),
        (false, true) => Cell::new("served", Look::Good),
        (false, false) => Cell::new("unserved", Look::Bad),
    }
}

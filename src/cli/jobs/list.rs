//! `windlass jobs list`: a page, or as many as are asked for, each shown as it comes.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Deserialize;

use crate::cli::Exit;
use crate::cli::client::Asked;
use crate::cli::documents::Job;
use crate::cli::session::{Halt, Session, note};
use crate::cli::terminal::table::{Cell, Column, Table};
use crate::cli::terminal::{Look, when};
use crate::job::State;
use crate::job::duration::parse_duration;

/// Most jobs of one page.
const PAGE_MAX: u32 = 1_000;

/// The options of `windlass jobs list`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Only jobs in this state; `live` means all that have not ended, `ended` all that have.
    #[arg(long, value_parser = states())]
    state: Option<String>,
    /// Only jobs of this type.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only jobs of this queue.
    #[arg(long)]
    queue: Option<String>,
    /// Only jobs with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only jobs that were submitted at this instant (RFC 3339) or later; `1h` is an hour ago.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only jobs that were submitted before this instant; `1h` is an hour ago.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// List at most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// List all of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

fn states() -> PossibleValuesParser {
    let states = State::ALL.iter().map(|state| state.as_str());
    PossibleValuesParser::new(["live", "ended"].into_iter().chain(states))
}

/// A page of jobs.
#[derive(Debug, Deserialize)]
struct Page {
    jobs: Vec<Job>,
    next: Option<String>,
}

/// Lists jobs.
pub(super) fn run(session: &Session, options: &Options) -> Result<Exit, Halt> {
    let since = options.since.as_deref().map(|text| instant(session, text));
    let until = options.until.as_deref().map(|text| instant(session, text));
    let is_live = options.state.as_deref().is_some_and(is_live);
    let mut table = Table::new(if is_live { LIVE } else { ENDED });
    let mut left = if options.all { u32::MAX } else { options.limit };
    let mut cursor = None::<String>;
    loop {
        let asked = Asked::get(&["jobs"])
            .with_some("state", options.state.as_deref())
            .with_some("type", options.kind.as_deref())
            .with_some("queue", options.queue.as_deref())
            .with_some("tag", options.tag.as_deref())
            .with_some("since", since.as_deref())
            .with_some("until", until.as_deref())
            .with("limit", &left.min(PAGE_MAX).to_string())
            .with_some("after", cursor.as_deref());
        let answer = session.client.ask(&asked)?;
        let page: Page = answer.read()?;
        if session.json {
            session.document(&answer.text)?;
        } else {
            let rows: Vec<_> = page
                .jobs
                .iter()
                .map(|job| row(session, job, is_live))
                .collect();
            session.print(&table.rows(&session.screen, &rows))?;
        }
        left = left.saturating_sub(u32::try_from(page.jobs.len()).unwrap_or(u32::MAX));
        cursor = page.next;
        if cursor.is_none() || left == 0 {
            break;
        }
    }
    if cursor.is_some() && session.screen.is_terminal() && !session.json {
        note(&"there are more: --limit NUMBER shows more of them, --all all");
    }
    Ok(Exit::Fine)
}

fn is_live(state: &str) -> bool {
    state == "live" || state.parse().is_ok_and(|state: State| !state.is_ended())
}

/// An instant as the API wants it; a length of time is so long ago. Anything else is the API's to refuse.
fn instant(session: &Session, text: &str) -> String {
    match parse_duration(text) {
        Ok(ago) => when::rfc3339(session.screen.now() - ago),
        Err(_) => text.to_owned(),
    }
}

const ENDED: &[Column] = &[
    Column::text("ID"),
    Column::text("STATE"),
    Column::text("TYPE"),
    Column::text("QUEUE").spare(1),
    Column::number("ATTEMPT").spare(2),
    Column::text("ENDED"),
    Column::number("TOOK").spare(3),
    Column::long("ERROR"),
];

const LIVE: &[Column] = &[
    Column::text("ID"),
    Column::text("STATE"),
    Column::text("TYPE"),
    Column::text("QUEUE").spare(1),
    Column::number("ATTEMPT").spare(2),
    Column::text("RUN AT"),
    Column::text("CREATED").spare(3),
    Column::long("ERROR"),
];

fn row(session: &Session, job: &Job, is_live: bool) -> Vec<Cell> {
    let screen = &session.screen;
    let at = |given: &Option<String>| -> Cell { screen.when(given.as_deref()).into() };
    let (first, second) = if is_live {
        (at(&job.run_at), at(&job.created_at))
    } else {
        let took = when::between(job.started_at.as_deref(), job.ended_at.as_deref());
        let took = took.map_or_else(|| "-".to_owned(), |took: Duration| when::precise(took));
        (at(&job.ended_at), took.into())
    };
    let error = job.error.as_ref().map_or_else(String::new, |error| {
        format!("{}: {}", error.kind, error.message)
    });
    vec![
        job.id.as_str().into(),
        Cell::state(job.state()),
        job.kind.as_str().into(),
        job.queue().into(),
        format!("{}/{}", job.attempt, job.max_retries.saturating_add(1)).into(),
        first,
        second,
        Cell::new(error, Look::Faint),
    ]
}

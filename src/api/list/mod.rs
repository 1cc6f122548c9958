//! `GET /jobs`: lists of jobs, page by page.
//!
//! ```text
//!   query ── checked parameters ──▶ ended: outbox, then storage ──▶ page: summaries, and a cursor for the next one
//!                              └──▶ live: line after line of the queue ──▶ (the same)
//! ```
//!
//! Ended jobs come newest id first, and whoever reads all pages gets each once that had ended before the first one; live
//! ones come in the order in which they will run, as they stand at the moment.

mod budget;
mod cursor;
mod ended;
mod live;
mod query;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Answer;
use super::problem::ApiError;
use super::read;
use super::routes::{Incoming, Then};
use super::server::Shared;
use super::view::SummaryView;
use crate::job::{JobId, Summary};

use cursor::Cursor;
pub use query::{LIMIT, LIMIT_MAX, states};
use query::{Query, Which};

/// A page of a list.
struct Page {
    jobs: Vec<Summary>,
    /// Where the next page goes on; `None`: this was the last one.
    next: Option<Cursor>,
    /// Whether the page was broken off for the sake of its cost: what follows was not looked at yet.
    partial: bool,
}

/// A page of jobs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Jobs")]
pub struct PageView<'a> {
    jobs: Vec<SummaryView<'a>>,
    /// What to pass as `after` for the next page; null: this was the last one.
    next: Option<String>,
    /// Whether the page ended before it was full, because so many jobs had been looked at; `next` goes on from there.
    partial: bool,
}

/// Answers `GET /jobs`.
///
/// # Errors
///
/// 400 for wrong parameters, 503 when the queue cannot be asked, or storage where ended jobs are asked for.
pub fn jobs(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let query = Query::of(incoming).map_err(ApiError::Malformed)?;
    let page = match &query.which {
        Which::Ended(after) => ended::page(&shared.services, &query, *after)?,
        Which::Live(after) => live::page(&shared.services, &query, after.as_ref())?,
    };
    let retries = match &query.which {
        Which::Ended(_) => {
            let ids: Vec<JobId> = page.jobs.iter().map(|job| job.id).collect();
            read::retries(&shared.services, &ids)
        }
        Which::Live(_) => vec![None; page.jobs.len()],
    };
    let jobs = page.jobs.iter().zip(retries);
    let view = PageView {
        jobs: jobs
            .map(|(job, retry)| SummaryView::of(job, retry))
            .collect(),
        next: page.next.map(|next| next.written(&query.seal)),
        partial: page.partial,
    };
    Ok(Then::Answer(Answer::json(200, &view)))
}

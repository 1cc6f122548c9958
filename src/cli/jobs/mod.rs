//! `windlass jobs`: what became of jobs, and what operators do to them.

mod act;
mod list;
pub(super) mod show;

use std::time::Duration;

use clap::{Args, Subcommand};

use super::client::trouble::Trouble;
use super::client::{Answer, Asked};
use super::session::{self, Asking, Session};
use super::{Exit, documents};
use crate::clock::{Clock, SystemClock};
use crate::config::Sources;

use act::Verb;

/// The options of `windlass jobs`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    act: Act,
    #[command(flatten)]
    asking: Asking,
}

/// What is done with jobs.
#[derive(Debug, Subcommand)]
enum Act {
    /// List jobs: those that have ended, the newest first, or with --state live those that wait or run.
    #[command(visible_alias = "ls")]
    List(list::Options),
    /// Show a job: its payload, its result, and each attempt with its error and log.
    Show(show::Options),
    /// End jobs that wait, and ask those that run to stop.
    Cancel(act::Ids),
    /// Run jobs that have ended again, each as a new job.
    Retry(act::Ids),
    /// Run jobs that wait for their time now.
    Run(act::Ids),
    /// Delete the records of jobs that have ended.
    Delete(act::Ids),
}

/// Does what was asked for.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| match &options.act {
        Act::List(options) => list::run(session, options),
        Act::Show(options) => show::run(session, options),
        Act::Cancel(ids) => act::run(session, Verb::Cancel, ids),
        Act::Retry(ids) => act::run(session, Verb::Retry, ids),
        Act::Run(ids) => act::run(session, Verb::Run, ids),
        Act::Delete(ids) => act::run(session, Verb::Delete, ids),
    })
}

/// The longest time for which one request waits for the end of a job.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The part of `wait` that one request can wait, and what is left of it.
pub(super) fn one_wait(wait: Duration) -> (Duration, Duration) {
    let now = wait.min(WAIT_MAX);
    (now, wait - now)
}

/// Asks for a job until it has ended, or `wait` is over.
pub(super) fn await_end(session: &Session, id: &str, wait: Duration) -> Result<Answer, Trouble> {
    let clock = SystemClock;
    let until = clock.now() + wait;
    loop {
        let left = until.since(clock.now());
        let (now, _) = one_wait(left);
        let mut asked = Asked::get(&["jobs", id]);
        if !now.is_zero() {
            asked = asked.waiting(now);
        }
        let answer = session.client.ask(&asked)?;
        if now == left || answer.read::<documents::Job>()?.has_ended() {
            return Ok(answer);
        }
    }
}

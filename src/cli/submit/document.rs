//! One job or an array of them, as one request: all or nothing.

use std::io::Read;
use std::time::Duration;

use serde::Deserialize;

use super::sender::{Repeat, Submission, fresh_key};
use super::{Options, Source};
use crate::cli::Exit;
use crate::cli::client::Answer;
use crate::cli::client::trouble::Trouble;
use crate::cli::documents::Job;
use crate::cli::jobs::{await_end, one_wait, show};
use crate::cli::session::{Halt, Session, note};
use crate::cli::terminal::text;

/// The largest document that is read: no daemon takes a larger one (BODYMAX).
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Reads a document.
pub(super) fn read(source: Source) -> Result<String, Halt> {
    let name = source.name();
    let failed = |what: &dyn std::fmt::Display| Halt::Failed(format!("cannot read {name}: {what}"));
    let mut text = String::new();
    let mut reader = source.reader().take(DOCUMENT_BYTES_MAX + 1);
    reader
        .read_to_string(&mut text)
        .map_err(|err| failed(&err))?;
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        let what = "it is larger than 256 MiB; put a job a line into an .ndjson file";
        return Err(failed(&what));
    }
    if text.trim().is_empty() {
        return Err(failed(&"it is empty"));
    }
    Ok(text)
}

/// The answer to an array.
#[derive(Deserialize)]
struct Accepted {
    jobs: Vec<Job>,
}

/// Submits a document.
pub(super) fn submit(session: &Session, options: &Options, document: &str) -> Result<Exit, Halt> {
    let is_array = document.trim_start().starts_with('[');
    if is_array && options.wait.is_some() {
        return Err(Halt::Usage("--wait goes with one job only".to_owned()));
    }
    let (wait, rest) = one_wait(options.wait.unwrap_or_default());
    let key = options.idempotency_key.clone().unwrap_or_else(fresh_key);
    let submission = Submission {
        body: document,
        key: &key,
        wait,
        repeat: Repeat::Unknown,
    };
    let answer = submission.send(session, note).map_err(|given_up| {
        let mut text = given_up.trouble.to_string();
        if given_up.is_unknown {
            text.push_str(&format!(
                "\n  whether it was accepted is unknown: the same command with --idempotency-key {key} submits nothing twice"
            ));
        } else if is_a_job_a_line(document, &given_up.trouble) {
            text.push_str("\n  is there a job a line? then add --ndjson");
        }
        Halt::Failed(text)
    })?;
    if is_array {
        return accepted(session, &answer);
    }
    match options.wait {
        Some(wait) => ended(session, answer, wait, rest),
        None => session
            .shown(&answer, |answer| Ok(receipt(&answer.read()?)))
            .map(|()| Exit::Fine),
    }
}

/// Whether a document that was refused as malformed is JSON again from its second line on.
fn is_a_job_a_line(document: &str, trouble: &Trouble) -> bool {
    trouble
        .refusal()
        .is_some_and(|refusal| refusal.status == 400)
        && document.lines().take(2).count() == 2
        && document
            .lines()
            .take(2)
            .all(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok())
}

fn accepted(session: &Session, answer: &Answer) -> Result<Exit, Halt> {
    session.shown(answer, |answer| {
        let found: Accepted = answer.read()?;
        Ok(found.jobs.iter().map(receipt).collect())
    })?;
    Ok(Exit::Fine)
}

fn receipt(job: &Job) -> String {
    let (id, state, queue) = (&job.id, job.state(), job.queue());
    format!("{}\n", text::one_line(&format!("{id}  {state}  {queue}")))
}

/// Shows the job once it has ended, or as it is when the wait is over.
fn ended(session: &Session, answer: Answer, wait: Duration, rest: Duration) -> Result<Exit, Halt> {
    let job: Job = answer.read()?;
    // A receipt says less than the job that a look brings, also when there is nothing left to wait.
    let answer = if job.has_ended() && job.created_at.is_some() {
        answer
    } else {
        await_end(session, &job.id, rest)?
    };
    let job: Job = answer.read()?;
    session.shown(&answer, |_| Ok(show::shown(&session.screen, &job)))?;
    Ok(show::judged(&job, wait))
}

//! `windlass jobs cancel`, `retry`, `run`, `delete`: the same for each job, each with a line of its own.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::Exit;
use crate::cli::client::trouble::{Refusal, Trouble};
use crate::cli::client::{Answer, Asked};
use crate::cli::documents::Job;
use crate::cli::session::{Halt, Session, note};
use crate::cli::terminal::text;

/// The jobs.
#[derive(Debug, Args)]
pub(super) struct Ids {
    /// The jobs.
    #[arg(required = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
}

/// What is done to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Cancel,
    Retry,
    Run,
    Delete,
}

/// Does it to each job, whatever becomes of those before it. Only a daemon that does not answer ends it early.
pub(super) fn run(session: &Session, verb: Verb, ids: &Ids) -> Result<Exit, Halt> {
    let mut exit = Exit::Fine;
    for id in &ids.ids {
        match session.client.ask(&verb.asked(id)) {
            Ok(answer) => done(session, verb, id, &answer)?,
            Err(Trouble::Refused(refusal)) => {
                refused(session, id, &refusal)?;
                exit = Exit::Failed;
            }
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Ok(exit)
}

impl Verb {
    fn asked<'a>(self, id: &str) -> Asked<'a> {
        match self {
            Self::Cancel => Asked::post(&["jobs", id, "cancel"]),
            Self::Retry => Asked::post(&["jobs", id, "retry"]),
            Self::Run => Asked::post(&["jobs", id, "run"]),
            Self::Delete => Asked::new("DELETE", &["jobs", id]),
        }
    }

    fn outcome(self, job: Option<&Job>) -> String {
        match (self, job) {
            (Self::Delete, _) => "deleted".to_owned(),
            (Self::Run, _) => "due now".to_owned(),
            (Self::Retry, Some(job)) => format!("retried as {}", job.id),
            (Self::Cancel, Some(job)) if !job.has_ended() => {
                format!("{}, asked to stop", job.state())
            }
            (_, Some(job)) => job.state().to_owned(),
            (Self::Cancel | Self::Retry, None) => "done".to_owned(),
        }
    }
}

/// What programs are told where the API answers without a document.
#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    deleted: bool,
}

/// What programs are told where it says no.
#[derive(Serialize)]
struct Refused<'a> {
    id: &'a str,
    error: &'a RawValue,
}

fn done(session: &Session, verb: Verb, id: &str, answer: &Answer) -> Result<(), Halt> {
    if session.json {
        // Only a deletion is answered without a document.
        if answer.text.is_empty() {
            return session.say(&Deleted { id, deleted: true });
        }
        return session.document(&answer.text);
    }
    let job = (!answer.text.is_empty())
        .then(|| answer.read::<Job>())
        .transpose()?;
    let outcome = verb.outcome(job.as_ref());
    session.print(&format!(
        "{}  {}\n",
        text::one_line(id),
        text::one_line(&outcome)
    ))
}

/// Programs get the problem document in the place where the job's would stand, people a line on standard error.
fn refused(session: &Session, id: &str, refusal: &Refusal) -> Result<(), Halt> {
    if session.json {
        let problem = serde_json::from_str(&refusal.text);
        let error = problem.map_err(|err| Halt::Failed(err.to_string()))?;
        return session.say(&Refused { id, error });
    }
    note(&format_args!("{}: {refusal}", text::one_line(id)));
    Ok(())
}

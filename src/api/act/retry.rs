//! `POST /jobs/{id}/retry`: an ended job is run again, by one job however often it is asked for (Q15).
//!
//! The new job is named first. Then the queue is asked for an earlier one, then storage; if there is none it is
//! submitted, and the queue decides once more between those who came this far together.

use std::sync::Arc;

use crate::api::Services;
use crate::api::answer::Answer;
use crate::api::exchange::Exchange;
use crate::api::problem::ApiError;
use crate::api::read::{job_id, look_for, told};
use crate::api::routes::{Incoming, Then};
use crate::api::server::Shared;
use crate::api::submitter::{Outcome, Pending};
use crate::api::view::JobView;
use crate::job::draft::{Looked as Fit, Types as _, Wrong};
use crate::job::{Found, Job, JobId, Live, Record};
use crate::queue::{Accepted, Submission, Submitted};
use crate::storage::is_defective;

/// Answers `POST /jobs/{id}/retry`.
///
/// # Errors
///
/// 404, 409 while the job lives or another holds its unique key, 422 when it could not be run, 503.
pub fn retry(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let old = job_id(incoming)?;
    let services = Arc::clone(&shared.services);
    let id = JobId::mint(services.queue.now(), fastrand::u64(..));
    let record = match *look_for(&services, old)? {
        Found::Ended(record) => record,
        Found::Live(live) => {
            return Err(ApiError::Conflict(format!(
                "the job has not ended: it is {}; only an ended job can be run again",
                live.state
            )));
        }
    };
    if let Some(retry) = earlier(&services, old)? {
        return Ok(Then::Answer(found_again(&services, retry)?));
    }
    can_run(shared, &record)?;
    let job = Arc::new(record.job.again(id));
    let submitter = shared.submitter.clone();
    Ok(Then::Later(Box::new(move |exchange: Exchange| {
        let submission = Submission {
            jobs: vec![Arc::clone(&job)],
            idempotency: None,
        };
        let reply = move |outcome| match answer(&services, old, &job, outcome) {
            Ok(answer) => exchange.answer(answer),
            Err(error) => exchange.refuse(&error),
        };
        submitter.submit(Pending {
            submission,
            reply: Box::new(reply),
        });
    })))
}

/// The job that runs `old` again already. Without storage the queue's word must do, which knows of every job that
/// storage could not take.
fn earlier(services: &Services, old: JobId) -> Result<Option<JobId>, ApiError> {
    let known = services.queue.retried(&[old])?.pop().flatten();
    let (None, Some(storage)) = (known, &services.storage) else {
        return Ok(known);
    };
    match storage.retried(&[old]) {
        Ok(mut stored) => Ok(stored.pop().flatten()),
        Err(err) if matches!(services.queue.find(&[old])?.pop(), Some(Some(_))) => {
            log::warn!("job {old} is run again while storage is away: {err}");
            Ok(None)
        }
        Err(err) => Err(err.into()),
    }
}

/// Makes sure that a job has what it was submitted with, and that somebody would run it.
fn can_run(shared: &Shared, record: &Record) -> Result<(), ApiError> {
    let job = &record.job;
    if is_defective(record) {
        return Err(ApiError::Conflict(
            "the job's payload could not be stored, as its error says; submit it anew".to_owned(),
        ));
    }
    let present = shared.services.terms.present();
    match shared
        .elsewhere
        .beside(&present)
        .look(&job.kind, Some(&job.payload))
    {
        Fit::Fits => Ok(()),
        Fit::Away(cause) => Err(ApiError::QueueAway(cause)),
        Fit::Wrong(mut wrongs) => {
            for wrong in &mut wrongs {
                wrong.pointer.insert_str(0, "/payload");
            }
            Err(ApiError::Invalid(wrongs))
        }
        Fit::Unknown(_) => {
            let detail = format!("no daemon runs the job type `{}` any more", job.kind);
            Err(ApiError::UnknownType(vec![Wrong::new("/type", detail)]))
        }
    }
}

/// The answer, the end of the submission being known.
fn answer(
    services: &Services,
    old: JobId,
    job: &Job,
    outcome: Outcome,
) -> Result<Answer, ApiError> {
    let accepted = match outcome.map_err(|failure| failure.refusal(&[job.id]))? {
        Submitted::Accepted(accepted) => accepted.first().copied(),
        Submitted::Outdated => {
            let detail = "it took too long to look for an earlier retry; ask again";
            return Err(ApiError::Busy(detail.to_owned()));
        }
        Submitted::Replayed(_) | Submitted::KeyReused | Submitted::KeysFull => None,
    };
    match accepted {
        Some(Accepted::New(_, state)) => {
            let live = Found::Live(Live::accepted(job.clone(), state));
            Ok(located(Answer::json(202, &JobView::of(&live)), job.id))
        }
        Some(Accepted::Existing(id)) if earlier(services, old)? == Some(id) => {
            found_again(services, id)
        }
        Some(Accepted::Existing(holder)) => Err(ApiError::Conflict(format!(
            "the job's unique key `{}` is held by job {holder}, which has not ended",
            job.unique.as_deref().unwrap_or_default()
        ))),
        None => Err(ApiError::Internal("a retry was no submission".to_owned())),
    }
}

/// The answer to a further click: the job of the first.
fn found_again(services: &Services, retry: JobId) -> Result<Answer, ApiError> {
    let found = look_for(services, retry)?;
    Ok(located(told(services, 202, &found), retry))
}

fn located(answer: Answer, id: JobId) -> Answer {
    answer.with("Location", &format!("/jobs/{id}"))
}

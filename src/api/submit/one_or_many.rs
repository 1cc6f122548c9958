//! One job or an array of them, all or nothing.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tiny_http::Header;

use super::receipt::{self, Receipt, Receipts};
use super::{lone_header, not_json, text, with_rules};
use crate::api::Services;
use crate::api::answer::Answer;
use crate::api::exchange::Exchange;
use crate::api::problem::ApiError;
use crate::api::read::wait_of;
use crate::api::routes::{Incoming, Then};
use crate::api::server::Shared;
use crate::api::submitter::{Outcome, Pending};
use crate::api::waiters::{Else, Place, Waiters, Waiting};
use crate::job::draft::{self, Draft, Wrong, Wrongs};
use crate::job::{Job, JobId};
use crate::queue::{Idempotency, Submission, Submitted};

/// Submits an object or an array.
pub fn submit(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let wait = wait_of(incoming)?;
    let idempotency = idempotency(incoming)?;
    let (drafts, is_one) = drafts(shared, incoming.body)?;
    if wait.is_some() && !is_one {
        return Err(ApiError::Malformed(
            "query parameter `wait`: it goes with one job only; ask for each with GET /jobs/{id}"
                .to_owned(),
        ));
    }
    // Taken before anything is enqueued, since a refusal must mean that nothing was.
    let wait = match wait {
        Some(wait) => Some((wait, shared.waiters.take_place()?)),
        None => None,
    };
    let first = JobId::mint(shared.services.queue.now(), fastrand::u64(..));
    let jobs: Vec<Arc<Job>> = named(drafts, first);
    let sent = Sent {
        services: Arc::clone(&shared.services),
        ids: jobs.iter().map(|job| job.id).collect(),
        queues: jobs.iter().map(|job| job.queue.clone()).collect(),
        is_one,
        wait,
        waiters: shared.waiters.clone(),
    };
    let submitter = shared.submitter.clone();
    Ok(Then::Later(Box::new(move |exchange| {
        submitter.submit(Pending {
            submission: Submission { jobs, idempotency },
            reply: Box::new(move |outcome| sent.answer(exchange, outcome)),
        });
    })))
}

/// Gives each draft its id: the first, and those that follow it.
pub fn named(drafts: Vec<Draft>, first: JobId) -> Vec<Arc<Job>> {
    let drafts = drafts.into_iter().enumerate();
    drafts
        .map(|(i, draft)| Arc::new(draft.into_job(first.nth(i))))
        .collect()
}

/// The jobs of a body, and whether it is one that does not stand in an array.
fn drafts(shared: &Shared, body: &[u8]) -> Result<(Vec<Draft>, bool), ApiError> {
    let body = text(body)?;
    let is_one = !body.trim_start().starts_with('[');
    let entries = if is_one {
        serde_json::from_str(body).map(|one: &RawValue| vec![one])
    } else {
        serde_json::from_str(body)
    };
    let entries = entries.map_err(|err| not_json("the body", body, &err))?;
    Ok((drafts_of(shared, &entries, is_one)?, is_one))
}

/// The jobs of one or more entries, or all that is wrong with them; of one alone, without its index.
pub fn drafts_of(
    shared: &Shared,
    entries: &[&RawValue],
    is_one: bool,
) -> Result<Vec<Draft>, ApiError> {
    let max = shared.services.terms.present().config.submit_max;
    if entries.len() > max {
        let detail = format!(
            "the array holds {} jobs; at most {max} (SUBMITMAX): send several requests, or NDJSON",
            entries.len()
        );
        return Err(ApiError::TooLarge(detail, Vec::new()));
    }
    if entries.is_empty() {
        let wrong = Wrong::new("", "the array is empty; submit at least one job");
        return Err(ApiError::Invalid(vec![wrong]));
    }
    let mut wrongs: Wrongs = Vec::new();
    let mut drafts = Vec::with_capacity(entries.len());
    with_rules(shared, |rules| {
        for (index, raw) in entries.iter().enumerate() {
            let at = if is_one {
                String::new()
            } else {
                format!("/{index}")
            };
            drafts.extend(draft::read(raw, &at, rules, &mut wrongs)?);
        }
        Ok::<(), ApiError>(())
    })?;
    if wrongs.is_empty() {
        return Ok(drafts);
    }
    Err(ApiError::of_wrongs(wrongs))
}

fn idempotency(incoming: &Incoming<'_>) -> Result<Option<Idempotency>, ApiError> {
    let Some(key) = idempotency_key(incoming.headers)? else {
        return Ok(None);
    };
    Ok(Some(Idempotency {
        key: key.to_owned(),
        digest: Sha256::digest(incoming.body).into(),
    }))
}

/// The Idempotency-Key of a request, if it has one.
pub fn idempotency_key(headers: &[Header]) -> Result<Option<&str>, ApiError> {
    let Some(key) = lone_header(headers, "Idempotency-Key")? else {
        return Ok(None);
    };
    let is_fit = (1..=255).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !is_fit {
        return Err(ApiError::Malformed(
            "the Idempotency-Key must be 1 to 255 printable ASCII characters".to_owned(),
        ));
    }
    Ok(Some(key))
}

/// What was submitted, for the time when its end is known.
struct Sent {
    services: Arc<Services>,
    ids: Vec<JobId>,
    queues: Vec<String>,
    is_one: bool,
    wait: Option<(Duration, Place)>,
    waiters: Waiters,
}

impl Sent {
    /// Answers, the end being known.
    fn answer(mut self, exchange: Exchange, outcome: Outcome) {
        let (status, mut jobs) = match self.receipts(outcome) {
            Ok(found) => found,
            Err(error) => return exchange.refuse(&error),
        };
        if !self.is_one {
            return exchange.answer(Answer::json(status, &Receipts { jobs }));
        }
        let Some(first) = jobs.pop() else {
            let error = ApiError::Internal("one job was accepted, and none named".to_owned());
            return exchange.refuse(&error);
        };
        let mut answer = Answer::json(status, &first);
        answer = answer.with("Location", &format!("/jobs/{}", first.id));
        match self.wait.take() {
            Some((wait, place)) => self.waiters.park(Waiting::new(
                exchange,
                first.id,
                wait,
                Else::With(answer),
                place,
            )),
            None => exchange.answer(answer),
        }
    }

    /// The status and the jobs of the answer.
    fn receipts(&mut self, outcome: Outcome) -> Result<(u16, Vec<Receipt>), ApiError> {
        let queues = mem::take(&mut self.queues);
        match outcome.map_err(|failure| failure.refusal(&self.ids))? {
            Submitted::Accepted(accepted) => {
                Ok(receipt::accepted(&self.services, &accepted, queues))
            }
            Submitted::Replayed(ids) => Ok((200, receipt::replayed(&self.services, ids, queues))),
            Submitted::KeyReused => Err(ApiError::KeyReused),
            Submitted::KeysFull => Err(ApiError::TooMany(
                "no more Idempotency-Keys can be remembered at present (IDEMPOTENCYMAX); send \
                 the request without one, or later"
                    .to_owned(),
            )),
            Submitted::Outdated => Err(ApiError::Internal(
                "the queue took a submission for a retry".to_owned(),
            )),
        }
    }
}

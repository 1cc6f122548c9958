//! NDJSON, for loading much: taken in pieces of up to 1,000 lines, each all or nothing, answered line by line.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::one_or_many::{idempotency_key, named};
use super::receipt::{self, Receipt};
use super::{not_json, text, with_rules};
use crate::api::Services;
use crate::api::answer::Answer;
use crate::api::exchange::Exchange;
use crate::api::problem::{ApiError, Problem};
use crate::api::routes::{Incoming, Then};
use crate::api::server::Shared;
use crate::api::submitter::{Desk, Failure};
use crate::job::JobId;
use crate::job::draft::{self, Draft, Rules, Wrong};
use crate::queue::{Submitted, TICKETS_PER_CALL_MAX};

/// Most lines of one request: its answer, a line each, is held in memory.
const LINES_MAX: usize = 100_000;

/// A piece of the body: jobs in order, or for each line what is wrong.
type Piece = Result<Vec<Draft>, Vec<Problem>>;

/// Loads NDJSON.
pub fn submit(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    if incoming.parameter("wait").is_some() {
        return Err(ApiError::Malformed(
            "query parameter `wait`: it goes with one job only; ask for each with GET /jobs/{id}"
                .to_owned(),
        ));
    }
    if idempotency_key(incoming.headers)?.is_some() {
        return Err(ApiError::Malformed(
            "an Idempotency-Key goes with one job or an array, not with NDJSON; give each job a \
             unique key instead"
                .to_owned(),
        ));
    }
    let pieces = pieces(shared, text(incoming.body)?)?;
    let (services, desk) = (Arc::clone(&shared.services), shared.submitter.clone());
    Ok(Then::Later(Box::new(move |exchange| {
        load_aside(exchange, services, desk, pieces);
    })))
}

/// Loads on a thread of its own, since each piece is waited for.
fn load_aside(exchange: Exchange, services: Arc<Services>, desk: Desk, pieces: Vec<Piece>) {
    let doorway = Arc::clone(exchange.doorway());
    if !doorway.has_room() {
        let busy = "too many requests are being loaded at once; nothing was enqueued; try again";
        return exchange.refuse(&ApiError::Busy(busy.to_owned()));
    }
    doorway.aside(move || {
        let body = load(&services, &desk, pieces);
        exchange.answer(Answer::of_bytes(200, "application/x-ndjson", body));
    });
}

fn pieces(shared: &Shared, body: &str) -> Result<Vec<Piece>, ApiError> {
    let lines = || body.lines().filter(|line| !line.trim().is_empty());
    let count = lines().count();
    if count > LINES_MAX {
        let detail = format!("{count} lines; at most {LINES_MAX} a request: send several");
        return Err(ApiError::TooLarge(detail, Vec::new()));
    }
    if count == 0 {
        let wrong = Wrong::new("", "there is no line; submit at least one job");
        return Err(ApiError::Invalid(vec![wrong]));
    }
    let lines: Vec<&str> = lines().collect();
    with_rules(shared, |rules| {
        let pieces = lines.chunks(TICKETS_PER_CALL_MAX);
        pieces.map(|piece| read_piece(piece, rules)).collect()
    })
}

/// Reads the lines of one piece.
///
/// # Errors
///
/// 503 when it cannot be found out whether a type is known; then nothing at all was enqueued.
fn read_piece(lines: &[&str], rules: &Rules<'_>) -> Result<Piece, ApiError> {
    let mut drafts = Vec::with_capacity(lines.len());
    let mut problems: Vec<(usize, Problem)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match read_line(line, rules) {
            Ok(draft) => drafts.push(draft),
            Err(error) if error.problem().status >= 500 => return Err(error),
            Err(error) => problems.push((index, error.problem())),
        }
    }
    if problems.is_empty() {
        return Ok(Ok(drafts));
    }
    let innocent = ApiError::PieceRefused.problem();
    let mut problems = problems.into_iter().peekable();
    let each = (0..lines.len()).map(|index| {
        let own = problems.next_if(|(wrong, _)| *wrong == index);
        own.map_or_else(|| innocent.clone(), |(_, problem)| problem)
    });
    Ok(Err(each.collect()))
}

fn read_line(line: &str, rules: &Rules<'_>) -> Result<Draft, ApiError> {
    let raw: &RawValue =
        serde_json::from_str(line).map_err(|err| not_json("the line", line, &err))?;
    let mut wrongs = Vec::new();
    let draft = draft::read(raw, "", rules, &mut wrongs)?;
    draft.ok_or_else(|| ApiError::of_wrongs(wrongs))
}

/// Enqueues piece after piece; the lines of the answer.
fn load(services: &Services, desk: &Desk, pieces: Vec<Piece>) -> Vec<u8> {
    let mut out = Vec::new();
    // Once the queue is away, asking again for each of a hundred pieces would take minutes.
    let mut given_up: Option<Failure> = None;
    for piece in pieces {
        let drafts = match piece {
            Ok(drafts) => drafts,
            Err(problems) => {
                for problem in problems {
                    write_problem(&mut out, problem);
                }
                continue;
            }
        };
        let first = JobId::mint(services.queue.now(), fastrand::u64(..));
        let jobs = named(drafts, first);
        let (ids, queues): (Vec<JobId>, Vec<String>) =
            jobs.iter().map(|job| (job.id, job.queue.clone())).unzip();
        let outcome = match &given_up {
            Some(failure) => Err(failure.clone()),
            None => desk.ask(jobs),
        };
        match outcome {
            Ok(Submitted::Accepted(accepted)) => {
                for receipt in receipt::accepted(services, &accepted, queues).1 {
                    write_line(&mut out, &LineAnswer::Accepted(receipt));
                }
            }
            Ok(other) => {
                let error = ApiError::Internal(format!("{other:?} without a key"));
                log::error!("{error}");
                ids.iter()
                    .for_each(|_| write_problem(&mut out, error.problem()));
            }
            Err(failure) => {
                for id in &ids {
                    let refusal = failure.clone().refusal(&[*id]);
                    write_problem(&mut out, refusal.problem());
                }
                given_up.get_or_insert(match failure {
                    Failure::Unknown(cause) => Failure::Away(cause),
                    other => other,
                });
            }
        }
    }
    out
}

/// What became of one line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LineAnswer {
    /// It was accepted, or had been before.
    Accepted(Receipt),
    /// It was refused.
    Refused {
        /// Why.
        error: Problem,
    },
}

fn write_line(out: &mut Vec<u8>, line: &LineAnswer) {
    // Nothing in a line is beyond JSON; a Vec takes all that is written to it.
    serde_json::to_writer(&mut *out, line).ok();
    out.push(b'\n');
}

fn write_problem(out: &mut Vec<u8>, error: Problem) {
    write_line(out, &LineAnswer::Refused { error });
}

//! What goes into the scripts, and what their letters mean.

use std::time::Duration;

use ::redis::Cmd;

use super::{attempts, rows};
use crate::job::{Job, JobId, State, Ticket, Timestamp};
use crate::queue::{
    Accepted, Ending, Lease, QueueError, Settled, Settlement, Submission, Submitted,
};

/// What `reserve` answers of one lease beside the body: `ticket failures crashes leased_at queue`, or the ticket alone
/// for a job never lent before, whose head can be read.
pub(super) struct Granted<'a> {
    pub(super) ticket: Ticket,
    pub(super) failures: u32,
    pub(super) crashes: u32,
    pub(super) queue: Option<&'a str>,
    leased_at: Timestamp,
}

impl<'a> Granted<'a> {
    pub(super) fn read(text: &'a str, now: Timestamp) -> Option<Self> {
        let mut words = text.split(' ');
        let ticket = read_ticket(words.next()?)?;
        let Some(failures) = words.next() else {
            return Some(Self {
                ticket,
                failures: 0,
                crashes: 0,
                queue: None,
                leased_at: now,
            });
        };
        Some(Self {
            ticket,
            failures: failures.parse().ok()?,
            crashes: words.next()?.parse().ok()?,
            leased_at: Timestamp::from_micros(words.next()?.parse().ok()?),
            queue: Some(words.next()?),
        })
    }

    pub(super) fn lease(self, job: Job) -> Lease {
        Lease {
            ticket: self.ticket,
            job: job.into(),
            failures: self.failures,
            crashes: self.crashes,
            leased_at: self.leased_at,
        }
    }
}

/// Characters of an id as text.
const ID_LENGTH: usize = 36;

/// A ticket as it stands in lines and in `lent`: the id alone for the first one of a job.
pub(super) fn ticket(ticket: Ticket) -> String {
    if ticket.n == 1 {
        ticket.id.to_string()
    } else {
        ticket.to_string()
    }
}

/// Reads what [`ticket`] wrote.
pub(super) fn read_ticket(text: &str) -> Option<Ticket> {
    match text.len() {
        ID_LENGTH => Some(Ticket {
            id: text.parse().ok()?,
            n: 1,
        }),
        _ => text.parse().ok(),
    }
}

/// Adds a job's words (accept.lua), a head before them where they are not of the same queue and kind as those `before`
/// them.
pub(super) fn add_job(
    command: &mut Cmd,
    before: Option<&Job>,
    job: &Job,
) -> Result<(), QueueError> {
    let options = rows::options(job);
    let kind = |options: &str| {
        if options.is_empty() {
            "plain"
        } else {
            "options"
        }
    };
    let same = before.is_some_and(|before| {
        before.queue == job.queue && kind(&rows::options(before)) == kind(&options)
    });
    if !same {
        command.arg("=").arg(&job.queue).arg(kind(&options));
    }
    command.arg(job.id.to_string());
    if !options.is_empty() {
        command.arg(options);
    }
    command.arg(encode("enqueue", rows::body(job))?);
    Ok(())
}

/// What settle.lua calls what becomes of a job.
fn kind(settlement: &Settlement) -> &'static str {
    match &settlement.ending {
        Ending::End {
            state: State::Succeeded,
            ..
        } if settlement.lease.job.unique.is_none() => "plain",
        Ending::End { state, .. } => state.as_str(),
        Ending::Retry { .. } => "retry",
    }
}

/// Adds the words of a settlement (settle.lua), a head before them where they are not of the same queue and kind as
/// those `before` them; tells the bytes.
pub(super) fn add_settlement(
    command: &mut Cmd,
    before: Option<&Settlement>,
    settlement: &Settlement,
) -> Result<usize, QueueError> {
    let Settlement {
        lease,
        attempt,
        ending,
    } = settlement;
    let kind_here = kind(settlement);
    let same = before.is_some_and(|before| {
        before.lease.job.queue == lease.job.queue && kind(before) == kind_here
    });
    if !same {
        command.arg("=").arg(&lease.job.queue).arg(kind_here);
    }
    command.arg(ticket(lease.ticket));
    match ending {
        Ending::End { result, error, .. } => {
            let tail = rows::tail(
                lease.attempt(),
                error.as_ref(),
                Some(attempt),
                result.as_deref(),
            );
            let tail = encode("settle", tail)?;
            if kind_here != "plain" {
                command.arg(lease.job.unique.as_deref().unwrap_or(""));
            }
            command.arg(&tail);
            Ok(tail.len())
        }
        Ending::Retry { delay } => {
            let attempt = encode("settle", attempts::line(attempt))?;
            command.arg(micros(*delay)).arg(&attempt);
            Ok(attempt.len())
        }
    }
}

pub(super) fn settled(letter: u8) -> Option<Settled> {
    Some(match letter {
        b's' => Settled::Now(State::Succeeded),
        b'd' => Settled::Now(State::Dead),
        b'c' => Settled::Now(State::Cancelled),
        b'r' => Settled::Now(State::Retrying),
        b'q' => Settled::Now(State::Queued),
        b'l' => Settled::Now(State::Scheduled),
        b'-' => Settled::NotOurs,
        _ => return None,
    })
}

/// Reads one line of an enqueue's answer.
pub(super) fn submitted(answer: &str, submission: &Submission) -> Option<Submitted> {
    let rest = answer.get(1..)?;
    match answer.as_bytes().first()? {
        b'A' => accepted(rest, submission.jobs.iter().map(|job| job.id)).map(Submitted::Accepted),
        b'R' => {
            let mut words = rest.split(' ');
            let first: JobId = words.next()?.parse().ok()?;
            let count: usize = words.next()?.parse().ok()?;
            let mut ids: Vec<JobId> = (0..count).map(|i| first.nth(i)).collect();
            for exception in words.next()?.split(',').filter(|e| !e.is_empty()) {
                let (index, id) = exception.split_once('=')?;
                *ids.get_mut(index.parse::<usize>().ok()?)? = id.parse().ok()?;
            }
            Some(Submitted::Replayed(ids))
        }
        b'K' => Some(Submitted::KeyReused),
        b'F' => Some(Submitted::KeysFull),
        b'O' => Some(Submitted::Outdated),
        _ => None,
    }
}

/// Reads the letters of accepted jobs, one for each of `ids`.
pub(super) fn accepted(
    mut letters: &str,
    ids: impl ExactSizeIterator<Item = JobId>,
) -> Option<Vec<Accepted>> {
    let mut accepted = Vec::with_capacity(ids.len());
    for id in ids {
        let letter = *letters.as_bytes().first()?;
        letters = &letters[1..];
        accepted.push(match letter {
            b'q' => Accepted::New(id, State::Queued),
            b's' => Accepted::New(id, State::Scheduled),
            b'e' => {
                let holder = letters.get(..ID_LENGTH)?.parse().ok()?;
                letters = &letters[ID_LENGTH..];
                Accepted::Existing(holder)
            }
            _ => return None,
        });
    }
    letters.is_empty().then_some(accepted)
}

/// A length of time as the scripts count it.
pub(super) fn micros(length: Duration) -> i64 {
    // A century is as good as for ever, and leaves Lua's numbers exact.
    const MAX: i64 = 100 * 366 * 24 * 3600 * 1_000_000;
    i64::try_from(length.as_micros()).unwrap_or(MAX).min(MAX)
}

pub(super) fn id(call: &'static str, text: &str) -> Result<JobId, QueueError> {
    text.parse().map_err(|err| QueueError::broken(call, err))
}

/// What cannot be written as JSON never got into a job in the first place; still, it is no reason to panic.
pub(super) fn encode<T>(
    call: &'static str,
    encoded: Result<T, serde_json::Error>,
) -> Result<T, QueueError> {
    encoded.map_err(|err| QueueError::broken(call, err))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_of_accepted_jobs_name_new_and_existing_ones() {
        let first = JobId::mint(Timestamp::from_micros(1), 1);
        let other = JobId::mint(Timestamp::from_micros(9), 9);
        let ids = [first, first.nth(1), first.nth(2)];
        let read = accepted(&format!("qe{other}s"), ids.into_iter());
        assert_eq!(
            read,
            Some(vec![
                Accepted::New(first, State::Queued),
                Accepted::Existing(other),
                Accepted::New(first.nth(2), State::Scheduled),
            ])
        );
        for wrong in ["q", "qqqq", "qqx", "qqe01"] {
            assert_eq!(accepted(wrong, ids.into_iter()), None, "{wrong}");
        }
    }

    #[test]
    fn a_replayed_submission_gets_the_ids_of_the_first() {
        let first = JobId::mint(Timestamp::from_micros(1), 1);
        let other = JobId::mint(Timestamp::from_micros(9), 9);
        let submission = Submission {
            jobs: Vec::new(),
            idempotency: None,
        };
        assert_eq!(
            submitted(&format!("R{first} 3 1={other}"), &submission),
            Some(Submitted::Replayed(vec![first, other, first.nth(2)]))
        );
        assert_eq!(
            submitted(&format!("R{first} 2 "), &submission),
            Some(Submitted::Replayed(vec![first, first.nth(1)]))
        );
        assert_eq!(submitted("K", &submission), Some(Submitted::KeyReused));
    }
}

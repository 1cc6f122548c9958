//! What goes into the scripts, and what their letters mean.

use std::time::Duration;

use ::redis::Cmd;

use super::rows;
use crate::job::{Job, JobId, State, Ticket, Timestamp};
use crate::queue::{
    Accepted, Ending, Lease, QueueError, Settled, Settlement, Submission, Submitted,
};

/// What `reserve` answers of one lease beside the body: `id:n:queue failures crashes leased_at`, or the first
/// word alone for a job never lent before.
pub(super) struct Granted<'a> {
    pub(super) member: &'a str,
    pub(super) ticket: Ticket,
    pub(super) failures: u32,
    pub(super) crashes: u32,
    leased_at: Timestamp,
}

impl<'a> Granted<'a> {
    pub(super) fn read(text: &'a str, now: Timestamp) -> Option<Self> {
        let (member, counts) = match text.split_once(' ') {
            Some((member, counts)) => (member, Some(counts)),
            None => (text, None),
        };
        let mut granted = Self {
            member,
            ticket: member.rsplit_once(':')?.0.parse().ok()?,
            failures: 0,
            crashes: 0,
            leased_at: now,
        };
        if let Some(counts) = counts {
            let mut words = counts.split(' ');
            granted.failures = words.next()?.parse().ok()?;
            granted.crashes = words.next()?.parse().ok()?;
            granted.leased_at = Timestamp::from_micros(words.next()?.parse().ok()?);
        }
        Some(granted)
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

/// Adds the four words of a job (accept.lua).
pub(super) fn add_job(command: &mut Cmd, job: &Job) -> Result<(), QueueError> {
    let body = encode("enqueue", rows::body(job))?;
    command
        .arg(job.id.to_string())
        .arg(&job.queue)
        .arg(rows::options(job))
        .arg(body);
    Ok(())
}

pub(super) fn add_settlement(
    command: &mut Cmd,
    settlement: &Settlement,
) -> Result<usize, QueueError> {
    let Settlement {
        lease,
        attempt,
        ending,
    } = settlement;
    command.arg(member(lease));
    match ending {
        Ending::End {
            state,
            result,
            error,
        } => {
            let tail = rows::tail(
                lease.attempt(),
                error.as_ref(),
                Some(attempt),
                result.as_deref(),
            );
            let tail = encode("settle", tail)?;
            command
                .arg(state.as_str())
                .arg(lease.job.unique.as_deref().unwrap_or(""))
                .arg(&tail);
            Ok(tail.len())
        }
        Ending::Retry { delay } => {
            let attempt = encode("settle", serde_json::to_string(attempt))?;
            command.arg("retry").arg(micros(*delay)).arg(&attempt);
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
    const ID_LENGTH: usize = 36;
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

/// `id:n:queue`, as a lease stands in `leases`.
pub(super) fn member(lease: &Lease) -> String {
    format!("{}:{}", lease.ticket, lease.job.queue)
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

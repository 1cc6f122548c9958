//! The queue as it should be, in the plainest form: a list of jobs, and what each call does to it.
//!
//! It knows no order within a line (the contract tests that): it says which jobs may be lent and how many must be.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use windlass::job::{Job, JobId, State, Timestamp};
use windlass::queue::{Accepted, Cancelled, Renewed, Settled, Submitted};

use crate::support::bench::{KEY_WINDOW, LEASE, MAX_CRASHES};

/// For how long a collected record is claimed.
const CLAIM: Duration = Duration::from_secs(60);

/// Where a job is.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Later {
        due: Timestamp,
        retrying: bool,
    },
    Line,
    Lent {
        until: Timestamp,
        at: Timestamp,
        node: usize,
    },
    /// `claim`: from when on a recorder surely may have it, and from when on it perhaps may.
    Ended {
        state: State,
        at: Timestamp,
        claim: (Timestamp, Timestamp),
    },
    Stored,
}

/// A job, and all that is counted of it.
#[derive(Debug, Clone)]
pub struct Known {
    pub job: Job,
    pub place: Place,
    pub n: u64,
    pub failures: u32,
    pub crashes: u32,
    pub attempts: usize,
    pub cancel: bool,
    /// It waited when its queue was purged.
    pub condemned: bool,
}

/// The whole queue.
#[derive(Debug, Default)]
pub struct Model {
    pub jobs: Vec<Known>,
    index: HashMap<JobId, usize>,
    unique: HashMap<String, usize>,
    keys: HashMap<String, (u8, Vec<JobId>, Timestamp)>,
    /// Ended jobs that were run again: by which job, and until when that is surely remembered, once it is stored.
    pub retries: HashMap<JobId, (JobId, Option<Timestamp>)>,
    pub paused: [bool; 2],
    stamp: Option<Timestamp>,
    grace: Timestamp,
    pub totals: BTreeMap<State, u64>,
    /// The latest that the clock ever showed.
    pub latest: Timestamp,
}

impl Model {
    pub fn at(&self, id: JobId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// How an engine treats what it may or may not have forgotten already, before its clock was set back, is its own
    /// affair; scripts keep off such keys.
    pub fn is_sure_of(&mut self, key: &str, now: Timestamp) -> bool {
        self.latest = self.latest.max(now);
        self.keys
            .get(key)
            .is_none_or(|(.., ends)| self.latest < *ends || *ends <= now)
    }

    /// Accepts one submission.
    pub fn enqueue(&mut self, now: Timestamp, jobs: &[Job], key: Option<(&str, u8)>) -> Submitted {
        if let Some((key, digest)) = key
            && let Some((known, ids, ends)) = self.keys.get(key)
            && *ends > now
        {
            return if *known == digest {
                Submitted::Replayed(ids.clone())
            } else {
                Submitted::KeyReused
            };
        }
        let answers: Vec<Accepted> = jobs.iter().map(|job| self.accept(now, job)).collect();
        if let Some((key, digest)) = key {
            let ids = answers.iter().map(|a| a.id()).collect();
            self.keys
                .insert(key.to_owned(), (digest, ids, now + KEY_WINDOW));
        }
        Submitted::Accepted(answers)
    }

    fn accept(&mut self, now: Timestamp, job: &Job) -> Accepted {
        if let Some((retry, _)) = job.retry_of.and_then(|old| self.retries.get(&old)) {
            return Accepted::Existing(*retry);
        }
        if let Some(key) = &job.unique {
            if let Some(holder) = self.unique.get(key).map(|&i| &self.jobs[i])
                && self.is_live(holder)
                && holder.job.unique_until.is_none_or(|until| until > now)
            {
                return Accepted::Existing(holder.job.id);
            }
            self.unique.insert(key.clone(), self.jobs.len());
        }
        if let Some(old) = job.retry_of {
            self.retries.insert(old, (job.id, None));
        }
        let (place, state) = match job.run_at {
            Some(due) if due > now => (
                Place::Later {
                    due,
                    retrying: false,
                },
                State::Scheduled,
            ),
            _ => (Place::Line, State::Queued),
        };
        self.index.insert(job.id, self.jobs.len());
        self.jobs.push(Known {
            job: job.clone(),
            place,
            n: 1,
            failures: 0,
            crashes: 0,
            attempts: 0,
            cancel: false,
            condemned: false,
        });
        Accepted::New(job.id, state)
    }

    fn is_live(&self, known: &Known) -> bool {
        !matches!(known.place, Place::Ended { .. } | Place::Stored)
    }

    /// A sign of life: notices absences and clocks that were set back.
    fn stamp(&mut self, now: Timestamp) {
        if self.stamp.is_none_or(|last| now.since(last) > LEASE / 2) {
            self.grace = now + LEASE;
        }
        self.grace = self.grace.min(now + LEASE);
        self.stamp = Some(now);
        for known in &mut self.jobs {
            if let Place::Lent { until, .. } = &mut known.place {
                *until = (*until).min(now + LEASE);
            }
        }
    }

    /// What a reserve does before it lends; answers how many leases ran out.
    pub fn heartbeat(&mut self, now: Timestamp) -> usize {
        self.stamp(now);
        let mut lapsed = 0;
        for i in 0..self.jobs.len() {
            let over = matches!(self.jobs[i].place, Place::Lent { until, .. } if until <= now);
            if over && now >= self.grace {
                self.crash(i, now);
                lapsed += 1;
            }
            self.sweep(i, now);
            if matches!(self.jobs[i].place, Place::Later { due, .. } if due <= now) {
                self.jobs[i].place = Place::Line;
            }
            let waits = matches!(self.jobs[i].place, Place::Later { .. } | Place::Line);
            if waits && self.jobs[i].job.expires_at.is_some_and(|at| at <= now) {
                self.end(i, State::Expired, now);
            }
        }
        lapsed
    }

    fn crash(&mut self, i: usize, now: Timestamp) {
        let known = &mut self.jobs[i];
        known.crashes += 1;
        known.attempts += 1;
        known.n += 1;
        known.place = Place::Line;
        if known.cancel {
            self.end(i, State::Cancelled, now);
        } else if known.crashes >= MAX_CRASHES {
            self.end(i, State::Quarantined, now);
        }
    }

    /// Takes a dead node's leases back.
    pub fn take_over(&mut self, node: usize, now: Timestamp) -> usize {
        let held = |k: &Known| matches!(k.place, Place::Lent { node: n, at, .. } if n == node && at <= now);
        let all: Vec<usize> = (0..self.jobs.len())
            .filter(|&i| held(&self.jobs[i]))
            .collect();
        all.iter().for_each(|&i| self.crash(i, now));
        all.len()
    }

    /// How many innocents and how many suspects could be lent from these queues.
    pub fn takeable(&self, queues: &[usize]) -> (usize, usize) {
        let lines = self.jobs.iter().filter(|k| {
            let queue = queue_number(&k.job.queue);
            k.place == Place::Line && queues.contains(&queue) && !self.paused[queue]
        });
        let (suspects, innocents): (Vec<_>, Vec<_>) = lines.partition(|k| k.crashes > 0);
        (innocents.len(), suspects.len())
    }

    pub fn lend(&mut self, i: usize, node: usize, now: Timestamp) {
        self.jobs[i].place = Place::Lent {
            until: now + LEASE,
            at: now,
            node,
        };
    }

    fn holds(&self, i: usize, n: u64) -> bool {
        self.jobs[i].n == n && matches!(self.jobs[i].place, Place::Lent { .. })
    }

    pub fn renew(&mut self, i: usize, n: u64, now: Timestamp) -> Renewed {
        self.stamp(now);
        if !self.holds(i, n) {
            return Renewed::Lost;
        }
        if let Place::Lent { until, .. } = &mut self.jobs[i].place {
            *until = now + LEASE;
        }
        if self.jobs[i].cancel {
            Renewed::CancelRequested
        } else {
            Renewed::Held
        }
    }

    /// Ends a lease: in `end`, or by a retry after a delay.
    pub fn settle(
        &mut self,
        i: usize,
        n: u64,
        end: Result<State, Duration>,
        now: Timestamp,
    ) -> Settled {
        if !self.holds(i, n) {
            return Settled::NotOurs;
        }
        let known = &mut self.jobs[i];
        known.attempts += 1;
        known.failures += 1;
        match end {
            Err(delay) if !known.cancel => {
                known.n += 1;
                known.place = Place::Later {
                    due: now + delay,
                    retrying: true,
                };
                Settled::Now(State::Retrying)
            }
            Err(_) => self.end(i, State::Cancelled, now),
            Ok(state) => self.end(i, state, now),
        }
    }

    pub fn release(&mut self, i: usize, n: u64, delay: Duration, now: Timestamp) -> Settled {
        if !self.holds(i, n) {
            return Settled::NotOurs;
        }
        if self.jobs[i].cancel {
            return self.end(i, State::Cancelled, now);
        }
        self.jobs[i].n += 1;
        if delay.is_zero() {
            self.jobs[i].place = Place::Line;
            return Settled::Now(State::Queued);
        }
        self.jobs[i].place = Place::Later {
            due: now + delay,
            retrying: false,
        };
        Settled::Now(State::Scheduled)
    }

    pub fn cancel(&mut self, i: usize, now: Timestamp) -> Cancelled {
        match self.jobs[i].place {
            Place::Stored => Cancelled::Unknown,
            Place::Ended { .. } => Cancelled::TooLate,
            Place::Lent { .. } => {
                self.jobs[i].cancel = true;
                Cancelled::Requested
            }
            Place::Later { .. } | Place::Line => {
                self.end(i, State::Cancelled, now);
                Cancelled::Ended
            }
        }
    }

    pub(super) fn end(&mut self, i: usize, state: State, now: Timestamp) -> Settled {
        self.jobs[i].place = Place::Ended {
            state,
            at: now,
            // Whether one that has ended may be had before the clock, set back, shows that time again: who cares.
            claim: (now, Timestamp::from_micros(0)),
        };
        *self.totals.entry(state).or_default() += 1;
        Settled::Now(state)
    }

    /// Which ended jobs a recorder surely can have now, and which perhaps.
    pub fn collectable(&mut self, now: Timestamp) -> (usize, Vec<usize>) {
        let (mut sure, mut perhaps) = (0, Vec::new());
        for (i, known) in self.jobs.iter_mut().enumerate() {
            if let Place::Ended { claim, .. } = &mut known.place {
                // No claim may be longer than a minute: one that a clock set back made so is cut, to whatever.
                if claim.0 > now + CLAIM {
                    *claim = (now + CLAIM, now);
                }
                sure += usize::from(claim.0 <= now);
                if claim.1 <= now {
                    perhaps.push(i);
                }
            }
        }
        (sure, perhaps)
    }

    pub fn claim(&mut self, i: usize, now: Timestamp) {
        if let Place::Ended { claim, .. } = &mut self.jobs[i].place {
            *claim = (now + CLAIM, now + CLAIM);
        }
    }

    pub fn stored(&mut self, i: usize, now: Timestamp) {
        if matches!(self.jobs[i].place, Place::Ended { .. }) {
            self.jobs[i].place = Place::Stored;
            self.note_stored_retry(i, now);
        }
    }

    /// Waiting, scheduled and running jobs of a queue.
    pub fn numbers(&self, queue: usize) -> (u64, u64, u64) {
        let mut numbers = (0, 0, 0);
        for known in self
            .jobs
            .iter()
            .filter(|k| queue_number(&k.job.queue) == queue)
        {
            match known.place {
                Place::Line => numbers.0 += 1,
                Place::Later { .. } => numbers.1 += 1,
                Place::Lent { .. } => numbers.2 += 1,
                Place::Ended { .. } | Place::Stored => {}
            }
        }
        numbers
    }
}

/// The queues of all scripts.
pub const QUEUES: [&str; 2] = ["q0", "q1"];

pub fn queue_number(name: &str) -> usize {
    usize::from(name == QUEUES[1])
}

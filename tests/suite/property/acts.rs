//! What operators do: jobs made due, jobs run again, queues purged; in the model, and side by side.

use windlass::job::State;
use windlass::job::{Job, JobId, Timestamp};
use windlass::queue::{Accepted, Call, Levers as _, MadeDue, Queue as _, RETRY_KEPT, Submitted};

use super::compare::{Step, same};
use super::model::{Model, Place, QUEUES, queue_number};
use super::play::Play;
use super::script::Luck;
use crate::support::bench::submission;

impl Model {
    fn waits(&self, i: usize) -> bool {
        matches!(self.jobs[i].place, Place::Later { .. } | Place::Line)
    }

    fn make_due(&mut self, i: usize, now: Timestamp) -> MadeDue {
        match self.jobs[i].place {
            Place::Stored => MadeDue::Unknown,
            Place::Ended { .. } => MadeDue::TooLate,
            Place::Lent { .. } => MadeDue::Running,
            Place::Line => MadeDue::Queued,
            Place::Later { .. } if self.jobs[i].condemned => {
                self.end(i, State::Cancelled, now);
                MadeDue::TooLate
            }
            Place::Later { .. } => {
                self.jobs[i].place = Place::Line;
                MadeDue::Now
            }
        }
    }

    fn purge(&mut self, queue: usize) -> u64 {
        let mut waiting = 0;
        for i in 0..self.jobs.len() {
            if queue_number(&self.jobs[i].job.queue) == queue && self.waits(i) {
                self.jobs[i].condemned = true;
                waiting += 1;
            }
        }
        waiting
    }

    /// What a reserve does for purges.
    pub fn sweep(&mut self, i: usize, now: Timestamp) {
        if self.jobs[i].condemned && self.waits(i) {
            self.end(i, State::Cancelled, now);
        }
    }

    pub fn note_stored_retry(&mut self, i: usize, now: Timestamp) {
        let id = self.jobs[i].job.id;
        for (retry, until) in self.retries.values_mut() {
            if *retry == id {
                *until = Some(now + RETRY_KEPT);
            }
        }
    }

    /// The job that runs an ended one again, as an engine must know it; `Err` where it may have forgotten.
    fn retry_of(&mut self, old: JobId, now: Timestamp) -> Result<Option<JobId>, ()> {
        self.latest = self.latest.max(now);
        match self.retries.get(&old) {
            Some((_, Some(until))) if *until <= self.latest => Err(()),
            found => Ok(found.map(|(retry, _)| *retry)),
        }
    }
}

impl Play {
    pub(super) fn make_due(&mut self, pick: usize, luck: Luck) -> Step {
        let Some(i) = pick.checked_rem(self.model.jobs.len()) else {
            return Ok(());
        };
        let id = self.model.jobs[i].job.id;
        let made = self.call("make_due", luck, |engine| engine.make_due(id))?;
        let expected = self.model.make_due(i, self.now());
        self.seen.note(format!("make due: {expected:?}"));
        let repeated = luck == Luck::ReplyLost && expected == MadeDue::Now;
        same(
            "make due",
            made,
            if repeated { MadeDue::Queued } else { expected },
        )
    }

    pub(super) fn purge(&mut self, queue: usize, luck: Luck) -> Step {
        let waiting = self.call("purge", luck, |engine| engine.purge(QUEUES[queue]))?;
        let expected = self.model.purge(queue);
        self.seen.note(match expected {
            0 => "purge: none",
            _ => "purge: some",
        });
        same("purge", waiting, expected)
    }

    /// Runs a job that has ended again, if the pick is one.
    pub(super) fn retry(&mut self, pick: usize, luck: Luck) -> Step {
        let (now, jobs) = (self.now(), self.model.jobs.len());
        let ended = |i: &usize| {
            matches!(
                self.model.jobs[*i].place,
                Place::Ended { .. } | Place::Stored
            )
        };
        let Some(i) = pick
            .checked_rem(jobs)
            .and_then(|from| (from..jobs).find(ended))
        else {
            return Ok(());
        };
        let old = self.model.jobs[i].job.id;
        let Ok(known) = self.model.retry_of(old, now) else {
            return Ok(());
        };
        let told = self.call("retried", Luck::Good, |engine| engine.retried(&[old]))?;
        same("retried", told, vec![known])?;
        let job: Job = self.model.jobs[i].job.again(self.bench.job("q").id);
        let (call, all) = (Call::first("desk"), [submission([job.clone()])]);
        let answers = self.call("enqueue", luck, |engine| engine.enqueue(&call, &all))?;
        let expected = self.model.enqueue(now, &[job], None);
        self.seen.note(match &expected {
            Submitted::Accepted(jobs) => match jobs[0] {
                Accepted::New(..) => "retry: new",
                Accepted::Existing(_) if known.is_some() => "retry: existing",
                Accepted::Existing(_) => "retry: key held",
            },
            _ => "retry: refused",
        });
        same("retry", answers, vec![expected])
    }
}

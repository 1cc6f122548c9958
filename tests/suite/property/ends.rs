//! The steps that follow a lease: renewed, settled, given back, and the job's way to storage.

use std::time::Duration;

use windlass::job::{Found, State};
use windlass::queue::{Cancelled, Lease, Levers as _, Queue as _, Release, Renewal, Settled};

use super::compare::{Step, same};
use super::play::Play;
use super::script::{How, Luck};
use crate::support::bench::LEASE;

impl Play {
    /// A lease: mostly one of the latest, now and then any that ever was.
    pub(super) fn pick(&self, pick: usize) -> Option<(Lease, usize)> {
        let latest = if pick.is_multiple_of(4) {
            self.leases.len()
        } else {
            6.min(self.leases.len())
        };
        let at = self.leases.len().checked_sub(1)? - (pick / 4) % latest;
        let lease = self.leases[at].clone();
        let i = self.model.at(lease.ticket().id)?;
        Some((lease, i))
    }

    pub(super) fn renew(&mut self, pick: usize) -> Step {
        let Some((lease, i)) = self.pick(pick) else {
            return Ok(());
        };
        let renewal = [Renewal {
            lease: &lease,
            progress: None,
        }];
        let engine = self.bench.engine();
        let renewed = engine
            .renew(&renewal, LEASE)
            .map_err(|err| err.to_string())?;
        let expected = self.model.renew(i, lease.ticket().n, self.now());
        self.seen.note(format!("renew: {expected:?}"));
        same("renew", renewed[0], expected)
    }

    pub(super) fn settle(&mut self, pick: usize, how: How, luck: Luck) -> Step {
        let Some((lease, i)) = self.pick(pick) else {
            return Ok(());
        };
        let (settlement, end) = match how {
            How::Success => (self.bench.success(&lease), Ok(State::Succeeded)),
            How::Dead => (self.bench.ending(&lease, State::Dead), Ok(State::Dead)),
            How::Retry { millis } => {
                let delay = Duration::from_millis(millis);
                (self.bench.failure(&lease, delay), Err(delay))
            }
        };
        let all = [settlement];
        let settled = self.call("settle", luck, |engine| engine.settle(&all))?;
        let expected = self.model.settle(i, lease.ticket().n, end, self.now());
        self.settled("settle", settled[0], expected, luck)
    }

    pub(super) fn release(&mut self, pick: usize, millis: u64, luck: Luck) -> Step {
        let Some((lease, i)) = self.pick(pick) else {
            return Ok(());
        };
        let n = lease.ticket().n;
        let delay = Duration::from_millis(millis);
        let all = [Release {
            lease,
            delay,
            attempt: None,
        }];
        let settled = self.call("release", luck, |engine| engine.release(&all))?;
        let expected = self.model.release(i, n, delay, self.now());
        self.settled("release", settled[0], expected, luck)
    }

    /// The second call finds the ticket spent if the first took effect.
    pub(super) fn settled(
        &mut self,
        name: &str,
        engine: Settled,
        model: Settled,
        luck: Luck,
    ) -> Step {
        self.seen.note(format!("{name}: {model:?}"));
        let repeated = luck == Luck::ReplyLost;
        same(
            name,
            engine,
            if repeated { Settled::NotOurs } else { model },
        )
    }

    pub(super) fn cancel(&mut self, pick: usize, luck: Luck) -> Step {
        let Some(i) = pick.checked_rem(self.model.jobs.len()) else {
            return Ok(());
        };
        let id = self.model.jobs[i].job.id;
        let cancelled = self.call("cancel", luck, |engine| engine.cancel(id))?;
        let expected = self.model.cancel(i, self.now());
        self.seen.note(format!("cancel: {expected:?}"));
        let repeated = luck == Luck::ReplyLost && expected == Cancelled::Ended;
        same(
            "cancel",
            cancelled,
            if repeated {
                Cancelled::TooLate
            } else {
                expected
            },
        )
    }

    pub(super) fn collect(&mut self, want: usize, luck: Luck) -> Step {
        let now = self.now();
        let (sure, perhaps) = self.model.collectable(now);
        // Of a lost answer nobody knows what it claimed, unless it claimed all.
        let (luck, want) = match luck {
            Luck::ReplyLost if sure == perhaps.len() => (luck, 1_000),
            Luck::ReplyLost => (Luck::Good, want),
            _ => (luck, want),
        };
        let records = self.call("collect", luck, |engine| engine.collect(want))?;
        if luck == Luck::ReplyLost {
            perhaps.iter().for_each(|&i| self.model.claim(i, now));
            return same("records of a repeat", records.len(), 0);
        }
        if records.len() < sure.min(want) || records.len() > perhaps.len().min(want) {
            let got = records.len();
            return Err(format!(
                "{got} records of {want}: {sure} to {} wait",
                perhaps.len()
            ));
        }
        self.seen.note(if records.is_empty() {
            "collect: none"
        } else {
            "collect: some"
        });
        for record in records {
            let i = self
                .model
                .at(record.job.id)
                .ok_or("a record of an unknown job")?;
            if !perhaps.contains(&i) {
                return Err(format!("{} is claimed by another", record.job.id));
            }
            self.model.claim(i, now);
            // Whether it is a record of that job as it ended, and not some other's.
            let found = self.bench.find(record.job.id);
            let collected = Some(Found::Ended(record));
            same("record", format!("{collected:?}"), format!("{found:?}"))?;
        }
        Ok(())
    }

    pub(super) fn stored(&mut self, pick: usize) {
        let Some(i) = pick.checked_rem(self.model.jobs.len()) else {
            return;
        };
        // Also of jobs that live, which must not mind.
        self.bench.stored(&[self.model.jobs[i].job.id]);
        let now = self.now();
        self.model.stored(i, now);
        self.seen.note("stored");
    }

    pub(super) fn store_all(&mut self) {
        let ids: Vec<_> = self.model.jobs.iter().map(|known| known.job.id).collect();
        self.bench.stored(&ids);
        let now = self.now();
        (0..ids.len()).for_each(|i| self.model.stored(i, now));
    }
}

//! The queue on SQLite: for one process, without a server.
//!
//! Every call is one step on the writer's thread ([`crate::sqlite`]), which takes the calls of many threads into one
//! commit. Texts are made and read on the callers' threads; the writer only moves rows. `step` holds what all moves of
//! a job have in common; the other files are one theme of the contract each.
//!
//! The namespace plays no part here: a file is one.

mod alone;
mod calendar;
mod calls;
mod counters;
mod desk;
mod enqueue;
mod levers;
mod list;
mod outbox;
mod purge;
mod reserve;
mod retry;
mod rows;
mod settle;
mod step;

use std::sync::Arc;
use std::time::Duration;

use super::{
    Call, EngineSettings, Lease, Queue, QueueError, Release, Renewal, Renewed, Reserve, Reserved,
    Settled, Settlement, Submission, Submitted, TICKETS_PER_CALL_MAX,
};
use crate::clock::Clock;
use crate::job::{JobId, Record, Timestamp};
use crate::sqlite::{Db, DbError, Tx};
use enqueue::Drafts;
use reserve::{Lent, Wanted};
use settle::{Held, Outcome};
use step::Step;

/// The queue in an open file. Several of these on one [`Db`] are the same queue.
pub struct SqliteQueue {
    db: Arc<Db>,
    settings: EngineSettings,
    clock: Arc<dyn Clock>,
}

impl SqliteQueue {
    /// The queue in `db`, on `clock`.
    #[must_use]
    pub fn new(db: Arc<Db>, settings: EngineSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            settings,
            clock,
        }
    }

    /// Does one atomic step.
    fn step<T, F>(&self, call: &'static str, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Step<'_, '_>) -> Result<T, DbError> + Send + 'static,
    {
        let whole = self.whole(work);
        self.db.write(whole).map_err(|err| failed(call, err))
    }

    /// Does one atomic step that a crash of the host may undo: one about who holds what, which no crash of the host leaves
    /// in anybody's hands. It does not wait for the disk, so jobs start sooner.
    fn step_in_hand<T, F>(&self, call: &'static str, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Step<'_, '_>) -> Result<T, DbError> + Send + 'static,
    {
        let whole = self.whole(work);
        self.db.write_behind(whole).map_err(|err| failed(call, err))
    }

    /// All of a step around its work.
    fn whole<T, F>(
        &self,
        work: F,
    ) -> impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut Step<'_, '_>) -> Result<T, DbError> + Send + 'static,
    {
        let clock = Arc::clone(&self.clock);
        move |tx| {
            let mut step = Step::begin(tx, clock.now())?;
            let answer = work(&mut step)?;
            step.finish()?;
            Ok(answer)
        }
    }

    /// The leases of what was lent. A job whose body cannot be read is no use to any worker and ends here.
    fn leases(&self, lent: Vec<Lent>) -> Result<Vec<Lease>, QueueError> {
        let mut leases = Vec::with_capacity(lent.len());
        for one in lent {
            match rows::parse_job(one.ticket.id, one.body.as_deref()) {
                Ok(job) => leases.push(Lease {
                    ticket: one.ticket,
                    job: Arc::new(job),
                    failures: one.failures,
                    crashes: one.crashes,
                    leased_at: one.leased_at,
                }),
                Err(reason) => {
                    log::error!(
                        "job {} cannot be read and ends as dead: {reason}",
                        one.ticket.id
                    );
                    let error = rows::unreadable_error(&reason, one.body.as_deref());
                    self.step("reserve", move |step| step.bury(one.ticket, error))?;
                }
            }
        }
        Ok(leases)
    }
}

impl Queue for SqliteQueue {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn enqueue(
        &self,
        call: &Call,
        submissions: &[Submission],
    ) -> Result<Vec<Submitted>, QueueError> {
        let jobs: usize = submissions.iter().map(|s| s.jobs.len()).sum();
        if jobs > TICKETS_PER_CALL_MAX {
            let reason = format!("{jobs} jobs in one call; {TICKETS_PER_CALL_MAX} are the most");
            return Err(QueueError::broken("enqueue", reason));
        }
        let drafts = submissions
            .iter()
            .map(Drafts::of)
            .collect::<Result<Vec<_>, _>>()?;
        let (call, settings) = (call.clone(), self.settings.clone());
        self.step("enqueue", move |step| {
            step.enqueue(&settings, &call, &drafts)
        })
    }

    fn wait(&self, queues: &[String], timeout: Duration) -> Result<bool, QueueError> {
        Ok(self.db.bells().wait(queues, timeout))
    }

    fn reserve(&self, call: &Call, reserve: &Reserve<'_>) -> Result<Reserved, QueueError> {
        let wanted = Wanted::of(call, reserve);
        let settings = self.settings.clone();
        let granted = self.step_in_hand("reserve", move |step| step.reserve(&settings, &wanted))?;
        Ok(Reserved {
            leases: self.leases(granted.lent)?,
            next: granted.next,
            more: granted.more,
            outbox: granted.outbox,
            lapsed: granted.lapsed,
        })
    }

    fn renew(&self, renewals: &[Renewal<'_>], lease: Duration) -> Result<Vec<Renewed>, QueueError> {
        let held = renewals
            .iter()
            .map(Held::of)
            .collect::<Result<Vec<_>, _>>()?;
        let settled = self.settings.lease;
        self.step_in_hand("renew", move |step| {
            step.stamp(settled, lease)?;
            held.iter().map(|one| step.renew(one, lease)).collect()
        })
    }

    fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, QueueError> {
        let outcomes = settlements
            .iter()
            .map(Outcome::of_settlement)
            .collect::<Result<Vec<_>, _>>()?;
        self.step("settle", move |step| {
            outcomes.iter().map(|one| step.settle(one)).collect()
        })
    }

    fn release(&self, releases: &[Release]) -> Result<Vec<Settled>, QueueError> {
        let outcomes = releases
            .iter()
            .map(Outcome::of_release)
            .collect::<Result<Vec<_>, _>>()?;
        self.step_in_hand("release", move |step| {
            // Backwards, since each goes before the one that came before it: they stand as they were given.
            let mut settled = outcomes
                .iter()
                .rev()
                .map(|one| step.settle(one))
                .collect::<Result<Vec<_>, _>>()?;
            settled.reverse();
            Ok(settled)
        })
    }

    fn collect(&self, want: usize) -> Result<Vec<Record>, QueueError> {
        let claimed = self.step_in_hand("collect", move |step| step.collect(want))?;
        claimed
            .iter()
            .map(|whole| whole.record().map_err(|err| failed("collect", err)))
            .collect()
    }

    fn stored(&self, ids: &[JobId]) -> Result<(), QueueError> {
        let ids = ids.to_vec();
        self.step_in_hand("stored", move |step| step.stored(&ids))
    }
}

/// What a failure of the file means to who called the queue.
fn failed(call: &'static str, err: DbError) -> QueueError {
    match err {
        DbError::Full { reason } => QueueError::Full { reason },
        DbError::Unavailable { reason } => QueueError::Unavailable { call, reason },
        DbError::Unfit { reason } => QueueError::Unfit { reason },
        DbError::Broken { reason } => QueueError::Broken { call, reason },
    }
}

#[cfg(test)]
mod tests;

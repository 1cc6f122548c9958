//! What must hold at every moment.

use windlass::job::State as Stage;

use super::{Counts, JOBS, Job, Road, State, Step, Ticket, engine::is_leased};

impl Road {
    /// The first law that does not hold.
    pub(super) fn laws(&self, s: &State) -> Result<(), String> {
        for (j, job) in s.jobs.iter().enumerate() {
            one_place(j, job)?;
            if job.ended.is_some() && job.state.is_some_and(|state| Some(state) != job.ended) {
                return Err(format!(
                    "Q10: job {j} ended as {:?} and is {:?}",
                    job.ended, job.state
                ));
            }
            if (job.failures, job.crashes) != (job.failed, job.lost) {
                return Err(format!(
                    "Q8: job {j} counts {} failures and {} crashes; it had {} and {}",
                    job.failures, job.crashes, job.failed, job.lost
                ));
            }
            held(s, j)?;
        }
        let live = s
            .jobs
            .iter()
            .filter(|j| j.state.is_some_and(|s| !s.is_ended()))
            .count();
        if self.unique && live > 1 {
            return Err("Q7: two jobs live under one unique key".to_owned());
        }
        self.counted(s)
    }

    fn counted(&self, s: &State) -> Result<(), String> {
        let mut real = Counts::default();
        for job in &s.jobs {
            match job.state {
                Some(Stage::Queued) => real.ready += 1,
                Some(Stage::Running) => real.running += 1,
                Some(Stage::Scheduled | Stage::Retrying) => real.scheduled += 1,
                _ => {}
            }
            real.outbox += u8::from(job.outbox.is_some());
            real.ended += u8::from(job.ended.is_some());
        }
        let mut counts = s.counts;
        if !self.rules.ready_is_counted {
            counts.ready = u8::try_from(s.jobs.iter().map(|j| j.line.count_ones()).sum::<u32>())
                .unwrap_or(u8::MAX);
        }
        if counts == real {
            Ok(())
        } else {
            Err(format!(
                "Q14: the counters say {counts:?}, there are {real:?}"
            ))
        }
    }
}

/// What was accepted is in exactly one place of the engine, or in storage, once.
fn one_place(j: usize, job: &Job) -> Result<(), String> {
    let in_line = job.line & 1 << job.n != 0;
    let places = (in_line, job.later, job.lease.is_some());
    let right = match job.state {
        Some(Stage::Queued) => places == (true, false, false),
        Some(Stage::Scheduled | Stage::Retrying) => places == (false, true, false),
        Some(Stage::Running) => !job.later && job.lease.is_some(),
        Some(_) => !job.later && job.lease.is_none(),
        None => job.rows == 1 || !job.created,
    };
    if !right {
        return Err(format!("Q1: job {j} is lost: {job:?}"));
    }
    let ended = job.state.is_some_and(Stage::is_ended);
    if ended != job.outbox.is_some() {
        return Err(format!(
            "Q4: job {j} has ended, and its outbox entry is not there, or the reverse"
        ));
    }
    if job.rows > 1 {
        return Err(format!("S1: job {j} is recorded {} times", job.rows));
    }
    if job.rows > 0 && job.ended.is_none() {
        return Err(format!("Q10: job {j} is recorded and has not ended"));
    }
    Ok(())
}

/// No job waits for a lease that nobody holds while the one to whom it was lent lives.
fn held(s: &State, j: usize) -> Result<(), String> {
    let job = &s.jobs[j];
    let Some(lease) = job.lease.filter(|l| !l.holder.gone) else {
        return Ok(());
    };
    let worker = &s.workers[usize::from(lease.holder.worker)];
    let hand = match worker.step {
        Step::Working(t) | Step::Settling(t, _) | Step::Releasing(t, _) => Some(t),
        // It will ask again, and be told.
        Step::Reserving if worker.calls.last == worker.calls.number => worker.granted,
        Step::Reserving | Step::Dead | Step::TakingOver => None,
    };
    let holds = |t: Ticket| usize::from(t.job) == j && is_leased(s, t);
    if hand.is_some_and(holds) {
        Ok(())
    } else {
        Err(format!("Q6: job {j} waits for a lease that nobody holds"))
    }
}

/// Whether nothing is left to be done.
pub(super) fn is_done(road: &Road, s: &State) -> bool {
    s.submitter.batch == road.batches()
        && s.late.is_none()
        && (0..JOBS)
            .all(|j| s.jobs[j].state.is_none() && s.jobs[j].rows == u8::from(s.jobs[j].created))
}

//! The engine and the storage: what each call does in its one atomic step, and the laws that a step may break.

use windlass::job::{self, Event, MOVES};

use super::{Answer, Back, Calls, Counts, Holder, JOBS, Lease, Request, Road, State, Ticket, Time};

type Lawful<T = ()> = Result<T, String>;

impl Road {
    /// Moves a job as the table says, counts it, and does what its end asks for.
    fn move_job(&self, s: &mut State, j: usize, event: Event) -> Lawful {
        let from = s.jobs[j].state;
        if s.jobs[j].created && matches!(event, Event::Submit | Event::SubmitLater) {
            return Err(format!("Q6, Q10: job {j} is accepted a second time"));
        }
        let row = MOVES
            .iter()
            .position(|(state, by, _)| *state == from && *by == event)
            .ok_or_else(|| format!("Q10: job {j} was {from:?} when {event:?} came"))?;
        self.moves.set(self.moves.get() | 1 << row);
        let to = MOVES[row].2;
        if let Some(count) = from.and_then(|from| count(&mut s.counts, from)) {
            *count -= 1;
        }
        if let Some(count) = count(&mut s.counts, to) {
            *count += 1;
        }
        let job = &mut s.jobs[j];
        job.state = Some(to);
        job.created = true;
        if to.is_ended() {
            (job.later, job.lease, job.ended) = (false, None, Some(to));
            s.counts.ended += 1;
            if self.rules.outbox_in_one_step {
                job.outbox = Some(false);
                s.counts.outbox += 1;
            }
            if self.rules.unique_goes_with_end && s.unique == narrow(j) {
                s.unique = None;
            }
        }
        Ok(())
    }

    /// Accepts a batch, unless it is a repeat.
    pub(super) fn enqueue(&self, s: &mut State, batch: u8, number: u8, gone: bool) -> Lawful {
        // A submitter that is gone kept its numbers apart; what it sent has come once at most.
        let repeat = if gone {
            number == 0
        } else {
            is_repeat(
                s.submitter.calls,
                number,
                self.rules.old_batches_are_repeats,
            )
        };
        if repeat && self.rules.enqueue_is_numbered {
            return Ok(());
        }
        if !gone && !repeat {
            s.submitter.calls.last = number;
        }
        for j in self.batch(batch) {
            let known_by_key = self.keyed && self.rules.keys_are_kept && s.jobs[j].created;
            let known_by_id = !self.rules.enqueue_is_numbered && s.jobs[j].state.is_some();
            if known_by_key || known_by_id {
                continue;
            }
            if let Some(holder) = s.unique {
                let lives = s.jobs[usize::from(holder)]
                    .state
                    .is_some_and(|s| !s.is_ended());
                if !lives {
                    return Err(format!(
                        "Q7: job {j} is refused for job {holder}, which has ended"
                    ));
                }
                continue;
            }
            let later = self.scheduled && j == 1;
            self.move_job(
                s,
                j,
                if later {
                    Event::SubmitLater
                } else {
                    Event::Submit
                },
            )?;
            s.jobs[j].n = 1;
            self.stand(s, j);
            if self.unique {
                s.unique = narrow(j);
            }
        }
        Ok(())
    }

    pub(super) fn batch(&self, batch: u8) -> std::ops::Range<usize> {
        if self.together {
            0..JOBS
        } else {
            usize::from(batch)..usize::from(batch) + 1
        }
    }

    pub(super) fn batches(&self) -> u8 {
        if self.together { 1 } else { 2 }
    }

    /// Puts a job's current ticket where its state wants it.
    fn stand(&self, s: &mut State, j: usize) {
        let job = &mut s.jobs[j];
        job.lease = None;
        match job.state {
            Some(job::State::Queued) => job.line |= 1 << job.n,
            Some(job::State::Scheduled | job::State::Retrying) => job.later = true,
            _ => {}
        }
    }

    /// The part of a reserve that keeps the queue going.
    pub(super) fn tick(&self, s: &mut State) -> Lawful {
        let forgive = s.hole && self.rules.absence_has_grace;
        s.hole = false;
        for j in 0..JOBS {
            if let Some(lease) = &mut s.jobs[j].lease {
                if forgive {
                    lease.time = Time::Left;
                }
                match lease.time {
                    Time::Left => {}
                    Time::Over => self.crash(s, j)?,
                    Time::OverWhileAway => {
                        return Err(format!("Q8: job {j} pays for the engine's absence"));
                    }
                }
            }
            let job = &mut s.jobs[j];
            if job.overdue && waits(job.state) {
                self.move_job(s, j, Event::Expire)?;
            } else if job.later && (job.due || !self.rules.due_is_awaited) {
                if !job.due {
                    return Err(format!("Q5: job {j} is let run before its time"));
                }
                job.later = false;
                self.move_job(s, j, Event::Due)?;
                self.stand(s, j);
            }
        }
        Ok(())
    }

    /// Takes a lost lease back.
    fn crash(&self, s: &mut State, j: usize) -> Lawful {
        let job = &mut s.jobs[j];
        job.n += 1;
        job.crashes += 1;
        job.lost += 1;
        let event = if job.cancel {
            Event::Cancel
        } else if job.crashes >= self.max_crashes {
            Event::LapseForGood
        } else {
            Event::Lapse
        };
        self.move_job(s, j, event)?;
        self.stand(s, j);
        Ok(())
    }

    /// Lends what stands at the head of the lines; a repeat lends nothing more. Answers what the caller is told.
    pub(super) fn reserve(
        &self,
        s: &mut State,
        who: Holder,
        number: u8,
        head: Option<u8>,
    ) -> Lawful<Option<Ticket>> {
        let w = usize::from(who.worker);
        let repeat = if who.gone {
            number == 0
        } else {
            is_repeat(
                s.workers[w].calls,
                number,
                self.rules.old_reserves_are_repeats,
            )
        };
        if repeat && self.rules.reserve_is_repeatable {
            let granted = s.workers[w]
                .granted
                .filter(|_| number == s.workers[w].calls.last);
            return Ok(granted.filter(|t| is_leased(s, *t)));
        }
        let before = s.jobs;
        self.tick(s)?;
        let granted = match head {
            Some(j) => self.lend(s, usize::from(j), who)?,
            None => None,
        };
        if repeat && s.jobs != before {
            return Err("Q6: the repeat of a reserve changed something".to_owned());
        }
        if !who.gone && self.rules.reserve_is_repeatable {
            s.workers[w].calls.last = number;
            s.workers[w].granted = granted;
        }
        Ok(granted)
    }

    fn lend(&self, s: &mut State, j: usize, who: Holder) -> Lawful<Option<Ticket>> {
        let job = &mut s.jobs[j];
        let queued = job.state == Some(job::State::Queued);
        let n = job.n;
        if self.rules.stale_tickets_are_dropped {
            job.line &= if queued { 1 << n } else { 0 };
        }
        if job.line == 0 {
            return Ok(None);
        }
        job.line = 0;
        if job.lent >= n && n > 0 {
            return Err(format!("Q2: the same ticket of job {j} is lent again"));
        }
        if job.cancel {
            return Err(format!("job {j} is lent although its end was asked for"));
        }
        self.move_job(s, j, Event::Reserve)?;
        let job = &mut s.jobs[j];
        job.lent = n;
        job.due = false;
        job.lease = Some(Lease {
            holder: who,
            time: Time::Left,
        });
        Ok(Some(Ticket {
            job: narrow(j).unwrap_or(0),
            n,
        }))
    }

    /// Ends a lease. A spent ticket changes nothing.
    pub(super) fn settle(&self, s: &mut State, who: Holder, t: Ticket, answer: Answer) -> Lawful {
        let j = usize::from(t.job);
        let ours = if self.rules.settle_is_fenced {
            is_leased(s, t)
        } else {
            s.jobs[j].lease.is_some()
        };
        if !ours {
            return Ok(());
        }
        self.only_the_holder(s, who, j)?;
        let job = &mut s.jobs[j];
        let event = match answer {
            Answer::Good => Event::Succeed,
            Answer::Bad if job.cancel => Event::Cancel,
            Answer::Bad if job.failures >= self.max_retries => Event::FailForGood,
            Answer::Bad => Event::Fail,
        };
        if event == Event::Fail {
            job.n += 1;
            job.failures += 1;
            job.failed += 1;
        }
        if !self.rules.unique_stays_till_end {
            s.unique = None;
        }
        self.move_job(s, j, event)?;
        self.stand(s, j);
        Ok(())
    }

    /// Gives a lease back uncounted. A spent ticket changes nothing.
    pub(super) fn release(&self, s: &mut State, who: Holder, t: Ticket, back: Back) -> Lawful {
        let j = usize::from(t.job);
        if !is_leased(s, t) {
            return Ok(());
        }
        self.only_the_holder(s, who, j)?;
        let job = &mut s.jobs[j];
        job.n += u8::from(self.rules.release_raises_n);
        job.crashes += u8::from(!self.rules.release_is_free);
        let event = match back {
            _ if job.cancel => Event::Cancel,
            Back::ToItsLine => Event::Release,
            Back::ForLater => Event::ReleaseLater,
        };
        self.move_job(s, j, event)?;
        self.stand(s, j);
        Ok(())
    }

    fn only_the_holder(&self, s: &State, who: Holder, j: usize) -> Lawful {
        match s.jobs[j].lease {
            Some(lease) if lease.holder != who => Err(format!(
                "Q3: {who:?} ended the lease of job {j}, which {:?} holds",
                lease.holder
            )),
            _ => Ok(()),
        }
    }

    /// Takes the leases of a dead worker back.
    pub(super) fn take_over(&self, s: &mut State, who: Holder) -> Lawful {
        for j in 0..JOBS {
            let Some(Lease { holder, .. }) = s.jobs[j].lease else {
                continue;
            };
            if holder.worker != who.worker || (self.rules.take_over_is_fenced && !holder.gone) {
                continue;
            }
            if !holder.gone {
                return Err(format!("Q8: job {j} is taken from a worker that lives"));
            }
            self.crash(s, j)?;
        }
        Ok(())
    }

    pub(super) fn cancel(&self, s: &mut State, j: usize) -> Lawful {
        if waits(s.jobs[j].state) {
            return self.move_job(s, j, Event::Cancel);
        }
        s.jobs[j].cancel |= s.jobs[j].lease.is_some();
        Ok(())
    }

    /// A late request arrives; its answer reaches nobody.
    pub(super) fn arrive(&self, s: &mut State, request: Request, head: Option<u8>) -> Lawful {
        match request {
            Request::Enqueue {
                batch,
                number,
                gone,
            } => self.enqueue(s, batch, number, gone),
            Request::Reserve { who, number } => self.reserve(s, who, number, head).map(drop),
            Request::Settle(who, ticket, answer) => self.settle(s, who, ticket, answer),
            Request::Release(who, ticket, back) => self.release(s, who, ticket, back),
            Request::TakeOver { who } => self.take_over(s, who),
        }
    }
}

fn is_repeat(calls: Calls, number: u8, old_too: bool) -> bool {
    number == calls.last || (old_too && number < calls.last)
}

/// Whether this very ticket is the one that is leased.
pub(super) fn is_leased(s: &State, t: Ticket) -> bool {
    let job = &s.jobs[usize::from(t.job)];
    job.lease.is_some() && job.n == t.n
}

/// Whether a job in this state waits for a worker or for its time.
fn waits(state: Option<job::State>) -> bool {
    use job::State::{Queued, Retrying, Scheduled};
    matches!(state, Some(Queued | Retrying | Scheduled))
}

fn count(counts: &mut Counts, state: job::State) -> Option<&mut u8> {
    match state {
        job::State::Queued => Some(&mut counts.ready),
        job::State::Running => Some(&mut counts.running),
        job::State::Scheduled | job::State::Retrying => Some(&mut counts.scheduled),
        _ => None,
    }
}

fn narrow(j: usize) -> Option<u8> {
    u8::try_from(j).ok()
}

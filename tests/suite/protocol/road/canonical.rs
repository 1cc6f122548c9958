//! One state for all those that differ in nothing that could ever be noticed.

use super::{Calls, Holder, JOBS, Request, State, Step, Ticket};

impl State {
    /// This state, but for numbers of which only the order matters, the names of workers and recorders, and what nobody
    /// will ask about again.
    pub(super) fn canonical(mut self) -> Self {
        for job in 0..JOBS {
            self.renumber_tickets(job);
        }
        for worker in 0..2 {
            self.renumber_reserves(worker);
        }
        let Calls { number, last } = self.submitter.calls;
        if let Some(Request::Enqueue { number: late, .. }) = &mut self.late {
            *late = from_present(*late, number);
        }
        self.submitter.calls = Calls {
            number: Calls::FRESH.number,
            last: from_present(last, number),
        };
        if self.workers[1] < self.workers[0] {
            self.workers.swap(0, 1);
            for lease in self.jobs.iter_mut().filter_map(|j| j.lease.as_mut()) {
                lease.holder.worker ^= 1;
            }
            if let Some(holder) = self.late_holder() {
                holder.worker ^= 1;
            }
        }
        self.recorders.sort_unstable();
        self
    }

    /// The current ticket becomes number 1, every earlier one number 0; an ended job has only earlier ones.
    fn renumber_tickets(&mut self, of: usize) {
        let job = &mut self.jobs[of];
        let current = job.n;
        let has_current = job.state.is_some_and(|s| !s.is_ended());
        let renumber = |n: u8| u8::from(has_current && n == current);
        job.line = u8::from(has_current && job.line & (1 << current) != 0) << 1
            | u8::from(job.line & !(u8::from(has_current) << current) != 0);
        job.lent = renumber(job.lent);
        job.n = u8::from(has_current);
        if !has_current {
            (job.failures, job.crashes, job.failed, job.lost) = (0, 0, 0, 0);
            (job.cancel, job.due, job.overdue) = (false, false, false);
        }
        if job.state.is_none() {
            // Stored and forgotten: how it ended was compared when it was stored.
            job.line = 0;
        }
        for ticket in self.tickets_mut() {
            if usize::from(ticket.job) == of {
                ticket.n = renumber(ticket.n);
            }
        }
    }

    fn tickets_mut(&mut self) -> impl Iterator<Item = &mut Ticket> {
        let [one, two] = &mut self.workers;
        let hands = [&mut one.step, &mut two.step].into_iter();
        let granted = [&mut one.granted, &mut two.granted];
        hands
            .filter_map(|step| match step {
                Step::Working(t) | Step::Settling(t, _) | Step::Releasing(t, _) => Some(t),
                Step::Reserving | Step::Dead | Step::TakingOver => None,
            })
            .chain(granted.into_iter().flatten())
            .chain(self.late.iter_mut().filter_map(|late| match late {
                Request::Settle(_, t, _) | Request::Release(_, t, _) => Some(t),
                _ => None,
            }))
    }

    /// A worker's present reserve becomes number 3; what was granted to an earlier one will not be asked again.
    fn renumber_reserves(&mut self, of: usize) {
        let worker = &mut self.workers[of];
        let Calls { number, last } = worker.calls;
        worker.calls = Calls {
            number: Calls::FRESH.number,
            last: from_present(last, number),
        };
        if last != number {
            worker.granted = None;
        }
        if let Some(Request::Reserve { who, number: late }) = &mut self.late
            && usize::from(who.worker) == of
            && !who.gone
        {
            *late = from_present(*late, number);
        }
    }

    pub(super) fn late_holder(&mut self) -> Option<&mut Holder> {
        match &mut self.late {
            Some(
                Request::Reserve { who, .. }
                | Request::Settle(who, ..)
                | Request::Release(who, ..)
                | Request::TakeOver { who },
            ) => Some(who),
            Some(Request::Enqueue { .. }) | None => None,
        }
    }
}

/// `number` as it is once `present` is called 3; those long past are alike.
fn from_present(number: u8, present: u8) -> u8 {
    (number + Calls::FRESH.number).saturating_sub(present)
}

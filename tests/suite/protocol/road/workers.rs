//! The workers: processes that reserve, work, settle, give back and die.

use super::actors::{Network, heads};
use super::{Action, Answer, Back, Calls, Fate, Holder, Request, Road, State, Step, Time, Worker};

impl Road {
    /// What a worker can do or suffer next.
    pub(super) fn worker_actions(
        &self,
        s: &State,
        w: u8,
        network: Network,
        into: &mut Vec<(Action, bool)>,
    ) {
        let worker = &s.workers[usize::from(w)];
        match worker.step {
            Step::Reserving => heads(s, |head| {
                network.call(into, head.is_some(), |fate| Action::Reserve(w, head, fate));
            }),
            Step::Working(_) => {
                into.push((Action::HandlerAnswers(w, Answer::Good), false));
                into.push((Action::HandlerAnswers(w, Answer::Bad), false));
                into.push((Action::GiveUp(w, Back::ToItsLine), true));
                if self.give_back_later {
                    into.push((Action::GiveUp(w, Back::ForLater), true));
                }
            }
            Step::Settling(..) => network.call(into, true, |fate| Action::Settle(w, fate)),
            Step::Releasing(..) => network.call(into, true, |fate| Action::Release(w, fate)),
            Step::Dead => into.push((Action::WorkerStarts(w), false)),
            Step::TakingOver => network.call(into, true, |fate| Action::TakeOver(w, fate)),
        }
        if matches!(
            worker.step,
            Step::Working(_) | Step::Settling(..) | Step::Releasing(..)
        ) {
            into.push((Action::Renew(w), false));
        }
        if worker.step != Step::Dead {
            into.push((Action::WorkerDies(w), true));
        }
    }

    /// A worker, its calls, and its end.
    pub(super) fn worker(&self, s: &mut State, w: u8, action: Action) -> Result<(), String> {
        let who = Holder {
            worker: w,
            gone: false,
        };
        let worker = s.workers[usize::from(w)];
        let mut step = worker.step;
        match (action, worker.step) {
            (Action::Reserve(_, head, fate), _) => return self.reserving(s, who, head, fate),
            (Action::Settle(_, Fate::Late), Step::Settling(t, answer)) => {
                s.late = Some(Request::Settle(who, t, answer));
            }
            (Action::Settle(_, fate), Step::Settling(t, answer)) => {
                self.settle(s, who, t, answer)?;
                step = if fate == Fate::Answered {
                    Step::Reserving
                } else {
                    step
                };
            }
            (Action::Release(_, Fate::Late), Step::Releasing(t, back)) => {
                s.late = Some(Request::Release(who, t, back));
            }
            (Action::Release(_, fate), Step::Releasing(t, back)) => {
                self.release(s, who, t, back)?;
                step = if fate == Fate::Answered {
                    Step::Reserving
                } else {
                    step
                };
            }
            (Action::TakeOver(_, Fate::Late), _) => s.late = Some(Request::TakeOver { who }),
            (Action::TakeOver(_, fate), _) => {
                self.take_over(s, who)?;
                step = if fate == Fate::Answered {
                    Step::Reserving
                } else {
                    step
                };
            }
            (Action::HandlerAnswers(_, answer), Step::Working(t)) => {
                step = Step::Settling(t, answer)
            }
            (Action::GiveUp(_, back), Step::Working(t)) => step = Step::Releasing(t, back),
            (Action::Renew(_), Step::Working(t) | Step::Settling(t, _) | Step::Releasing(t, _)) => {
                let lease = s.jobs[usize::from(t.job)].lease.as_mut();
                match lease {
                    Some(lease) if s.jobs[usize::from(t.job)].n == t.n => lease.time = Time::Left,
                    _ => step = Step::Reserving,
                }
            }
            (Action::WorkerDies(_), _) => {
                bury(s, w);
                return Ok(());
            }
            _ => step = Step::TakingOver,
        }
        s.workers[usize::from(w)].step = step;
        Ok(())
    }

    fn reserving(
        &self,
        s: &mut State,
        who: Holder,
        head: Option<u8>,
        fate: Fate,
    ) -> Result<(), String> {
        let w = usize::from(who.worker);
        let number = s.workers[w].calls.number;
        if fate == Fate::Late {
            s.late = Some(Request::Reserve { who, number });
            return Ok(());
        }
        let granted = self.reserve(s, who, number, head)?;
        if fate == Fate::Answered {
            let worker = &mut s.workers[w];
            worker.step = granted.map_or(Step::Reserving, Step::Working);
            worker.calls = Calls {
                number: number + 1,
                last: number,
            };
        }
        Ok(())
    }
}

/// A worker's process is gone; its leases wait for a successor, or for their end.
fn bury(s: &mut State, w: u8) {
    let calls = s.workers[usize::from(w)].calls;
    for lease in s.jobs.iter_mut().filter_map(|j| j.lease.as_mut()) {
        lease.holder.gone |= lease.holder.worker == w;
    }
    if let Some(Request::Reserve { who, number }) = &mut s.late
        && who.worker == w
        && !who.gone
    {
        // From here on only one thing counts: whether the engine has met it.
        *number = u8::from(*number > calls.last);
    }
    if let Some(holder) = s.late_holder() {
        holder.gone |= holder.worker == w;
    }
    s.workers[usize::from(w)] = Worker {
        step: Step::Dead,
        calls: Calls::FRESH,
        granted: None,
    };
}

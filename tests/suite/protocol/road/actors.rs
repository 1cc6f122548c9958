//! Who does what when: every step that the submitter, the workers, the recorders, the network and time can take.

use windlass::job;

use super::super::search::Model;
use super::{
    Action, Calls, Counts, Fate, JOBS, Job, Recorder, Request, Road, State, Step, Submitter, Time,
    Worker, laws, recorders,
};

const WORKERS: [u8; 2] = [0, 1];

impl Model for Road {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        let worker = Worker {
            step: Step::Reserving,
            calls: Calls::FRESH,
            granted: None,
        };
        State {
            jobs: [Job::default(); JOBS],
            workers: [worker; 2],
            recorders: [Recorder::Collecting; 2],
            submitter: Submitter {
                batch: 0,
                calls: Calls::FRESH,
            },
            late: None,
            unique: None,
            counts: Counts::default(),
            hole: false,
        }
    }

    fn actions(&self, s: &State, into: &mut Vec<(Action, bool)>) {
        let network = Network {
            late: self.late && s.late.is_none(),
        };
        if s.submitter.batch < self.batches() {
            network.call(into, true, Action::Enqueue);
            into.push((Action::SubmitterDies, true));
        }
        for w in WORKERS {
            self.worker_actions(s, w, network, into);
        }
        for r in WORKERS {
            recorders::actions(s, r, into);
        }
        match s.late {
            Some(Request::Reserve { .. }) => heads(s, |head| {
                into.push((Action::LateRequestArrives(head), false))
            }),
            Some(_) => into.push((Action::LateRequestArrives(None), false)),
            None => {}
        }
        if s.workers.iter().any(|w| w.step != Step::Dead) {
            into.push((Action::Heartbeat, false));
        }
        if s.jobs.iter().any(|j| j.lease.is_some()) && !s.hole {
            into.push((Action::EngineWasAway, true));
        }
        for j in 0..JOBS {
            self.time_actions(s, j, into);
        }
    }

    fn apply(&self, mut s: State, action: Action) -> Result<State, String> {
        match action {
            Action::Enqueue(_) | Action::SubmitterDies => self.submitter(&mut s, action)?,
            Action::Collect(r, _)
            | Action::Store(r, _)
            | Action::Acknowledge(r, _)
            | Action::RecorderDies(r) => {
                self.recorder(&mut s, usize::from(r), action);
            }
            Action::Heartbeat => self.tick(&mut s)?,
            Action::Cancel(j) => self.cancel(&mut s, usize::from(j))?,
            Action::LateRequestArrives(head) => {
                if let Some(request) = s.late.take() {
                    self.arrive(&mut s, request, head)?;
                }
            }
            Action::EngineWasAway => {
                s.hole = true;
                for lease in s.jobs.iter_mut().filter_map(|j| j.lease.as_mut()) {
                    if lease.time == Time::Left {
                        lease.time = Time::OverWhileAway;
                    }
                }
            }
            Action::LeaseEnds(j) => {
                if let Some(lease) = &mut s.jobs[usize::from(j)].lease {
                    lease.time = Time::Over;
                }
            }
            Action::TimeComes(j) => s.jobs[usize::from(j)].due = true,
            Action::TimeIsOver(j) => s.jobs[usize::from(j)].overdue = true,
            Action::ClaimEnds(j) => s.jobs[usize::from(j)].outbox = Some(false),
            Action::Reserve(w, ..)
            | Action::Renew(w)
            | Action::HandlerAnswers(w, _)
            | Action::Settle(w, _)
            | Action::GiveUp(w, _)
            | Action::Release(w, _)
            | Action::WorkerDies(w)
            | Action::WorkerStarts(w)
            | Action::TakeOver(w, _) => self.worker(&mut s, w, action)?,
        }
        Ok(s.canonical())
    }

    fn check(&self, s: &State) -> Result<(), String> {
        self.laws(s)
    }

    fn is_done(&self, s: &State) -> bool {
        laws::is_done(self, s)
    }
}

/// What may happen to a call.
#[derive(Clone, Copy)]
pub(super) struct Network {
    /// Whether a request may still be held up.
    pub(super) late: bool,
}

impl Network {
    pub(super) fn call(
        self,
        into: &mut Vec<(Action, bool)>,
        matters: bool,
        action: impl Fn(Fate) -> Action,
    ) {
        into.push((action(Fate::Answered), false));
        // A call that changes nothing may as well not have arrived.
        if matters {
            into.push((action(Fate::ReplyLost), true));
            if self.late {
                into.push((action(Fate::Late), true));
            }
        }
    }
}

/// Every job that may stand at the head of the lines once what is due has been moved there, or none.
pub(super) fn heads(s: &State, mut each: impl FnMut(Option<u8>)) {
    each(None);
    for (j, job) in (0..).zip(&s.jobs) {
        if job.line != 0
            || job.lease.is_some_and(|l| l.time == Time::Over)
            || (job.later && job.due)
        {
            each(Some(j));
        }
    }
}

impl Road {
    fn time_actions(&self, s: &State, j: usize, into: &mut Vec<(Action, bool)>) {
        let (job, number) = (&s.jobs[j], u8::from(j == 1));
        if let Some(lease) = job.lease
            && lease.time == Time::Left
            && !s.hole
        {
            // The lease of a dead worker must end; that of a living one ends only if it is frozen.
            into.push((Action::LeaseEnds(number), !lease.holder.gone));
        }
        if job.later && !job.due {
            into.push((Action::TimeComes(number), false));
        }
        let waits = matches!(
            job.state,
            Some(job::State::Queued | job::State::Scheduled | job::State::Retrying)
        );
        if self.expires && j == 1 && waits && !job.overdue {
            into.push((Action::TimeIsOver(number), true));
        }
        if waits || (job.lease.is_some() && !job.cancel) {
            into.push((Action::Cancel(number), true));
        }
        if job.outbox == Some(true) && self.rules.claims_run_out {
            let claimed = s.recorders.iter().any(|r| match r {
                Recorder::Collecting => false,
                Recorder::Storing(hand) | Recorder::Acknowledging(hand) => hand & 1 << j != 0,
            });
            into.push((Action::ClaimEnds(number), claimed));
        }
    }

    fn submitter(&self, s: &mut State, action: Action) -> Result<(), String> {
        let Submitter { batch, calls } = s.submitter;
        let next = Submitter {
            batch: batch + 1,
            calls: Calls {
                number: calls.number + 1,
                last: calls.number,
            },
        };
        match action {
            Action::Enqueue(Fate::Late) => {
                s.late = Some(Request::Enqueue {
                    batch,
                    number: calls.number,
                    gone: false,
                });
            }
            Action::Enqueue(fate) => {
                self.enqueue(s, batch, calls.number, false)?;
                if fate == Fate::Answered {
                    s.submitter = next;
                }
            }
            _ => {
                if let Some(Request::Enqueue { number, gone, .. }) = &mut s.late
                    && !*gone
                {
                    // From here on only one thing counts: whether the engine has met it.
                    (*number, *gone) = (u8::from(*number > calls.last), true);
                }
                // Without a key, nobody may repeat what the former submitter has perhaps done.
                let batch = if self.keyed { batch } else { batch + 1 };
                s.submitter = Submitter {
                    batch,
                    calls: Calls::FRESH,
                };
            }
        }
        Ok(())
    }
}

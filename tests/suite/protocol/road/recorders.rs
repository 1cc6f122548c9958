//! The recorders, the outbox and the storage: ended jobs are collected, stored, and forgotten by the engine.

use super::actors::Network;
use super::{Action, Fate, Recorder, Road, State};

/// What a recorder can do or suffer next.
pub(super) fn actions(s: &State, r: u8, into: &mut Vec<(Action, bool)>) {
    let network = Network { late: false };
    match s.recorders[usize::from(r)] {
        Recorder::Collecting => {
            if s.jobs.iter().any(|j| j.outbox == Some(false)) {
                network.call(into, true, |fate| Action::Collect(r, fate));
            }
        }
        Recorder::Storing(_) => network.call(into, true, |fate| Action::Store(r, fate)),
        Recorder::Acknowledging(_) => network.call(into, true, |fate| Action::Acknowledge(r, fate)),
    }
    if s.recorders[usize::from(r)] != Recorder::Collecting {
        into.push((Action::RecorderDies(r), true));
    }
}

impl Road {
    /// A recorder, its calls, and its end.
    pub(super) fn recorder(&self, s: &mut State, r: usize, action: Action) {
        let (first, second) = if self.rules.store_before_acknowledge {
            (
                Recorder::Storing as fn(u8) -> _,
                Recorder::Acknowledging as fn(u8) -> _,
            )
        } else {
            (
                Recorder::Acknowledging as fn(u8) -> _,
                Recorder::Storing as fn(u8) -> _,
            )
        };
        let next = match (action, s.recorders[r]) {
            (Action::Collect(_, fate), _) => {
                let hand = self.collect(s);
                (fate == Fate::Answered).then(|| first(hand))
            }
            (Action::Store(_, fate), Recorder::Storing(hand)) => {
                self.store(s, hand);
                (fate == Fate::Answered).then(|| second(hand))
            }
            (Action::Acknowledge(_, fate), Recorder::Acknowledging(hand)) => {
                self.acknowledge(s, hand);
                (fate == Fate::Answered).then(|| second(hand))
            }
            _ => Some(Recorder::Collecting),
        };
        s.recorders[r] = match next {
            // Both steps are done.
            Some(done) if done == s.recorders[r] => Recorder::Collecting,
            Some(next) => next,
            None => s.recorders[r],
        };
    }

    /// Claims what nobody has claimed.
    fn collect(&self, s: &mut State) -> u8 {
        let mut hand = 0;
        for (j, job) in s.jobs.iter_mut().enumerate() {
            if job.outbox == Some(false) {
                job.outbox = Some(true);
                hand |= 1 << j;
            }
        }
        hand
    }

    /// Puts records into storage.
    fn store(&self, s: &mut State, hand: u8) {
        for (j, job) in s.jobs.iter_mut().enumerate() {
            if hand & 1 << j != 0 && (job.rows == 0 || !self.rules.store_has_conflict_rule) {
                job.rows += 1;
            }
        }
    }

    /// Makes the engine forget what is stored.
    fn acknowledge(&self, s: &mut State, hand: u8) {
        for (j, job) in s.jobs.iter_mut().enumerate() {
            if hand & 1 << j != 0 && job.state.is_some() {
                (job.state, job.outbox) = (None, None);
                s.counts.outbox -= 1;
            }
        }
    }
}

//! A bounded good that jobs take their share of: places on the pool, bytes of memory.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pace::Pace;
use crate::handlers::Failure;

/// How often who waits looks whether its job is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// What is there of the good. Shares are given in the order in which they are asked for, so that a large one is not
/// passed over for ever.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    free: u64,
    next: u64,
    line: VecDeque<u64>,
}

/// A share; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    gate: Arc<Gate>,
    amount: u64,
}

impl Gate {
    pub(super) fn new(total: u64) -> Arc<Self> {
        let state = State {
            free: total,
            next: 0,
            line: VecDeque::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            moved: Condvar::new(),
        })
    }

    /// Waits for a share of `amount`, which must not exceed the total.
    ///
    /// # Errors
    ///
    /// The job was cancelled or its deadline passed.
    pub(super) fn take(self: &Arc<Self>, amount: u64, pace: &Pace) -> Result<Share, Failure> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.line.push_back(number);
        while state.line.front() != Some(&number) || state.free < amount {
            if let Err(failure) = pace.go_on() {
                state.line.retain(|waiting| *waiting != number);
                self.moved.notify_all();
                return Err(failure);
            }
            let (guard, _) = self
                .moved
                .wait_timeout(state, LOOK)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
        }
        state.line.pop_front();
        state.free -= amount;
        // The next in line may fit as well.
        self.moved.notify_all();
        Ok(Share {
            gate: Arc::clone(self),
            amount,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one field or two beside each other; a panic cannot tear them apart.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.gate.state().free += self.amount;
        self.gate.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::Context;
    use crate::job::{ErrorKind, JobId, Timestamp};
    use crate::threads::{pause, spawn};
    use std::time::Instant;

    fn context() -> Context {
        let id = JobId::mint(Timestamp::from_micros(1), 1);
        Context::new(id, 1, Instant::now() + Duration::from_secs(60))
    }

    fn await_line(gate: &Gate, length: usize) {
        let until = Instant::now() + Duration::from_secs(10);
        while gate.state().line.len() != length {
            assert!(Instant::now() < until, "never {length} in line");
            pause(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_large_share_is_not_passed_over() {
        let gate = Gate::new(10);
        let context = context();
        let first = gate.take(8, &Pace::new(&context, 1)).expect("free");
        let (say, said) = crossbeam_channel::unbounded();
        let asking: Vec<_> = [(1, 10), (2, 2)]
            .into_iter()
            .map(|(place, amount)| {
                let (gate, context, say) = (gate.clone(), context.clone(), say.clone());
                let thread = spawn("share", {
                    let gate = gate.clone();
                    move || {
                        let share = gate.take(amount, &Pace::new(&context, 1));
                        say.send(amount).expect("heard");
                        drop(share);
                    }
                });
                await_line(&gate, place);
                thread.expect("a thread")
            })
            .collect();
        assert!(
            said.is_empty(),
            "two were free, but ten were asked for before"
        );
        drop(first);
        let order: Vec<u64> = said.iter().take(2).collect();
        assert_eq!(order, [10, 2]);
        asking
            .into_iter()
            .for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(gate.state().free, 10);
    }

    #[test]
    fn who_is_cancelled_leaves_the_line() {
        let gate = Gate::new(1);
        let held = gate.take(1, &Pace::new(&context(), 1)).expect("free");
        let context = context();
        let asking = {
            let (gate, context) = (gate.clone(), context.clone());
            spawn("share", move || {
                gate.take(1, &Pace::new(&context, 1)).map(drop)
            })
        };
        await_line(&gate, 1);
        context.cancel();
        let answer = asking.expect("a thread").join().expect("no panic");
        let failure = answer.expect_err("cancelled");
        assert_eq!(failure.error().kind, ErrorKind::Cancelled);
        assert!(gate.state().line.is_empty());
        drop(held);
        assert_eq!(gate.state().free, 1);
    }
}

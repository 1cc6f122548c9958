//! Batches outcomes and brings them to the queue, again and again until it answers.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::OnSettled;
use super::hands::Hands;
use crate::queue::{Lease, Queue, QueueError, Release, Settled, Settlement, TICKETS_PER_CALL_MAX};
use crate::threads::{Stop, Watch, pause};

/// Most outcomes of one call: enough for the speed of batches, few enough that the first does not wait for long.
const BATCH: usize = 500;

/// The end of one lease, or of several.
pub enum Done {
    /// The attempt is over.
    Settle(Settlement),
    /// Leases are given back together, in the order in which they shall stand at the head of their line.
    Release(Vec<Release>),
}

/// What the settler needs.
pub struct Parts {
    pub queue: Arc<dyn Queue>,
    pub hands: Arc<Hands>,
    pub done: Receiver<Done>,
    /// Told of every job that was settled, and where it stands now.
    pub settled: OnSettled,
    pub watch: Watch,
}

/// Starts the thread. Once stopped, it ends when nothing more waits.
pub fn start(parts: Parts) -> io::Result<(Stop, JoinHandle<()>)> {
    let stop = Stop::new();
    let watch = parts.watch.clone();
    let settler = Settler {
        parts,
        stop: stop.clone(),
    };
    Ok((stop, watch.spawn("settler", move || settler.run())?))
}

struct Settler {
    parts: Parts,
    stop: Stop,
}

impl Settler {
    fn run(&self) {
        loop {
            let first = match self.parts.done.recv_timeout(Duration::from_millis(50)) {
                Ok(done) => done,
                Err(RecvTimeoutError::Timeout) if self.stop.is_stopped() => return,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (mut settlements, mut releases) = (Vec::new(), Vec::new());
            for done in std::iter::once(first)
                .chain(self.parts.done.try_iter())
                .take(BATCH)
            {
                match done {
                    Done::Settle(settlement) => settlements.push(settlement),
                    Done::Release(given_back) => releases.extend(given_back),
                }
            }
            self.bring(
                "settle",
                &settlements,
                |s| &s.lease,
                |batch| self.parts.queue.settle(batch),
            );
            // Each call puts its own before all that stand there, in their order: so the last of them go first.
            for slice in releases.rchunks(TICKETS_PER_CALL_MAX) {
                self.bring(
                    "release",
                    slice,
                    |r| &r.lease,
                    |batch| self.parts.queue.release(batch),
                );
            }
        }
    }

    /// Calls until the queue answers, then strikes the leases out and passes on where the jobs stand.
    fn bring<T>(
        &self,
        what: &str,
        batch: &[T],
        lease: impl Fn(&T) -> &Lease,
        call: impl Fn(&[T]) -> Result<Vec<Settled>, QueueError>,
    ) {
        if batch.is_empty() {
            return;
        }
        let mut wait = Duration::from_millis(20);
        let mut failed = false;
        let answers = loop {
            match call(batch) {
                Ok(answers) => break answers,
                Err(err) => {
                    if !failed {
                        log::warn!("cannot {what} {} jobs, and tries on: {err}", batch.len());
                    }
                    failed = true;
                }
            }
            // A stopping settler tries on as well: it is its owner who knows when to leave it behind.
            pause(wait);
            wait = (wait * 2).min(Duration::from_secs(1));
        };
        if failed {
            log::info!("could {what} {} jobs after all", batch.len());
        }
        self.parts
            .hands
            .strike(batch.iter().map(|item| lease(item).ticket()));
        let mut stand = Vec::with_capacity(batch.len());
        for (item, answer) in batch.iter().zip(answers) {
            let id = lease(item).job().id;
            match answer {
                Settled::Now(state) => stand.push((id, state)),
                // After a lost answer this is what a repeat finds, and nothing is wrong.
                Settled::NotOurs if failed => {}
                Settled::NotOurs => log::warn!(
                    "job {id}: its lease was lost before it could {what}; its outcome is not used"
                ),
            }
        }
        (self.parts.settled)(&stand);
    }
}

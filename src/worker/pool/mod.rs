//! The fixed pool of threads that run handlers.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use serde_json::value::RawValue;

use super::UNKNOWN_TYPE_DELAY;
use super::hands::{Hands, Held, Run};
use super::settler::Done;
use crate::handlers::{Context, Registered};
use crate::job::{Attempt, Failure, Outcome, Verdict, judge};
use crate::queue::{Ending, Queue, Release, Settlement};
use crate::terms::Terms;
use crate::threads::{Watch, panic_message};

/// What the pool needs.
pub struct Parts {
    pub queue: Arc<dyn Queue>,
    pub terms: Terms,
    /// How many threads there are to be.
    pub threads: usize,
    pub node: String,
    pub takes: Receiver<Arc<Held>>,
    /// Wakes the poller when the channel runs low.
    pub hungry: Sender<()>,
    pub outcomes: Sender<Done>,
    pub watch: Watch,
    pub hands: Arc<Hands>,
}

/// The threads, counted.
pub struct Pool {
    parts: Parts,
    busy: AtomicUsize,
    started: AtomicU64,
    low: AtomicUsize,
    given_up: AtomicUsize,
    spawned: AtomicUsize,
    alive: Mutex<usize>,
    ended: Condvar,
}

impl Pool {
    /// A pool without threads.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            busy: AtomicUsize::new(0),
            started: AtomicU64::new(0),
            low: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
            spawned: AtomicUsize::new(0),
            alive: Mutex::new(0),
            ended: Condvar::new(),
        }
    }

    /// Starts all threads. They end when the channel of taken jobs is closed and empty.
    pub fn start(self: &Arc<Self>) -> io::Result<()> {
        (0..self.size()).try_for_each(|_| self.spawn())
    }

    /// How many threads there are to be.
    pub fn size(&self) -> usize {
        self.parts.threads
    }

    /// How many of them run a handler; those given up are not counted.
    pub fn busy(&self) -> usize {
        self.busy
            .load(Ordering::Relaxed)
            .saturating_sub(self.given_up())
    }

    /// Below how many waiting jobs the threads wake the poller.
    pub fn set_low(&self, low: usize) {
        self.low.store(low, Ordering::Relaxed);
    }

    /// How many handlers were begun since the start.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// How many threads run a handler that overran.
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Puts a new thread in the place of one whose handler overran. The caller has given that thread up.
    pub fn replace(self: &Arc<Self>) -> io::Result<()> {
        self.given_up.fetch_add(1, Ordering::Relaxed);
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.spawn()
    }

    /// Waits until all threads but those given up have ended; false if some have not by `deadline`.
    pub fn wait_ended(&self, deadline: Instant) -> bool {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        while *alive > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            alive = self
                .ended
                .wait_timeout(alive, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Gives back every lease that nobody has decided: time is up. Tells how many.
    pub fn cut(&self) -> usize {
        let open: Vec<_> = self
            .parts
            .hands
            .all()
            .into_iter()
            .filter(|held| held.close())
            .collect();
        let release = |held: &Arc<Held>| Release {
            lease: held.lease.clone(),
            delay: Duration::ZERO,
            attempt: held.run().map(|run| {
                run.context.cancel();
                self.attempt(held, run, Outcome::Released, None)
            }),
        };
        self.release(open.iter().map(release).collect());
        open.len()
    }

    /// Gives leases back that nobody has decided and nobody works on, uncounted; not to be lent again before `delay`. Without
    /// one they stand at the head of their line in this order.
    pub fn hand_back(&self, held: &[Arc<Held>], delay: Duration) {
        let open = held.iter().filter(|held| held.close());
        let release = |held: &Arc<Held>| Release {
            lease: held.lease.clone(),
            delay,
            attempt: None,
        };
        self.release(open.map(release).collect());
    }

    fn release(&self, releases: Vec<Release>) {
        if !releases.is_empty() {
            self.send(Done::Release(releases));
        }
    }

    /// Settles a lease that the caller has closed, by what its handler answered (or did not).
    pub fn settle(&self, held: &Held, run: &Run, answer: Result<Box<RawValue>, Failure>) {
        let job = held.lease.job();
        let failure = answer.as_ref().err();
        let (ending, outcome, error) = match judge(
            job,
            held.lease.failures(),
            failure,
            held.is_cancelled(),
            fastrand::f64(),
        ) {
            Verdict::End {
                state,
                outcome,
                error,
            } => {
                let ending = Ending::End {
                    state,
                    result: answer.ok(),
                    error: error.clone(),
                };
                (ending, outcome, error)
            }
            Verdict::Retry {
                delay,
                outcome,
                error,
            } => (Ending::Retry { delay }, outcome, Some(error)),
        };
        let attempt = self.attempt(held, run, outcome, error);
        self.send(Done::Settle(Settlement {
            lease: held.lease.clone(),
            attempt,
            ending,
        }));
    }

    fn attempt(
        &self,
        held: &Held,
        run: &Run,
        outcome: Outcome,
        error: Option<crate::job::JobError>,
    ) -> Attempt {
        Attempt {
            attempt: held.lease.attempt(),
            outcome,
            started_at: run.started_at,
            // Measured, not read off a clock twice: the engine's clock may be corrected in between.
            ended_at: run.started_at + run.began.elapsed(),
            node: self.parts.node.clone(),
            error,
            log: run.context.log_lines(),
        }
    }

    fn send(&self, done: Done) {
        // The settler outlives every sender; if it panicked, the daemon is going down and the lease will run out.
        if self.parts.outcomes.send(done).is_err() {
            log::error!(
                "an outcome could not be handed to the settler, which is gone; its job will run again"
            );
        }
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let number = self.spawned.fetch_add(1, Ordering::Relaxed) + 1;
        let pool = Arc::clone(self);
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let handle = self
            .parts
            .watch
            .spawn(&format!("worker-{number}"), move || pool.work())?;
        // Its end is known by the count of threads alive, and its panic by the watch.
        drop(handle);
        Ok(())
    }

    fn work(&self) {
        loop {
            let Ok(held) = self.parts.takes.recv() else {
                break;
            };
            if self.parts.takes.len() <= self.low.load(Ordering::Relaxed) {
                // A full channel means that the poller knows already.
                self.parts.hungry.try_send(()).ok();
            }
            if !self.run_one(&held) {
                // This thread was given up and has been replaced: its place in the count of living ones is gone too.
                return;
            }
        }
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.ended.notify_all();
    }

    /// Runs one job; false if the thread was given up meanwhile and must end.
    fn run_one(&self, held: &Arc<Held>) -> bool {
        let lease = &held.lease;
        let present = self.parts.terms.present();
        let Some(handler) = present.registry.get(&lease.job().kind) else {
            // Its type went away after it was taken.
            self.hand_back(std::slice::from_ref(held), UNKNOWN_TYPE_DELAY);
            return true;
        };
        let began = Instant::now();
        let timeout = lease.job().timeout.or(handler.timeout());
        let timeout = timeout.unwrap_or(present.config.job_timeout);
        let context = Context::new(lease.job().id, lease.attempt(), began + timeout);
        let Some(run) = held.begin(Run::new(context, self.parts.queue.now(), began)) else {
            self.parts
                .hands
                .strike(held.is_lost().then(|| lease.ticket()));
            return true;
        };
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.started.fetch_add(1, Ordering::Relaxed);
        let answer = handle(
            held,
            run,
            timeout,
            handler.as_ref(),
            present.config.result_max,
        );
        let stays = run.returns();
        if held.close() {
            self.settle(held, run, answer);
        } else if held.is_lost() {
            self.parts.hands.strike([lease.ticket()]);
        }
        self.busy.fetch_sub(1, Ordering::Relaxed);
        if !stays {
            log::warn!(
                "job {}: its handler, which had overrun, has returned; what it answered is not used",
                lease.job().id
            );
            self.given_up.fetch_sub(1, Ordering::Relaxed);
        }
        stays
    }
}

/// Calls the handler: catches its panic, holds it to its deadline and its result to its bound.
fn handle(
    held: &Held,
    run: &Run,
    timeout: Duration,
    handler: &dyn Registered,
    result_max: usize,
) -> Result<Box<RawValue>, Failure> {
    let payload = &held.lease.job().payload;
    let answer = catch_unwind(AssertUnwindSafe(|| handler.run(payload, &run.context)))
        .unwrap_or_else(|panic| Err(Failure::panic(&panic_message(panic.as_ref()))));
    if Instant::now() > run.context.deadline() {
        return Err(Failure::timeout(timeout));
    }
    let result = answer?;
    let size = result.get().len();
    if size > result_max {
        return Err(Failure::permanent(format!(
            "the result has {size} bytes; at most {result_max} (RESULTMAX) are kept"
        )));
    }
    Ok(without_nul(result))
}

/// The JSON text with each escaped U+0000 replaced: PostgreSQL's jsonb refuses it, and a result must not be lost for it.
fn without_nul(json: Box<RawValue>) -> Box<RawValue> {
    const NUL: &str = "\\u0000";
    if !json.get().contains(NUL) {
        return json;
    }
    let (text, mut clean) = (json.get(), String::with_capacity(json.get().len()));
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        clean.push_str(&rest[..at]);
        // An escape is six bytes for a \u with its four digits and two for the others; a backslash never stands alone in
        // valid JSON.
        let length = if rest[at..].starts_with("\\u") { 6 } else { 2 };
        let escape = &rest[at..at + length];
        clean.push_str(if escape == NUL { "\\ufffd" } else { escape });
        rest = &rest[at + length..];
    }
    clean.push_str(rest);
    RawValue::from_string(clean).unwrap_or(json)
}

#[cfg(test)]
mod tests;

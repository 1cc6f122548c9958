//! Keeps what is in hand: renews leases, brings cancel requests, ends what overruns.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::Trouble;
use super::hands::{Hands, Held};
use super::pool::Pool;
use crate::job::Failure;
use crate::queue::{Queue, Renewal, Renewed, TICKETS_PER_CALL_MAX};
use crate::threads::{Stop, Watch};

/// How often overruns are looked for.
const TICK: Duration = Duration::from_millis(100);

/// How late a handler may answer that heeds its deadline, before its thread is given up.
const OVERRUN: Duration = Duration::from_millis(250);

/// How late a cancel request may reach its handler.
const CANCEL_WITHIN: Duration = Duration::from_secs(2);

/// What the keeper needs.
pub struct Parts {
    pub queue: Arc<dyn Queue>,
    pub hands: Arc<Hands>,
    pub pool: Arc<Pool>,
    pub lease: Duration,
    pub troubles: Sender<Trouble>,
    pub watch: Watch,
}

/// Starts the thread.
pub fn start(parts: Parts) -> io::Result<(Stop, JoinHandle<()>)> {
    let stop = Stop::new();
    let watch = parts.watch.clone();
    let mut keeper = Keeper {
        parts,
        stop: stop.clone(),
        failing: false,
    };
    Ok((stop, watch.spawn("keeper", move || keeper.run())?))
}

struct Keeper {
    parts: Parts,
    stop: Stop,
    failing: bool,
}

impl Keeper {
    fn run(&mut self) {
        // At a third of the lease, so that two renewals may fail; and often enough to bring cancel requests.
        let period = (self.parts.lease / 3).min(CANCEL_WITHIN);
        let mut renewed = Instant::now();
        while !self.stop.wait(TICK.min(period)) {
            let held = self.parts.hands.all();
            self.end_overruns(&held);
            if renewed.elapsed() >= period {
                renewed = Instant::now();
                self.renew(&held);
            }
        }
    }

    fn renew(&mut self, held: &[Arc<Held>]) {
        let ours: Vec<_> = held.iter().filter(|held| !held.is_lost()).collect();
        for chunk in ours.chunks(TICKETS_PER_CALL_MAX) {
            let progress = |held: &Held| held.run().and_then(|run| run.context.fresh_progress());
            let renewals: Vec<_> = chunk
                .iter()
                .map(|held| Renewal {
                    lease: &held.lease,
                    progress: progress(held),
                })
                .collect();
            match self.parts.queue.renew(&renewals, self.parts.lease) {
                Ok(answers) => {
                    self.failing = false;
                    for (held, answer) in chunk.iter().zip(answers) {
                        self.obey(held, answer);
                    }
                }
                Err(err) => {
                    if !std::mem::replace(&mut self.failing, true) {
                        // Another node takes them over when they run out; if the queue itself was away, none does.
                        log::warn!("cannot renew {} leases: {err}", chunk.len());
                    }
                    return;
                }
            }
        }
    }

    fn obey(&self, held: &Held, answer: Renewed) {
        match answer {
            Renewed::Held => {}
            Renewed::CancelRequested => held.cancel(),
            // A lease whose outcome is on the way may be settled by the time that this answer comes.
            Renewed::Lost if held.is_closed() => {}
            Renewed::Lost => {
                if held.lose() {
                    log::warn!(
                        "job {}: its lease is lost; what its handler answers will not be used",
                        held.lease.job().id
                    );
                }
                if held.run().is_none() {
                    self.parts.hands.strike([held.lease.ticket()]);
                }
            }
        }
    }

    /// Settles what did not end by its deadline, and gives its thread up: a thread cannot be killed.
    fn end_overruns(&self, all: &[Arc<Held>]) {
        for held in all {
            let Some(run) = held.run() else { continue };
            if Instant::now() < run.context.deadline() + OVERRUN {
                continue;
            }
            run.context.cancel();
            if !run.give_up() {
                continue;
            }
            let job = held.lease.job();
            log::error!(
                "job {} ({}) does not end at its deadline: its thread is given up and replaced",
                job.id,
                job.kind
            );
            if held.close() {
                let limit = run.context.deadline().saturating_duration_since(run.began);
                self.parts
                    .pool
                    .settle(held, run, Err(Failure::timeout(limit)));
            } else if held.is_lost() {
                self.parts.hands.strike([held.lease.ticket()]);
            }
            let given_up = self.parts.pool.given_up() + 1;
            if given_up > self.parts.pool.size() || self.parts.pool.replace().is_err() {
                // A full channel means that the daemon is being told already.
                drop(
                    self.parts
                        .troubles
                        .try_send(Trouble::ThreadsGivenUp(given_up)),
                );
            }
        }
    }
}

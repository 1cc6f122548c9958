//! The poller moves ready jobs from the queue to idle worker threads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::draw::draw;
use super::hands::{Hands, Held};
use super::pool::Pool;
use super::{TAKEN_MAX, Trouble, UNKNOWN_TYPE_DELAY};
use crate::health::{Health, Part};
use crate::job::Timestamp;
use crate::queue::{Call, Queue, QueueError, Reserve, Reserved};
use crate::terms::{Present, Terms};
use crate::threads::{Stop, Watch};

/// A taken job that has not started within this goes back to the head of its line: no forecast sees a long job coming.
const START_WITHIN: Duration = Duration::from_millis(250);

/// The stretch whose starts are the forecast for what will start next.
const FORECAST_OVER: Duration = Duration::from_millis(50);

/// The backoff while nothing comes, and after errors: from, up to.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Longest single wait on the queue's bell: a stop is not seen before its end.
const BELL_MAX: Duration = Duration::from_millis(500);

/// How soon to look again when the lines are empty but the worker threads still have taken jobs to start.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// What the poller needs.
pub struct Parts {
    pub queue: Arc<dyn Queue>,
    pub terms: Terms,
    /// Whether to take nothing more for a while.
    pub quiet: Arc<AtomicBool>,
    pub node: String,
    pub health: Health,
    pub hands: Arc<Hands>,
    pub pool: Arc<Pool>,
    pub taken: Sender<Arc<Held>>,
    /// The worker threads' end of the channel, to take back what does not start.
    pub takes: Receiver<Arc<Held>>,
    /// Rings when the channel runs low.
    pub hunger: Receiver<()>,
    pub prepare: Box<dyn FnMut() -> Result<(), QueueError> + Send>,
    pub troubles: Sender<Trouble>,
    pub watch: Watch,
}

/// Starts the thread. Once stopped, it gives back what has not started, closes the channel and ends.
pub fn start(parts: Parts) -> io::Result<(Stop, JoinHandle<()>)> {
    let stop = Stop::new();
    let watch = parts.watch.clone();
    let present = parts.terms.present();
    let mut poller = Poller {
        call: Call::first("poller"),
        queues: queues(&present),
        present,
        stop: stop.clone(),
        backoff: BACKOFF.0,
        next: None,
        outbox_full: false,
        last_reserve: Instant::now(),
        unanswered: false,
        forecast: Forecast {
            at: Instant::now(),
            started: 0,
            in_stretch: 0,
        },
        progress: (0, Instant::now()),
        parts,
    };
    Ok((stop, watch.spawn("poller", move || poller.run())?))
}

fn queues(present: &Present) -> Vec<String> {
    let list = present.config.queues.list.iter();
    list.map(|q| q.queue.clone()).collect()
}

struct Poller {
    parts: Parts,
    call: Call,
    /// The terms of this turn.
    present: Arc<Present>,
    queues: Vec<String>,
    stop: Stop,
    backoff: Duration,
    /// When something next happens in the queue by itself.
    next: Option<Timestamp>,
    outbox_full: bool,
    last_reserve: Instant,
    /// The present call was made and not answered: it may have lent jobs to us.
    unanswered: bool,
    forecast: Forecast,
    /// How many jobs had been started when that last changed, and when it did.
    progress: (u64, Instant),
}

/// How many jobs are started in a stretch of time.
struct Forecast {
    at: Instant,
    started: u64,
    in_stretch: usize,
}

impl Forecast {
    /// Takes a look at the counter of started jobs; answers how many were started in the last whole stretch.
    fn look(&mut self, started: u64) -> usize {
        let elapsed = self.at.elapsed();
        if elapsed >= FORECAST_OVER {
            let fresh = usize::try_from(started - self.started).unwrap_or(usize::MAX);
            // A look after a long pause stands for many stretches.
            let stretches = usize::try_from(elapsed.as_millis() / FORECAST_OVER.as_millis())
                .unwrap_or(usize::MAX);
            self.in_stretch = fresh / stretches.max(1);
            (self.at, self.started) = (Instant::now(), started);
        }
        self.in_stretch
    }
}

impl Poller {
    fn run(&mut self) {
        if self.prepare() {
            while !self.stop.is_stopped() {
                self.turn();
            }
            self.ask_once_more();
        }
        self.give_back();
    }

    /// Waits until the queue can be used; false if that will not be.
    fn prepare(&mut self) -> bool {
        while !self.stop.is_stopped() {
            match (self.parts.prepare)() {
                Ok(()) => {
                    self.recovered();
                    return true;
                }
                Err(QueueError::Unfit { reason }) => {
                    // A full channel means that the daemon is being told already.
                    drop(self.parts.troubles.try_send(Trouble::Unfit(reason)));
                    return false;
                }
                Err(err) => self.back_off(&err),
            }
        }
        false
    }

    /// One turn: take what can start, or wait for a reason to.
    fn turn(&mut self) {
        self.renew_terms();
        let waiting = self.parts.taken.len();
        self.give_back_what_does_not_start(waiting);
        let want = self.want(waiting);
        let due = self.next.is_some_and(|next| next <= self.parts.queue.now());
        // Others can take what is due only once somebody has moved it to its line; and the engine's clock wants its stamp.
        let heartbeat = due || self.last_reserve.elapsed() >= self.present.config.lease / 3;
        if want == 0 && !heartbeat && !self.unanswered {
            // Woken or not, the next turn looks anew.
            self.parts.hunger.recv_timeout(FORECAST_OVER).ok();
            return;
        }
        match self.reserve(want) {
            Ok(reserved) => self.took(want, reserved),
            Err(err) => self.back_off(&err),
        }
    }

    /// Goes by what holds now; tells whether that is something else than before. Then whatever was waited for may be there.
    fn renew_terms(&mut self) -> bool {
        let present = self.parts.terms.present();
        if Arc::ptr_eq(&present, &self.present) {
            return false;
        }
        self.queues = queues(&present);
        self.present = present;
        self.backoff = BACKOFF.0;
        true
    }

    /// Whether to take nothing more for a while. What is in the queue still goes its way: see `heartbeat`.
    fn is_quiet(&self) -> bool {
        self.parts.quiet.load(Ordering::Acquire)
    }

    /// How many to take: twice what was started lately, at least the idle threads, less what waits already.
    fn want(&mut self, waiting: usize) -> usize {
        if self.outbox_full || self.is_quiet() {
            return 0;
        }
        let idle = self
            .parts
            .pool
            .size()
            .saturating_sub(self.parts.pool.busy());
        let lately = self.forecast.look(self.parts.pool.started());
        let aim = idle.max(2 * lately).min(TAKEN_MAX);
        self.parts.pool.set_low(aim / 2);
        let want = aim.saturating_sub(waiting);
        // Small helpings cost a call each: unless a thread is idle, wait until half of the aim is used up.
        if idle > waiting || want * 2 >= aim {
            want
        } else {
            0
        }
    }

    fn reserve(&mut self, want: usize) -> Result<Reserved, QueueError> {
        let config = &self.present.config;
        let reserve = Reserve {
            node: &self.parts.node,
            want,
            shares: &draw(&config.queues, &config.limits, want, fastrand::f64),
            lease: config.lease,
            suspect: self.parts.hands.suspects() == 0,
            max_crashes: config.max_crashes,
        };
        self.unanswered = true;
        let reserved = self.parts.queue.reserve(&self.call, &reserve)?;
        self.unanswered = false;
        self.call.advance();
        self.last_reserve = Instant::now();
        self.recovered();
        Ok(reserved)
    }

    fn took(&mut self, want: usize, reserved: Reserved) {
        self.next = reserved.next;
        self.watch_outbox(reserved.outbox);
        if reserved.lapsed > 0 {
            log::warn!(
                "{} leases had run out: their workers were not heard of any more",
                reserved.lapsed
            );
        }
        let got = reserved.leases.len();
        let known = |held: &Arc<Held>| {
            let kind = &held.lease.job().kind;
            self.present.registry.get(kind).is_some()
        };
        let entered = self.parts.hands.enter(reserved.leases);
        let (known, unknown): (Vec<_>, Vec<_>) = entered.into_iter().partition(known);
        self.parts.pool.hand_back(&unknown, UNKNOWN_TYPE_DELAY);
        if self.is_quiet() {
            // Told while this call was under way.
            self.parts.pool.hand_back(&known, Duration::ZERO);
        } else {
            known.into_iter().for_each(|held| self.hand_over(held));
        }
        if got > 0 {
            self.backoff = BACKOFF.0;
        }
        if got >= want || reserved.more {
            return;
        }
        if got == 0 && self.parts.hands.suspects() > 0 {
            // A suspect that waits may keep the bell ringing, for others: we may not take it while we have one.
            self.stop.wait(BACKOFF.0);
        }
        // The lines are empty, and whatever comes rings. But a wait on the bell must not keep taken jobs from going back.
        let idle = self
            .parts
            .pool
            .size()
            .saturating_sub(self.parts.pool.busy());
        if self.parts.taken.len() <= idle {
            self.wait();
        } else {
            self.stop.wait(BETWEEN_LOOKS);
        }
    }

    /// Waits on the bell until there may be something to take: it rings, something is due, or the backoff is over.
    fn wait(&mut self) {
        let until = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2)
            .min(BACKOFF.1)
            .min(self.present.config.lease / 3);
        loop {
            let due = self.next.map(|next| next.since(self.parts.queue.now()));
            let left = until
                .saturating_duration_since(Instant::now())
                .min(due.unwrap_or(BACKOFF.1));
            if left.is_zero() || self.stop.is_stopped() || self.is_quiet() || self.renew_terms() {
                return;
            }
            match self.parts.queue.wait(&self.queues, left.min(BELL_MAX)) {
                Ok(true) => {
                    self.backoff = BACKOFF.0;
                    return;
                }
                Ok(false) => {}
                Err(err) => return self.back_off(&err),
            }
        }
    }

    fn back_off(&mut self, err: &QueueError) {
        if self.parts.health.missing(Part::Queue, err) {
            log::error!("the queue is away, and is tried again and again: {err}");
        }
        // From half to all of it, so that daemons which lost the queue together do not return together.
        self.stop
            .wait(self.backoff.mul_f64(0.5 + fastrand::f64() / 2.0));
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
    }

    fn recovered(&mut self) {
        if self.parts.health.fine(Part::Queue) {
            log::info!("the queue is there");
            self.backoff = BACKOFF.0;
        }
    }

    fn watch_outbox(&mut self, waiting: usize) {
        self.outbox_full = waiting >= self.present.config.outbox_max;
        if self.outbox_full {
            let reason = format!(
                "{waiting} ended jobs wait for storage (OUTBOXMAX): no more are taken until it has caught up"
            );
            if self.parts.health.missing(Part::Outbox, &reason) {
                log::error!("{reason}");
            }
        } else if self.parts.health.fine(Part::Outbox) {
            log::info!("storage has caught up: jobs are taken again");
        }
    }

    /// No job has been started for a while and some wait: whoever is idle elsewhere shall have them.
    fn give_back_what_does_not_start(&mut self, waiting: usize) {
        let started = self.parts.pool.started();
        if self.is_quiet() {
            self.give_back();
        } else if waiting == 0 || started != self.progress.0 {
            self.progress = (started, Instant::now());
        } else if self.progress.1.elapsed() >= START_WITHIN {
            self.give_back();
            self.progress.1 = Instant::now();
        }
    }

    /// Asks a last time what the present call has lent, so that it goes back now and uncounted; by the end of its leases it
    /// would go back as crashed.
    fn ask_once_more(&mut self) {
        if !self.unanswered {
            return;
        }
        match self.reserve(0) {
            Ok(reserved) => {
                let entered = self.parts.hands.enter(reserved.leases);
                self.parts.pool.hand_back(&entered, Duration::ZERO);
            }
            Err(err) => log::warn!(
                "the queue does not say whether it lent jobs at last; those go on when their leases run out: {err}"
            ),
        }
    }

    /// Takes back all that waits in the channel and returns it to the head of its line, together, so that the line is as it
    /// was.
    fn give_back(&self) {
        let waiting: Vec<_> = self.parts.takes.try_iter().collect();
        self.parts.pool.hand_back(&waiting, Duration::ZERO);
    }

    fn hand_over(&self, held: Arc<Held>) {
        // There is room: no more was asked for than fits. Worker threads hold the other end for as long as we run.
        if let Err(err) = self.parts.taken.send(held) {
            self.parts.pool.hand_back(&[err.0], Duration::ZERO);
        }
    }
}

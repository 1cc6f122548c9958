//! Takes jobs from the queue, runs them on a fixed pool of threads, and settles what became of them.
//!
//! ```text
//!             reserve                          run                         settle, release
//!   queue ─▶ poller ─▶ bounded channel ─▶ worker threads ─▶ outcomes ─▶ settler ─▶ queue
//!                          │                    ▲                          ▲
//!                          └── given back ──────┼──────────────────────────┤
//!                                 keeper: renews every lease until its settlement is answered,
//!                                 brings cancel requests, ends what overruns
//! ```
//!
//! All leases that this daemon holds stand in one table (`hands::Hands`), from the answer of `reserve` to the answer of
//! `settle`. Who decides an attempt's end takes it by `hands::Held::close`, once: the worker thread when the handler
//! returns, the keeper when it overruns, the drain when time is up.
//!
//! # Not here
//!
//! Nothing of storage, HTTP or cron. Of the queue only [`Queue`].

mod draw;
mod hands;
mod keeper;
mod poller;
mod pool;
mod settler;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::health::Health;
use crate::job::{JobId, State};
use crate::queue::{Queue, QueueError, Running};
use crate::terms::Terms;
use crate::threads::{Stop, Watch, join_by};

use hands::{Hands, Held};
use pool::Pool;

/// How long a stopping daemon waits for handlers that were cut off: a little more than a program gets between TERM and
/// KILL.
const HEED: Duration = Duration::from_millis(1_500);

/// Most jobs that are taken and have not started; also the most that one `reserve` asks for.
const TAKEN_MAX: usize = 1_000;

/// For how long a job of a type that is not known here is handed back.
const UNKNOWN_TYPE_DELAY: Duration = Duration::from_secs(5);

/// Outcomes that may wait for the settler before the worker threads wait for it.
const OUTCOMES_MAX: usize = 4_096;

/// What is called with every job that was settled, and the state in which it stands now.
pub type OnSettled = Arc<dyn Fn(&[(JobId, State)]) + Send + Sync>;

/// What a worker needs of its surroundings.
pub struct Parts {
    /// Where jobs come from and outcomes go.
    pub queue: Arc<dyn Queue>,
    /// What runs them, and the settings.
    pub terms: Terms,
    /// This daemon's name.
    pub node: String,
    /// Where the poller says whether the queue answers.
    pub health: Health,
    /// Reports threads that panic.
    pub watch: Watch,
    /// Called by the poller until it succeeds, before it takes anything: the queue is checked, the leases of this node's
    /// former process are taken over.
    pub prepare: Box<dyn FnMut() -> Result<(), QueueError> + Send>,
    /// Told of every job that this daemon settled, and the state it stands in now.
    pub settled: OnSettled,
    /// Where troubles go that the daemon must not outlive.
    pub troubles: Sender<Trouble>,
}

/// What a worker cannot go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// So many handlers overran that no more threads can be given up: drain and start anew.
    ThreadsGivenUp(usize),
    /// The queue cannot be used: wrong version, policy or layout. An operator must help.
    Unfit(String),
}

/// What a worker does at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// It was told to take nothing more.
    pub quiet: bool,
    /// Worker threads at work.
    pub busy: usize,
    /// Threads that run a handler which overran and does not return.
    pub given_up: usize,
    /// What runs.
    pub running: Vec<Running>,
}

/// The running threads.
pub struct Worker {
    quiet: Arc<AtomicBool>,
    hands: Arc<Hands>,
    pool: Arc<Pool>,
    poller: (Stop, JoinHandle<()>),
    keeper: (Stop, JoinHandle<()>),
    settler: (Stop, JoinHandle<()>),
}

impl Worker {
    /// Starts all threads; the poller begins to take jobs as soon as `prepare` succeeds.
    ///
    /// # Errors
    ///
    /// The system's error when it has no room for a thread.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let hands = Arc::new(Hands::new());
        let quiet = Arc::new(AtomicBool::new(false));
        let config = &parts.terms.present().config;
        let (taken, takes): (Sender<Arc<Held>>, Receiver<Arc<Held>>) = bounded(TAKEN_MAX);
        let (outcomes, done) = bounded(OUTCOMES_MAX);
        let (hungry, hunger) = bounded(1);

        let pool = Arc::new(Pool::new(pool::Parts {
            queue: Arc::clone(&parts.queue),
            terms: parts.terms.clone(),
            threads: config.worker_count,
            node: parts.node.clone(),
            takes: takes.clone(),
            hungry,
            outcomes,
            watch: parts.watch.clone(),
            hands: Arc::clone(&hands),
        }));
        // Receivers start before senders: what is taken finds hands, what is done finds the settler.
        let settler = settler::start(settler::Parts {
            queue: Arc::clone(&parts.queue),
            hands: Arc::clone(&hands),
            done,
            settled: parts.settled,
            watch: parts.watch.clone(),
        })?;
        pool.start()?;
        let keeper = keeper::start(keeper::Parts {
            queue: Arc::clone(&parts.queue),
            hands: Arc::clone(&hands),
            pool: Arc::clone(&pool),
            lease: config.lease,
            troubles: parts.troubles.clone(),
            watch: parts.watch.clone(),
        })?;
        let poller = poller::start(poller::Parts {
            queue: parts.queue,
            terms: parts.terms,
            quiet: Arc::clone(&quiet),
            node: parts.node,
            health: parts.health,
            hands: Arc::clone(&hands),
            pool: Arc::clone(&pool),
            taken,
            takes,
            hunger,
            prepare: parts.prepare,
            troubles: parts.troubles,
            watch: parts.watch,
        })?;
        Ok(Self {
            quiet,
            hands,
            pool,
            poller,
            keeper,
            settler,
        })
    }

    /// Takes nothing more, gives back what has not started, lets what runs go on; or takes jobs again. Tells whether that
    /// is news.
    pub fn set_quiet(&self, quiet: bool) -> bool {
        self.quiet.swap(quiet, Ordering::AcqRel) != quiet
    }

    /// A view of what the worker does, for as long as anybody wants to look.
    pub fn status(&self) -> impl Fn() -> Status + Send + Sync + use<> {
        let (hands, pool) = (Arc::clone(&self.hands), Arc::clone(&self.pool));
        let quiet = Arc::clone(&self.quiet);
        move || Status {
            quiet: quiet.load(Ordering::Acquire),
            busy: pool.busy(),
            given_up: pool.given_up(),
            running: hands.running(),
        }
    }

    /// Drains: takes nothing more, gives back what has not started, lets running jobs finish for `grace`, gives back the
    /// rest, and answers when every settlement is answered or a further `flush` is over. Tells how many jobs were cut off.
    pub fn drain(self, grace: Duration, flush: Duration) -> usize {
        let deadline = Instant::now() + grace;
        // The poller first: nothing may enter a channel that nobody reads. It gives back what has not started and closes
        // the channel, by which the worker threads know that they are done.
        self.poller.0.stop();
        let ended = join_by(self.poller.1, deadline) && self.pool.wait_ended(deadline);
        let cut = if ended { 0 } else { self.pool.cut() };

        // The keeper goes on until the settlements are answered: a lease must not end while its outcome is on the way.
        let deadline = Instant::now() + flush;
        self.settler.0.stop();
        if !join_by(self.settler.1, deadline) {
            log::warn!(
                "the queue did not take every outcome in time: their leases will run out and the jobs run again"
            );
        }
        if cut > 0 {
            // The results are of no use any more, but what handlers have started (a program) has to end before we do.
            self.pool.wait_ended(Instant::now() + HEED);
        }
        self.keeper.0.stop();
        // The keeper ends within one tick; if the queue holds it, its thread ends with the process.
        join_by(self.keeper.1, Instant::now() + Duration::from_secs(1));
        cut
    }
}

//! The table of all leases that this daemon holds, from the answer of `reserve` to the answer of `settle`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::handlers::Context;
use crate::job::{Ticket, Timestamp};
use crate::queue::{Lease, Running};

/// One lease in hand.
pub struct Held {
    /// The lease.
    pub lease: Lease,
    run: OnceLock<Run>,
    cancel: AtomicBool,
    closed: AtomicBool,
    lost: AtomicBool,
}

/// What a worker thread does with a lease.
pub struct Run {
    /// What the handler knows.
    pub context: Context,
    /// When it began, on the engine's clock.
    pub started_at: Timestamp,
    /// When it began, for measuring.
    pub began: Instant,
    thread: AtomicU8,
}

/// The handler has not returned and its thread is waited for.
const AT_WORK: u8 = 0;
/// The handler returned in time.
const RETURNED: u8 = 1;
/// The handler overran and its thread was replaced.
const GIVEN_UP: u8 = 2;

impl Run {
    /// A run that begins now.
    pub fn new(context: Context, started_at: Timestamp, began: Instant) -> Self {
        Self {
            context,
            started_at,
            began,
            thread: AtomicU8::new(AT_WORK),
        }
    }

    /// The handler returns; false if its thread was given up before, and must end.
    pub fn returns(&self) -> bool {
        self.thread
            .compare_exchange(AT_WORK, RETURNED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Gives the thread up; false if the handler returned before, or the thread is given up already.
    pub fn give_up(&self) -> bool {
        self.thread
            .compare_exchange(AT_WORK, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Held {
    fn new(lease: Lease) -> Self {
        Self {
            lease,
            run: OnceLock::new(),
            cancel: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    /// Notes that a thread begins; `None` if the lease was closed meanwhile and must not be run.
    pub fn begin(&self, run: Run) -> Option<&Run> {
        let run = self.run.get_or_init(|| run);
        // Either the closer sees the run, or the runner sees that it is closed: nobody runs unseen.
        fence(Ordering::SeqCst);
        if self.is_closed() {
            return None;
        }
        if self.is_cancelled() {
            run.context.cancel();
        }
        Some(run)
    }

    /// The run, if a thread has begun.
    pub fn run(&self) -> Option<&Run> {
        self.run.get()
    }

    /// Takes the right to decide how this lease ends; true for the first who asks, and for nobody after.
    pub fn close(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        first
    }

    /// Whether somebody has taken the right to decide.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The lease is not ours any more: what its handler answers is of no use. True for the first who says so of a lease
    /// that nobody has decided.
    pub fn lose(&self) -> bool {
        if !self.close() {
            return false;
        }
        self.lost.store(true, Ordering::Release);
        self.cancel();
        true
    }

    /// Whether the lease is lost.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Asks the handler, also one that has yet to begin, to stop.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Release);
        if let Some(run) = self.run.get() {
            run.context.cancel();
        }
    }

    /// Whether the handler was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }

    fn is_suspect(&self) -> bool {
        self.lease.crashes() > 0
    }
}

/// The table.
#[derive(Default)]
pub struct Hands {
    held: Mutex<HashMap<Ticket, Arc<Held>>>,
    suspects: AtomicUsize,
}

impl Hands {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters leases, before anything else is done with them. One that is there already (the answer to a repeated call)
    /// stays as it is; what is new comes back.
    pub fn enter(&self, leases: Vec<Lease>) -> Vec<Arc<Held>> {
        let mut table = self.table();
        let mut fresh = Vec::with_capacity(leases.len());
        for lease in leases {
            if let Entry::Vacant(place) = table.entry(lease.ticket()) {
                let held = Arc::clone(place.insert(Arc::new(Held::new(lease))));
                self.suspects
                    .fetch_add(usize::from(held.is_suspect()), Ordering::AcqRel);
                fresh.push(held);
            }
        }
        fresh
    }

    /// Strikes leases out: their settlement is answered, or they are lost and nobody works on them.
    pub fn strike(&self, tickets: impl IntoIterator<Item = Ticket>) {
        let mut table = self.table();
        for ticket in tickets {
            if let Some(held) = table.remove(&ticket) {
                self.suspects
                    .fetch_sub(usize::from(held.is_suspect()), Ordering::AcqRel);
            }
        }
    }

    /// All leases in hand.
    pub fn all(&self) -> Vec<Arc<Held>> {
        self.table().values().cloned().collect()
    }

    /// How many jobs in hand have killed a process before; a node takes at most one at a time.
    pub fn suspects(&self) -> usize {
        self.suspects.load(Ordering::Acquire)
    }

    /// What runs at present.
    pub fn running(&self) -> Vec<Running> {
        let describe = |held: &Arc<Held>| {
            let run = held.run().filter(|_| !held.is_closed())?;
            let job = held.lease.job();
            Some(Running {
                id: job.id,
                kind: job.kind.clone(),
                since: run.started_at,
            })
        };
        self.table().values().filter_map(describe).collect()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Ticket, Arc<Held>>> {
        // An entry goes in and out whole; a panic elsewhere cannot leave half of one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

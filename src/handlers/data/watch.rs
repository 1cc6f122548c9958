//! When a pipeline must stop: its deadline, a cancel, or too much written to the disk.

use std::cell::Cell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::trouble::Halt;
use super::{Context, Failure};

/// Looks after the time of a pipeline between statements; a [`Meter`] does so within them.
pub(super) struct Watch {
    context: Context,
    began: Instant,
    rows: Cell<u32>,
}

/// Rows between two looks at the clock.
const ROWS: u32 = 512;

impl Watch {
    /// Begins now.
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            began: Instant::now(),
            rows: Cell::new(0),
        }
    }

    /// One more row was read or written: now and then, [`Watch::look`].
    pub(super) fn row(&self) -> Result<(), Halt> {
        let rows = self.rows.get() + 1;
        self.rows.set(rows % ROWS);
        if rows == ROWS {
            self.look().map_err(Halt::Failed)?;
        }
        Ok(())
    }

    /// Whether the pipeline may go on.
    pub(super) fn look(&self) -> Result<(), Failure> {
        match self.over() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Why the pipeline must stop, if it must.
    pub(super) fn over(&self) -> Option<Failure> {
        if self.context.cancelled() {
            return Some(Failure::cancelled());
        }
        let late = self.context.remaining().is_zero();
        late.then(|| Failure::timeout(self.limit()))
    }

    /// The job's context, to say how far it has come.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The time that the pipeline had, to the millisecond.
    fn limit(&self) -> Duration {
        let limit = self
            .context
            .deadline()
            .saturating_duration_since(self.began);
        Duration::from_millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What SQLite asks while it runs a statement.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Bytes that this thread had written when the statement began.
    base: AtomicU64,
    /// Whether the statement wrote more than it may.
    over: AtomicBool,
    /// Whether the statement calls a function that holds a whole group of rows in memory, and is watched for that.
    holds: AtomicBool,
    /// Bytes that the process had in memory when the statement began.
    memory: AtomicU64,
    /// Whether the process took more than [`MEMORY_BYTES_MAX`] since then.
    swollen: AtomicBool,
}

/// By how much the process may grow while a statement runs of which [`Meter::holds`] was told.
pub(super) const MEMORY_BYTES_MAX: u64 = 256 << 20;

impl Meter {
    /// A statement begins.
    pub(super) fn reset(&self) {
        self.base.store(written(), Ordering::Relaxed);
        self.over.store(false, Ordering::Relaxed);
        self.holds.store(false, Ordering::Relaxed);
        self.swollen.store(false, Ordering::Relaxed);
    }

    /// The statement calls a function whose memory SQLite does not bound.
    pub(super) fn holds(&self) {
        if !self.holds.swap(true, Ordering::Relaxed) {
            self.memory.store(resident(), Ordering::Relaxed);
        }
    }

    /// Whether the last statement was stopped because of the memory that it took.
    pub(super) fn is_swollen(&self) -> bool {
        self.swollen.load(Ordering::Relaxed)
    }

    /// Whether the last statement was stopped because of what it wrote.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// A function that tells SQLite to stop, for the thread that calls it.
    ///
    /// SQLite bounds its tables by pages, but neither its sorters nor what it keeps between two parts of a statement: these
    /// go to files that only it knows. What the system counts as written by this thread bounds them all.
    pub(super) fn guard(
        self: &Arc<Self>,
        context: Context,
        bytes_max: u64,
    ) -> impl FnMut() -> bool + Send + 'static {
        let meter = Arc::clone(self);
        let mut looked = Instant::now();
        move || {
            if context.cancelled() || context.remaining().is_zero() {
                return true;
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                let bytes = written().saturating_sub(meter.base.load(Ordering::Relaxed));
                meter.over.store(bytes > bytes_max, Ordering::Relaxed);
                if meter.holds.load(Ordering::Relaxed) {
                    let grown = resident().saturating_sub(meter.memory.load(Ordering::Relaxed));
                    let swollen = grown > MEMORY_BYTES_MAX;
                    meter.swollen.store(swollen, Ordering::Relaxed);
                }
            }
            meter.is_over() || meter.is_swollen()
        }
    }
}

/// Time between two looks at what was written; a look takes some 10 µs.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes that the calling thread has written so far; 0 where the system does not count them, and nothing bounds them.
fn written() -> u64 {
    counter("/proc/thread-self/io", "wchar:")
}

/// Bytes that the process has in memory.
fn resident() -> u64 {
    counter("/proc/self/status", "VmRSS:") << 10
}

fn counter(file: &str, name: &str) -> u64 {
    let counters = fs::read_to_string(file).unwrap_or_default();
    let line = counters.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

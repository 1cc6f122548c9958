//! How far a job has come, and whether it may go on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::handlers::{Context, Failure};

/// Counts the steps of a job, over all threads that work for it.
pub(super) struct Pace<'a> {
    context: &'a Context,
    started: Instant,
    done: AtomicU64,
    total: u64,
}

impl<'a> Pace<'a> {
    /// A job of `total` steps begins.
    pub(super) fn new(context: &'a Context, total: usize) -> Self {
        Self {
            context,
            started: Instant::now(),
            done: AtomicU64::new(0),
            total: u64::try_from(total).unwrap_or(u64::MAX),
        }
    }

    /// Whether the job may go on; asked before every step.
    ///
    /// # Errors
    ///
    /// It was cancelled, or its deadline has passed.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        if self.context.cancelled() {
            return Err(Failure::cancelled());
        }
        if self.context.remaining().is_zero() {
            return Err(Failure::timeout(self.started.elapsed()));
        }
        Ok(())
    }

    /// A step is done.
    ///
    /// # Errors
    ///
    /// As [`Pace::go_on`].
    pub(super) fn step(&self, note: &str) -> Result<(), Failure> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.context.progress(done, Some(self.total), note);
        self.go_on()
    }
}

//! What a handler knows of the job it runs, and what it can say of it.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::job::{Attempt, JobId, Progress, fit};
use crate::threads::Stop;

/// What a handler knows of the job it runs, and what it can say of it. Clones are the same context.
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: JobId,
    attempt: u32,
    deadline: Instant,
    cancel: Stop,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    progress: Option<Progress>,
    fresh: bool,
    log: Vec<String>,
    log_bytes: usize,
    log_dropped: usize,
}

/// The attempt is over for its handler: it was cancelled, or its deadline has passed. Return with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cancellation {
    /// Somebody asked for the job's end, or its lease is lost.
    #[error("the job was cancelled")]
    Cancelled,
    /// The deadline has passed.
    #[error("the deadline has passed")]
    Deadline,
}

impl Context {
    /// The context of one attempt; the worker makes it, and so may the tests of a handler.
    #[must_use]
    pub fn new(id: JobId, attempt: u32, deadline: Instant) -> Self {
        Self(Arc::new(Inner {
            id,
            attempt,
            deadline,
            cancel: Stop::new(),
            said: Mutex::default(),
        }))
    }

    /// The job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// When the attempt must be over. A handler that answers later has failed, whatever it answers.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// How long is left until the deadline; zero once it has passed. The time limit for whatever the handler waits for.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether to stop: somebody asked for the job's end, or its lease is lost. Ask now and then in long work, and return
    /// [`crate::job::Failure::cancelled`].
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.cancel.is_stopped()
    }

    /// Waits for `duration`, or until the attempt is over for another reason.
    ///
    /// # Errors
    ///
    /// [`Cancellation`]: which of the reasons it was; return.
    pub fn wait(&self, duration: Duration) -> Result<(), Cancellation> {
        let remaining = self.remaining();
        if self.0.cancel.wait(duration.min(remaining)) {
            return Err(Cancellation::Cancelled);
        }
        if duration > remaining {
            Err(Cancellation::Deadline)
        } else {
            Ok(())
        }
    }

    /// Says how far the job has come; shown with the job within a few seconds. The last word counts.
    pub fn progress(&self, done: u64, total: Option<u64>, note: &str) {
        let mut said = self.said();
        said.progress = Some(Progress {
            done,
            total,
            note: fit(note, 1024),
        });
        said.fresh = true;
    }

    /// Writes a line to the attempt's log, which is kept with it: at most [`Attempt::LOG_BYTES_MAX`] bytes in all.
    pub fn log(&self, line: &str) {
        let mut said = self.said();
        let line = fit(line, Attempt::LOG_BYTES_MAX);
        if said.log_dropped > 0 || said.log_bytes + line.len() > Attempt::LOG_BYTES_MAX {
            said.log_dropped += 1;
            return;
        }
        said.log_bytes += line.len();
        said.log.push(line);
    }

    /// Asks the handler to stop.
    pub(crate) fn cancel(&self) {
        self.0.cancel.stop();
    }

    /// What the handler said of its progress since this was last asked.
    pub(crate) fn fresh_progress(&self) -> Option<Progress> {
        let mut said = self.said();
        if !std::mem::take(&mut said.fresh) {
            return None;
        }
        said.progress.clone()
    }

    /// The log so far, with a last line that says how many lines had no room.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        let said = self.said();
        let mut lines = said.log.clone();
        if said.log_dropped > 0 {
            lines.push(format!("… {} more lines had no room", said.log_dropped));
        }
        lines
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Nothing is ever left half said: a panic between lock and unlock cannot tear these fields apart.
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    fn context(limit: Duration) -> Context {
        Context::new(
            JobId::mint(Timestamp::from_micros(1), 1),
            1,
            Instant::now() + limit,
        )
    }

    #[test]
    fn a_wait_ends_at_once_when_the_job_is_cancelled() {
        let context = context(Duration::from_secs(3600));
        context.cancel();
        assert_eq!(
            context.wait(Duration::from_secs(3000)),
            Err(Cancellation::Cancelled)
        );
    }

    #[test]
    fn a_wait_does_not_outlast_the_deadline() {
        assert_eq!(
            context(Duration::ZERO).wait(Duration::from_secs(3000)),
            Err(Cancellation::Deadline)
        );
    }

    #[test]
    fn the_log_is_bounded_and_says_what_is_missing() {
        let context = context(Duration::from_secs(1));
        for _ in 0..2_000 {
            context.log("a line of some twenty bytes");
        }
        let lines = context.log_lines();
        let bytes: usize = lines.iter().map(String::len).sum();
        assert!(bytes <= Attempt::LOG_BYTES_MAX + 64, "{bytes} bytes kept");
        assert!(lines.last().is_some_and(|l| l.contains("more lines")));
    }

    #[test]
    fn progress_is_brought_once() {
        let context = context(Duration::from_secs(1));
        context.progress(1, Some(2), "half");
        assert!(context.fresh_progress().is_some());
        assert_eq!(context.fresh_progress(), None);
    }
}

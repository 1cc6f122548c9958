//! What a handler knows of the job it runs, and what it can say of it.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{Clock, SystemClock};
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
    /// The context of the first attempt at some job, with a minute left: for the tests of a handler, which need no daemon then.
    ///
    /// ```
    /// use windlass::handlers::{Context, Failure, Handler};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Deserialize, schemars::JsonSchema)] struct Pages { count: u32 }
    /// # #[derive(Serialize, schemars::JsonSchema)] struct Printed { pages: u32 }
    /// # struct Print;
    /// # impl Handler for Print {
    /// #     const TYPE: &'static str = "print";
    /// #     type Payload = Pages;
    /// #     type Output = Printed;
    /// #     fn run(&self, pages: Pages, context: &Context) -> Result<Printed, Failure> {
    /// #         for page in 0..pages.count {
    /// #             if context.cancelled() { return Err(Failure::cancelled()); }
    /// #             context.progress(u64::from(page), Some(u64::from(pages.count)), "printing");
    /// #         }
    /// #         context.log("printed");
    /// #         Ok(Printed { pages: pages.count })
    /// #     }
    /// # }
    /// let context = Context::for_tests();
    /// let printed = Print.run(Pages { count: 3 }, &context).expect("paper is there");
    /// assert_eq!(printed.pages, 3);
    /// assert_eq!(context.log_lines(), ["printed"]);
    /// assert_eq!(context.last_progress().map(|p| p.done), Some(2));
    ///
    /// let called_off = Context::for_tests();
    /// called_off.cancel();
    /// assert!(Print.run(Pages { count: 3 }, &called_off).is_err());
    /// ```
    #[must_use]
    pub fn for_tests() -> Self {
        let id = JobId::mint(SystemClock.now(), fastrand::u64(..));
        Self::new(id, 1, Instant::now() + Duration::from_secs(60))
    }

    /// The context of one attempt, as the worker makes it.
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

    /// Asks the handler to stop, as the worker does when somebody cancels the job.
    pub fn cancel(&self) {
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

    /// What the handler said last of its progress.
    #[must_use]
    pub fn last_progress(&self) -> Option<Progress> {
        self.said().progress.clone()
    }

    /// The log so far, with a last line that says how many lines had no room.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
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

//! The scheduler submits the jobs of schedules at their ticks.
//!
//! ```text
//!   file ──sync──▶ ┐
//!                  ├─ calendar (in the queue's engine) ──rounds──▶ fire: claim the tick and enqueue its job, in one step
//!   API ───book──▶ ┘                                    │
//!                                                       └─ every daemon looks at the same entries; one has the tick
//! ```
//!
//! There is no leader. Each daemon computes the same ticks on the engine's clock, and the engine gives each to the first
//! that claims it, together with the job. A daemon that dies takes nothing with it: what it did not claim, another does,
//! or it does itself when it is back, as the schedule's `catch_up` says.
//!
//! - `rounds`: the thread. It looks at least every second.
//! - `sync`: the `[[schedule]]` entries of the file become entries of the calendar, at the start and after a reload.
//! - [`book`]: what others may do to schedules: the API, and programs.
//!
//! A schedule of a file is fired by the daemons whose file names it. When none does any more it is kept, and does not fire.

pub mod book;
mod rounds;
mod sync;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::elsewhere::Elsewhere;
use crate::queue::Engine;
use crate::terms::Terms;
use crate::threads::{Stop, Watch, join_by};

use rounds::Rounds;

/// The longest time between two looks of a daemon.
pub const PERIOD: Duration = Duration::from_secs(1);

/// What the scheduler needs.
pub struct Parts {
    /// Where the calendar is kept and jobs go in.
    pub queue: Arc<dyn Engine>,
    /// The settings, the schedules of the file, and the handlers.
    pub terms: Terms,
    /// This daemon's name among its peers.
    pub node: String,
    /// The longest time between two looks at the calendar: how soon a new schedule is known to every daemon.
    pub period: Duration,
    /// Reports its panic.
    pub watch: Watch,
}

/// The running thread.
pub struct Scheduler {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Scheduler {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system's error when it has no room for a thread.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let stop = Stop::new();
        let elsewhere = Elsewhere::new(Arc::clone(&parts.queue), &parts.node);
        let rounds = Rounds::new(
            parts.queue,
            parts.terms,
            elsewhere,
            parts.period,
            stop.clone(),
        );
        let thread = parts.watch.spawn("scheduler", move || rounds.run())?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread: no further tick is claimed. One that is being claimed is claimed whole, or is still to be had.
    pub fn stop(self, deadline: Instant) {
        self.stop.stop();
        // A claim that the engine holds up ends with the process.
        join_by(self.thread, deadline);
    }
}

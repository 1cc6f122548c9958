//! Forgets records that are older than HISTORYDAYS, once an hour.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::queue::Engine;
use crate::storage::Storage;
use crate::terms::Terms;
use crate::threads::{Stop, Watch, join_by};

/// How often to look.
const PERIOD: Duration = Duration::from_secs(3600);

/// How soon after the start: late enough that a start under load is not made heavier.
const FIRST: Duration = Duration::from_secs(60);

/// The thread.
pub struct Janitor {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Janitor {
    /// Starts the thread.
    pub fn start(
        storage: Arc<dyn Storage>,
        queue: Arc<dyn Engine>,
        terms: Terms,
        watch: &Watch,
    ) -> io::Result<Self> {
        let stop = Stop::new();
        let stopped = stop.clone();
        let thread = watch.spawn("janitor", move || {
            let mut wait = FIRST;
            while !stopped.wait(wait) {
                wait = PERIOD;
                let days = terms.present().config.history_days;
                let history = Duration::from_secs(u64::from(days) * 24 * 3600);
                match storage.retain(queue.now(), history) {
                    // There may be more: it is done in pieces, so that others get their turn.
                    Ok(gone) if gone > 0 => wait = Duration::from_millis(100),
                    Ok(_) => {}
                    Err(err) => log::warn!(
                        "could not forget old records, and tries again in an hour: {err}"
                    ),
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread.
    pub fn stop(self) {
        self.stop.stop();
        // A piece of retention under way is bounded; left behind, it ends with the process.
        join_by(self.thread, Instant::now() + Duration::from_millis(500));
    }
}

//! The recorder moves ended jobs from the queue's outbox to storage, then lets the queue forget them.
//!
//! Storage commits before the queue forgets, so a job can always be found; a recorder that dies between costs a minute
//! and no record, because storage meets the repeat with its conflict rule.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::health::{Health, Part};
use crate::job::{JobId, Record};
use crate::queue::{Queue, QueueError};
use crate::storage::{Storage, StorageError, Stored};
use crate::threads::{Stop, Watch, join_by};

/// Records of one round: the batch at which PostgreSQL is fastest.
const BATCH: usize = 1_000;

/// Below this many records a round is followed by a short pause, so that a trickle does not cost a commit each.
const SMALL_BATCH: usize = 100;

/// That pause.
const LINGER: Duration = Duration::from_millis(20);

/// How often the outbox is looked into when nobody says that something is there: other daemons' leftovers.
const IDLE: Duration = Duration::from_secs(1);

/// The backoff while queue or storage are away: from, up to.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What the recorder needs.
pub struct Parts {
    /// Where ended jobs wait.
    pub queue: Arc<dyn Queue>,
    /// Where they go. Every call of it must be bounded in time.
    pub storage: Arc<dyn Storage>,
    /// Where it says whether storage answers.
    pub health: Health,
    /// Reports its panic.
    pub watch: Watch,
}

/// The running thread.
pub struct Recorder {
    stop: Stop,
    thread: JoinHandle<()>,
    wake: Sender<()>,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system's error when it has no room for a thread.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let (wake, woken) = bounded(1);
        let stop = Stop::new();
        let watch = parts.watch.clone();
        let recording = Recording {
            parts,
            stop: stop.clone(),
            woken,
            backoff: BACKOFF.0,
        };
        Ok(Self {
            thread: watch.spawn("recorder", move || recording.run())?,
            stop,
            wake,
        })
    }

    /// A function that says that something entered the outbox.
    pub fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let wake = self.wake.clone();
        // A full channel means that it has been said.
        move || _ = wake.try_send(())
    }

    /// Records what is in the outbox, for `flush` at most, and ends. What is left stays in the outbox. Tells whether the
    /// outbox was emptied.
    #[must_use]
    pub fn stop(self, flush: Duration) -> bool {
        let deadline = Instant::now() + flush;
        self.stop.stop();
        drop(self.wake);
        join_by(self.thread, deadline)
    }
}

struct Recording {
    parts: Parts,
    stop: Stop,
    woken: Receiver<()>,
    backoff: Duration,
}

/// Why a round did not end well.
enum Trouble {
    Queue(QueueError),
    Storage(StorageError),
}

impl Recording {
    fn run(mut self) {
        while !self.open() {
            if self.stop.wait(self.backoff) {
                return;
            }
        }
        loop {
            match self.round() {
                Ok(0) if self.stop.is_stopped() => return,
                Ok(0) => match self.woken.recv_timeout(IDLE) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    // The waker is gone before the stop only while the daemon goes down.
                    Err(RecvTimeoutError::Disconnected) => _ = self.stop.wait(IDLE),
                },
                Ok(n) if n < SMALL_BATCH => _ = self.stop.wait(LINGER),
                Ok(_) => {}
                Err(Trouble::Storage(err)) => {
                    if self.away(&err) {
                        return;
                    }
                }
                Err(Trouble::Queue(err)) => {
                    log::debug!("the recorder cannot reach the queue: {err}");
                    if self.back_off() {
                        return;
                    }
                }
            }
        }
    }

    /// Brings the schema up to date; false while storage is away.
    fn open(&mut self) -> bool {
        match self.parts.storage.check() {
            Ok(()) => {
                self.recovered();
                true
            }
            Err(err) => {
                self.missing(&err);
                self.backoff = (self.backoff * 2).min(BACKOFF.1);
                false
            }
        }
    }

    /// Moves one batch; tells how many.
    fn round(&mut self) -> Result<usize, Trouble> {
        let records = self.parts.queue.collect(BATCH).map_err(Trouble::Queue)?;
        if records.is_empty() {
            return Ok(0);
        }
        let stored = self
            .parts
            .storage
            .store(&records)
            .map_err(Trouble::Storage)?;
        self.recovered();
        report(&records, &stored);
        let ids: Vec<JobId> = records.iter().map(|record| record.job.id).collect();
        self.parts.queue.stored(&ids).map_err(Trouble::Queue)?;
        Ok(ids.len())
    }

    fn recovered(&mut self) {
        self.backoff = BACKOFF.0;
        if self.parts.health.fine(Part::Storage) {
            log::info!("storage is there");
        }
    }

    fn missing(&self, err: &StorageError) {
        if self.parts.health.missing(Part::Storage, err) {
            log::error!(
                "storage is away; records wait in the queue's outbox until it is back: {err}"
            );
        }
    }

    /// Storage is away: says so and waits; true when it is time to end.
    fn away(&mut self, err: &StorageError) -> bool {
        self.missing(err);
        self.back_off()
    }

    fn back_off(&mut self) -> bool {
        let stopped = self.stop.wait(self.backoff);
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        stopped
    }
}

/// Says which records were refused for their content: their rows explain it, and nothing waits behind them.
fn report(records: &[Record], stored: &[Stored]) {
    for (record, stored) in records.iter().zip(stored) {
        if let Stored::Defective(reason) = stored {
            log::error!(
                "job {}: storage refused its content; kept without payload and result: {reason}",
                record.job.id
            );
        }
    }
}

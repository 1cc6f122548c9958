//! A deadline on every call of a storage whose driver has none.
//!
//! ```text
//!   caller ──call──▶ line ──▶ thread 1..n ──▶ storage
//!     ▲                          │
//!     └── answer, or deadline ◀──┘   past the deadline the thread is given up and another one takes its place
//! ```
//!
//! A thread that hangs in the driver cannot be ended. It is left behind: counted, and free again if the driver ever
//! returns. Only so many may be left behind at a time; beyond that, calls fail at once instead of feeding it more threads.
//! Whoever drops a [`Bounded`] never waits.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use log::{error, info, warn};

use super::{Filter, Minute, Page, Storage, StorageError, Stored};
use crate::job::{JobId, Record, Timestamp};
use crate::threads;

/// How long calls may take and how many threads they may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long a caller waits for its answer.
    pub deadline: Duration,
    /// The same for [`Storage::check`], which may migrate a large table, and [`Storage::retain`], which waits for readers.
    pub upkeep_deadline: Duration,
    /// How many calls run at a time; as many as the storage has connections.
    pub threads: usize,
    /// How many threads may be left behind in calls that do not return.
    pub given_up_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            upkeep_deadline: Duration::from_secs(60),
            threads: 4,
            given_up_max: 8,
        }
    }
}

/// How many calls may stand in line for a thread; more than the API and the recorder have threads.
const LINE_MAX: usize = 256;

/// A storage each of whose calls returns by a deadline, whatever the storage behind it does.
pub struct Bounded {
    line: Sender<Task>,
    crew: Arc<Crew>,
    bounds: Bounds,
}

impl Bounded {
    /// Bounds the calls of `storage`. Threads are started when they are needed.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, bounds: Bounds) -> Self {
        let (line, tasks) = bounded(LINE_MAX);
        Self {
            line,
            crew: Arc::new(Crew {
                storage,
                tasks,
                books: Mutex::default(),
            }),
            bounds,
        }
    }

    /// How many threads are left behind in calls that have not returned.
    #[must_use]
    pub fn given_up(&self) -> usize {
        self.crew.books().given_up
    }

    /// Runs `run` on a thread of the crew and waits for it no longer than `deadline`.
    fn call<T: Send + 'static>(
        &self,
        call: &'static str,
        deadline: Duration,
        run: impl FnOnce(&dyn Storage) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let until = Instant::now() + deadline;
        let unavailable = |reason: String| Err(StorageError::unavailable(call, reason));
        let number = self.staff(call)?;
        let (answer, answers) = bounded(1);
        let task = Task {
            number,
            // Fails when the caller has given up waiting: then nobody is left to tell.
            run: Box::new(move |storage| answer.send(run(storage)).is_ok()),
        };
        if self.line.send_deadline(task, until).is_err() {
            self.crew.books().calls.remove(&number);
            return unavailable(format!("{LINE_MAX} calls stood in line for {deadline:?}"));
        }
        match answers.recv_deadline(until) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => {
                return unavailable("it panicked; the log has the reason".to_owned());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let (stage, given_up) = self.crew.stop_waiting(number);
        if let Ok(answer) = answers.try_recv() {
            // It came in this very moment.
            return answer;
        }
        if stage == Some(Stage::Waiting) {
            return unavailable(format!("all connections were busy for {deadline:?}"));
        }
        warn!(
            "storage: `{call}` has not returned within {deadline:?}; threads left behind: {given_up}"
        );
        unavailable(format!("no answer within {deadline:?}"))
    }

    /// Enters a call into the books and makes sure that a thread will take it.
    fn staff(&self, call: &'static str) -> Result<u64, StorageError> {
        let mut books = self.crew.books();
        if books.given_up >= self.bounds.given_up_max {
            return Err(StorageError::unavailable(
                call,
                format!("{} earlier calls have not returned yet", books.given_up),
            ));
        }
        books.last += 1;
        let number = books.last;
        // One thread for each call under way, this one included, up to the bound.
        if books.calls.len() >= books.threads && books.threads < self.bounds.threads {
            let crew = Arc::clone(&self.crew);
            match threads::spawn(&format!("storage-{number}"), move || crew.work()) {
                Ok(_) => books.threads += 1,
                // Those that are there will come to it.
                Err(_) if books.threads > 0 => {}
                Err(error) => return Err(StorageError::unavailable(call, error)),
            }
        }
        books.calls.insert(number, Stage::Waiting);
        Ok(number)
    }
}

impl Storage for Bounded {
    fn check(&self) -> Result<(), StorageError> {
        self.call("check", self.bounds.upkeep_deadline, |storage| {
            storage.check()
        })
    }

    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError> {
        let records = records.to_vec();
        self.call("store", self.bounds.deadline, move |storage| {
            storage.store(&records)
        })
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError> {
        let ids = ids.to_vec();
        self.call("find", self.bounds.deadline, move |storage| {
            storage.find(&ids)
        })
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError> {
        let ids = ids.to_vec();
        self.call("retried", self.bounds.deadline, move |storage| {
            storage.retried(&ids)
        })
    }

    fn delete(&self, id: JobId) -> Result<bool, StorageError> {
        self.call("delete", self.bounds.deadline, move |storage| {
            storage.delete(id)
        })
    }

    fn page(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        let filter = filter.clone();
        self.call("page", self.bounds.deadline, move |storage| {
            storage.page(&filter, after, limit)
        })
    }

    fn minutes(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Minute>, StorageError> {
        self.call("minutes", self.bounds.deadline, move |storage| {
            storage.minutes(since, until)
        })
    }

    fn retain(&self, now: Timestamp, history: Duration) -> Result<usize, StorageError> {
        self.call("retain", self.bounds.upkeep_deadline, move |storage| {
            storage.retain(now, history)
        })
    }
}

/// What a thread is to do; tells whether somebody was there to hear the answer.
type Run = Box<dyn FnOnce(&dyn Storage) -> bool + Send>;

/// One call on its way to a thread.
struct Task {
    number: u64,
    run: Run,
}

/// How far a call is that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It stands in line.
    Waiting,
    /// A thread is in it.
    Running,
}

/// What the threads share.
struct Crew {
    storage: Arc<dyn Storage>,
    tasks: Receiver<Task>,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// The number of the last call.
    last: u64,
    /// The calls that somebody waits for. A thread whose call is no longer here has been given up.
    calls: HashMap<u64, Stage>,
    /// Threads that take tasks.
    threads: usize,
    /// Threads left behind.
    given_up: usize,
}

impl Crew {
    /// Takes tasks until there is nobody left to send any, or until given up.
    fn work(&self) {
        for task in &self.tasks {
            match self.books().calls.get_mut(&task.number) {
                Some(stage) => *stage = Stage::Running,
                // Its caller has left.
                None => continue,
            }
            let run = AssertUnwindSafe(|| (task.run)(&*self.storage));
            if catch_unwind(run).is_err() {
                error!("storage: a call panicked");
            }
            let mut books = self.books();
            if books.calls.remove(&task.number).is_none() {
                books.given_up -= 1;
                info!(
                    "storage: a call that was given up has returned; left behind: {}",
                    books.given_up
                );
                return;
            }
        }
    }

    /// Strikes the call off the books, and with it the thread that is in it; tells how far it was and how many threads
    /// are left behind.
    fn stop_waiting(&self, number: u64) -> (Option<Stage>, usize) {
        let mut books = self.books();
        let stage = books.calls.remove(&number);
        if stage == Some(Stage::Running) {
            books.threads -= 1;
            books.given_up += 1;
        }
        (stage, books.given_up)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

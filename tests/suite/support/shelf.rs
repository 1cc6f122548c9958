//! A storage engine, and records to put on it.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use windlass::job::{Attempt, ErrorKind, Job, JobError, JobId, Outcome, Record, State, Timestamp};
use windlass::storage::{Filter, Page, Storage, Stored};

use super::bench::{START, json, secs};

/// Storage of the test's own, with its schema up to date.
pub struct Shelf {
    /// The engine.
    pub storage: Arc<dyn Storage>,
    open: Box<dyn Fn() -> Arc<dyn Storage> + Send + Sync>,
    _home: Option<TempDir>,
}

impl Shelf {
    /// A shelf on whatever `open` opens; each call of it must find the same records.
    pub fn new<S: Storage + 'static>(
        home: Option<TempDir>,
        open: impl Fn() -> Arc<S> + Send + Sync + 'static,
    ) -> Self {
        let open = Box::new(move || open() as Arc<dyn Storage>);
        Self {
            storage: open(),
            open,
            _home: home,
        }
    }

    /// The same store, opened by another daemon.
    pub fn open_again(&self) -> Arc<dyn Storage> {
        (self.open)()
    }

    /// Brings the schema up to date; the first call of nearly every test.
    #[track_caller]
    pub fn ready(&self) -> &Self {
        self.storage.check().expect("the store is fit");
        self
    }

    /// Stores records.
    #[track_caller]
    pub fn store(&self, records: &[Record]) -> Vec<Stored> {
        self.storage.store(records).expect("store is answered")
    }

    /// One record.
    #[track_caller]
    pub fn find(&self, id: JobId) -> Option<Record> {
        let mut found = self.storage.find(&[id]).expect("find is answered");
        assert_eq!(found.len(), 1, "one answer an id");
        found.remove(0)
    }

    /// The ids of all records that match, page by page.
    #[track_caller]
    pub fn pages(&self, filter: &Filter, limit: usize) -> Vec<JobId> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(filter, after, limit);
            ids.extend(page.jobs.iter().map(|job| job.id));
            after = page.next;
            if after.is_none() {
                return ids;
            }
        }
    }

    /// One page.
    #[track_caller]
    pub fn page(&self, filter: &Filter, after: Option<JobId>, limit: usize) -> Page {
        let page = self.storage.page(filter, after, limit);
        let page = page.expect("page is answered");
        let within = |id| after.is_none_or(|after| id < after);
        assert!(page.jobs.len() <= limit);
        assert!(page.jobs.iter().all(|job| within(job.id)));
        if let Some(next) = page.next {
            assert!(within(next), "a next page lies further on");
            assert!(page.jobs.iter().all(|job| job.id >= next));
        }
        page
    }

    /// Forgets until nothing more goes; tells how much went.
    #[track_caller]
    pub fn retain(&self, now: Timestamp, history: Duration) -> usize {
        let mut all = 0;
        loop {
            match self
                .storage
                .retain(now, history)
                .expect("retain is answered")
            {
                0 => return all,
                went => all += went,
            }
        }
    }
}

/// A job that was created at `created` and succeeded three seconds later, in its second attempt.
pub fn record(created: Timestamp) -> Record {
    let id = JobId::mint(created, fastrand::u64(..));
    let attempt = |number: u32, outcome, after: u64| Attempt {
        attempt: number,
        outcome,
        started_at: created + secs(after),
        ended_at: created + secs(after + 1),
        node: "node-a".to_owned(),
        error: (outcome != Outcome::Succeeded).then(|| JobError::new(ErrorKind::Failed, "not yet")),
        log: vec!["a \"line\"".to_owned()],
    };
    Record {
        job: Job::new(
            id,
            "noop",
            "default",
            json(r#"{"a":[],"n":12345678901234567}"#),
        ),
        state: State::Succeeded,
        ended_at: created + secs(3),
        attempt: 2,
        attempts: vec![
            attempt(1, Outcome::Failed, 0),
            attempt(2, Outcome::Succeeded, 2),
        ],
        result: Some(json(r#"{"ok":true}"#)),
        error: None,
    }
}

/// A job that was created at `created` and succeeded at once, with as little to tell as can be.
pub fn bare(created: Timestamp) -> Record {
    let full = record(created);
    let mut job = full.job;
    job.payload = json("1");
    Record {
        job,
        attempt: 1,
        attempts: full.attempts.into_iter().skip(1).collect(),
        result: None,
        ..full
    }
}

/// `count` records, created a second apart.
pub fn records(count: usize) -> Vec<Record> {
    (0..count as u64).map(|i| record(START + secs(i))).collect()
}

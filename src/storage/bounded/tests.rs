//! Storages that hang, fail and panic behind the bounds.

use super::*;
use crate::threads::Stop;

/// A storage whose calls return when they are let go.
#[derive(Default)]
struct Stuck(Stop);

/// Longer than any test lasts.
const LONG: Duration = Duration::from_secs(60);

impl Storage for Stuck {
    fn check(&self) -> Result<(), StorageError> {
        panic!("as a driver might");
    }
    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError> {
        assert!(self.0.wait(LONG));
        Ok(vec![Stored::New; records.len()])
    }
    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError> {
        Ok(vec![None; ids.len()])
    }
    fn retried(&self, _: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError> {
        Ok(Vec::new())
    }
    fn delete(&self, _: JobId) -> Result<bool, StorageError> {
        Ok(false)
    }
    fn page(&self, _: &Filter, _: Option<JobId>, _: usize) -> Result<Page, StorageError> {
        Err(StorageError::unavailable("page", "refused"))
    }
    fn minutes(&self, _: Timestamp, _: Timestamp) -> Result<Vec<Minute>, StorageError> {
        Ok(Vec::new())
    }
    fn retain(&self, _: Timestamp, _: Duration) -> Result<usize, StorageError> {
        assert!(self.0.wait(LONG));
        Ok(7)
    }
}

fn bounded_stuck(threads: usize, deadline: Duration) -> (Stop, Bounded) {
    let stuck = Stuck::default();
    let go = stuck.0.clone();
    let bounds = Bounds {
        deadline,
        upkeep_deadline: LONG,
        threads,
        given_up_max: 2,
    };
    (go, Bounded::new(Arc::new(stuck), bounds))
}

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn a_call_that_hangs_is_given_up_at_its_deadline_and_others_go_on() {
    let (go, storage) = bounded_stuck(1, SHORT);
    let error = storage.store(&[]).expect_err("it hangs").to_string();
    assert!(error.contains("store") && error.contains("50ms"), "{error}");
    assert_eq!(storage.given_up(), 1);
    // The one thread there may be hangs, and yet:
    assert_eq!(storage.find(&[]).expect("another thread").len(), 0);
    go.stop();
}

#[test]
fn beyond_the_bound_calls_fail_at_once_until_a_thread_comes_back() {
    let (go, storage) = bounded_stuck(1, SHORT);
    for _ in 0..2 {
        storage.store(&[]).expect_err("it hangs");
    }
    let refused = storage.find(&[]).expect_err("too many hang").to_string();
    assert!(refused.contains("2 earlier calls"), "{refused}");
    go.stop();
    let deadline = Instant::now() + LONG;
    while storage.given_up() > 0 {
        assert!(Instant::now() < deadline, "the threads never came back");
        std::thread::yield_now();
    }
    assert_eq!(
        storage.retain(Timestamp::default(), LONG).expect("works"),
        7
    );
}

#[test]
fn a_call_that_finds_all_threads_busy_costs_no_thread() {
    let (go, storage) = bounded_stuck(1, Duration::from_millis(300));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| storage.store(&[]));
        let deadline = Instant::now() + LONG;
        while !storage
            .crew
            .books()
            .calls
            .values()
            .any(|s| *s == Stage::Running)
        {
            assert!(Instant::now() < deadline, "the first call never began");
            std::thread::yield_now();
        }
        let late = storage.call("find", SHORT, |storage| storage.find(&[]));
        let error = late.expect_err("no thread is free").to_string();
        assert!(error.contains("busy"), "{error}");
        assert_eq!(storage.given_up(), 0);
        go.stop();
        first.join().expect("no panic").expect("it was let go");
    });
}

#[test]
fn errors_and_panics_come_back_to_the_caller() {
    let (_go, storage) = bounded_stuck(1, LONG);
    let error = storage
        .page(&Filter::default(), None, 1)
        .expect_err("refused");
    assert!(error.to_string().contains("refused"), "{error}");
    let error = storage.check().expect_err("it panics").to_string();
    assert!(error.contains("panicked"), "{error}");
    assert_eq!(storage.find(&[]).expect("the thread lives").len(), 0);
}

#[test]
fn dropping_it_waits_for_nobody() {
    let (go, storage) = bounded_stuck(1, SHORT);
    storage.store(&[]).expect_err("it hangs");
    let before = Instant::now();
    drop(storage);
    assert!(before.elapsed() < LONG / 2);
    go.stop();
}

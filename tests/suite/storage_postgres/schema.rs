//! Several hosts that migrate at once, schemas that are not ours, what SQL users see.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use windlass::job::{Attempt, Backoff, ErrorKind, JobError, Outcome, Record, State};
use windlass::storage::postgres::PostgresStorage;
use windlass::storage::{Storage, StorageError, Stored};

use super::{NOW, count, fresh, json, put, record};
use crate::support::servers::Postgres;

/// S5. Eight hosts start on an empty database in the same moment; each finds it ready and one of them made it.
#[test]
fn hosts_that_migrate_at_once_all_find_the_schema_made_once() {
    let url = Postgres::shared().fresh_database();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let storage = PostgresStorage::open(&url).expect("a good URL");
                start.wait();
                storage.check().expect("the schema is made");
                storage.check().expect("and stays");
            });
        }
    });
    let steps = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
    let steps = std::fs::read_dir(steps)
        .expect("the steps are there")
        .count();
    let done = count(&url, "SELECT count(*) FROM schema_version");
    assert_eq!(usize::try_from(done), Ok(steps));
}

fn refused_after(change: &str) -> String {
    let (_, url) = fresh();
    let mut client = Postgres::shared().client(&url);
    client.batch_execute(change).expect("good SQL");
    let storage = PostgresStorage::open(&url).expect("a good URL");
    match storage.check() {
        Err(StorageError::Unfit { reason }) => reason,
        other => panic!("expected Unfit, got {other:?}"),
    }
}

#[test]
fn a_changed_or_newer_schema_is_left_alone() {
    let changed = refused_after("UPDATE schema_version SET checksum = 'x' WHERE version = 1");
    assert!(changed.contains("0001_jobs"), "{changed}");
    let newer = refused_after("INSERT INTO schema_version VALUES (99, '0099_later', 'x')");
    assert!(newer.contains("newer"), "{newer}");
}

#[test]
fn a_user_without_rights_is_told_so() {
    let url = Postgres::shared().fresh_database();
    let mut client = Postgres::shared().client(&url);
    client
        .batch_execute(
            "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
             REVOKE CREATE ON SCHEMA public FROM public",
        )
        .expect("good SQL");
    let storage = PostgresStorage::open(&url.replace("user=postgres", "user=guest"));
    match storage.expect("a good URL").check() {
        Err(StorageError::Unfit { reason }) => assert!(reason.contains("right"), "{reason}"),
        other => panic!("expected Unfit, got {other:?}"),
    }
}

/// A record in which no field is at its default.
fn full() -> Record {
    let mut record = record(NOW, 1);
    let job = &mut record.job;
    job.kind = "email".to_owned();
    job.queue = "low".to_owned();
    job.payload = json(r#"{"text":"ü \"quoted\"","big":12345678901234567890.5,"empty":[]}"#);
    job.tags = ["a b", "c,\"d\"", "{e}", "\\", "NULL", ""]
        .map(String::from)
        .to_vec();
    job.max_retries = 0;
    job.backoff = Backoff::new(Duration::from_secs(1), 1.5, Duration::from_secs(90)).expect("good");
    job.timeout = Some(Duration::from_micros(1_500_001));
    job.run_at = Some(NOW + Duration::from_millis(10));
    job.expires_at = Some(NOW + Duration::from_secs(9));
    job.retry_of = Some(job.id.nth(1));
    job.unique = Some("key".to_owned());
    job.unique_until = Some(NOW + Duration::from_secs(5));
    record.state = State::Dead;
    record.attempt = 2;
    record.error = Some(JobError::new(ErrorKind::Permanent, "550 no such user"));
    record.attempts.insert(
        0,
        Attempt {
            attempt: 1,
            outcome: Outcome::TimedOut,
            started_at: NOW,
            ended_at: NOW + Duration::from_micros(7),
            node: "there".to_owned(),
            error: Some(JobError::new(ErrorKind::Timeout, "too slow")),
            log: vec!["line\twith tab".to_owned()],
        },
    );
    record
}

#[test]
fn every_field_of_a_record_comes_back() {
    let (storage, _) = fresh();
    let stored = full();
    put(&storage, &stored);
    let found = storage.find(&[stored.job.id]).expect("the server answers");
    let found = found[0].as_ref().expect("it is stored");
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let fields = |record: &Record| {
        (
            value(&serde_json::to_string(&record.job).expect("JSON")),
            (record.job.id, record.state, record.ended_at, record.attempt),
            record.attempts.clone(),
            record.error.clone(),
            record.result.as_ref().map(|r| r.get().to_owned()),
        )
    };
    assert_eq!(fields(found), fields(&stored));
    assert!(found.job.payload.get().contains("12345678901234567890.5"));
}

#[test]
fn a_result_of_null_is_not_no_result() {
    let (storage, _) = fresh();
    let (with, mut without) = (record(NOW, 1), record(NOW, 2));
    without.result = None;
    let ids = [with.job.id, without.job.id];
    storage.store(&[with, without]).expect("the server answers");
    let found = storage.find(&ids).expect("the server answers");
    let results: Vec<bool> = found
        .iter()
        .map(|r| r.as_ref().expect("stored").result.is_some())
        .collect();
    assert_eq!(results, [true, false]);
}

/// The columns that are promised to SQL users, and the view that tells attempts row by row.
#[test]
fn sql_users_find_jobs_and_attempts() {
    let (storage, url) = fresh();
    put(&storage, &full());
    let row = Postgres::shared()
        .client(&url)
        .query_one(
            "SELECT id::text, type, queue, state, tags[1], payload->>'text', result::text, error->>'kind', attempts, \
             created_at = '2026-09-21 14:13:20+00', started_at - created_at = interval '15 ms', \
             ended_at - created_at = interval '20 ms', node, jsonb_array_length(history), retry_of IS NOT NULL \
             FROM jobs",
            &[],
        )
        .expect("every column is there");
    let texts: Vec<&str> = (1..8).map(|i| row.get(i)).collect();
    let expected = [
        "email",
        "low",
        "dead",
        "a b",
        "ü \"quoted\"",
        "null",
        "permanent",
    ];
    assert_eq!(texts, expected);
    assert_eq!((row.get::<_, i32>(8), row.get::<_, i32>(13)), (2, 2));
    assert!([9, 10, 11, 14].into_iter().all(|i| row.get::<_, bool>(i)));
    assert_eq!(row.get::<_, &str>(12), "here:8080");
    let attempts = count(
        &url,
        "SELECT count(*) FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE attempt = 1 AND outcome = 'timed_out' \
         AND a.started_at = j.created_at AND a.ended_at = a.started_at + interval '7 us' AND a.node = 'there' \
         AND a.error->>'message' = 'too slow' AND log->>0 = E'line\\twith tab'",
    );
    assert_eq!(attempts, 1);
}

/// Two recorders that hand over the same records: each is one row and counted once.
#[test]
fn what_is_stored_twice_at_once_is_counted_once() {
    let (storage, url) = fresh();
    let batch = super::records(NOW, 500);
    let new: usize = thread::scope(|scope| {
        let recorders: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| storage.store(&batch)))
            .collect();
        recorders
            .into_iter()
            .map(|r| r.join().expect("no panic").expect("the server answers"))
            .map(|answers| answers.iter().filter(|a| **a == Stored::New).count())
            .sum()
    });
    assert_eq!(new, 500);
    assert_eq!(count(&url, "SELECT count(*) FROM jobs"), 500);
    let minutes = storage
        .minutes(NOW - super::DAY, NOW + super::DAY)
        .expect("the server answers");
    assert_eq!(minutes.len(), 1);
    let minute = &minutes[0];
    assert_eq!(
        (minute.jobs, minute.wait_ms, minute.run_ms),
        (500, 7_500, 2_500)
    );
    assert_eq!(minute.histogram[3], 500);
}

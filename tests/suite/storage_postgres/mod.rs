//! What only PostgreSQL can do wrong: the contract suite tests what every store promises.
//!
//! - `schema`: several hosts that migrate at once, schemas that are not ours, what SQL users see.
//! - `refused`: records that PostgreSQL refuses, among many that it takes.
//! - `days`: partitions that come and go, and plans that use their indexes.
//! - `away`: a server that is killed, stopped or was never there.
//! - `encrypted`: each sslmode against a server with a certificate.

mod away;
mod days;
mod encrypted;
mod refused;
mod schema;

use std::time::Duration;

use serde_json::value::RawValue;
use windlass::job::{Attempt, Job, JobId, Outcome, Record, State, Timestamp};
use windlass::storage::Storage;
use windlass::storage::postgres::PostgresStorage;

use crate::support::servers::Postgres;

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A storage on a database of its own, and the database's URL.
fn fresh() -> (PostgresStorage, String) {
    let url = Postgres::shared().fresh_database();
    let storage = PostgresStorage::open(&url).expect("a good URL");
    storage.check().expect("the schema is made");
    (storage, url)
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

/// A job that was created at `created_at` and succeeded 20 ms later.
fn record(created_at: Timestamp, number: u64) -> Record {
    // Above the bits into which a batch counts.
    let id = JobId::mint(created_at, number << 32);
    let started_at = created_at + Duration::from_millis(15);
    let ended_at = created_at + Duration::from_millis(20);
    Record {
        job: Job::new(id, "noop", "default", json(r#"{"n":1}"#)),
        state: State::Succeeded,
        ended_at,
        attempt: 1,
        attempts: vec![Attempt {
            attempt: 1,
            outcome: Outcome::Succeeded,
            started_at,
            ended_at,
            node: "here:8080".to_owned(),
            error: None,
            log: Vec::new(),
        }],
        result: Some(json("null")),
        error: None,
    }
}

fn records(created_at: Timestamp, count: u64) -> Vec<Record> {
    (1..=count).map(|n| record(created_at, n)).collect()
}

/// The one number that `sql` answers.
fn count(url: &str, sql: &str) -> i64 {
    Postgres::shared()
        .client(url)
        .query_one(sql, &[])
        .expect("a good query")
        .get(0)
}

/// Stores one record, which must be new.
fn put(storage: &impl Storage, record: &Record) {
    let stored = storage.store(std::slice::from_ref(record));
    assert_eq!(
        stored.expect("the server answers"),
        [windlass::storage::Stored::New]
    );
}

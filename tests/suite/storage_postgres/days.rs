//! Partitions that come and go, and plans that use their indexes.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use postgres::Client;
use uuid::Uuid;
use windlass::job::{JobId, Record, State, Timestamp};
use windlass::storage::postgres::PostgresStorage;
use windlass::storage::{Filter, Storage, Stored};

use super::{DAY, NOW, count, fresh, put, record, records};
use crate::support::servers::Postgres;
use crate::support::wait::{PATIENCE, wait_until};

const HISTORY: Duration = Duration::from_secs(30 * 24 * 3600);

const PARTITIONS: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'jobs'::regclass";
const DAY_TABLES: &str =
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^jobs_[0-9]+$'";

fn retain(storage: &PostgresStorage, now: Timestamp) -> usize {
    storage.retain(now, HISTORY).expect("the server answers")
}

fn is_stored(storage: &PostgresStorage, record: &Record) -> bool {
    let found = storage.find(&[record.job.id]).expect("the server answers");
    found[0].is_some()
}

/// Hosts that meet the same new days in the same moment: none fails, no day is made twice.
#[test]
fn hosts_that_meet_a_new_day_at_once_make_it_once() {
    let (_, url) = fresh();
    let start = Barrier::new(6);
    thread::scope(|scope| {
        for host in 0..6_u64 {
            let (url, start) = (&url, &start);
            scope.spawn(move || {
                let storage = PostgresStorage::open(url).expect("a good URL");
                let mut batch = Vec::new();
                for day in 0..5 {
                    batch.push(record(NOW + DAY * day, host + 1));
                }
                start.wait();
                let answers = storage.store(&batch).expect("the server answers");
                assert!(answers.iter().all(|a| *a == Stored::New));
            });
        }
    });
    assert_eq!(count(&url, PARTITIONS), 5);
    assert_eq!(count(&url, "SELECT count(*) FROM jobs"), 30);
}

/// Whatever made the id, its record finds a place.
#[test]
fn ids_of_any_day_can_be_stored() {
    let (storage, _) = fresh();
    let ids = [
        Uuid::nil(),
        Uuid::max(),
        Uuid::from_u64_pair(0xfde1_2345_6789_7000, 1),
    ];
    let mut batch = vec![record(Timestamp::from_micros(0), 1), record(NOW, 1)];
    for id in ids {
        let mut odd = record(NOW, 2);
        odd.job.id = JobId::from_uuid(id);
        batch.push(odd);
    }
    let answers = storage.store(&batch).expect("the server answers");
    assert!(answers.iter().all(|a| *a == Stored::New), "{answers:?}");
    assert!(batch.iter().all(|r| is_stored(&storage, r)));
}

/// A day counts from the end of its last job, not from its own date (S4).
#[test]
fn a_day_stays_while_a_job_of_it_ended_within_the_history() {
    let (storage, url) = fresh();
    let created = NOW - DAY * 40;
    let (early, mut late) = (record(created, 1), record(created, 2));
    late.ended_at = NOW - DAY * 3;
    let alone = record(created - DAY, 3);
    storage
        .store(&[early.clone(), late.clone(), alone.clone(), record(NOW, 4)])
        .expect("the server answers");
    assert_eq!(retain(&storage, NOW), 1);
    assert_eq!(retain(&storage, NOW), 0);
    assert!(!is_stored(&storage, &alone));
    assert!(is_stored(&storage, &early) && is_stored(&storage, &late));
    // The last instant at which the late one must still be there, and the first at which it may go.
    assert_eq!(retain(&storage, late.ended_at + HISTORY), 0);
    let over = late.ended_at + HISTORY + Duration::from_micros(1);
    assert_eq!(retain(&storage, over), 1);
    assert!(!is_stored(&storage, &early) && !is_stored(&storage, &late));
    assert_eq!(count(&url, DAY_TABLES), 1);
    // What ended in which minute is history that stays.
    assert_eq!(count(&url, "SELECT sum(jobs)::bigint FROM minutes"), 4);
}

/// Another host forgets a day of which this one believes that it is there.
#[test]
fn a_day_that_vanished_is_made_again() {
    let (storage, url) = fresh();
    let old = NOW - DAY * 40;
    put(&storage, &record(old, 1));
    let other = PostgresStorage::open(&url).expect("a good URL");
    assert_eq!(retain(&other, NOW), 1);
    put(&storage, &record(old, 2));
    // Dropped past everybody.
    let mut client = Postgres::shared().client(&url);
    client
        .batch_execute("DROP TABLE jobs_20260812")
        .expect("it is there");
    put(&storage, &record(old, 3));
    assert_eq!(count(&url, "SELECT count(*) FROM jobs"), 1);
}

/// Begins to detach the day of `record` and is interrupted while it waits for a reader, as by a crash.
fn interrupt_a_detach(url: &str, table: &str) {
    let mut reader = Postgres::shared().client(url);
    let mut reading = reader.transaction().expect("a transaction");
    reading
        .query("SELECT FROM jobs LIMIT 1", &[])
        .expect("a good query");
    let mut client = Postgres::shared().client(url);
    client
        .batch_execute("SET statement_timeout = '200ms'")
        .expect("good SQL");
    let detach = format!("ALTER TABLE jobs DETACH PARTITION {table} CONCURRENTLY");
    client
        .batch_execute(&detach)
        .expect_err("the reader is in its way");
    drop(reading);
    let pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
    assert_eq!(count(url, pending), 1);
}

#[test]
fn an_interrupted_detach_is_finished_by_the_next_retention() {
    let (storage, url) = fresh();
    put(&storage, &record(NOW - DAY * 40, 1));
    interrupt_a_detach(&url, "jobs_20260812");
    assert_eq!(retain(&storage, NOW), 1);
    assert_eq!(count(&url, DAY_TABLES), 0);
}

#[test]
fn a_late_record_brings_a_half_detached_day_back() {
    let (storage, url) = fresh();
    let (old, mut late) = (record(NOW - DAY * 40, 1), record(NOW - DAY * 40, 2));
    late.ended_at = NOW;
    put(&storage, &old);
    interrupt_a_detach(&url, "jobs_20260812");
    assert!(
        !is_stored(&storage, &old),
        "the trap works: nobody sees the day"
    );
    put(&storage, &late);
    assert!(is_stored(&storage, &old) && is_stored(&storage, &late));
    assert_eq!(retain(&storage, NOW), 0);
    assert_eq!(count(&url, PARTITIONS), 1);
}

/// A host that ended between DETACH and DROP leaves a table behind; what is worth keeping in it comes back.
#[test]
fn a_detached_day_is_dropped_or_brought_back_by_what_is_in_it() {
    let (storage, url) = fresh();
    let (old, mut late) = (record(NOW - DAY * 41, 1), record(NOW - DAY * 40, 2));
    late.ended_at = NOW;
    storage
        .store(&[old.clone(), late.clone()])
        .expect("the server answers");
    let mut client = Postgres::shared().client(&url);
    for table in ["jobs_20260811", "jobs_20260812"] {
        let detach = format!("ALTER TABLE jobs DETACH PARTITION {table} CONCURRENTLY");
        client.batch_execute(&detach).expect("nobody is in its way");
    }
    assert_eq!(retain(&storage, NOW), 1);
    assert_eq!(retain(&storage, NOW), 0);
    assert!(!is_stored(&storage, &old) && is_stored(&storage, &late));
}

/// One host at a time forgets; the others go on without waiting.
#[test]
fn hosts_that_forget_at_once_do_not_wait_for_each_other() {
    let (storage, url) = fresh();
    for day in 40..46 {
        put(&storage, &record(NOW - DAY * day, 1));
    }
    let gone: usize = thread::scope(|scope| {
        let hosts: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let storage = PostgresStorage::open(&url).expect("a good URL");
                    (0..6).map(|_| retain(&storage, NOW)).sum::<usize>()
                })
            })
            .collect();
        hosts.into_iter().map(|h| h.join().expect("no panic")).sum()
    });
    assert!(gone <= 6, "no day goes twice");
    while retain(&storage, NOW) > 0 {}
    assert_eq!(count(&url, DAY_TABLES), 0);
}

/// Storing and finding go on while a day waits for a reader that will not end.
#[test]
fn a_long_reader_holds_up_retention_and_nothing_else() {
    let (storage, url) = fresh();
    put(&storage, &record(NOW - DAY * 40, 1));
    let impatient = format!("{url}&options=-c%20statement_timeout=400");
    let mut reader = Postgres::shared().client(&url);
    let mut reading = reader.transaction().expect("a transaction");
    reading
        .query("SELECT FROM jobs", &[])
        .expect("a good query");
    let host = PostgresStorage::open(&impatient).expect("a good URL");
    thread::scope(|scope| {
        let retention = scope.spawn(|| host.retain(NOW, HISTORY));
        wait_until("the day is leaving", PATIENCE, || {
            match count(
                &url,
                "SELECT count(*) FROM pg_inherits WHERE inhdetachpending",
            ) {
                1 => Ok(()),
                n => Err(n),
            }
        });
        put(&storage, &record(NOW, 2));
        put(&storage, &record(NOW + DAY, 3));
        retention
            .join()
            .expect("no panic")
            .expect_err("the reader is in its way");
    });
    drop(reading);
    assert_eq!(retain(&storage, NOW), 1);
}

/// How many times a partition has been read whole. A connection hands in its counts when it ends, so all others must have.
fn settled_scans(client: &mut Client) -> i64 {
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    wait_until("the connections have ended", PATIENCE, || {
        match client.query_one(others, &[]).expect("a good query").get(0) {
            0_i64 => Ok(()),
            n => Err(n),
        }
    });
    client
        .query_one(
            "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname ~ '^jobs_[0-9]+$'",
            &[],
        )
        .expect("a good query")
        .get(0)
}

/// No page reads a whole partition, whichever filter is asked for: the server counts whole reads.
#[test]
fn every_filter_uses_an_index() {
    let (storage, url) = fresh();
    for day in 0..3 {
        for part in 0..10 {
            let mut batch = records(NOW + DAY * day + Duration::from_secs(part), 1_000);
            for (i, record) in batch.iter_mut().enumerate() {
                record.job.kind = format!("kind{}", i % 20);
                record.job.queue = format!("queue{}", i % 20);
                record.job.tags = vec![format!("tag{}", i % 50)];
                if i % 50 == 0 {
                    record.state = State::Dead;
                }
            }
            storage.store(&batch).expect("the server answers");
        }
    }
    let mut client = Postgres::shared().client(&url);
    client
        .batch_execute("ANALYZE jobs")
        .expect("it can be analysed");
    drop(storage);
    let before = settled_scans(&mut client);
    let storage = PostgresStorage::open(&url).expect("a good URL");
    let text = |text: &str| Some(text.to_owned());
    let filters = [
        Filter::default(),
        Filter {
            state: Some(State::Dead),
            ..Filter::default()
        },
        Filter {
            kind: text("kind3"),
            ..Filter::default()
        },
        Filter {
            queue: text("queue7"),
            ..Filter::default()
        },
        Filter {
            tag: text("tag9"),
            ..Filter::default()
        },
        Filter {
            tag: text("no such tag"),
            ..Filter::default()
        },
        Filter {
            kind: text("none"),
            queue: text("queue7"),
            ..Filter::default()
        },
        Filter {
            since: Some(NOW + DAY),
            until: Some(NOW + DAY + Duration::from_secs(1)),
            ..Filter::default()
        },
    ];
    for filter in &filters {
        let after = Some(record(NOW + DAY * 2, 500).job.id);
        for after in [None, after] {
            storage.page(filter, after, 50).expect("the server answers");
        }
    }
    drop(storage);
    assert_eq!(settled_scans(&mut client), before);
    // The trap works: a query that no index helps is counted.
    let mut whole = Postgres::shared().client(&url);
    whole
        .query("SELECT FROM jobs WHERE node = 'x'", &[])
        .expect("a good query");
    drop(whole);
    assert!(settled_scans(&mut client) > before);
}

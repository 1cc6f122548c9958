//! A server that is killed, stopped or was never there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass::storage::bounded::{Bounded, Bounds};
use windlass::storage::postgres::PostgresStorage;
use windlass::storage::{Storage, StorageError, Stored};

use super::{NOW, put, record};
use crate::support::servers::Postgres;
use crate::support::wait::{PATIENCE, wait_until};

fn unavailable<T: std::fmt::Debug>(answer: Result<T, StorageError>) -> String {
    match answer {
        Err(StorageError::Unavailable { reason, .. }) => reason,
        other => panic!("expected Unavailable, got {other:?}"),
    }
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut server = Postgres::start();
    let url = server.url();
    server.kill();
    let storage = PostgresStorage::open(&url).expect("nobody is called yet");
    let reason = unavailable(storage.check());
    assert!(reason.contains("error connecting"), "{reason}");
    server.restart();
    wait_until("the server is found", PATIENCE, || storage.check());
    put(&storage, &record(NOW, 1));
}

/// Every pooled connection is dead after a restart; no call may fail of that.
#[test]
fn the_first_call_after_a_restart_works() {
    let mut server = Postgres::start();
    let storage = PostgresStorage::open(&server.url()).expect("a good URL");
    storage.check().expect("the schema is made");
    put(&storage, &record(NOW, 1));
    server.kill();
    server.restart();
    put(&storage, &record(NOW, 2));
}

/// The driver would wait for ever, at the query and even at the look whether a connection is alive.
#[test]
fn a_stopped_server_costs_no_more_than_the_deadline() {
    let server = Postgres::start();
    let storage = PostgresStorage::open(&server.url()).expect("a good URL");
    let bounds = Bounds {
        deadline: Duration::from_secs(1),
        given_up_max: 3,
        ..Bounds::default()
    };
    let storage = Bounded::new(Arc::new(storage), bounds);
    storage.check().expect("the schema is made");
    put(&storage, &record(NOW, 1));
    server.stop();
    for call in 0..5 {
        let before = Instant::now();
        unavailable(storage.store(&[record(NOW, 2)]));
        // Twice the deadline leaves room for a busy machine, and is far below "for ever".
        assert!(before.elapsed() < bounds.deadline * 2, "call {call}");
    }
    assert!((1..=3).contains(&storage.given_up()));
    server.cont();
    wait_until("the threads come back", PATIENCE, || {
        match storage.given_up() {
            0 => Ok(()),
            n => Err(n),
        }
    });
    // Whether the calls that were given up stored it is unknown; now it is stored, once.
    let answers = wait_until("the server answers", PATIENCE, || {
        storage.store(&[record(NOW, 2)])
    });
    assert!(matches!(&answers[..], [Stored::New | Stored::Known]));
    let page = storage.page(&windlass::storage::Filter::default(), None, 10);
    assert_eq!(page.expect("the server answers").jobs.len(), 2);
}

//! Daemons that die, or stand still, with jobs in hand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::threads::Stop;

use crate::support::daemon::Daemon;
use crate::support::wait::wait_until;

use super::house::{House, within};
use super::ledger::Ledger;

fn sleeping(seconds: f64) -> Value {
    json!({"type": "sleep", "payload": {"seconds": seconds}})
}

/// The attempts of each job as `outcome@node`.
fn histories(daemon: &Daemon, ids: &[String]) -> Vec<Vec<String>> {
    let history = |id: &String| {
        let job = daemon.get(&format!("/jobs/{id}")).expect(200).json();
        let attempts = job["attempts"].as_array().expect("attempts").iter();
        let text = |v: &Value| v.as_str().unwrap_or("?").to_owned();
        attempts
            .map(|a| format!("{}@{}", text(&a["outcome"]), text(&a["node"])))
            .collect()
    };
    ids.iter().map(history).collect()
}

#[test]
fn a_killed_daemons_jobs_finish_elsewhere_after_their_lease() {
    let house = House::new();
    let ledger = Ledger::default();
    let lease = ("LEASE", "2s");
    let mut first = house.daemon(&[("NODE", "first"), ("WORKERCOUNT", "5"), lease]);
    let ids = ledger
        .submit(&[first.addr()], &sleeping(2.0), 3, &Stop::new())
        .expect("it is accepted");
    house.await_leased(3);
    let second = house.daemon(&[("NODE", "second"), ("WORKERCOUNT", "5"), lease]);
    let killed = Instant::now();
    first.kill9();
    ledger.close(
        &house,
        "kill -9, another node goes on",
        Duration::from_secs(30),
    );
    // One lease, and perhaps a second one of grace. Suspects run one at a time.
    within(killed, Duration::from_secs(2 + 2 + 3 * 2 + 5));
    for history in histories(&second, &ids) {
        assert_eq!(history, ["crashed@first", "succeeded@second"]);
    }
}

#[test]
fn a_killed_daemons_jobs_go_on_at_once_when_the_same_node_restarts() {
    let house = House::new();
    let ledger = Ledger::default();
    let mut daemon = house.daemon(&[("NODE", "phoenix"), ("LEASE", "10m")]);
    let ids = ledger
        .submit(&[daemon.addr()], &sleeping(2.0), 3, &Stop::new())
        .expect("it is accepted");
    house.await_leased(3);
    daemon.kill9();
    daemon.restart();
    ledger.close(
        &house,
        "kill -9, the same node restarts",
        Duration::from_secs(30),
    );
    for history in histories(&daemon, &ids) {
        assert_eq!(history, ["crashed@phoenix", "succeeded@phoenix"]);
    }
}

/// Both daemons serve and submit when one is killed; all it had in hand is suspect afterwards and goes on one by one.
#[test]
fn a_daemon_killed_under_load_loses_nothing() {
    let house = House::new();
    let ledger = Ledger::default();
    let mut first = house.daemon(&[]);
    let second = house.daemon(&[]);
    let load = ledger.load(
        &[first.addr(), second.addr()],
        json!({"type": "noop", "payload": {}}),
        50,
    );
    for _ in 0..3 {
        ledger.await_more(1_000);
        first.kill9();
        ledger.await_more(1_000);
        first.restart();
    }
    load.end();
    house.let_claims_end();
    ledger.close(&house, "kill -9 under load", Duration::from_secs(60));
}

/// A lock on the table holds the record between settle and storage; there the daemon dies.
#[test]
fn a_daemon_killed_between_settle_and_storage_loses_no_record() {
    let house = House::new();
    let ledger = Ledger::default();
    let mut daemon = house.daemon(&[]);
    let mut sql = house.sql();
    let mut lock = sql.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE jobs IN SHARE MODE")
        .expect("a lock");
    let noop = json!({"type": "noop", "payload": {}});
    ledger
        .submit(&[daemon.addr()], &noop, 500, &Stop::new())
        .expect("it is accepted");
    wait_until(
        "all jobs have ended",
        Duration::from_secs(30),
        || match house.outbox() {
            500 => Ok(()),
            n => Err(format!("{n} have")),
        },
    );
    daemon.kill9();
    lock.rollback().expect("a lock can be given back");
    house.let_claims_end();
    daemon.restart();
    ledger.close(
        &house,
        "kill -9 between settle and storage",
        Duration::from_secs(30),
    );
}

/// Redis dies while the record is held at the table, so the recorder stores it and cannot say so; there the daemon dies.
#[test]
fn a_daemon_killed_between_storage_and_acknowledgement_records_once() {
    let mut house = House::durable();
    let ledger = Ledger::default();
    let mut daemon = house.daemon(&[]);
    let mut sql = house.sql();
    let mut lock = sql.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE jobs IN SHARE MODE")
        .expect("a lock");
    let noop = json!({"type": "noop", "payload": {}});
    ledger
        .submit(&[daemon.addr()], &noop, 1, &Stop::new())
        .expect("it is accepted");
    let mut other = house.sql();
    wait_until(
        "the recorder stands before the table",
        Duration::from_secs(30),
        || {
            let waits = "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
                     WHERE NOT granted AND relname = 'jobs'";
            match other
                .query_one(waits, &[])
                .expect("postgres answers")
                .get::<_, i64>(0)
            {
                0 => Err("it does not"),
                _ => Ok(()),
            }
        },
    );
    house.redis.kill();
    lock.rollback().expect("a lock can be given back");
    wait_until(
        "the record is stored",
        Duration::from_secs(30),
        || match other
            .query_one("SELECT count(*) FROM jobs", &[])
            .expect("postgres answers")
            .get::<_, i64>(0)
        {
            1 => Ok(()),
            n => Err(format!("{n} are")),
        },
    );
    daemon.kill9();
    house.redis.restart();
    assert_eq!(
        house.outbox(),
        1,
        "the queue does not know yet that it is stored"
    );
    house.let_claims_end();
    daemon.restart();
    ledger.close(
        &house,
        "kill -9 between storage and acknowledgement",
        Duration::from_secs(30),
    );
}

/// The frozen daemon wakes with handlers that have finished meanwhile; what it has to say comes too late.
#[test]
fn a_daemon_that_froze_past_its_leases_changes_nothing() {
    let house = House::new();
    let ledger = Ledger::default();
    let lease = ("LEASE", "2s");
    let first = house.daemon(&[("NODE", "frozen"), ("WORKERCOUNT", "2"), lease]);
    let ids = ledger
        .submit(&[first.addr()], &sleeping(2.0), 2, &Stop::new())
        .expect("it is accepted");
    house.await_leased(2);
    let second = house.daemon(&[("NODE", "second"), ("WORKERCOUNT", "2"), lease]);
    first.stop();
    wait_until(
        "the other node has recorded both",
        Duration::from_secs(30),
        || {
            let queued = house.queued();
            if queued == 0 {
                Ok(())
            } else {
                Err(format!("{queued} are in the queue"))
            }
        },
    );
    first.cont();
    let noop = json!({"type": "noop", "payload": {}});
    ledger
        .submit(&[first.addr()], &noop, 200, &Stop::new())
        .expect("it is accepted");
    ledger.close(&house, "SIGSTOP past the lease", Duration::from_secs(30));
    for history in histories(&second, &ids) {
        assert_eq!(history, ["crashed@frozen", "succeeded@second"]);
    }
}

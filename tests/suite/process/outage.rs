//! Servers that are away, silent or full, under load.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::threads::Stop;

use crate::support::wait::wait_until;

use super::house::{House, await_readiness, await_ready};
use super::ledger::Ledger;

fn noop() -> Value {
    json!({"type": "noop", "payload": {}})
}

#[test]
fn redis_killed_and_restarted_five_times_loses_nothing() {
    let mut house = House::durable();
    let ledger = Ledger::default();
    let daemon = house.daemon(&[]);
    let load = ledger.load(&[daemon.addr()], noop(), 20);
    for _ in 0..5 {
        ledger.await_more(500);
        house.redis.kill();
        house.redis.restart();
    }
    ledger.await_more(500);
    load.end();
    // What a recorder had claimed when Redis died waits for the end of its minute.
    house.let_claims_end();
    ledger.close(&house, "Redis killed five times", Duration::from_secs(60));
    let crashes: i64 = house
        .sql()
        .query_one(
            "SELECT count(*) FROM attempts WHERE outcome = 'crashed'",
            &[],
        )
        .expect("postgres answers")
        .get(0);
    assert_eq!(crashes, 0, "an absence of the engine is no crash of a job");
}

/// A server that hangs executes what was sent to it once it goes on, long after its callers have asked again.
#[test]
fn redis_that_is_silent_until_outcomes_are_unknown_doubles_nothing() {
    let house = House::new();
    let ledger = Ledger::default();
    let daemon = house.daemon(&[]);
    let load = ledger.load(&[daemon.addr()], noop(), 20);
    ledger.await_more(500);
    house.redis.stop();
    await_readiness(&daemon, 503, "\"part\":\"queue\"");
    let unknown = wait_until("a submission is given up", Duration::from_secs(30), || {
        ledger.reason().ok_or("none was so far")
    });
    assert!(
        unknown.contains("urn:windlass:outcome-unknown"),
        "{unknown}"
    );
    house.redis.cont();
    ledger.await_more(500);
    load.end();
    // A collect that was executed late has claimed what it brought to nobody.
    house.let_claims_end();
    ledger.close(&house, "Redis silent", Duration::from_secs(60));
}

#[test]
fn postgres_away_for_ten_seconds_stops_no_job() {
    let mut house = House::with_own_postgres();
    let ledger = Ledger::default();
    let daemon = house.daemon(&[]);
    let load = ledger.load(&[daemon.addr()], noop(), 5);
    ledger.await_more(200);
    house.postgres().kill();
    let gone = Instant::now();
    let accepted = ledger.accepted();
    await_readiness(&daemon, 200, "\"part\":\"storage\"");
    wait_until("ten seconds are over", Duration::from_secs(60), || {
        // Jobs are taken and run as if nothing were; their records wait.
        let (more, waiting) = (ledger.accepted() - accepted, house.outbox());
        if gone.elapsed() >= Duration::from_secs(10) && more >= 500 && waiting >= 500 {
            return Ok(());
        }
        Err(format!(
            "{more} more are accepted, {waiting} records wait, {:?} are over",
            gone.elapsed()
        ))
    });
    assert_eq!(ledger.repeated(), 0, "no submission was refused meanwhile");
    house.postgres().restart();
    await_ready(&daemon);
    ledger.await_more(100);
    load.end();
    house.let_claims_end();
    ledger.close(&house, "PostgreSQL away for 10 s", Duration::from_secs(60));
}

/// A server that accepts connections and then says nothing is worse than one that is gone.
#[test]
fn postgres_that_is_silent_stops_no_job() {
    let mut house = House::with_own_postgres();
    let ledger = Ledger::default();
    let daemon = house.daemon(&[]);
    let load = ledger.load(&[daemon.addr()], noop(), 5);
    ledger.await_more(200);
    house.postgres().stop();
    await_readiness(&daemon, 200, "\"part\":\"storage\"");
    ledger.await_more(500);
    assert_eq!(ledger.repeated(), 0, "no submission was refused meanwhile");
    house.postgres().cont();
    await_ready(&daemon);
    load.end();
    house.let_claims_end();
    ledger.close(&house, "PostgreSQL silent", Duration::from_secs(60));
}

#[test]
fn a_full_redis_refuses_new_jobs_and_lets_work_in_hand_finish() {
    let house = House::new();
    let ledger = Ledger::default();
    let daemon = house.daemon(&[]);
    let here = [daemon.addr()];
    let sleeping = json!({"type": "sleep", "payload": {"seconds": 3}});
    let ids = ledger
        .submit(&here, &sleeping, 5, &Stop::new())
        .expect("it is accepted");
    house.await_leased(5);
    let mut redis = house.redis.client();
    let limit = |redis: &mut redis::Connection, bytes: u64| {
        redis::cmd("CONFIG")
            .arg(&["SET", "maxmemory", &bytes.to_string()])
            .exec(redis)
            .expect("redis takes a setting");
    };
    limit(&mut redis, 1);
    let refused = daemon.post("/submit", &noop()).expect(503);
    assert_eq!(
        refused.json()["type"],
        "urn:windlass:queue-full",
        "{}",
        refused.text()
    );
    assert!(
        refused.header("retry-after").is_some(),
        "it does not say when to come again"
    );
    for id in &ids {
        daemon.await_state(id, "succeeded");
    }
    wait_until(
        "the work in hand is recorded",
        Duration::from_secs(30),
        || match house.queued() {
            0 => Ok(()),
            n => Err(format!("{n} are in the queue")),
        },
    );
    limit(&mut redis, 0);
    ledger
        .submit(&here, &noop(), 100, &Stop::new())
        .expect("it is accepted");
    ledger.close(&house, "Redis full", Duration::from_secs(30));
}

//! Many jobs.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::threads::Stop;

use super::house::House;
use super::ledger::Ledger;

const MANY: usize = 1_000_000;

fn noop() -> Value {
    json!({"type": "noop", "payload": {}})
}

#[test]
fn three_daemons_on_one_redis_record_each_job_once() {
    let house = House::new();
    let ledger = Ledger::default();
    let daemons = [(); 3].map(|()| house.daemon(&[]));
    let addrs = daemons.each_ref().map(|d| d.addr());
    let loads = addrs.map(|addr| ledger.load(&[addr], noop(), 1_000));
    ledger.await_more(97_000);
    loads.into_iter().for_each(|load| load.end());
    let balance = ledger.close(&house, "three daemons", Duration::from_secs(120));
    assert!(balance.accepted >= 20_000, "{balance:?}");
    let nodes: i64 = house
        .sql()
        .query_one("SELECT count(DISTINCT node) FROM jobs", &[])
        .expect("postgres answers")
        .get(0);
    assert_eq!(nodes, 3, "each daemon has its part");
}

/// All are queued before any is taken: the daemon that accepts them serves another queue.
#[test]
fn a_million_jobs_are_queued_and_drained() {
    let house = House::new();
    let ledger = Ledger::default();
    let door = house.daemon(&[("QUEUES", "other")]);
    for _ in 0..MANY / 1_000 {
        ledger
            .submit(&[door.addr()], &noop(), 1_000, &Stop::new())
            .expect("it is accepted");
    }
    assert_eq!(house.queued(), MANY);
    let _drain = house.daemon(&[]);
    ledger.close(&house, "queued and drained", Duration::from_secs(600));
}

//! Stops: asked for once, and twice.

use std::time::{Duration, Instant};

use serde_json::json;
use windlass::threads::Stop;

use super::house::{House, within};
use super::ledger::Ledger;

/// Four jobs hold the four workers for longer than a stopping daemon waits, and quick ones stand behind them and keep
/// coming. The daemon that runs the rest would show a crash or a failure if the first one had left any.
#[test]
fn term_under_load_gives_back_what_is_not_finished() {
    let house = House::new();
    let ledger = Ledger::default();
    let mut first = house.daemon(&[
        ("WORKERCOUNT", "4"),
        ("WORKERTIMEOUT", "1"),
        ("LEASE", "60s"),
    ]);
    let mut addrs = vec![first.addr()];
    let long = json!({"type": "sleep", "payload": {"seconds": 4}});
    let long = ledger
        .submit(&addrs, &long, 4, &Stop::new())
        .expect("it is accepted");
    house.await_leased(4);
    let second = house.spawn(&[("QUEUES", "other")]);
    addrs.push(second.addr());
    let load = ledger.load(&addrs, json!({"type": "noop", "payload": {}}), 10);
    ledger.await_more(200);

    let asked = Instant::now();
    first.term();
    let status = first.await_exit(Duration::from_secs(30));
    within(asked, Duration::from_secs(1 + 3));
    assert_eq!(status.code(), Some(0), "{}", first.log());
    assert_eq!(house.leased(), 0, "what was not finished is back at once");

    let third = house.daemon(&[("WORKERCOUNT", "4"), ("LEASE", "60s")]);
    ledger.await_more(200);
    load.end();
    ledger.close(&house, "TERM under load", Duration::from_secs(60));
    for id in long {
        let job = third.get(&format!("/jobs/{id}")).expect(200).json();
        let outcomes: Vec<_> = job["attempts"]
            .as_array()
            .expect("attempts")
            .iter()
            .map(|a| &a["outcome"])
            .collect();
        assert_eq!(outcomes, ["released", "succeeded"], "{job}");
        assert_eq!(job["attempt"], 1, "a release is not counted: {job}");
    }
}

#[test]
fn a_second_term_ends_at_once() {
    let house = House::new();
    let ledger = Ledger::default();
    let mut daemon = house.daemon(&[("WORKERTIMEOUT", "60")]);
    let job = json!({"type": "sleep", "payload": {"seconds": 2}});
    ledger
        .submit(&[daemon.addr()], &job, 3, &Stop::new())
        .expect("it is accepted");
    house.await_leased(3);
    daemon.term();
    daemon.await_notice("STOPPING=1");
    let asked = Instant::now();
    daemon.term();
    let status = daemon.await_exit(Duration::from_secs(30));
    within(asked, Duration::from_secs(1));
    assert_eq!(status.code(), Some(128 + 15), "{}", daemon.log());
    assert_eq!(house.leased(), 3, "nothing was waited for");
    daemon.restart();
    ledger.close(&house, "a second TERM", Duration::from_secs(30));
}

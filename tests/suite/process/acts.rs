//! What operators do, while daemons die: jobs run again once, queues purged to the end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::threads::Stop;

use super::house::House;
use crate::support::daemon::Daemon;
use crate::support::http::request;
use crate::support::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(90);

fn submit(daemon: &Daemon, job: &Value, count: usize) -> Vec<String> {
    let answer = daemon
        .post("/submit", &json!(vec![job; count]))
        .expect(202)
        .json();
    let jobs = answer["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| job["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// How many records there are, by a condition.
fn recorded(house: &House, condition: &str) -> i64 {
    let count = format!("SELECT count(*) FROM jobs WHERE {condition}");
    house
        .sql()
        .query_one(&count, &[])
        .expect("a good query")
        .get(0)
}

#[track_caller]
fn await_recorded(house: &House, condition: &str, wanted: i64) {
    wait_until(condition, PATIENCE, || match recorded(house, condition) {
        n if n == wanted => Ok(()),
        n => Err(format!("{n} of {wanted}")),
    });
}

/// Asks for a job to be run again, at one daemon and the other, until one answers.
fn click(addrs: [SocketAddr; 2], old: &str) -> String {
    let target = format!("/jobs/{old}/retry");
    for turn in 0..2_000 {
        if let Ok(answer) = request(addrs[turn % 2], "POST", &target, &[], Some(b""))
            && answer.status == 202
        {
            return answer.json()["id"].as_str().expect("an id").to_owned();
        }
        Stop::new().wait(Duration::from_millis(20));
    }
    panic!("nobody runs {old} again");
}

/// Each click is repeated by several people on both daemons, one of which is killed over and over: some of its answers
/// are lost with it.
#[test]
fn clicks_are_one_though_daemons_die() {
    let house = House::new();
    let mut first = house.daemon(&[("NODE", "first")]);
    let second = house.daemon(&[("NODE", "second")]);
    let olds = submit(&second, &json!({"type": "noop"}), 60);
    await_recorded(&house, "state = 'succeeded'", 60);
    let addrs = [first.addr(), second.addr()];
    let retries: Vec<Vec<String>> = std::thread::scope(|scope| {
        let clicker = |n: usize| {
            let olds = &olds;
            let addrs = [addrs[n % 2], addrs[(n + 1) % 2]];
            scope.spawn(move || olds.iter().map(|old| click(addrs, old)).collect())
        };
        let clickers: Vec<_> = (0..4).map(clicker).collect();
        for _ in 0..3 {
            Stop::new().wait(Duration::from_millis(150));
            first.kill9();
            first.restart();
        }
        clickers
            .into_iter()
            .map(|c| c.join().expect("no panic"))
            .collect()
    });
    let distinct: BTreeSet<&String> = retries[0].iter().collect();
    assert_eq!(distinct.len(), 60);
    assert!(retries.iter().all(|ids| *ids == retries[0]));
    await_recorded(&house, "retry_of IS NOT NULL", 60);
    wait_until("nothing is left in the queue", PATIENCE, || {
        match house.queued() {
            0 => Ok(()),
            n => Err(format!("{n} jobs")),
        }
    });
    assert_eq!(recorded(&house, "true"), 120);
    // Long after, on the other daemon.
    assert_eq!(click([second.addr(); 2], &olds[7]), retries[0][7]);
}

/// The daemon that was asked dies with the answer on its lips. Nobody serves the queue, and yet it is emptied.
#[test]
fn a_purge_goes_on_when_the_daemon_that_was_asked_dies() {
    let house = House::new();
    let served = ("QUEUES", "default");
    let mut first = house.daemon(&[("NODE", "first"), served]);
    let second = house.daemon(&[("NODE", "second"), served]);
    for _ in 0..4 {
        submit(&first, &json!({"type": "noop", "queue": "bulk"}), 1_000);
        submit(
            &first,
            &json!({"type": "noop", "queue": "bulk", "delay": "1h"}),
            500,
        );
    }
    let answer = first
        .request("DELETE", "/queues/bulk/jobs", &[], None)
        .expect(202)
        .json();
    first.kill9();
    assert_eq!(answer, json!({"queue": "bulk", "cancelling": 6_000}));
    let after = submit(&second, &json!({"type": "noop", "queue": "bulk"}), 2);
    await_recorded(&house, "state = 'cancelled'", 6_000);
    let queue = second.get("/queues/bulk").expect(200).json();
    assert_eq!(
        (&queue["ready"], &queue["scheduled"]),
        (&json!(2), &json!(0))
    );
    for id in after {
        let job = second.get(&format!("/jobs/{id}")).expect(200).json();
        assert_eq!(job["state"], "queued");
    }
}

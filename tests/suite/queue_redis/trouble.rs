//! Servers that forget scripts, hang, are away, refuse us or are unfit.

use std::time::{Duration, Instant};

use windlass::queue::{Desk, Queue, QueueError};

use super::{Bench, Redis};
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn flushed_scripts_are_loaded_again() {
    let redis = Redis::shared();
    let mut bench = Bench::on(redis);
    bench.enqueue(bench.jobs(1, "1"));
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query::<()>(&mut redis.client())
        .expect("scripts can be flushed");
    assert_eq!(bench.reserve(5).leases.len(), 1);
}

/// The server freezes with the request in its socket: it takes effect later, when nobody reads the reply any more.
#[test]
fn a_reserve_whose_reply_is_lost_is_asked_again_without_loss() {
    let redis = Redis::start();
    let mut bench = Bench::on(&redis);
    bench.enqueue(bench.jobs(3, "1"));
    assert_eq!(bench.reserve(1).leases.len(), 1);
    redis.stop();
    let begun = Instant::now();
    let lost = bench.try_reserve(1).expect_err("nobody answers");
    assert!(matches!(lost, QueueError::Unavailable { .. }), "{lost}");
    assert!(begun.elapsed() < Duration::from_secs(8), "it hung");
    redis.cont();
    let leases = wait_until("the queue answers", PATIENCE, || {
        bench.try_reserve(1).map(|answer| answer.leases)
    });
    assert_eq!(leases.len(), 1);
    let queues = bench.queue.queues().expect("Redis answers");
    assert_eq!((queues[0].running, queues[0].ready), (2, 1), "{queues:?}");
}

#[test]
fn a_queue_opens_before_its_redis_and_survives_its_restart() {
    let mut redis = Redis::start_durable();
    redis.kill();
    let mut bench = Bench::on(&redis);
    let away = bench.queue.check().expect_err("nobody is there");
    assert!(away.is_transient(), "{away}");
    redis.restart();
    bench.queue.check().expect("it is there now");
    bench.enqueue(bench.jobs(2, "1"));
    redis.kill();
    redis.restart();
    // The kept connection is dead, which its next use finds out and mends.
    assert_eq!(bench.reserve(5).leases.len(), 2);
}

#[test]
fn an_evicting_redis_or_a_strange_layout_is_refused() {
    let redis = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let bench = Bench::on(&redis);
    let unfit = bench.queue.check().expect_err("it evicts");
    assert!(matches!(unfit, QueueError::Unfit { .. }), "{unfit}");
    assert!(unfit.to_string().contains("noeviction"), "{unfit}");

    let redis = Redis::shared();
    let bench = Bench::on(redis);
    bench.queue.check().expect("a fresh namespace is ours");
    bench.queue.check().expect("and stays ours");
    redis::cmd("HSET")
        .arg(bench.key("meta"))
        .arg("format")
        .arg("99")
        .query::<()>(&mut redis.client())
        .expect("Redis answers");
    let unfit = bench.queue.check().expect_err("a format of the future");
    assert!(unfit.to_string().contains("format 99"), "{unfit}");
    assert!(!unfit.is_transient());
}

#[test]
fn a_wrong_password_is_told_as_such_and_never_shown() {
    let redis = Redis::start();
    redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "secret"])
        .query::<()>(&mut redis.client())
        .expect("a password can be set");
    let with = |pass: &str| Bench::at(&format!("{}?pass={pass}", redis.addr()));
    with("secret").queue.check().expect("the right one");
    for wrong in [with("terces"), Bench::on(&redis)] {
        let refused = wrong.queue.check().expect_err("a wrong password");
        assert!(matches!(refused, QueueError::Unfit { .. }), "{refused}");
        assert!(!refused.to_string().contains("terces"), "{refused}");
    }
}

#[test]
fn the_engines_clock_is_redis_own() {
    let redis = Redis::shared();
    let bench = Bench::on(redis);
    bench.queue.check().expect("Redis answers");
    let (seconds, micros): (i64, i64) = redis::cmd("TIME")
        .query(&mut redis.client())
        .expect("Redis answers");
    let apart = (bench.queue.now().as_micros() - (seconds * 1_000_000 + micros)).abs();
    assert!(apart < 5_000_000, "{apart} us apart");
}

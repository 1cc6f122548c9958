//! A full Redis, large bodies, many leases, lines of spent tickets, bodies that cannot be read.

use std::time::Duration;

use windlass::job::{ErrorKind, State};
use windlass::queue::{Cancelled, Desk, Lease, Levers, Queue, QueueError, Renewal, Renewed};

use super::{Bench, LEASE, NODE, Redis, success};

/// Sets `maxmemory` to what is used now, or to no limit.
fn limit_memory(redis: &Redis, limited: bool) {
    let mut client = redis.client();
    let mut set = |bytes: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg("maxmemory")
            .arg(bytes)
            .query::<()>(&mut client)
            .expect("maxmemory can be set");
    };
    // Far below what an empty server uses, so that it is full whatever is freed.
    set(if limited { "100kb" } else { "0" });
}

/// A full Redis refuses new work, lets work in hand end, and lends what waits: running it is what makes room.
#[test]
fn a_full_redis_takes_no_new_work_and_finishes_the_old() {
    let redis = Redis::start();
    let mut bench = Bench::on(&redis);
    bench.enqueue(bench.jobs(10, "1"));
    let before = bench.reserve(5).leases;
    limit_memory(&redis, true);
    let full = bench.try_enqueue(bench.jobs(1, "1")).expect_err("no room");
    assert!(matches!(full, QueueError::Full { .. }), "{full}");
    let renewal = Renewal {
        lease: &before[0],
        progress: None,
    };
    let renewed = bench.queue.renew(&[renewal], LEASE).expect("it may");
    assert_eq!(renewed, [Renewed::Held]);
    bench.succeed(&before);
    let rest = bench.reserve(100).leases;
    assert_eq!(rest.len(), 5);
    bench.succeed(&rest);
    let records = bench.queue.collect(100).expect("it may");
    let ids: Vec<_> = records.iter().map(|r| r.job.id).collect();
    assert_eq!(ids.len(), 10);
    bench.queue.stored(&ids).expect("it may");
    limit_memory(&redis, false);
    bench.enqueue(bench.jobs(1, "1"));
}

/// With storage away, running more jobs would fill a full Redis further.
#[test]
fn a_full_redis_with_a_full_outbox_lends_nothing() {
    let redis = Redis::start();
    let mut bench = Bench::on(&redis);
    for _ in 0..2 {
        bench.enqueue(bench.jobs(600, "1"));
    }
    let leases = reserve_all(&mut bench, 1_001);
    bench.succeed(&leases);
    limit_memory(&redis, true);
    assert_eq!(bench.reserve(10).leases.len(), 0);
    let records = bench.queue.collect(500).expect("it may");
    let ids: Vec<_> = records.iter().map(|r| r.job.id).collect();
    bench.queue.stored(&ids).expect("it may");
    assert_eq!(bench.reserve(10).leases.len(), 10);
}

fn reserve_all(bench: &mut Bench, count: usize) -> Vec<Lease> {
    let mut leases = bench.reserve(count.min(1_000)).leases;
    while leases.len() < count {
        let more = bench.reserve(count - leases.len()).leases;
        assert!(!more.is_empty(), "{} of {count} came", leases.len());
        leases.extend(more);
    }
    leases
}

#[test]
fn large_bodies_come_in_order_a_few_a_call() {
    let mut bench = Bench::on(Redis::shared());
    let payload = format!("\"{}\"", "x".repeat(1_000_000));
    let jobs = bench.jobs(10, &payload);
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    for some in jobs.chunks(5) {
        bench.enqueue(some.to_vec());
    }
    let mut leases = Vec::new();
    let mut calls = 0;
    loop {
        let answer = bench.reserve(1_000);
        calls += 1;
        assert!(answer.leases.len() <= 4, "{} MB", answer.leases.len());
        let more = answer.more;
        leases.extend(answer.leases);
        assert_eq!(more, leases.len() < 10, "`more` after {}", leases.len());
        if !more {
            break;
        }
    }
    assert_eq!(calls, 3);
    let order: Vec<_> = leases.iter().map(|l| l.job().id).collect();
    assert_eq!(order, ids);
    bench.succeed(&leases);
    let mut collected = Vec::new();
    while collected.len() < 10 {
        let some = bench.queue.collect(1_000).expect("Redis answers");
        assert!((1..=4).contains(&some.len()), "{} MB", some.len());
        collected.extend(some.iter().map(|r| r.job.id));
    }
    assert_eq!(collected, ids);
}

#[test]
fn a_dead_nodes_leases_are_taken_over_page_by_page() {
    let mut bench = Bench::on(Redis::shared());
    for _ in 0..3 {
        bench.enqueue(bench.jobs(700, "1"));
    }
    let leases = reserve_all(&mut bench, 2_100);
    let now = bench.queue.now();
    assert_eq!(
        bench.queue.take_over("somebody", now, 3).expect("answers"),
        0
    );
    assert_eq!(bench.queue.take_over(NODE, now, 3).expect("answers"), 2_100);
    let queues = bench.queue.queues().expect("Redis answers");
    assert_eq!((queues[0].running, queues[0].ready), (0, 2_100));
    // They are suspects now, which come one at a time.
    let suspects = bench.reserve(100).leases;
    assert_eq!(suspects.len(), 1);
    assert_eq!((suspects[0].crashes(), suspects[0].ticket().n), (1, 2));
    assert_eq!(leases[0].ticket().n, 1);
}

/// Cancelled jobs leave their tickets in the line; when nothing waits there any more, the line goes as a whole.
#[test]
fn a_line_of_spent_tickets_does_not_stay() {
    let redis = Redis::shared();
    let mut bench = Bench::on(redis);
    let jobs = bench.jobs(50, "1");
    bench.enqueue(jobs.clone());
    let length = || {
        redis::cmd("LLEN")
            .arg(bench.key("ready:default"))
            .query::<usize>(&mut redis.client())
            .expect("Redis answers")
    };
    for (i, job) in jobs.iter().enumerate() {
        assert_eq!(length(), 50, "before the {i}th");
        let answer = bench.queue.cancel(job.id).expect("Redis answers");
        assert_eq!(answer, Cancelled::Ended);
    }
    assert_eq!(length(), 0);
    assert_eq!(bench.queue.collect(100).expect("answers").len(), 50);
}

#[test]
fn a_body_that_cannot_be_read_ends_its_job_and_stops_no_other() {
    let redis = Redis::shared();
    let mut bench = Bench::on(redis);
    let jobs = bench.jobs(3, "1");
    bench.enqueue(jobs.clone());
    redis::cmd("HSET")
        .arg(bench.key("jobs"))
        .arg(jobs[1].id.to_string())
        .arg("0 0 default \n{\"t\":\"no")
        .query::<()>(&mut redis.client())
        .expect("Redis answers");
    let leases = bench.reserve(10).leases;
    let lent: Vec<_> = leases.iter().map(|l| l.job().id).collect();
    assert_eq!(lent, [jobs[0].id, jobs[2].id]);
    bench.succeed(&leases);
    let records = bench.queue.collect(10).expect("Redis answers");
    let bad = records.iter().find(|r| r.job.id == jobs[1].id);
    let bad = bad.expect("it is collected too");
    assert_eq!(
        (bad.job.kind.as_str(), bad.job.queue.as_str(), bad.state),
        ("unreadable", "default", State::Dead)
    );
    let error = bad.error.as_ref().expect("it says why");
    assert_eq!(error.kind, ErrorKind::Permanent);
    assert!(error.message.contains("cannot be read"), "{error}");
    let queues = bench.queue.queues().expect("Redis answers");
    assert_eq!((queues[0].running, queues[0].ready), (0, 0));
}

/// One slot: everything a namespace writes carries its hash tag.
#[test]
fn every_key_carries_the_namespaces_hash_tag() {
    let redis = Redis::start();
    let mut bench = Bench::on(&redis);
    bench.queue.check().expect("Redis answers");
    bench.enqueue(bench.jobs(2, "1"));
    bench.queue.pause("other", true).expect("Redis answers");
    let leases = bench.reserve(1).leases;
    bench.queue.settle(&[success(&leases[0])]).expect("answers");
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query(&mut redis.client())
        .expect("Redis answers");
    assert!(keys.len() > 8, "{keys:?}");
    assert!(
        keys.iter().all(|key| key.starts_with(&bench.prefix)),
        "{keys:?}"
    );
}

/// Two answers to one bell would be two wasted calls; none would be a sleeper beside work.
#[test]
fn a_wait_ends_with_the_bell_or_with_its_time() {
    let mut bench = Bench::on(Redis::shared());
    let queues = ["default".to_owned()];
    let wait = |bench: &Bench, ms| {
        let time = Duration::from_millis(ms);
        bench.queue.wait(&queues, time).expect("Redis answers")
    };
    assert!(!wait(&bench, 20));
    bench.enqueue(bench.jobs(1, "1"));
    assert!(wait(&bench, 10_000));
    assert!(!wait(&bench, 20), "the bell is spent");
}

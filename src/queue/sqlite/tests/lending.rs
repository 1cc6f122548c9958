//! What is lent, and comes back.

use super::*;

#[test]
fn a_job_goes_its_whole_way_and_is_counted_at_each_step() {
    let mut bench = Bench::new();
    let id = bench.submit_one("q");
    assert_eq!(bench.counts("q"), (1, 0, 0));
    let lease = bench.reserve(5, false, &[share("q")]).leases.remove(0);
    assert_eq!(bench.counts("q"), (0, 0, 1));
    let retry = Ending::Retry {
        delay: Duration::from_secs(3),
    };
    assert_eq!(bench.settle(&lease, retry), Settled::Now(State::Retrying));
    assert_eq!(bench.settle(&lease, success()), Settled::NotOurs);
    assert_eq!(bench.counts("q"), (0, 1, 0));
    assert!(bench.reserve(5, false, &[share("q")]).leases.is_empty());

    bench.pass(Duration::from_secs(3));
    let lease = bench.reserve(5, false, &[share("q")]).leases.remove(0);
    assert_eq!((lease.ticket().n, lease.attempt()), (2, 2));
    assert_eq!(
        bench.settle(&lease, success()),
        Settled::Now(State::Succeeded)
    );
    assert_eq!(bench.counts("q"), (0, 0, 0));

    let records = bench.queue.collect(10).unwrap();
    assert_eq!(
        (records.len(), records[0].attempt, records[0].attempts.len()),
        (1, 2, 2)
    );
    assert!(bench.queue.collect(10).unwrap().is_empty(), "it is claimed");
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(
        bench.queue.collect(10).unwrap().len(),
        1,
        "the claim is over"
    );
    bench.queue.stored(&[id]).unwrap();
    bench.queue.stored(&[id]).unwrap();
    assert_eq!(bench.state(id), None);
    let totals = bench.queue.totals().unwrap();
    assert!(
        totals.contains(&("succeeded".to_owned(), 1)) && totals.contains(&("outbox".to_owned(), 0))
    );
}

#[test]
fn a_lost_lease_makes_a_suspect_which_is_lent_alone_until_it_is_quarantined() {
    let mut bench = Bench::new();
    let suspects = [bench.submit_one("q"), bench.submit_one("q")];
    assert_eq!(bench.reserve(2, false, &[share("q")]).leases.len(), 2);
    bench.pass(LEASE);
    let reserved = bench.reserve(2, false, &[share("q")]);
    assert_eq!((reserved.lapsed, reserved.leases.len()), (2, 0));
    for _ in 0..2 {
        for _ in 0..2 {
            let leases = bench.reserve(2, true, &[share("q")]).leases;
            assert_eq!(leases.len(), 1, "one suspect at a time");
        }
        bench.pass(LEASE);
    }
    bench.reserve(0, true, &[share("q")]);
    for id in suspects {
        assert_eq!(bench.state(id), Some(State::Quarantined));
    }
    assert_eq!(bench.queue.collect(1).unwrap()[0].attempts.len(), 3);
}

#[test]
fn an_absence_of_the_engine_costs_no_lease() {
    let mut bench = Bench::new();
    bench.submit_one("q");
    bench.reserve(1, false, &[share("q")]);
    bench.clock.advance(LEASE * 10);
    let reserved = bench.reserve(1, true, &[share("q")]);
    assert_eq!(
        (reserved.lapsed, reserved.next),
        (0, Some(bench.clock.now() + LEASE))
    );
    bench.pass(LEASE);
    assert_eq!(bench.reserve(1, true, &[share("q")]).lapsed, 1);
    // A clock set back: the lease is cut to what the present clock could give.
    bench
        .clock
        .set(Timestamp::from_micros(1_600_000_000_000_000));
    let reserved = bench.reserve(1, true, &[share("q")]);
    assert_eq!(reserved.next, Some(bench.clock.now() + LEASE));
}

#[test]
fn shares_come_first_and_limits_and_pauses_hold() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        for queue in ["a", "b", "c"] {
            bench.submit_one(queue);
        }
    }
    bench.queue.pause("c", true).unwrap();
    let shares = [
        Share {
            limit: Some(2),
            ..share("a")
        },
        Share {
            share: 2,
            ..share("b")
        },
        share("c"),
    ];
    let queues: Vec<String> = bench
        .reserve(5, false, &shares)
        .leases
        .iter()
        .map(|lease| lease.job().queue.clone())
        .collect();
    assert_eq!(queues, ["a", "b", "b", "a", "b"]);
    let names = ["a".to_owned(), "c".to_owned()];
    assert!(
        !bench.queue.wait(&names[..1], Duration::ZERO).unwrap(),
        "a is full"
    );
    assert!(
        bench.queue.wait(&["b".to_owned()], Duration::ZERO).unwrap(),
        "two are left"
    );
    while bench.queue.wait(&names, Duration::ZERO).unwrap() {}
    bench.queue.pause("c", false).unwrap();
    assert!(bench.queue.wait(&names[1..], Duration::ZERO).unwrap());
}

#[test]
fn a_freed_place_wakes_who_found_none() {
    let mut bench = Bench::new();
    bench.submit_one("a");
    bench.submit_one("a");
    let shares = [Share {
        limit: Some(1),
        ..share("a")
    }];
    let lease = bench.reserve(2, false, &shares).leases.remove(0);
    let names = ["a".to_owned()];
    assert!(!bench.queue.wait(&names, Duration::ZERO).unwrap());
    bench.settle(&lease, success());
    assert!(bench.queue.wait(&names, Duration::ZERO).unwrap());
    assert_eq!(bench.reserve(2, false, &shares).leases.len(), 1);
}

#[test]
fn a_release_goes_to_the_head_uncounted_and_a_cancel_meets_it() {
    let mut bench = Bench::new();
    let ids = [
        bench.submit_one("q"),
        bench.submit_one("q"),
        bench.submit_one("q"),
    ];
    let leases = bench.reserve(2, false, &[share("q")]).leases;
    let release = |lease: &Lease| Release {
        lease: lease.clone(),
        delay: Duration::ZERO,
        attempt: None,
    };
    let releases: Vec<Release> = leases.iter().map(release).collect();
    assert_eq!(
        bench.queue.release(&releases).unwrap(),
        [Settled::Now(State::Queued); 2]
    );
    assert_eq!(
        bench.queue.release(&releases).unwrap(),
        [Settled::NotOurs; 2]
    );
    let leases = bench.reserve(3, false, &[share("q")]).leases;
    let order: Vec<JobId> = leases.iter().map(|lease| lease.job().id).collect();
    assert_eq!(order, ids);
    assert_eq!((leases[0].ticket().n, leases[0].attempt()), (2, 1));
    assert_eq!(bench.queue.cancel(ids[0]).unwrap(), Cancelled::Requested);
    let renewal = Renewal {
        lease: &leases[0],
        progress: None,
    };
    assert_eq!(
        bench.queue.renew(&[renewal], LEASE).unwrap(),
        [Renewed::CancelRequested]
    );
    let settled = bench.queue.release(&[release(&leases[0])]).unwrap();
    assert_eq!(settled, [Settled::Now(State::Cancelled)]);
}

#[test]
fn what_expires_ends_also_in_a_paused_queue() {
    let mut bench = Bench::new();
    let at = bench.clock.now() + Duration::from_secs(1);
    let job = Job {
        expires_at: Some(at),
        ..bench.job("q")
    };
    let id = job.id;
    bench.submit(vec![job]);
    bench.queue.pause("q", true).unwrap();
    assert_eq!(bench.reserve(1, false, &[]).next, Some(at));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.reserve(1, false, &[]).next, None);
    assert_eq!(bench.state(id), Some(State::Expired));
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

/// The body is broken behind the engine's back, as a bad disk or a careless hand would.
#[test]
fn a_body_that_cannot_be_read_ends_and_is_told() {
    let mut bench = Bench::new();
    let id = bench.submit_one("q");
    let other = bench.submit_one("q");
    let spoil = "UPDATE bodies SET body = '{\"half\":' WHERE id = ?1";
    bench
        .queue
        .db
        .write(move |tx| Ok(tx.execute(spoil, [rows::bytes(id)])?))
        .unwrap();
    let leases = bench.reserve(2, false, &[share("q")]).leases;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].job().id, other);
    assert_eq!(bench.state(id), Some(State::Dead));
    let record = bench.queue.collect(1).unwrap().remove(0);
    assert_eq!(
        (record.job.id, record.job.kind.as_str()),
        (id, "unreadable")
    );
    assert!(record.error.unwrap().message.contains("{\"half\":"));
}

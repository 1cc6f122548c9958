//! However much there is to do, one call does a bounded part of it and says that there is more.

use windlass::job::Job;
use windlass::queue::{BODY_BYTES_PER_CALL_MAX, TICKETS_PER_CALL_MAX};

use crate::support::bench::{Bench, LEASE, MAX_CRASHES, NODE, json, secs, share};

/// Q11: five thousand jobs are due at once: at most a thousand are moved by one call, and `more` says so.
pub fn due_jobs_are_moved_in_pieces(bench: &Bench) {
    let run_at = Some(bench.now() + secs(1));
    let jobs = bench
        .jobs("q", 5_000)
        .into_iter()
        .map(|job| Job { run_at, ..job })
        .collect();
    bench.submit_all(jobs);
    bench.clock.advance(secs(1));
    let mut before = 0;
    for call in 1.. {
        let reserved = bench.reserve(&bench.ask(&[], 0));
        let (ready, scheduled, _) = bench.numbers("q");
        assert!(
            ready - before <= TICKETS_PER_CALL_MAX as u64,
            "{ready} after {before}"
        );
        assert_eq!(ready + scheduled, 5_000);
        before = ready;
        if !reserved.more {
            assert_eq!(ready, 5_000);
            break;
        }
        assert!(call < 50, "it never ends");
    }
}

/// Q11: one call lends at most a thousand, whatever is wanted.
pub fn no_call_lends_more_than_its_bound(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 1_500));
    let lent = bench.take("q", 5_000).len();
    assert!((1..=TICKETS_PER_CALL_MAX).contains(&lent), "{lent}");
    bench.submit_all(bench.jobs("q", 1_000));
    while !bench.take("q", 5_000).is_empty() {}
    assert_eq!(bench.numbers("q"), (0, 0, 2_500));
}

/// Q11: run-out leases are found in pieces, none is forgotten; a dead node's are taken back however many they are.
pub fn leases_run_out_in_pieces(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 1_300));
    while !bench.take("q", 1_000).is_empty() {}
    assert_eq!(bench.pass(LEASE - secs(1)), 0);
    bench.clock.advance(secs(2));
    let first = bench.reserve(&bench.ask(&[], 0));
    assert!(
        (1..=TICKETS_PER_CALL_MAX).contains(&first.lapsed),
        "{}",
        first.lapsed
    );
    assert!(first.more);
    assert_eq!(first.lapsed + bench.beat().lapsed, 1_300);
    assert_eq!(bench.numbers("q"), (1_300, 0, 0));
}

/// Q11: the heir of a node asks once, and gets all that it held.
pub fn a_node_with_many_leases_is_taken_over(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 1_300));
    while !bench.take("q", 1_000).is_empty() {}
    let taken = bench
        .engine()
        .take_over(NODE, bench.now(), MAX_CRASHES)
        .expect("an answer");
    assert_eq!((taken, bench.numbers("q")), (1_300, (1_300, 0, 0)));
}

/// Q11: jobs that expire together end in pieces.
pub fn jobs_expire_in_pieces(bench: &Bench) {
    let expires_at = Some(bench.now() + secs(1));
    let jobs = bench
        .jobs("q", 2_300)
        .into_iter()
        .map(|job| Job { expires_at, ..job })
        .collect();
    bench.submit_all(jobs);
    bench.clock.advance(secs(2));
    let first = bench.reserve(&bench.ask(&[], 0));
    assert!(
        (1..=TICKETS_PER_CALL_MAX).contains(&first.outbox),
        "{}",
        first.outbox
    );
    assert!(first.more);
    assert_eq!(bench.beat().outbox, 2_300);
}

fn heavy(bench: &Bench, bytes: usize) -> Job {
    Job {
        payload: json(&format!("\"{}\"", "x".repeat(bytes))),
        ..bench.job("q")
    }
}

/// Q11: a call answers with at most 4 MiB of bodies, in its leases as in its records, and never with none of many.
pub fn a_call_answers_with_bounded_bodies(bench: &Bench) {
    for _ in 0..10 {
        bench.submit(heavy(bench, 1024 * 1024));
    }
    let mut leases = Vec::new();
    while leases.len() < 10 {
        let shares = [share("q", 10)];
        let reserved = bench.reserve(&bench.ask(&shares, 10));
        let bytes: usize = reserved
            .leases
            .iter()
            .map(|l| l.job().payload.get().len())
            .sum();
        assert!(bytes > 0 && bytes <= BODY_BYTES_PER_CALL_MAX, "{bytes}");
        leases.extend(reserved.leases);
        assert!(
            reserved.more || leases.len() == 10,
            "the rest is not forgotten"
        );
    }
    leases.iter().for_each(|lease| bench.succeed(lease));
    let mut records = 0;
    while records < 10 {
        let some = bench.collect(100);
        let bytes: usize = some.iter().map(|r| r.job.payload.get().len()).sum();
        assert!(bytes > 0 && bytes <= BODY_BYTES_PER_CALL_MAX, "{bytes}");
        records += some.len();
    }
}

/// Q11: one body that is larger than the bound is answered all the same, alone.
pub fn a_body_above_the_bound_comes_alone(bench: &Bench) {
    bench.submit(heavy(bench, BODY_BYTES_PER_CALL_MAX + 1));
    bench.submit_to("q");
    let first = bench.take("q", 10);
    assert_eq!(first.len(), 1);
    bench.succeed(&first[0]);
    bench.succeed(&bench.take_one("q"));
    assert_eq!(bench.collect(10).len(), 1);
    assert_eq!(bench.collect(10).len(), 1);
}

//! What is lent: each job once, what was asked for, and the same again to who asks again.

use std::collections::HashSet;

use windlass::job::{JobId, State};
use windlass::queue::{Call, Lease, Queue as _, Reserve};

use crate::support::bench::{Bench, LEASE, NODE, secs, share};
use crate::support::flaky::{Flaky, Lost};

fn ids(leases: &[Lease]) -> Vec<JobId> {
    leases.iter().map(|l| l.ticket().id).collect()
}

/// Q2: four pollers at once share what there is. No ticket appears twice, and none is left out.
pub fn no_job_is_lent_to_two(bench: &Bench) {
    let jobs: HashSet<JobId> = bench.submit_all(bench.jobs("q", 400)).into_iter().collect();
    let taken: Vec<JobId> = std::thread::scope(|scope| {
        let poller = || {
            let (mut call, mut mine) = (Call::first("poller"), Vec::new());
            let shares = [share("q", 7)];
            loop {
                let some = bench.engine().reserve(&call, &bench.ask(&shares, 7));
                call.advance();
                let some = some.expect("an answer").leases;
                if some.is_empty() {
                    return mine;
                }
                mine.extend(ids(&some));
            }
        };
        let pollers: Vec<_> = (0..4).map(|_| scope.spawn(poller)).collect();
        pollers
            .into_iter()
            .flat_map(|p| p.join().expect("no panic"))
            .collect()
    });
    assert_eq!(taken.len(), jobs.len());
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), jobs);
}

/// Q6: a poller whose answer was lost asks again with the same number and gets the same leases, no others; else they
/// would wait for a lease that nobody holds.
pub fn a_repeated_reserve_answers_the_same_leases(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 5));
    let mut call = Call::first("poller");
    let shares = [share("q", 2)];
    let flaky = Flaky::new(bench.engine());
    flaky.lose("reserve", Lost::Request);
    flaky.lose("reserve", Lost::Reply);
    flaky
        .reserve(&call, &bench.ask(&shares, 2))
        .expect_err("the request was lost");
    assert_eq!(bench.numbers("q"), (5, 0, 0));
    flaky
        .reserve(&call, &bench.ask(&shares, 2))
        .expect_err("the reply was lost");
    assert_eq!(bench.numbers("q"), (3, 0, 2));
    let again = flaky
        .reserve(&call, &bench.ask(&shares, 2))
        .expect("an answer")
        .leases;
    assert_eq!(again.len(), 2);
    assert_eq!(bench.numbers("q"), (3, 0, 2));
    call.advance();
    let next = flaky
        .reserve(&call, &bench.ask(&shares, 2))
        .expect("an answer")
        .leases;
    assert!(ids(&next).iter().all(|id| !ids(&again).contains(id)));
    again
        .iter()
        .chain(&next)
        .for_each(|lease| bench.succeed(lease));
}

/// Q6: the repeat answers those of the leases that still hold; one that was settled since is not lent again.
pub fn a_repeated_reserve_leaves_out_what_has_ended(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 3));
    let call = Call::first("poller");
    let shares = [share("q", 3)];
    let ask = bench.ask(&shares, 3);
    let first = bench
        .engine()
        .reserve(&call, &ask)
        .expect("an answer")
        .leases;
    bench.succeed(&first[0]);
    bench.release(&first[1], secs(0));
    let again = bench
        .engine()
        .reserve(&call, &ask)
        .expect("an answer")
        .leases;
    assert_eq!(ids(&again), [first[2].ticket().id]);
    assert_eq!(again[0].ticket(), first[2].ticket());
}

/// Q3: a lease says all that its worker needs, and `find` says who has it.
pub fn a_lease_says_what_the_worker_needs(bench: &Bench) {
    let id = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(5));
    bench.clock.advance(secs(5));
    let lease = bench.take_one("q");
    assert_eq!((lease.ticket().id, lease.ticket().n), (id, 2));
    assert_eq!(
        (lease.failures(), lease.crashes(), lease.attempt()),
        (1, 0, 2)
    );
    assert_eq!(lease.leased_at(), bench.now());
    let live = bench.live(id);
    assert_eq!((live.state, live.attempt), (State::Running, 2));
    assert_eq!(
        (live.leased_at, live.node.as_deref()),
        (Some(bench.now()), Some(NODE))
    );
    assert_eq!((live.due, live.attempts.len()), (None, 1));
}

/// Q5: a poller takes from the queues it named and from no other.
pub fn only_the_named_queues_are_taken_from(bench: &Bench) {
    bench.submit_to("other");
    let mine = bench.submit_to("mine");
    assert_eq!(ids(&bench.take("mine", 10)), [mine]);
    assert_eq!(bench.numbers("other"), (1, 0, 0));
}

/// Q12: a daemon whose workers are all busy takes nothing, yet moves what is due so that others can take it.
pub fn a_reserve_of_nothing_keeps_the_queue_going(bench: &Bench) {
    let id = bench.submit(bench.job_in("q", secs(5)));
    bench.clock.advance(secs(5));
    let shares = [share("q", 0)];
    let reserved = bench.reserve(&bench.ask(&shares, 0));
    assert!(reserved.leases.is_empty());
    assert_eq!(bench.state(id), Some(State::Queued));
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q5: the answer names the next instant at which something happens by itself: the earliest due time, expiry or end
/// of a lease; a poller that slept past it would be late.
pub fn the_answer_says_when_something_happens_next(bench: &Bench) {
    assert_eq!(bench.beat().next, None, "an empty queue waits for nothing");
    let late = bench.job_in("q", secs(3_600));
    bench.submit(late.clone());
    assert_eq!(bench.beat().next, late.run_at);
    let soon = bench.job_in("q", secs(60));
    bench.submit(soon.clone());
    assert_eq!(bench.beat().next, soon.run_at);
    bench.submit_to("q");
    bench.take_one("q");
    assert_eq!(bench.beat().next, Some(bench.now() + LEASE));
    let mut expiring = bench.job("q");
    expiring.expires_at = Some(bench.now() + secs(3));
    bench.submit(expiring.clone());
    assert_eq!(bench.beat().next, expiring.expires_at);
}

/// Q10: a cancelled job's ticket may stay in its line; whoever meets it there drops it and takes the next.
pub fn a_spent_ticket_in_the_line_is_passed_over(bench: &Bench) {
    let gone = bench.submit_all(bench.jobs("q", 3));
    let next = bench.submit_to("q");
    for id in &gone {
        bench.engine().cancel(*id).expect("an answer");
    }
    assert_eq!(ids(&bench.take("q", 1)), [next]);
    assert_eq!(bench.numbers("q"), (0, 0, 1));
}

/// Q9: each answer says how many ended jobs wait for a recorder, so that pollers can stop at the bound.
pub fn the_answer_counts_the_outbox(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 3));
    bench
        .take("q", 3)
        .iter()
        .for_each(|lease| bench.succeed(lease));
    assert_eq!(bench.beat().outbox, 3);
    let ids: Vec<JobId> = bench.collect(2).iter().map(|r| r.job.id).collect();
    assert_eq!(bench.beat().outbox, 3, "claimed is not stored");
    bench.stored(&ids);
    assert_eq!(bench.beat().outbox, 1);
}

/// Q2: two nodes' leases are told apart.
pub fn a_lease_belongs_to_the_node_that_asked(bench: &Bench) {
    let id = bench.submit_to("q");
    let shares = [share("q", 1)];
    bench.reserve(&Reserve {
        node: "node-b",
        ..bench.ask(&shares, 1)
    });
    assert_eq!(bench.live(id).node.as_deref(), Some("node-b"));
}

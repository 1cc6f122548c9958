//! Who waits for work hears of it.

use std::time::{Duration, Instant};

use windlass::job::State;
use windlass::queue::{Reserve, Settled, Share};

use crate::support::bench::{Bench, LEASE, secs, share};

/// Far longer than any wake-up takes; it is waited out only by a test that fails.
const LONG: Duration = Duration::from_secs(20);

#[track_caller]
fn rings(bench: &Bench, queue: &str) {
    let woken = bench
        .engine()
        .wait(&[queue.to_owned()], LONG)
        .expect("an answer");
    assert!(
        woken,
        "nobody was woken for {queue}: {:?}",
        bench.counts(queue)
    );
}

/// Takes the hints that are left over until none is: a few at most, since a bell holds one.
#[track_caller]
fn silence(bench: &Bench, queue: &str) {
    let pause = Duration::from_millis(20);
    let quiet = (0..5).any(|_| {
        let woken = bench.engine().wait(&[queue.to_owned()], pause);
        !woken.expect("an answer")
    });
    assert!(
        quiet,
        "{queue} rings without end: {:?}",
        bench.counts(queue)
    );
}

/// Q12: a poller that waits is woken by a submission, long before its time is up.
pub fn a_submission_wakes_who_waits(bench: &Bench) {
    bench.submit_to("q");
    bench.take_one("q");
    silence(bench, "q");
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let begun = Instant::now();
            rings(bench, "q");
            begun.elapsed()
        });
        bench.submit_to("q");
        let waited = waiter.join().expect("it is woken");
        assert!(waited < LONG / 2, "it took {waited:?}");
    });
}

/// Q12: nothing to take, nothing rings: else idle daemons would spin.
pub fn an_empty_queue_is_silent(bench: &Bench) {
    silence(bench, "q");
    bench.submit_all(bench.jobs("q", 2));
    bench
        .take("q", 2)
        .iter()
        .for_each(|lease| bench.succeed(lease));
    bench.beat();
    silence(bench, "q");
}

/// Q12: who takes some and leaves some leaves the bell ringing for the next.
pub fn what_is_left_keeps_ringing(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 3));
    for _ in 0..3 {
        rings(bench, "q");
        assert_eq!(bench.take("q", 1).len(), 1);
    }
    silence(bench, "q");
}

/// Q12: a job that becomes due rings when anybody's heartbeat moves it to its line.
pub fn a_due_job_rings(bench: &Bench) {
    bench.submit(bench.job_in("q", secs(5)));
    bench.beat();
    silence(bench, "q");
    bench.clock.advance(secs(5));
    bench.beat();
    rings(bench, "q");
}

/// Q12: every way back into the line rings: a retry that is due, a release, a lease that ran out.
pub fn every_way_back_rings(bench: &Bench) {
    bench.submit_to("q");
    let lease = bench.take_one("q");
    silence(bench, "q");
    assert_eq!(bench.release(&lease, secs(0)), Settled::Now(State::Queued));
    rings(bench, "q");
    bench.fail(&bench.take_one("q"), secs(1));
    silence(bench, "q");
    bench.pass(secs(1));
    rings(bench, "q");
    bench.take_one("q");
    silence(bench, "q");
    assert_eq!(bench.pass(LEASE + secs(1)), 1);
    rings(bench, "q");
}

/// Q12: a resumed queue with work in it rings.
pub fn a_resumed_queue_rings(bench: &Bench) {
    bench.engine().pause("q", true).expect("an answer");
    bench.submit_to("q");
    bench.take("q", 1);
    silence(bench, "q");
    bench.engine().pause("q", false).expect("an answer");
    rings(bench, "q");
}

/// Q12: a place that becomes free in a queue at its limit rings, since what waits there can be taken now.
pub fn a_freed_place_in_a_full_queue_rings(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 4));
    let shares = [Share {
        limit: Some(1),
        ..share("q", 1)
    }];
    let ask: Reserve<'_> = bench.ask(&shares, 1);
    let first = bench.reserve(&ask).leases.remove(0);
    assert!(bench.reserve(&ask).leases.is_empty());
    silence(bench, "q");
    bench.succeed(&first);
    rings(bench, "q");
    let second = bench.reserve(&ask).leases.remove(0);
    assert!(bench.reserve(&ask).leases.is_empty());
    silence(bench, "q");
    bench.fail(&second, secs(100));
    rings(bench, "q");
}

/// Q12: who waits for several queues is woken by any of them.
pub fn any_of_several_queues_wakes(bench: &Bench) {
    bench.submit_to("second");
    let queues = ["first", "second", "third"].map(str::to_owned);
    assert!(bench.engine().wait(&queues, LONG).expect("an answer"));
}

//! Leases: renewed, run out, given back; and what a clock or an engine that was away means for them.

use std::collections::HashSet;

use windlass::job::{Outcome, Progress, State};
use windlass::queue::{Renewal, Renewed, Settled};

use crate::support::bench::{Bench, LEASE, NODE, secs};

/// Q2: whichever way a ticket goes back (failed, released, run out), the job's next lending has another number.
pub fn no_ticket_number_is_leased_twice(bench: &Bench) {
    let id = bench.submit_to("q");
    let mut seen = HashSet::new();
    let mut last = 0;
    for round in 0..9 {
        let lease = bench
            .take_with_suspect("q", 1)
            .pop()
            .expect("the job waits");
        assert_eq!(lease.ticket().id, id);
        assert!(seen.insert(lease.ticket()) && lease.ticket().n > last);
        last = lease.ticket().n;
        match round % 4 {
            0 => bench.fail(&lease, secs(0)),
            1 => assert_eq!(bench.release(&lease, secs(0)), Settled::Now(State::Queued)),
            2 => assert_eq!(
                bench.release(&lease, secs(1)),
                Settled::Now(State::Scheduled)
            ),
            _ => assert_eq!(bench.pass(LEASE + secs(1)), 1),
        }
        bench.pass(secs(2));
    }
}

/// Q8: a lease that nobody renews runs out, once: the job is back in line with one crash, and the attempt is kept.
pub fn a_lost_lease_costs_one_crash(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    assert_eq!(bench.pass(LEASE - secs(1)), 0, "it holds to its end");
    assert_eq!(bench.state(id), Some(State::Running));
    assert_eq!(bench.pass(secs(2)), 1);
    let live = bench.live(id);
    assert_eq!(
        (live.state, live.attempt, live.node),
        (State::Queued, 1, None)
    );
    assert_eq!(live.attempts.len(), 1);
    assert_eq!(live.attempts[0].outcome, Outcome::Crashed);
    assert_eq!(live.attempts[0].node, NODE);
    assert_eq!(live.attempts[0].started_at, lease.leased_at());
    assert_eq!(bench.numbers("q"), (1, 0, 0));
    // Its worker, back from wherever it was, finds the door closed (Q3).
    assert_eq!(bench.settle(bench.success(&lease)), Settled::NotOurs);
    assert_eq!(bench.renew(&lease), Renewed::Lost);
    let again = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!(
        (again.crashes(), again.failures(), again.attempt()),
        (1, 0, 2)
    );
    assert_eq!(bench.pass(secs(4)), 0);
}

/// Q8: a job whose lease is lost MAXCRASHES times is quarantined: a record like any other, with all its crashes.
pub fn a_job_that_keeps_killing_its_process_is_quarantined(bench: &Bench) {
    let id = bench.suspect("q");
    for _ in 0..2 {
        assert_eq!(bench.take_with_suspect("q", 1).len(), 1);
        assert_eq!(bench.pass(LEASE + secs(1)), 1);
    }
    assert_eq!(bench.state(id), Some(State::Quarantined));
    assert!(bench.take_with_suspect("q", 1).is_empty());
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    let record = bench.collect(10).remove(0);
    assert_eq!((record.state, record.attempt), (State::Quarantined, 3));
    assert!(
        record
            .attempts
            .iter()
            .all(|a| a.outcome == Outcome::Crashed)
    );
    assert_eq!(bench.total("quarantined"), 1);
}

/// Q3: who renews in time keeps the lease for as long as it likes.
pub fn a_renewed_lease_holds(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    for _ in 0..12 {
        bench.clock.advance(LEASE / 3);
        assert_eq!(bench.renew(&lease), Renewed::Held);
        assert_eq!(bench.beat().lapsed, 0);
    }
    assert_eq!(bench.beat().next, Some(bench.now() + LEASE));
    assert_eq!(bench.state(id), Some(State::Running));
    bench.succeed(&lease);
}

/// Q3: progress comes with a renewal, stays until the next, and is gone with the lease.
pub fn progress_lives_as_long_as_the_lease(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    assert_eq!(bench.live(id).progress, None);
    let progress = Progress {
        done: 3,
        total: Some(7),
        note: "half \"way\"".to_owned(),
    };
    let renewal = Renewal {
        lease: &lease,
        progress: Some(progress.clone()),
    };
    bench.engine().renew(&[renewal], LEASE).expect("an answer");
    assert_eq!(bench.live(id).progress.as_ref(), Some(&progress));
    assert_eq!(bench.renew(&lease), Renewed::Held);
    assert_eq!(
        bench.live(id).progress,
        Some(progress),
        "a renewal without news keeps the old"
    );
    bench.release(&lease, secs(0));
    assert_eq!(bench.live(id).progress, None);
}

/// Q8: the engine was away (or its clock was set forward): nobody could have renewed, so nobody pays. Every lease
/// gets one more length from the first sign of life, and only then runs out.
pub fn an_absent_engine_costs_no_crash(bench: &Bench) {
    let id = bench.submit_to("q");
    bench.beat();
    let lease = bench.take_one("q");
    bench.clock.advance(LEASE * 40);
    assert_eq!(bench.beat().lapsed, 0);
    assert_eq!(bench.state(id), Some(State::Running));
    assert_eq!(bench.renew(&lease), Renewed::Held);
    assert_eq!(bench.pass(LEASE - secs(1)), 0);
    assert_eq!(bench.pass(secs(2)), 1, "the extra length is one, not many");
}

/// Q8: the first sign of life after an absence may be a worker's renewal; its neighbours are spared all the same.
pub fn a_renewal_after_an_absence_spares_all_leases(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 2));
    let leases = bench.take("q", 2);
    bench.clock.advance(LEASE * 3);
    assert_eq!(bench.renew(&leases[0]), Renewed::Held);
    assert_eq!(bench.beat().lapsed, 0);
    bench.succeed(&leases[1]);
}

/// Q8: a clock that was set back must not make leases immortal: one that would end later than LEASE from now is cut.
pub fn a_clock_set_back_makes_no_lease_longer(bench: &Bench) {
    let id = bench.submit_to("q");
    bench.take_one("q");
    bench.clock.set(bench.now() - secs(3_600));
    let beat = bench.beat();
    assert_eq!(beat.lapsed, 0);
    assert!(
        beat.next.is_some_and(|next| next <= bench.now() + LEASE),
        "{:?}",
        beat.next
    );
    assert_eq!(bench.pass(LEASE + secs(1)), 1);
    assert_eq!(bench.state(id), Some(State::Queued));
}

/// Q8: giving a job back costs it nothing, and it keeps its place at the head of the line.
pub fn a_release_costs_nothing(bench: &Bench) {
    let ids = bench.submit_all(bench.jobs("q", 3));
    let lease = bench.take_one("q");
    assert_eq!(bench.release(&lease, secs(0)), Settled::Now(State::Queued));
    assert_eq!(bench.numbers("q"), (3, 0, 0));
    assert_eq!(bench.live(ids[0]).attempt, 0);
    let again = bench.take_one("q");
    assert_eq!(again.ticket().id, ids[0]);
    assert_eq!(
        (again.failures(), again.crashes(), again.attempt()),
        (0, 0, 1)
    );
    assert_ne!(again.ticket(), lease.ticket());
    // The old number is dead, whoever comes with it (Q3).
    assert_eq!(bench.settle(bench.success(&lease)), Settled::NotOurs);
    assert_eq!(bench.release(&lease, secs(0)), Settled::NotOurs);
    bench.succeed(&again);
}

/// Q8: given back for later, a job is scheduled, uncounted, and not early (Q5).
pub fn a_release_for_later_waits(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    assert_eq!(
        bench.release(&lease, secs(5)),
        Settled::Now(State::Scheduled)
    );
    let live = bench.live(id);
    assert_eq!(
        (live.state, live.due),
        (State::Scheduled, Some(bench.now() + secs(5)))
    );
    bench.clock.advance(secs(4));
    assert!(bench.take("q", 1).is_empty());
    bench.clock.advance(secs(1));
    assert_eq!(bench.take_one("q").attempt(), 1);
}

/// Q8: a stopping daemon gives back what had begun, with its attempt, which is kept and not counted.
pub fn a_released_attempt_is_kept_and_not_counted(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    let attempt = bench.attempt(&lease, Outcome::Released);
    let release = windlass::queue::Release {
        lease,
        delay: secs(0),
        attempt: Some(attempt.clone()),
    };
    bench.engine().release(&[release]).expect("an answer");
    let live = bench.live(id);
    assert_eq!((live.attempt, live.attempts), (0, vec![attempt]));
    assert_eq!(bench.take_one("q").attempt(), 1);
}

//! How a lease ends: the job ends or waits for its retry, and only the holder of the lease decides.

use windlass::job::{ErrorKind, JobError, Outcome, State};
use windlass::queue::{Cancelled, Queue as _, Renewed, Settled};

use crate::support::bench::{Bench, secs};
use crate::support::flaky::{Flaky, Lost};

/// Q4: there is no moment at which a job has ended and is not in the outbox; and one that has not ended is not in it.
pub fn end_and_outbox_entry_appear_together(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    assert!(bench.collect(10).is_empty());
    bench.clock.advance(secs(2));
    bench.succeed(&lease);
    let found = bench.ended(id);
    let collected = bench.collect(10);
    assert_eq!(collected.len(), 1);
    for record in [&found, &collected[0]] {
        assert_eq!((record.job.id, record.state), (id, State::Succeeded));
        assert_eq!((record.ended_at, record.attempt), (bench.now(), 1));
        assert_eq!(
            record.result.as_ref().map(|r| r.get()),
            Some(r#"{"done":[]}"#)
        );
        assert_eq!(record.error, None);
        assert_eq!(record.attempts, [bench.attempt(&lease, Outcome::Succeeded)]);
    }
}

/// Q3: a ticket settles once. Whatever is asked with it afterwards is answered `NotOurs` and changes nothing.
pub fn a_spent_ticket_changes_nothing(bench: &Bench) {
    let id = bench.submit_to("q");
    let first = bench.take_one("q");
    bench.fail(&first, secs(5));
    let before = format!("{:?}", bench.find(id));
    let numbers = bench.numbers("q");
    assert_eq!(bench.settle(bench.success(&first)), Settled::NotOurs);
    assert_eq!(
        bench.settle(bench.failure(&first, secs(1))),
        Settled::NotOurs
    );
    assert_eq!(bench.release(&first, secs(0)), Settled::NotOurs);
    assert_eq!(bench.renew(&first), Renewed::Lost);
    assert_eq!(format!("{:?}", bench.find(id)), before);
    assert_eq!(bench.numbers("q"), numbers);
    // The same while another lending of the same job runs.
    bench.clock.advance(secs(5));
    let second = bench.take_one("q");
    assert_eq!(bench.settle(bench.success(&first)), Settled::NotOurs);
    assert_eq!(bench.renew(&first), Renewed::Lost);
    assert_eq!(bench.state(id), Some(State::Running));
    bench.succeed(&second);
}

/// Q10: once ended, a job neither settles, nor is given back, nor renewed, nor cancelled, nor taken.
pub fn ended_is_final(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    bench.succeed(&lease);
    let before = format!("{:?}", bench.find(id));
    assert_eq!(
        bench.settle(bench.ending(&lease, State::Dead)),
        Settled::NotOurs
    );
    assert_eq!(
        bench.settle(bench.failure(&lease, secs(0))),
        Settled::NotOurs
    );
    assert_eq!(bench.release(&lease, secs(0)), Settled::NotOurs);
    assert_eq!(bench.renew(&lease), Renewed::Lost);
    assert_eq!(
        bench.engine().cancel(id).expect("an answer"),
        Cancelled::TooLate
    );
    bench.pass(secs(120));
    assert!(bench.take("q", 10).is_empty());
    assert_eq!(format!("{:?}", bench.find(id)), before);
    assert_eq!(bench.drain().len(), 1);
}

/// Q5: a failed job waits for exactly its delay; its failure is counted and its attempt kept.
pub fn a_retry_waits_and_counts(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    bench.fail(&lease, secs(30));
    let live = bench.live(id);
    assert_eq!(
        (live.state, live.due),
        (State::Retrying, Some(bench.now() + secs(30)))
    );
    assert_eq!((live.attempt, live.leased_at, live.node), (1, None, None));
    assert_eq!(live.attempts, [bench.attempt(&lease, Outcome::Failed)]);
    assert_eq!(bench.numbers("q"), (0, 1, 0));
    bench.clock.advance(secs(30));
    let again = bench.take_one("q");
    assert_eq!(
        (again.failures(), again.attempt(), again.ticket().n),
        (1, 2, 2)
    );
}

/// Q4: a job that ends badly carries its error and every attempt into its record.
pub fn a_dead_job_keeps_its_error_and_attempts(bench: &Bench) {
    bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(1));
    bench.clock.advance(secs(1));
    let settlement = bench.ending(&bench.take_one("q"), State::Dead);
    assert_eq!(bench.settle(settlement), Settled::Now(State::Dead));
    let record = bench.collect(1).remove(0);
    assert_eq!((record.state, record.attempt), (State::Dead, 2));
    assert_eq!(
        record.error,
        Some(JobError::new(ErrorKind::Failed, "it did not work"))
    );
    assert_eq!(
        record
            .attempts
            .iter()
            .map(|a| a.attempt)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(record.result.is_none());
}

/// Q6: the answer to a settlement is lost, and it is asked again: the ticket is spent, the record is one.
pub fn a_repeated_settlement_changes_nothing(bench: &Bench) {
    let id = bench.submit_to("q");
    let settlement = bench.success(&bench.take_one("q"));
    let flaky = Flaky::new(bench.engine());
    flaky.lose("settle", Lost::Request);
    flaky.lose("settle", Lost::Reply);
    flaky
        .settle(std::slice::from_ref(&settlement))
        .expect_err("the request was lost");
    assert_eq!(bench.state(id), Some(State::Running));
    flaky
        .settle(std::slice::from_ref(&settlement))
        .expect_err("the reply was lost");
    let again = flaky
        .settle(std::slice::from_ref(&settlement))
        .expect("an answer");
    assert_eq!(again, [Settled::NotOurs]);
    assert_eq!(bench.drain().len(), 1);
    assert_eq!(bench.total("succeeded"), 1);
}

/// Q3: a slice is answered in order, each ticket for itself; one that stands in it twice settles once.
pub fn a_slice_is_answered_in_order(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 4));
    let leases = bench.take("q", 4);
    bench.succeed(&leases[1]);
    let slice = [
        bench.success(&leases[0]),
        bench.success(&leases[1]),
        bench.failure(&leases[2], secs(9)),
        bench.ending(&leases[3], State::Dead),
        bench.success(&leases[0]),
    ];
    let answers = bench.engine().settle(&slice).expect("an answer");
    let expected = [
        Settled::Now(State::Succeeded),
        Settled::NotOurs,
        Settled::Now(State::Retrying),
        Settled::Now(State::Dead),
        Settled::NotOurs,
    ];
    assert_eq!(answers, expected);
    assert_eq!(bench.numbers("q"), (0, 1, 0));
    assert_eq!(bench.drain().len(), 3);
}

/// Q11: a job that fails for ever does not grow for ever: the first and the latest attempts are kept, in order.
pub fn the_attempts_that_are_kept_are_bounded(bench: &Bench) {
    let id = bench.submit_to("q");
    for _ in 0..25 {
        bench.fail(&bench.take_one("q"), secs(0));
    }
    let live = bench.live(id);
    let kept: Vec<u32> = live.attempts.iter().map(|a| a.attempt).collect();
    assert_eq!(live.attempt, 25);
    assert_eq!(
        (kept.first(), kept.last()),
        (Some(&1), Some(&25)),
        "{kept:?}"
    );
    assert!(kept.len() <= 20 && kept.is_sorted(), "{kept:?}");
    assert!(kept.ends_with(&[21, 22, 23, 24, 25]), "{kept:?}");
    bench.succeed(&bench.take_one("q"));
    let record = bench.collect(1).remove(0);
    assert_eq!(record.attempts.last().map(|a| a.attempt), Some(26));
    assert!(record.attempts.len() <= 20);
}

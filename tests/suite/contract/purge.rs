//! Ending all that waits in a queue.

use std::collections::HashSet;

use windlass::job::{ErrorKind, Job, JobId, State};
use windlass::queue::{Accepted, Cancelled, Levers as _, Line, MadeDue, Settled, Submitted};

use crate::support::bench::{Bench, LEASE, secs, submission};
use crate::support::flaky::{Flaky, Lost};

#[track_caller]
fn purge(bench: &Bench) -> u64 {
    bench.engine().purge("q").expect("an answer")
}

#[track_caller]
fn all_cancelled(bench: &Bench, ids: &[JobId]) {
    for id in ids {
        let record = bench.ended(*id);
        assert_eq!(record.state, State::Cancelled);
        assert_eq!(record.error.map(|e| e.kind), Some(ErrorKind::Cancelled));
    }
}

/// Jobs of `q` in each place where a job can wait.
fn one_of_each(bench: &Bench) -> Vec<JobId> {
    let suspect = bench.suspect("q");
    let retrying = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(500));
    let scheduled = bench.submit(bench.job_in("q", secs(500)));
    let expiring = bench.submit(Job {
        expires_at: Some(bench.now() + secs(900)),
        ..bench.job("q")
    });
    let queued = bench.submit_to("q");
    vec![suspect, retrying, scheduled, expiring, queued]
}

/// Q14: what waits ends as cancelled, wherever it waits; what runs and what other queues hold stays; all is counted.
pub fn a_purge_ends_all_that_waits(bench: &Bench) {
    let all = one_of_each(bench);
    let lease = bench.take_one("q");
    let running = lease.ticket().id;
    let others = [
        bench.submit_to("p"),
        bench.submit(bench.job_in("p", secs(500))),
    ];
    let before = bench.numbers("q");
    assert_eq!(purge(bench), before.0 + before.1);
    bench.beat();
    assert_eq!(bench.numbers("q"), (0, 0, 1));
    assert_eq!(bench.numbers("p"), (1, 1, 0));
    assert_eq!(
        others.map(|id| bench.live(id).state),
        [State::Queued, State::Scheduled]
    );
    let cancelled: Vec<JobId> = all.into_iter().filter(|id| *id != running).collect();
    all_cancelled(bench, &cancelled);
    assert_eq!(bench.total("cancelled"), cancelled.len() as u64);
    bench.succeed(&lease);
    bench.pass(secs(1_000));
    assert!(bench.take_with_suspect("q", 10).is_empty());
    assert_eq!(bench.drain().len(), cancelled.len() + 1);
    assert_eq!(purge(bench), 0);
    assert_eq!(bench.engine().purge("unheard-of").expect("an answer"), 0);
}

/// Q7: a purged job gives up its unique key.
pub fn a_purged_job_gives_up_its_key(bench: &Bench) {
    let keyed = |run_at, key: &str| Job {
        unique: Some(key.to_owned()),
        run_at,
        expires_at: Some(bench.now() + secs(900)),
        ..bench.job("q")
    };
    let later = Some(bench.now() + secs(500));
    bench.submit(keyed(None, "a"));
    bench.submit(keyed(later, "b"));
    assert_eq!(purge(bench), 2);
    bench.beat();
    for key in ["a", "b"] {
        bench.submit(keyed(None, key));
    }
}

/// Q1: what comes to wait after the call stays, and is lent at once however much is still to be swept: new jobs, for now
/// or for later, and what was running and comes back.
pub fn what_comes_after_a_purge_stays(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 4));
    let leases = bench.take("q", 4);
    let old = bench.submit_all(bench.jobs("q", 2_500));
    let late: Vec<Job> = (0..1_500).map(|_| bench.job_in("q", secs(500))).collect();
    let old_late = bench.submit_all(late);
    assert_eq!(purge(bench), 4_000);
    let new = bench.submit_to("q");
    let new_late = bench.submit(bench.job_in("q", secs(400)));
    bench.release(&leases[0], secs(0));
    bench.release(&leases[1], secs(400));
    bench.fail(&leases[2], secs(400));
    let line = bench.engine().list(Line::Ready("q"), None, 10);
    let line: Vec<JobId> = line
        .expect("an answer")
        .places
        .iter()
        .map(|p| p.id)
        .collect();
    assert_eq!(
        line,
        [leases[0].ticket().id, new],
        "only these are still to run"
    );
    assert_eq!(bench.counts("q").oldest_ready_at, Some(bench.now()));
    let lent: HashSet<JobId> = bench.take("q", 50).iter().map(|l| l.ticket().id).collect();
    assert_eq!(lent, HashSet::from([new, leases[0].ticket().id]));
    bench.beat();
    assert_eq!(bench.numbers("q"), (0, 3, 3));
    all_cancelled(bench, &old[..5]);
    all_cancelled(bench, &old_late[1_495..]);
    assert_eq!(bench.total("cancelled"), 4_000);
    let states = [new_late, leases[1].ticket().id, leases[2].ticket().id].map(|id| bench.state(id));
    let scheduled = Some(State::Scheduled);
    assert_eq!(states, [scheduled, scheduled, Some(State::Retrying)]);
}

/// Q11: a purge takes no longer than any other call, and is worked off in pieces; the counters are right after each. The
/// answers ask for the next call at once.
pub fn a_purge_is_worked_off_in_pieces(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 2_200));
    let later = |queue| (0..1_300).map(|_| bench.job_in(queue, secs(500))).collect();
    bench.submit_all(later("q"));
    bench.submit_all(later("p"));
    assert_eq!(purge(bench), 3_500);
    let (mut before, mut calls) = (0, 0);
    loop {
        let reserved = bench.reserve(&bench.ask(&[], 0));
        let ended = bench.total("cancelled");
        let (ready, scheduled, _) = bench.numbers("q");
        assert_eq!(ready + scheduled + ended, 3_500);
        assert!(ended - before <= 1_000, "{} in one call", ended - before);
        assert_eq!(reserved.outbox as u64, ended);
        (before, calls) = (ended, calls + 1);
        if !reserved.more {
            assert!(reserved.next.is_some_and(|next| next > bench.now()));
            break;
        }
        assert!(reserved.next.is_some_and(|next| next <= bench.now()));
        assert!(calls < 100, "it does not come to an end");
    }
    assert_eq!((before, bench.numbers("p")), (3_500, (0, 1_300, 0)));
}

/// Q1: what is left to do of a purge outlasts the daemon. Q14: until it is done, all are found where they stood.
pub fn a_purge_survives_a_restart(bench: &Bench) {
    let waiting = one_of_each(bench);
    let places: Vec<_> = waiting.iter().map(|id| bench.state(*id)).collect();
    assert_eq!(purge(bench), 5);
    bench.reopen();
    let same: Vec<_> = waiting.iter().map(|id| bench.state(*id)).collect();
    assert_eq!((same, bench.numbers("q")), (places, (3, 2, 0)));
    bench.beat();
    all_cancelled(bench, &waiting);
}

/// Q5: a condemned job is not lent any more, though it becomes due, or is asked to be due, before it is swept. Q10: it
/// may end in another way before.
pub fn condemned_is_not_lent(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 2_000));
    let due: Vec<JobId> = (0..40)
        .map(|_| bench.submit(bench.job_in("q", secs(3))))
        .collect();
    let cancelled = bench.submit_to("q");
    let expired = bench.submit(Job {
        expires_at: Some(bench.now() + secs(2)),
        ..bench.job("q")
    });
    assert_eq!(purge(bench), 2_042);
    let engine = bench.engine();
    assert_eq!(
        engine.cancel(cancelled).expect("an answer"),
        Cancelled::Ended
    );
    assert_eq!(engine.cancel(due[0]).expect("an answer"), Cancelled::Ended);
    assert_eq!(
        engine.make_due(due[1]).expect("an answer"),
        MadeDue::TooLate
    );
    bench.clock.advance(secs(5));
    assert!(bench.take("q", 100).is_empty());
    bench.beat();
    assert!(bench.take("q", 100).is_empty());
    all_cancelled(bench, &due);
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    let ended = bench.ended(expired).state;
    assert!(ended.is_ended() && bench.drain().len() == 2_042, "{ended}");
}

/// Q14: a second purge condemns what came since the first, also where the first is not through.
pub fn a_purge_can_follow_another(bench: &Bench) {
    let mut waiting = one_of_each(bench);
    assert_eq!(purge(bench), 5);
    waiting.push(bench.submit_to("q"));
    waiting.push(bench.submit(bench.job_in("q", secs(500))));
    assert_eq!(purge(bench), 7);
    let stays = bench.submit(bench.job_in("q", secs(500)));
    bench.beat();
    all_cancelled(bench, &waiting);
    assert_eq!(bench.live(stays).state, State::Scheduled);
    assert_eq!(bench.total("cancelled"), 7);
}

/// Q12: a purge wakes a poller, who begins with it. Q6: who had no answer asks again.
pub fn a_purge_rings_and_can_be_repeated(bench: &Bench) {
    bench.submit(bench.job_in("q", secs(500)));
    bench.beat();
    let wait = |time| bench.engine().wait(&["q".to_owned()], time);
    while wait(secs(0)).expect("an answer") {}
    let flaky = Flaky::new(bench.engine());
    flaky.lose("purge", Lost::Reply);
    flaky.purge("q").expect_err("the reply was lost");
    assert!(wait(secs(20)).expect("an answer"), "nobody was woken");
    assert_eq!(flaky.purge("q").expect("an answer"), 1);
    bench.beat();
    assert_eq!(bench.total("cancelled"), 1);
}

/// Q8: a lease that runs out while its queue is purged goes back to its line and stays, as every lease that ends then.
pub fn a_lost_lease_is_not_purged(bench: &Bench) {
    let lost = bench.submit_to("q");
    bench.take_one("q");
    let old = bench.submit(bench.job_in("q", secs(500)));
    assert_eq!(purge(bench), 1);
    assert_eq!(bench.pass(LEASE + secs(1)), 1);
    all_cancelled(bench, &[old]);
    let lease = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!(lease.ticket().id, lost);
    assert_eq!(bench.release(&lease, secs(0)), Settled::Now(State::Queued));
}

/// Q7: while a purge is not through, a submission with the key of a condemned job is answered with that job; it is live.
pub fn a_condemned_job_holds_its_key_until_it_ends(bench: &Bench) {
    let keyed = || Job {
        unique: Some("key".to_owned()),
        ..bench.job("q")
    };
    let held = bench.submit(keyed());
    purge(bench);
    let existing = Submitted::Accepted(vec![Accepted::Existing(held)]);
    assert_eq!(bench.enqueue(&[submission([keyed()])]), [existing]);
    bench.beat();
    bench.submit(keyed());
}

//! Ended jobs that are run again.

use std::collections::HashSet;
use std::sync::Barrier;

use windlass::job::{Job, JobId, State};
use windlass::queue::{Accepted, Call, Queue as _, RETRY_KEPT, RETRY_WITHIN, Submitted};

use crate::support::bench::{Bench, secs, submission};
use crate::support::flaky::{Flaky, Lost};

/// A job that has ended.
fn ended(bench: &Bench) -> Job {
    let job = bench.job("q");
    bench.submit(job.clone());
    bench.succeed(&bench.take_one("q"));
    job
}

/// Runs an ended job again, as one click does.
#[track_caller]
fn click(bench: &Bench, old: &Job) -> Accepted {
    let job = old.again(bench.job("q").id);
    match &bench.enqueue(&[submission([job])])[..] {
        [Submitted::Accepted(jobs)] if jobs.len() == 1 => jobs[0],
        other => panic!("not accepted: {other:?}"),
    }
}

#[track_caller]
fn retry_of(bench: &Bench, old: &Job) -> Option<JobId> {
    let retried = bench.engine().retried(&[old.id]).expect("an answer");
    assert_eq!(retried.len(), 1, "one answer an id");
    retried[0]
}

/// Q15: the second click is answered with the job of the first, wherever either job stands by then.
pub fn an_ended_job_is_run_again_once(bench: &Bench) {
    let old = ended(bench);
    assert_eq!(retry_of(bench, &old), None);
    let Accepted::New(id, State::Queued) = click(bench, &old) else {
        panic!("the first click makes a job");
    };
    let again = |what: &str| {
        assert_eq!(click(bench, &old), Accepted::Existing(id), "{what}");
        assert_eq!(retry_of(bench, &old), Some(id), "{what}");
    };
    again("while it waits");
    bench.reopen();
    again("after a restart");
    let lease = bench.take_one("q");
    assert_eq!(lease.job().retry_of, Some(old.id));
    again("while it runs");
    bench.succeed(&lease);
    again("when it has ended");
    assert_eq!(bench.drain().len(), 2);
    again("when both are stored");
    bench.pass(RETRY_KEPT - secs(60));
    again("nearly an hour later");
    assert!(bench.take("q", 10).is_empty());
    // A retry can be run again like any other job.
    let second = old.again(id);
    assert!(matches!(click(bench, &second), Accepted::New(..)));
    assert_eq!(retry_of(bench, &old), Some(id));
}

/// Q15: clicks in the same moment, through other daemons or in one call, are one.
pub fn clicks_at_once_are_one(bench: &Bench) {
    let old = ended(bench);
    let start = Barrier::new(8);
    let answers: Vec<Accepted> = std::thread::scope(|scope| {
        let daemon = |n| {
            let (old, start) = (&old, &start);
            scope.spawn(move || {
                let clicks = [old.again(bench.job("q").id), old.again(bench.job("q").id)];
                start.wait();
                let call = Call::first(&format!("daemon-{n}"));
                let clicks = clicks.map(|job| submission([job]));
                let answer = bench.engine().enqueue(&call, &clicks);
                let answers = answer.expect("an answer").into_iter();
                answers
                    .map(|answer| match answer {
                        Submitted::Accepted(jobs) => jobs[0],
                        other => panic!("not accepted: {other:?}"),
                    })
                    .collect::<Vec<_>>()
            })
        };
        let daemons: Vec<_> = (0..8).map(daemon).collect();
        daemons
            .into_iter()
            .flat_map(|daemon| daemon.join().expect("no panic"))
            .collect()
    });
    let ids: HashSet<JobId> = answers.iter().map(|answer| answer.id()).collect();
    let new = answers.iter().filter(|a| matches!(a, Accepted::New(..)));
    assert_eq!((answers.len(), ids.len(), new.count()), (16, 1, 1));
    assert_eq!(bench.take("q", 10).len(), 1);
}

/// Q15: who named the retry long ago may have missed one that both queue and storage have let go of in turn; he begins
/// anew.
pub fn an_outdated_retry_is_refused(bench: &Bench) {
    let old = ended(bench);
    let job = old.again(bench.job("q").id);
    bench.clock.advance(RETRY_WITHIN + secs(1));
    let call = Call::first("slow");
    for _ in 0..2 {
        let answer = bench.engine().enqueue(
            &call,
            &[submission([job.clone()]), submission([bench.job("q")])],
        );
        let answer = answer.expect("an answer");
        assert_eq!(answer[0], Submitted::Outdated);
        assert!(matches!(answer[1], Submitted::Accepted(_)), "{answer:?}");
    }
    assert_eq!((bench.state(job.id), retry_of(bench, &old)), (None, None));
    assert_eq!(
        bench.take("q", 10).len(),
        1,
        "other submissions are not refused"
    );
}

/// Q15: a retry that was deleted is forgotten on demand, and only that one.
pub fn a_deleted_retry_makes_room_for_another(bench: &Bench) {
    let old = ended(bench);
    let first = click(bench, &old).id();
    bench.succeed(&bench.take_one("q"));
    bench.drain();
    let engine = bench.engine();
    let stranger = bench.job("q").id;
    engine.forget_retry(old.id, stranger).expect("an answer");
    engine.forget_retry(stranger, first).expect("an answer");
    assert_eq!(retry_of(bench, &old), Some(first));
    for _ in 0..2 {
        engine.forget_retry(old.id, first).expect("an answer");
    }
    assert_eq!(retry_of(bench, &old), None);
    assert!(matches!(click(bench, &old), Accepted::New(id, _) if id != first));
}

/// Q7: a retry holds its job's unique key again, and gives way to a live job that has it. Q15: it does not count then.
pub fn a_retry_respects_the_unique_key(bench: &Bench) {
    let keyed = |id| Job {
        unique: Some("key".to_owned()),
        ..Job::new(id, "noop", "q", crate::support::bench::json("{}"))
    };
    let old = keyed(bench.job("q").id);
    bench.submit(old.clone());
    bench.succeed(&bench.take_one("q"));
    let holder = bench.submit(keyed(bench.job("q").id));
    assert_eq!(click(bench, &old), Accepted::Existing(holder));
    assert_eq!(retry_of(bench, &old), None);
    bench.succeed(&bench.take_one("q"));
    let id = click(bench, &old).id();
    let other = bench.enqueue(&[submission([keyed(bench.job("q").id)])]);
    assert_eq!(other, [Submitted::Accepted(vec![Accepted::Existing(id)])]);
}

/// Q6: a click whose answer was lost is asked again with the same number, and answered as it was.
pub fn a_retry_can_be_repeated(bench: &Bench) {
    let old = ended(bench);
    let flaky = Flaky::new(bench.engine());
    flaky.lose("enqueue", Lost::Reply);
    let (call, job) = (Call::first("desk"), old.again(bench.job("q").id));
    let id = job.id;
    let all = [submission([job])];
    flaky.enqueue(&call, &all).expect_err("the reply was lost");
    let again = flaky.enqueue(&call, &all).expect("an answer");
    let new = Accepted::New(id, State::Queued);
    assert_eq!(again, [Submitted::Accepted(vec![new])]);
    assert_eq!(bench.take("q", 10).len(), 1);
}

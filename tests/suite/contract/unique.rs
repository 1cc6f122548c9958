//! Unique keys: one live job each, and the key is free in the step that ends it.

use windlass::job::{Job, JobId, State};
use windlass::queue::{Accepted, Call, Submitted};

use crate::support::bench::{Bench, LEASE, secs, submission};

fn keyed(bench: &Bench, queue: &str) -> Job {
    Job {
        unique: Some("the key".to_owned()),
        ..bench.job(queue)
    }
}

#[track_caller]
fn submit(bench: &Bench, job: Job) -> Accepted {
    match &bench.enqueue(&[submission([job])])[..] {
        [Submitted::Accepted(jobs)] => jobs[0],
        other => panic!("not accepted: {other:?}"),
    }
}

/// Q7: while the first lives, in whatever state and queue, the second is answered with the first's id.
pub fn one_live_job_a_key(bench: &Bench) {
    let first = bench.submit(keyed(bench, "q"));
    let taken = Accepted::Existing(first);
    assert_eq!(submit(bench, keyed(bench, "q")), taken, "queued");
    let lease = bench.take_one("q");
    assert_eq!(submit(bench, keyed(bench, "another")), taken, "running");
    bench.fail(&lease, secs(1));
    assert_eq!(submit(bench, keyed(bench, "q")), taken, "retrying");
    assert_eq!(
        (bench.numbers("q"), bench.numbers("another")),
        ((0, 1, 0), (0, 0, 0))
    );
}

/// Q7: every way to end gives the key back in the same step, so the next submission is a new job.
pub fn every_end_frees_the_key(bench: &Bench) {
    bench.submit(keyed(bench, "q"));
    bench.succeed(&bench.take_one("q"));
    bench.submit(keyed(bench, "q"));
    bench.settle(bench.ending(&bench.take_one("q"), State::Dead));
    let cancelled = bench.submit(keyed(bench, "q"));
    bench.engine().cancel(cancelled).expect("an answer");
    let expires_at = Some(bench.now() + secs(1));
    bench.submit(Job {
        expires_at,
        ..keyed(bench, "q")
    });
    bench.pass(secs(2));
    bench.submit(keyed(bench, "q"));
    for _ in 0..3 {
        assert_eq!(bench.take_with_suspect("q", 1).len(), 1);
        assert_eq!(bench.pass(LEASE + secs(1)), 1);
    }
    bench.submit(keyed(bench, "q"));
}

/// Q7: two with one key in one submission, and in two of one call: the first is the job.
pub fn a_key_twice_in_one_call_is_one_job(bench: &Bench) {
    let jobs = [keyed(bench, "q"), keyed(bench, "q"), keyed(bench, "q")];
    let [first, second, third] = jobs;
    let id = first.id;
    let answers = bench.enqueue(&[submission([first, second]), submission([third])]);
    let existing = Accepted::Existing(id);
    let expected = [
        Submitted::Accepted(vec![Accepted::New(id, State::Queued), existing]),
        Submitted::Accepted(vec![existing]),
    ];
    assert_eq!(answers, expected);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q7: of submitters that race for one key, one wins and all learn the winner's id.
pub fn a_race_for_a_key_has_one_winner(bench: &Bench) {
    let answers: Vec<Accepted> = std::thread::scope(|scope| {
        let submitter = || {
            let one = [submission([keyed(bench, "q")])];
            let answer = bench.engine().enqueue(&Call::first("submitter"), &one);
            match &answer.expect("an answer")[..] {
                [Submitted::Accepted(jobs)] => jobs[0],
                other => panic!("not accepted: {other:?}"),
            }
        };
        let submitters: Vec<_> = (0..6).map(|_| scope.spawn(submitter)).collect();
        submitters
            .into_iter()
            .map(|s| s.join().expect("no panic"))
            .collect()
    });
    let new = |a: &&Accepted| matches!(a, Accepted::New(..));
    assert_eq!(answers.iter().filter(new).count(), 1, "{answers:?}");
    let ids: std::collections::HashSet<JobId> = answers.iter().map(|a| a.id()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q7: a key that was asked for a while is free after it, though its job lives; and the late end of that job does not
/// take the key from its successor.
pub fn a_key_for_a_while_passes_on(bench: &Bench) {
    let unique_until = Some(bench.now() + secs(60));
    let first = bench.submit(Job {
        unique_until,
        ..keyed(bench, "q")
    });
    bench.clock.advance(secs(59));
    assert_eq!(submit(bench, keyed(bench, "q")), Accepted::Existing(first));
    bench.clock.advance(secs(2));
    let second = bench.submit(keyed(bench, "q"));
    let lease = bench.take_one("q");
    assert_eq!(lease.ticket().id, first);
    bench.succeed(&lease);
    assert_eq!(submit(bench, keyed(bench, "q")), Accepted::Existing(second));
}

/// Q7: other keys, and no key, are no hindrance.
pub fn keys_do_not_meddle_with_each_other(bench: &Bench) {
    bench.submit(keyed(bench, "q"));
    bench.submit(Job {
        unique: Some("the key ".to_owned()),
        ..bench.job("q")
    });
    bench.submit_to("q");
    assert_eq!(bench.numbers("q"), (3, 0, 0));
}

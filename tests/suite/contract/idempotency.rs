//! Idempotency keys: a whole submission that is repeated much later is answered as it was.

use windlass::job::{Job, JobId};
use windlass::queue::{Idempotency, Submission, Submitted};

use crate::support::bench::{Bench, KEY_WINDOW, KEYS_MAX, secs, submission};

fn keyed(jobs: Vec<Job>, key: &str, digest: u8) -> Submission {
    let idempotency = Some(Idempotency {
        key: key.to_owned(),
        digest: [digest; 32],
    });
    Submission {
        idempotency,
        ..submission(jobs)
    }
}

#[track_caller]
fn submit(bench: &Bench, one: Submission) -> Submitted {
    let mut answers = bench.enqueue(&[one]);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// Q6: the same key with the same request answers the first ids, also when the jobs have long ended and are stored.
pub fn the_same_request_is_answered_as_before(bench: &Bench) {
    let jobs = bench.jobs("q", 3);
    let first = submit(bench, keyed(jobs.clone(), "k", 1));
    assert!(matches!(first, Submitted::Accepted(_)), "{first:?}");
    let again = submit(bench, keyed(bench.jobs("q", 3), "k", 1));
    assert_eq!(again, Submitted::Replayed(ids(&jobs)));
    bench
        .take("q", 3)
        .iter()
        .for_each(|lease| bench.succeed(lease));
    assert_eq!(bench.drain().len(), 3);
    bench.reopen();
    let again = submit(bench, keyed(bench.jobs("q", 3), "k", 1));
    assert_eq!(again, Submitted::Replayed(ids(&jobs)));
    assert_eq!(bench.numbers("q"), (0, 0, 0));
}

/// Q6: the same key with another request is a mistake, and enqueues nothing.
pub fn another_request_with_the_same_key_is_refused(bench: &Bench) {
    submit(bench, keyed(bench.jobs("q", 1), "k", 1));
    let other = submit(bench, keyed(bench.jobs("q", 1), "k", 2));
    assert_eq!(other, Submitted::KeyReused);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q6: twice in one call is the same as twice in two.
pub fn a_key_twice_in_one_call_is_one_submission(bench: &Bench) {
    let jobs = bench.jobs("q", 1);
    let twice = [
        keyed(jobs.clone(), "k", 1),
        keyed(bench.jobs("q", 1), "k", 1),
    ];
    let answers = bench.enqueue(&twice);
    assert!(matches!(answers[0], Submitted::Accepted(_)), "{answers:?}");
    assert_eq!(answers[1], Submitted::Replayed(ids(&jobs)));
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q6: a key is remembered for the window and no longer.
pub fn a_key_is_forgotten_after_the_window(bench: &Bench) {
    submit(bench, keyed(bench.jobs("q", 1), "k", 1));
    bench.clock.advance(KEY_WINDOW - secs(1));
    let again = submit(bench, keyed(bench.jobs("q", 1), "k", 1));
    assert!(matches!(again, Submitted::Replayed(_)), "{again:?}");
    bench.clock.advance(secs(2));
    let anew = submit(bench, keyed(bench.jobs("q", 1), "k", 2));
    assert!(matches!(anew, Submitted::Accepted(_)), "{anew:?}");
    assert_eq!(bench.numbers("q"), (2, 0, 0));
}

/// Q11: no more keys are remembered than the bound says. Beyond it new keys are refused and enqueue nothing; known
/// keys, and submissions without one, are served; and when keys are forgotten there is room again.
pub fn the_number_of_keys_is_bounded(bench: &Bench) {
    for i in 0..KEYS_MAX {
        let one = submit(bench, keyed(bench.jobs("q", 1), &format!("k{i}"), 1));
        assert!(matches!(one, Submitted::Accepted(_)), "{one:?}");
    }
    assert_eq!(
        submit(bench, keyed(bench.jobs("q", 1), "new", 1)),
        Submitted::KeysFull
    );
    let known = submit(bench, keyed(bench.jobs("q", 1), "k0", 1));
    assert!(matches!(known, Submitted::Replayed(_)), "{known:?}");
    bench.submit_to("q");
    assert_eq!(bench.numbers("q").0, KEYS_MAX as u64 + 1);
    bench.clock.advance(KEY_WINDOW + secs(1));
    let roomy = submit(bench, keyed(bench.jobs("q", 1), "new", 1));
    assert!(matches!(roomy, Submitted::Accepted(_)), "{roomy:?}");
}

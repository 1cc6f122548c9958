//! Jobs that were not begun in the time they were given.

use windlass::job::{ErrorKind, Job, JobId, State};

use crate::support::bench::{Bench, secs};

fn expiring(bench: &Bench, queue: &str, seconds: u64) -> Job {
    let expires_at = Some(bench.now() + secs(seconds));
    Job {
        expires_at,
        ..bench.job(queue)
    }
}

/// Q4: a waiting job past its time ends in a reserve, with its outbox entry, wherever it waits: in a line, in a
/// paused queue, for its time, for its retry, in a queue that nobody asked about.
pub fn a_waiting_job_expires_wherever_it_waits(bench: &Bench) {
    let retrying = bench.submit(expiring(bench, "q", 50));
    bench.fail(&bench.take_one("q"), secs(1_000));
    let queued = bench.submit(expiring(bench, "q", 50));
    let run_at = Some(bench.now() + secs(500));
    let scheduled = bench.submit(Job {
        run_at,
        ..expiring(bench, "q", 50)
    });
    bench.engine().pause("paused", true).expect("an answer");
    let paused = bench.submit(expiring(bench, "paused", 50));
    let staying = bench.submit(expiring(bench, "q", 100));
    bench.clock.advance(secs(49));
    bench.beat();
    let waiting: [JobId; 4] = [retrying, queued, scheduled, paused];
    assert!(
        waiting
            .iter()
            .all(|id| bench.state(*id).is_some_and(|s| !s.is_ended()))
    );
    bench.clock.advance(secs(2));
    bench.beat();
    assert_eq!(waiting.map(|id| bench.state(id)), [Some(State::Expired); 4]);
    assert_eq!(bench.state(staying), Some(State::Queued));
    assert_eq!(
        (bench.numbers("q"), bench.numbers("paused")),
        ((1, 0, 0), (0, 0, 0))
    );
    let mut records = bench.drain();
    records.sort_by_key(|r| r.job.id != retrying);
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!(
            (record.state, record.ended_at),
            (State::Expired, bench.now())
        );
        assert_eq!(
            record.error.as_ref().map(|e| e.kind),
            Some(ErrorKind::Expired)
        );
    }
    assert_eq!((records[0].attempt, records[0].attempts.len()), (1, 1));
    assert_eq!(bench.total("expired"), 4);
}

/// Q5: what is past its time is not begun any more, even by the reserve that finds it.
pub fn an_expired_job_is_not_lent(bench: &Bench) {
    let id = bench.submit(expiring(bench, "q", 5));
    bench.clock.advance(secs(6));
    assert!(bench.take("q", 1).is_empty());
    assert_eq!(bench.state(id), Some(State::Expired));
}

/// Q10: the time is one to begin by: a running job does not expire, and one that waits for its retry does.
pub fn a_running_job_does_not_expire(bench: &Bench) {
    let id = bench.submit(expiring(bench, "q", 5));
    let lease = bench.take_one("q");
    bench.clock.advance(secs(6));
    bench.beat();
    assert_eq!(bench.state(id), Some(State::Running));
    bench.fail(&lease, secs(60));
    bench.beat();
    assert_eq!(bench.state(id), Some(State::Expired));
}

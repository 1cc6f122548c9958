//! Nothing runs before its time.

use windlass::job::{Job, State};

use crate::support::bench::{Bench, secs};
use std::time::Duration;

const TICK: Duration = Duration::from_micros(1);

/// Q5: not a microsecond early, and no later than the first reserve after its time.
pub fn a_scheduled_job_is_never_early(bench: &Bench) {
    let id = bench.submit(bench.job_in("q", secs(10)));
    bench.clock.advance(secs(10) - TICK);
    assert!(bench.take("q", 1).is_empty());
    assert_eq!(bench.state(id), Some(State::Scheduled));
    bench.clock.advance(TICK);
    assert_eq!(bench.take_one("q").ticket().id, id);
}

/// Q5: the same for a retry.
pub fn a_retry_is_never_early(bench: &Bench) {
    let id = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(10));
    bench.clock.advance(secs(10) - TICK);
    assert!(bench.take("q", 1).is_empty());
    assert_eq!(bench.state(id), Some(State::Retrying));
    bench.clock.advance(TICK);
    assert_eq!(bench.take_one("q").ticket().id, id);
}

/// Q5: a clock that is set back makes jobs wait longer, never shorter.
pub fn a_clock_set_back_makes_nothing_early(bench: &Bench) {
    let id = bench.submit(bench.job_in("q", secs(10)));
    bench.clock.set(bench.now() - secs(3_600));
    bench.pass(secs(3_600));
    assert!(bench.take("q", 1).is_empty());
    bench.pass(secs(10));
    assert_eq!(bench.take_one("q").ticket().id, id);
}

/// Q5: what becomes due at once stands in line in the order of its times, whatever order it was submitted in.
pub fn due_jobs_line_up_by_their_times(bench: &Bench) {
    let jobs = bench.jobs("q", 3);
    let at = |job: &Job, delay| Job {
        run_at: Some(bench.now() + secs(delay)),
        ..job.clone()
    };
    bench.submit_all(vec![at(&jobs[0], 3), at(&jobs[1], 1), at(&jobs[2], 2)]);
    bench.clock.advance(secs(5));
    let taken: Vec<_> = bench.take("q", 3).iter().map(|l| l.ticket().id).collect();
    assert_eq!(taken, [jobs[1].id, jobs[2].id, jobs[0].id]);
}

/// Q1: due jobs of queues that nobody here serves are moved as well, and wait for those who do.
pub fn due_jobs_of_other_queues_are_moved_too(bench: &Bench) {
    let id = bench.submit(bench.job_in("elsewhere", secs(5)));
    bench.clock.advance(secs(5));
    assert!(bench.take("here", 1).is_empty());
    assert_eq!(bench.state(id), Some(State::Queued));
    assert_eq!(bench.numbers("elsewhere"), (1, 0, 0));
}

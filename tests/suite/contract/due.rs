//! Nothing runs before its time.

use windlass::job::{Job, JobId, State};
use windlass::queue::{Levers as _, MadeDue};

use crate::support::bench::{Bench, secs};
use crate::support::flaky::{Flaky, Lost};
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

/// Q5: but for who asks for it. Q14: a job that waits for its time is moved to the tail of its line at once; what is
/// counted of it stays.
pub fn a_job_can_be_made_due(bench: &Bench) {
    let retrying = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(500));
    let scheduled = bench.submit(bench.job_in("q", secs(500)));
    let queued = bench.submit_to("q");
    for id in [retrying, scheduled] {
        assert_eq!(made_due(bench, id), MadeDue::Now);
        assert_eq!(made_due(bench, id), MadeDue::Queued);
        let live = bench.live(id);
        assert_eq!((live.state, live.due), (State::Queued, None));
    }
    assert_eq!(bench.numbers("q"), (3, 0, 0));
    let asked = bench.now();
    bench.clock.advance(secs(7));
    assert_eq!(bench.live(retrying).ready_at, Some(asked));
    assert_eq!(bench.live(retrying).attempts.len(), 1);
    let leases = bench.take("q", 10);
    let order: Vec<_> = leases.iter().map(|l| l.ticket().id).collect();
    assert_eq!(order, [queued, retrying, scheduled]);
    assert_eq!((leases[1].failures(), leases[1].ticket().n), (1, 2));
    assert_eq!(made_due(bench, queued), MadeDue::Running);
    bench.succeed(&leases[0]);
    assert_eq!(made_due(bench, queued), MadeDue::TooLate);
    bench.drain();
    assert_eq!(made_due(bench, queued), MadeDue::Unknown);
    // It is due once: its old time passes without a word.
    bench.succeed(&leases[1]);
    bench.succeed(&leases[2]);
    bench.pass(secs(1_000));
    assert_eq!(bench.numbers("q"), (0, 0, 0));
}

/// Q12: a job that is made due rings. Q6: who had no answer asks again, and finds it in its line.
pub fn a_job_made_due_rings(bench: &Bench) {
    let id = bench.submit(bench.job_in("q", secs(500)));
    bench.beat();
    let wait = |time| bench.engine().wait(&["q".to_owned()], time);
    while wait(secs(0)).expect("an answer") {}
    let flaky = Flaky::new(bench.engine());
    flaky.lose("make_due", Lost::Reply);
    flaky.make_due(id).expect_err("the reply was lost");
    assert!(wait(secs(20)).expect("an answer"), "nobody was woken");
    assert_eq!(flaky.make_due(id).expect("an answer"), MadeDue::Queued);
    assert_eq!(bench.take("q", 10).len(), 1);
}

/// Q8: a suspect that is made due stays one; and nothing is given from a paused queue for all that.
pub fn a_suspect_made_due_stays_one(bench: &Bench) {
    let id = bench.suspect("q");
    bench.fail(&bench.take_with_suspect("q", 1)[0], secs(500));
    bench.engine().pause("q", true).expect("an answer");
    assert_eq!(made_due(bench, id), MadeDue::Now);
    assert!(bench.take_with_suspect("q", 1).is_empty());
    bench.engine().pause("q", false).expect("an answer");
    assert!(bench.take("q", 1).is_empty());
    let lease = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!((lease.crashes(), lease.failures()), (1, 1));
}

#[track_caller]
fn made_due(bench: &Bench, id: JobId) -> MadeDue {
    bench.engine().make_due(id).expect("an answer")
}

//! Numbers that are kept, against the things they count.

use windlass::job::State;

use crate::support::bench::{Bench, LEASE, secs};

/// Q14: through a whole life, each step moves a job from one number to another.
pub fn every_move_is_counted(bench: &Bench) {
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    bench.submit(bench.job_in("q", secs(1)));
    assert_eq!(bench.numbers("q"), (0, 1, 0), "scheduled");
    bench.pass(secs(1));
    assert_eq!(bench.numbers("q"), (1, 0, 0), "due");
    let lease = bench.take_one("q");
    assert_eq!(bench.numbers("q"), (0, 0, 1), "taken");
    bench.fail(&lease, secs(1));
    assert_eq!(bench.numbers("q"), (0, 1, 0), "retrying");
    bench.pass(secs(1));
    assert_eq!(bench.numbers("q"), (1, 0, 0), "due again");
    let lease = bench.take_one("q");
    bench.release(&lease, secs(0));
    assert_eq!(bench.numbers("q"), (1, 0, 0), "released");
    bench.take_one("q");
    bench.pass(LEASE + secs(1));
    assert_eq!(bench.numbers("q"), (1, 0, 0), "run out");
    let lease = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!(bench.numbers("q"), (0, 0, 1), "taken as a suspect");
    bench.succeed(&lease);
    assert_eq!(bench.numbers("q"), (0, 0, 0), "ended");
    assert_eq!((bench.total("succeeded"), bench.total("outbox")), (1, 1));
    bench.drain();
    assert_eq!((bench.total("succeeded"), bench.total("outbox")), (1, 0));
}

/// Q14: a job that is cancelled while its ticket stands in a line leaves the count with it, not when the ticket is met.
pub fn a_ticket_without_a_job_is_not_counted(bench: &Bench) {
    let ids = bench.submit_all(bench.jobs("q", 3));
    bench.engine().cancel(ids[1]).expect("an answer");
    assert_eq!(bench.numbers("q"), (2, 0, 0));
    assert_eq!(bench.take("q", 3).len(), 2);
    assert_eq!(bench.numbers("q"), (0, 0, 2));
}

/// Q14: queues are listed by name, also those that are empty by now, and paused ones that never held a job.
pub fn queues_are_listed_by_name(bench: &Bench) {
    for queue in ["b", "c", "a"] {
        bench.submit_to(queue);
    }
    bench.succeed(&bench.take_one("b"));
    bench.drain();
    bench.engine().pause("d", true).expect("an answer");
    let queues = bench.engine().queues().expect("an answer");
    let names: Vec<&str> = queues.iter().map(|q| q.queue.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let paused: Vec<bool> = queues.iter().map(|q| q.paused).collect();
    assert_eq!(paused, [false, false, false, true]);
}

/// Q14: totals are kept by state, and survive.
pub fn totals_are_kept_by_state(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 3));
    let leases = bench.take("q", 3);
    bench.succeed(&leases[0]);
    bench.succeed(&leases[1]);
    bench.settle(bench.ending(&leases[2], State::Dead));
    let id = bench.submit_to("q");
    bench.engine().cancel(id).expect("an answer");
    bench.reopen();
    let totals = ["succeeded", "dead", "cancelled", "expired", "outbox"].map(|s| bench.total(s));
    assert_eq!(totals, [2, 1, 1, 0, 4]);
}

//! Ending a job on request.

use windlass::job::{ErrorKind, State};
use windlass::queue::{Cancelled, Levers as _, Renewed, Settled};

use crate::support::bench::{Bench, LEASE, secs};
use crate::support::flaky::{Flaky, Lost};

/// Q10: a waiting job ends at once, wherever it waits, with its outbox entry (Q4), and is never lent again.
pub fn a_waiting_job_ends_at_once(bench: &Bench) {
    let retrying = bench.submit_to("q");
    bench.fail(&bench.take_one("q"), secs(5));
    let queued = bench.submit_to("q");
    let scheduled = bench.submit(bench.job_in("q", secs(5)));
    for id in [retrying, queued, scheduled] {
        assert_eq!(
            bench.engine().cancel(id).expect("an answer"),
            Cancelled::Ended
        );
        let record = bench.ended(id);
        assert_eq!(
            (record.state, record.ended_at),
            (State::Cancelled, bench.now())
        );
        assert_eq!(record.error.map(|e| e.kind), Some(ErrorKind::Cancelled));
        assert_eq!(
            bench.engine().cancel(id).expect("an answer"),
            Cancelled::TooLate
        );
    }
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    bench.pass(secs(10));
    assert!(bench.take("q", 10).is_empty());
    assert_eq!((bench.drain().len(), bench.total("cancelled")), (3, 3));
    assert_eq!(
        bench.engine().cancel(queued).expect("an answer"),
        Cancelled::Unknown
    );
}

/// Q3: a running job's end is asked for; its worker hears of it and decides how the attempt ended.
pub fn the_worker_of_a_running_job_is_asked(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    assert!(!bench.live(id).cancel_requested);
    for _ in 0..2 {
        assert_eq!(
            bench.engine().cancel(id).expect("an answer"),
            Cancelled::Requested
        );
    }
    assert!(bench.live(id).cancel_requested);
    assert_eq!(bench.renew(&lease), Renewed::CancelRequested);
    let settlement = bench.ending(&lease, State::Cancelled);
    assert_eq!(bench.settle(settlement), Settled::Now(State::Cancelled));
}

/// Q10: a job may succeed although its end was asked for: then it has succeeded.
pub fn a_success_outruns_a_cancel(bench: &Bench) {
    let id = bench.submit_to("q");
    let lease = bench.take_one("q");
    bench.engine().cancel(id).expect("an answer");
    bench.succeed(&lease);
    assert_eq!(bench.state(id), Some(State::Succeeded));
}

/// Q10: whichever way a job whose end was asked for would go back in line, it ends instead.
pub fn a_cancel_request_is_not_forgotten_on_the_way_back(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 4));
    let leases = bench.take("q", 4);
    for lease in &leases {
        bench.engine().cancel(lease.ticket().id).expect("an answer");
    }
    let cancelled = Settled::Now(State::Cancelled);
    assert_eq!(bench.settle(bench.failure(&leases[0], secs(1))), cancelled);
    assert_eq!(bench.release(&leases[1], secs(0)), cancelled);
    assert_eq!(bench.release(&leases[2], secs(9)), cancelled);
    assert_eq!(bench.pass(LEASE + secs(1)), 1);
    let states: Vec<_> = leases.iter().map(|l| bench.state(l.ticket().id)).collect();
    assert_eq!(states, [Some(State::Cancelled); 4]);
    assert_eq!((bench.numbers("q"), bench.drain().len()), ((0, 0, 0), 4));
}

/// Q6: a cancel whose answer was lost may be asked again.
pub fn a_cancel_can_be_repeated(bench: &Bench) {
    let id = bench.submit_to("q");
    let flaky = Flaky::new(bench.engine());
    flaky.lose("cancel", Lost::Reply);
    flaky.cancel(id).expect_err("the reply was lost");
    assert_eq!(flaky.cancel(id).expect("an answer"), Cancelled::TooLate);
    assert_eq!(bench.drain().len(), 1);
    let stranger = bench.job("q").id;
    assert_eq!(
        flaky.cancel(stranger).expect("an answer"),
        Cancelled::Unknown
    );
}

/// Q5: nothing is taken from a paused queue, what runs goes on, and after the resume all is as before.
pub fn a_paused_queue_gives_nothing(bench: &Bench) {
    let first = bench.submit_to("q");
    let lease = bench.take_one("q");
    bench.engine().pause("q", true).expect("an answer");
    let second = bench.submit_to("q");
    assert!(bench.counts("q").paused);
    assert!(bench.take("q", 10).is_empty());
    assert!(bench.take_with_suspect("q", 10).is_empty());
    bench.succeed(&lease);
    bench.reopen();
    assert!(bench.take("q", 10).is_empty(), "a pause survives");
    bench.engine().pause("q", false).expect("an answer");
    assert!(!bench.counts("q").paused);
    assert_eq!(bench.take_one("q").ticket().id, second);
    assert_eq!(bench.state(first), Some(State::Succeeded));
}

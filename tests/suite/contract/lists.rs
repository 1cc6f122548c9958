//! Jobs are listed by where they stand: in the order in which they run, at a bounded cost, page after page.

use windlass::job::{Job, JobId, State};
use windlass::queue::{Line, Listed, Place, TICKETS_PER_CALL_MAX};

use crate::support::bench::{Bench, LEASE, secs, share};

/// One call.
#[track_caller]
fn list(bench: &Bench, line: Line<'_>, after: Option<Place>, want: usize) -> Listed {
    let listed = bench.engine().list(line, after, want);
    let listed = listed.expect("list is answered");
    assert!(listed.places.len() <= want);
    listed
}

fn ids(listed: &Listed) -> Vec<JobId> {
    listed.places.iter().map(|place| place.id).collect()
}

/// All pages of `want`.
#[track_caller]
fn pages(bench: &Bench, line: Line<'_>, want: usize) -> Vec<JobId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let listed = list(bench, line, after, want);
        all.extend(ids(&listed));
        after = listed.next;
        if after.is_none() {
            return all;
        }
    }
}

fn taken(bench: &Bench, want: usize) -> Vec<JobId> {
    let leases = bench.take("q", want);
    leases.iter().map(|lease| lease.ticket().id).collect()
}

/// Q1, Q11: a line lists what a reserve then gives, in its order, whatever the jobs came by: submitted, due, given back;
/// those that were cancelled as they waited are not among them.
pub fn a_line_lists_what_a_reserve_then_gives(bench: &Bench) {
    let early = bench.submit(bench.job_in("q", secs(2)));
    let first = bench.submit_all(bench.jobs("q", 6));
    let given_back = bench.take("q", 2);
    bench.pass(secs(2));
    let last = bench.submit_all(bench.jobs("q", 4));
    for lease in given_back.iter().rev() {
        bench.release(lease, secs(0));
    }
    for id in [first[3], last[0]] {
        bench.engine().cancel(id).expect("an answer");
    }
    bench.submit_to("other");
    for want in [1, 3, 100] {
        let listed = pages(bench, Line::Ready("q"), want);
        let expected = [
            first[0], first[1], first[2], first[4], first[5], early, last[1], last[2], last[3],
        ];
        assert_eq!(listed, expected, "by {want}");
    }
    let listed = pages(bench, Line::Ready("q"), 2);
    assert_eq!(taken(bench, 100), listed);
    assert!(pages(bench, Line::Ready("q"), 2).is_empty());
    assert!(pages(bench, Line::Ready("unheard-of"), 2).is_empty());
}

/// Q1, Q11: suspects stand in a line of their own, in the order in which they are lent.
pub fn suspects_are_listed_apart(bench: &Bench) {
    let suspects = bench.submit_all(bench.jobs("q", 5));
    bench.take("q", 5);
    bench.pass(LEASE + secs(1));
    let plain = bench.submit_to("q");
    assert_eq!(pages(bench, Line::Ready("q"), 2), [plain]);
    let listed = pages(bench, Line::Suspects("q"), 2);
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(sorted, suspects);
    for id in listed {
        let shares = [share("q", 0)];
        let ask = windlass::queue::Reserve {
            suspect: true,
            ..bench.ask(&shares, 1)
        };
        assert_eq!(bench.reserve(&ask).leases[0].ticket().id, id);
    }
}

/// Q1, Q11: what waits for its time is listed as it comes due, of all queues or of one, page after page, also where many
/// are due at once and where the last one seen has gone since.
pub fn waiting_jobs_are_listed_as_they_come_due(bench: &Bench) {
    let due = bench.now() + secs(10);
    let jobs = |queue: &str| -> Vec<Job> {
        let jobs = bench.jobs(queue, 5).into_iter();
        jobs.map(|job| Job {
            run_at: Some(due),
            ..job
        })
        .collect()
    };
    let mut together = bench.submit_all(jobs("q"));
    together.extend(bench.submit_all(jobs("p")));
    together.sort();
    let late = bench.submit(bench.job_in("q", secs(99)));
    bench.submit_to("q");
    let lease = bench.take_one("q");
    bench.fail(&lease, secs(5));
    let retrying = lease.ticket().id;
    let all: Vec<JobId> = [retrying]
        .into_iter()
        .chain(together.clone())
        .chain([late])
        .collect();
    for want in [1, 3, 100] {
        assert_eq!(
            pages(bench, Line::Waiting(None, None), want),
            all,
            "by {want}"
        );
    }
    for (state, expected) in [
        (State::Retrying, &all[..1]),
        (State::Scheduled, &all[1..]),
        (State::Queued, &[]),
    ] {
        assert_eq!(pages(bench, Line::Waiting(None, Some(state)), 3), expected);
    }
    assert!(pages(bench, Line::Waiting(Some("p"), Some(State::Retrying)), 3).is_empty());
    let found = bench.engine().find(&all).expect("an answer");
    let of_p: Vec<JobId> = found
        .iter()
        .flatten()
        .filter(|job| job.job().queue == "p")
        .map(|job| job.job().id)
        .collect();
    assert_eq!(of_p.len(), 5);
    assert_eq!(pages(bench, Line::Waiting(Some("p"), None), 2), of_p);
    assert!(pages(bench, Line::Waiting(Some("unheard-of"), None), 2).is_empty());
    let some = list(bench, Line::Waiting(None, None), None, 4);
    bench.engine().cancel(ids(&some)[3]).expect("an answer");
    let rest = list(bench, Line::Waiting(None, None), some.next, 100);
    assert_eq!(ids(&rest), all[4..]);
}

/// Q1, Q11: what runs is listed by when it was lent, and neither renewals nor ends of others change that.
pub fn running_jobs_are_listed_by_when_they_were_lent(bench: &Bench) {
    let mut leases = Vec::new();
    for queue in ["q", "p", "q", "q", "p"] {
        bench.submit_to(queue);
        leases.push(bench.take_one(queue));
        bench.clock.advance(secs(1));
    }
    let id = |n: usize| leases[n].ticket().id;
    for want in [1, 2, 100] {
        let all = pages(bench, Line::Running(None), want);
        assert_eq!(all, [id(0), id(1), id(2), id(3), id(4)], "by {want}");
    }
    assert_eq!(pages(bench, Line::Running(Some("p")), 1), [id(1), id(4)]);
    assert!(pages(bench, Line::Running(Some("unheard-of")), 1).is_empty());
    let some = list(bench, Line::Running(None), None, 2);
    bench.renew(&leases[0]);
    bench.renew(&leases[2]);
    bench.succeed(&leases[1]);
    let rest = list(bench, Line::Running(None), some.next, 100);
    assert_eq!(ids(&rest), [id(2), id(3), id(4)]);
}

/// Q9, Q11: what has ended is listed, newest id first, until it is stored, whether or not a recorder has claimed it.
pub fn ended_jobs_are_listed_until_they_are_stored(bench: &Bench) {
    let mut jobs = bench.submit_all(bench.jobs("q", 2_500));
    bench.submit_to("q");
    for id in &jobs {
        bench.engine().cancel(*id).expect("an answer");
    }
    jobs.reverse();
    for want in [700, 3_000] {
        assert_eq!(pages(bench, Line::Ended, want), jobs, "by {want}");
    }
    let claimed = bench.collect(100);
    assert_eq!(claimed.len(), 100);
    let after = Some(Place {
        at: 0,
        id: jobs[9],
        n: 0,
    });
    assert_eq!(ids(&list(bench, Line::Ended, after, 5)), jobs[10..15]);
    let gone: Vec<JobId> = claimed.iter().map(|record| record.job.id).collect();
    bench.stored(&gone);
    jobs.retain(|id| !gone.contains(id));
    assert_eq!(pages(bench, Line::Ended, 3_000), jobs);
}

/// Q11: a call looks at a thousand at most, says where it stopped, and the next one goes on from there.
pub fn a_call_looks_at_a_bounded_part(bench: &Bench) {
    let waiting = |queue: &str, count: usize, delay| -> Vec<Job> {
        let jobs = bench.jobs(queue, count).into_iter();
        jobs.map(|job| Job {
            run_at: Some(bench.now() + secs(delay)),
            ..job
        })
        .collect()
    };
    bench.submit_all(waiting("q", 2_500, 10));
    let of_p = bench.submit_all(waiting("p", 1, 20));
    let first = list(bench, Line::Waiting(Some("p"), None), None, 10);
    assert!(first.places.is_empty() && first.next.is_some(), "{first:?}");
    assert_eq!(pages(bench, Line::Waiting(Some("p"), None), 10), of_p);
    let most = list(bench, Line::Waiting(None, None), None, 5_000);
    assert_eq!(most.places.len(), TICKETS_PER_CALL_MAX);
    let ready = bench.submit_all(bench.jobs("r", 2_500));
    let most = list(bench, Line::Ready("r"), None, 5_000);
    assert_eq!(most.places.len(), TICKETS_PER_CALL_MAX);
    for id in &ready[..2_200] {
        bench.engine().cancel(*id).expect("an answer");
    }
    assert_eq!(pages(bench, Line::Ready("r"), 100), ready[2_200..]);
}

/// Q11: a page goes on where the last one ended although the line moves meanwhile: jobs are lent from its head, the last
/// one seen among them or not, and given back to it.
pub fn pages_follow_a_line_that_moves(bench: &Bench) {
    let jobs = bench.submit_all(bench.jobs("q", 40));
    let first = list(bench, Line::Ready("q"), None, 10);
    assert_eq!(ids(&first), jobs[..10]);
    let lent = bench.take("q", 5);
    let second = list(bench, Line::Ready("q"), first.next, 10);
    assert_eq!(ids(&second), jobs[10..20]);
    lent.iter().rev().for_each(|lease| {
        bench.release(lease, secs(0));
    });
    let again = list(bench, Line::Ready("q"), first.next, 10);
    assert_eq!(ids(&again), jobs[10..20]);
    // All that was seen is gone, and more.
    bench.take("q", 25);
    let third = list(bench, Line::Ready("q"), second.next, 10);
    assert_eq!(ids(&third), jobs[25..35]);
}

/// Q11: the same where the line has moved by thousands: what was seen last is found again if it still stands there.
pub fn pages_follow_a_line_that_moves_far(bench: &Bench) {
    let jobs = bench.submit_all(bench.jobs("q", 5_000));
    let mut after = None;
    for _ in 0..3 {
        after = list(bench, Line::Ready("q"), after, 1_000).next;
    }
    bench.take("q", 1_000);
    bench.take("q", 1_000);
    let next = list(bench, Line::Ready("q"), after, 10);
    assert_eq!(ids(&next), jobs[3_000..3_010]);
}

/// Q14: a queue tells since when the job that is next has stood in its line, whatever it came by; lending it and giving
/// it back in between makes it wait no less.
pub fn a_queue_tells_since_when_its_next_job_waits(bench: &Bench) {
    let oldest = || bench.counts("q").oldest_ready_at;
    assert_eq!(oldest(), None);
    let submitted = bench.now();
    let first = bench.submit_to("q");
    bench.submit(bench.job_in("q", secs(30)));
    bench.clock.advance(secs(5));
    bench.submit_to("q");
    assert_eq!(oldest(), Some(submitted), "submitted");
    let lease = bench.take_one("q");
    bench.clock.advance(secs(1));
    assert_eq!(oldest(), Some(submitted + secs(5)), "the next one");
    bench.release(&lease, secs(0));
    assert_eq!(oldest(), Some(submitted), "given back");
    bench.engine().cancel(first).expect("an answer");
    assert_eq!(oldest(), Some(submitted + secs(5)), "cancelled");
    bench.succeed(&bench.take_one("q"));
    assert_eq!(oldest(), None, "the other one is not due");
    bench.pass(secs(30));
    assert_eq!(oldest(), Some(submitted + secs(30)), "due");
    let lease = bench.take_one("q");
    let failed = bench.now();
    bench.fail(&lease, secs(7));
    bench.pass(secs(20));
    assert_eq!(oldest(), Some(failed + secs(7)), "due again");
    bench.take_one("q");
    bench.pass(LEASE + secs(3));
    let since = oldest().expect("it is back");
    assert!(since > failed + secs(27) && since <= bench.now(), "lost");
    assert_eq!(bench.state(lease.ticket().id), Some(State::Queued));
}

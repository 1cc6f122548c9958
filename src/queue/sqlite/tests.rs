use super::*;
use crate::clock::ManualClock;
use crate::job::{Attempt, Found, Job, Outcome as Ended, State};
use crate::queue::{
    Accepted, Calendar, Cancelled, Desk, Ending, Fired, Idempotency, Share, Submission,
};
use serde_json::value::RawValue;

const LEASE: Duration = Duration::from_secs(15);

/// An engine on a clock that stands, a poller and a submitter.
struct Bench {
    queue: SqliteQueue,
    clock: Arc<ManualClock>,
    poller: Call,
    submitter: Call,
    random: u64,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("db"), false).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
            1_700_000_000_000_000,
        )));
        let settings = EngineSettings {
            namespace: "main".to_owned(),
            idempotency_window: Duration::from_secs(3600),
            idempotency_max: 2,
            lease: LEASE,
        };
        Self {
            queue: SqliteQueue::new(db, settings, clock.clone()),
            clock,
            poller: Call::first("poller"),
            submitter: Call::first("submitter"),
            random: 0,
            _folder: folder,
        }
    }

    fn job(&mut self, queue: &str) -> Job {
        self.random += 1 << 20;
        let payload = RawValue::from_string("{\"a\":1}".to_owned()).unwrap();
        Job::new(
            JobId::mint(self.clock.now(), self.random),
            "noop",
            queue,
            payload,
        )
    }

    fn submit(&mut self, jobs: Vec<Job>) -> Vec<Accepted> {
        let submission = Submission {
            jobs: jobs.into_iter().map(Arc::new).collect(),
            idempotency: None,
        };
        let answer = self.queue.enqueue(&self.submitter, &[submission]).unwrap();
        self.submitter.advance();
        match answer.into_iter().next() {
            Some(Submitted::Accepted(accepted)) => accepted,
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn submit_one(&mut self, queue: &str) -> JobId {
        let job = self.job(queue);
        self.submit(vec![job])[0].id()
    }

    fn reserve(&mut self, want: usize, suspect: bool, shares: &[Share]) -> Reserved {
        let reserved = self.reserve_again(want, suspect, shares);
        self.poller.advance();
        reserved
    }

    fn reserve_again(&self, want: usize, suspect: bool, shares: &[Share]) -> Reserved {
        let reserve = Reserve {
            node: "node",
            want,
            shares,
            lease: LEASE,
            suspect,
            max_crashes: 3,
        };
        self.queue.reserve(&self.poller, &reserve).unwrap()
    }

    /// Time goes on, with a sign of life often enough that no lease is excused.
    fn pass(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let piece = left.min(LEASE / 3);
            self.clock.advance(piece);
            left -= piece;
            self.queue.renew(&[], LEASE).unwrap();
        }
    }

    fn counts(&self, queue: &str) -> (u64, u64, u64) {
        let counts = self.queue.queues().unwrap();
        let one = counts.iter().find(|one| one.queue == queue).unwrap();
        (one.ready, one.scheduled, one.running)
    }

    fn state(&self, id: JobId) -> Option<State> {
        self.queue.find(&[id]).unwrap()[0]
            .as_ref()
            .map(Found::state)
    }

    fn attempt(&self, lease: &Lease) -> Attempt {
        Attempt {
            attempt: lease.attempt(),
            outcome: Ended::Failed,
            started_at: lease.leased_at(),
            ended_at: self.clock.now(),
            node: "node".to_owned(),
            error: None,
            log: Vec::new(),
        }
    }

    fn settle(&self, lease: &Lease, ending: Ending) -> Settled {
        let settlement = Settlement {
            lease: lease.clone(),
            attempt: self.attempt(lease),
            ending,
        };
        self.queue.settle(&[settlement]).unwrap()[0]
    }
}

fn share(queue: &str) -> Share {
    Share {
        queue: queue.to_owned(),
        share: 1,
        limit: None,
    }
}

fn success() -> Ending {
    Ending::End {
        state: State::Succeeded,
        result: None,
        error: None,
    }
}

#[test]
fn a_job_goes_its_whole_way_and_is_counted_at_each_step() {
    let mut bench = Bench::new();
    let id = bench.submit_one("q");
    assert_eq!(bench.counts("q"), (1, 0, 0));
    let lease = bench.reserve(5, false, &[share("q")]).leases.remove(0);
    assert_eq!(bench.counts("q"), (0, 0, 1));
    let retry = Ending::Retry {
        delay: Duration::from_secs(3),
    };
    assert_eq!(bench.settle(&lease, retry), Settled::Now(State::Retrying));
    assert_eq!(bench.settle(&lease, success()), Settled::NotOurs);
    assert_eq!(bench.counts("q"), (0, 1, 0));
    assert!(bench.reserve(5, false, &[share("q")]).leases.is_empty());

    bench.pass(Duration::from_secs(3));
    let lease = bench.reserve(5, false, &[share("q")]).leases.remove(0);
    assert_eq!((lease.ticket().n, lease.attempt()), (2, 2));
    assert_eq!(
        bench.settle(&lease, success()),
        Settled::Now(State::Succeeded)
    );
    assert_eq!(bench.counts("q"), (0, 0, 0));

    let records = bench.queue.collect(10).unwrap();
    assert_eq!(
        (records.len(), records[0].attempt, records[0].attempts.len()),
        (1, 2, 2)
    );
    assert!(bench.queue.collect(10).unwrap().is_empty(), "it is claimed");
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(
        bench.queue.collect(10).unwrap().len(),
        1,
        "the claim is over"
    );
    bench.queue.stored(&[id]).unwrap();
    bench.queue.stored(&[id]).unwrap();
    assert_eq!(bench.state(id), None);
    let totals = bench.queue.totals().unwrap();
    assert!(
        totals.contains(&("succeeded".to_owned(), 1)) && totals.contains(&("outbox".to_owned(), 0))
    );
}

#[test]
fn a_lost_lease_makes_a_suspect_which_is_lent_alone_until_it_is_quarantined() {
    let mut bench = Bench::new();
    let suspects = [bench.submit_one("q"), bench.submit_one("q")];
    assert_eq!(bench.reserve(2, false, &[share("q")]).leases.len(), 2);
    bench.pass(LEASE);
    let reserved = bench.reserve(2, false, &[share("q")]);
    assert_eq!((reserved.lapsed, reserved.leases.len()), (2, 0));
    for _ in 0..2 {
        for _ in 0..2 {
            let leases = bench.reserve(2, true, &[share("q")]).leases;
            assert_eq!(leases.len(), 1, "one suspect at a time");
        }
        bench.pass(LEASE);
    }
    bench.reserve(0, true, &[share("q")]);
    for id in suspects {
        assert_eq!(bench.state(id), Some(State::Quarantined));
    }
    assert_eq!(bench.queue.collect(1).unwrap()[0].attempts.len(), 3);
}

#[test]
fn an_absence_of_the_engine_costs_no_lease() {
    let mut bench = Bench::new();
    bench.submit_one("q");
    bench.reserve(1, false, &[share("q")]);
    bench.clock.advance(LEASE * 10);
    let reserved = bench.reserve(1, true, &[share("q")]);
    assert_eq!(
        (reserved.lapsed, reserved.next),
        (0, Some(bench.clock.now() + LEASE))
    );
    bench.pass(LEASE);
    assert_eq!(bench.reserve(1, true, &[share("q")]).lapsed, 1);
    // A clock set back: the lease is cut to what the present clock could give.
    bench
        .clock
        .set(Timestamp::from_micros(1_600_000_000_000_000));
    let reserved = bench.reserve(1, true, &[share("q")]);
    assert_eq!(reserved.next, Some(bench.clock.now() + LEASE));
}

#[test]
fn repeats_answer_the_same_and_change_nothing() {
    let mut bench = Bench::new();
    let job = bench.job("q");
    let submission = Submission {
        jobs: vec![Arc::new(job)],
        idempotency: None,
    };
    let first = bench
        .queue
        .enqueue(&bench.submitter, std::slice::from_ref(&submission))
        .unwrap();
    let again = bench
        .queue
        .enqueue(&bench.submitter, &[submission])
        .unwrap();
    assert_eq!(first, again);
    bench.submitter.advance();
    bench.submit_one("q");
    let first = bench.reserve_again(1, false, &[share("q")]).leases;
    let again = bench.reserve_again(1, false, &[share("q")]).leases;
    assert_eq!(first[0].ticket(), again[0].ticket());
    assert_eq!(bench.counts("q"), (1, 0, 1));
    bench.settle(&first[0], success());
    assert!(
        bench
            .reserve_again(1, false, &[share("q")])
            .leases
            .is_empty()
    );
}

#[test]
fn keys_are_remembered_bounded_and_forgotten() {
    let mut bench = Bench::new();
    let mut send = |bench: &mut Bench, key: &str, digest: u8| {
        let submission = Submission {
            jobs: vec![Arc::new(bench.job("q"))],
            idempotency: Some(Idempotency {
                key: key.to_owned(),
                digest: [digest; 32],
            }),
        };
        bench.submitter.advance();
        bench
            .queue
            .enqueue(&bench.submitter, &[submission])
            .unwrap()
            .remove(0)
    };
    let Submitted::Accepted(first) = send(&mut bench, "a", 1) else {
        panic!("refused");
    };
    assert_eq!(
        send(&mut bench, "a", 1),
        Submitted::Replayed(vec![first[0].id()])
    );
    assert_eq!(send(&mut bench, "a", 2), Submitted::KeyReused);
    assert!(matches!(send(&mut bench, "b", 1), Submitted::Accepted(_)));
    assert_eq!(send(&mut bench, "c", 1), Submitted::KeysFull);
    bench.clock.advance(Duration::from_secs(3600));
    assert!(matches!(send(&mut bench, "a", 2), Submitted::Accepted(_)));
    assert!(matches!(send(&mut bench, "c", 1), Submitted::Accepted(_)));
    assert_eq!(send(&mut bench, "d", 1), Submitted::KeysFull);
}

#[test]
fn a_unique_key_is_held_by_one_live_job() {
    let mut bench = Bench::new();
    let mut unique = |bench: &mut Bench, until: Option<Timestamp>| Job {
        unique: Some("k".to_owned()),
        unique_until: until,
        ..bench.job("q")
    };
    let (a, b) = (unique(&mut bench, None), unique(&mut bench, None));
    let (first, second) = (a.id, b.id);
    let accepted = bench.submit(vec![a, b]);
    assert_eq!(accepted[1], Accepted::Existing(first));
    assert_eq!(bench.state(second), None);
    assert_eq!(bench.queue.cancel(first).unwrap(), Cancelled::Ended);
    assert_eq!(bench.queue.cancel(first).unwrap(), Cancelled::TooLate);
    let soon = bench.clock.now() + Duration::from_secs(1);
    let short = unique(&mut bench, Some(soon));
    let short_id = short.id;
    assert!(matches!(bench.submit(vec![short])[0], Accepted::New(..)));
    bench.clock.advance(Duration::from_secs(1));
    let heir = unique(&mut bench, None);
    let heir_id = heir.id;
    assert!(matches!(bench.submit(vec![heir])[0], Accepted::New(..)));
    // The end of who held the key before takes it from nobody.
    bench.queue.cancel(short_id).unwrap();
    let late = unique(&mut bench, None);
    assert_eq!(bench.submit(vec![late])[0], Accepted::Existing(heir_id));
}

#[test]
fn shares_come_first_and_limits_and_pauses_hold() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        for queue in ["a", "b", "c"] {
            bench.submit_one(queue);
        }
    }
    bench.queue.pause("c", true).unwrap();
    let shares = [
        Share {
            limit: Some(2),
            ..share("a")
        },
        Share {
            share: 2,
            ..share("b")
        },
        share("c"),
    ];
    let queues: Vec<String> = bench
        .reserve(5, false, &shares)
        .leases
        .iter()
        .map(|lease| lease.job().queue.clone())
        .collect();
    assert_eq!(queues, ["a", "b", "b", "a", "b"]);
    let names = ["a".to_owned(), "c".to_owned()];
    while bench.queue.wait(&names, Duration::ZERO).unwrap() {}
    let lease = bench.reserve(0, false, &shares).leases;
    assert!(lease.is_empty());
    assert!(
        !bench.queue.wait(&names, Duration::ZERO).unwrap(),
        "a is full, c is paused"
    );
    bench.queue.pause("c", false).unwrap();
    assert!(bench.queue.wait(&names[1..], Duration::ZERO).unwrap());
}

#[test]
fn a_freed_place_wakes_who_found_none() {
    let mut bench = Bench::new();
    bench.submit_one("a");
    bench.submit_one("a");
    let shares = [Share {
        limit: Some(1),
        ..share("a")
    }];
    let lease = bench.reserve(2, false, &shares).leases.remove(0);
    let names = ["a".to_owned()];
    while bench.queue.wait(&names, Duration::ZERO).unwrap() {}
    bench.settle(&lease, success());
    assert!(bench.queue.wait(&names, Duration::ZERO).unwrap());
    assert_eq!(bench.reserve(2, false, &shares).leases.len(), 1);
}

#[test]
fn a_release_goes_to_the_head_uncounted_and_a_cancel_meets_it() {
    let mut bench = Bench::new();
    let ids = [
        bench.submit_one("q"),
        bench.submit_one("q"),
        bench.submit_one("q"),
    ];
    let leases = bench.reserve(2, false, &[share("q")]).leases;
    let release = |lease: &Lease| Release {
        lease: lease.clone(),
        delay: Duration::ZERO,
        attempt: None,
    };
    let releases: Vec<Release> = leases.iter().map(release).collect();
    assert_eq!(
        bench.queue.release(&releases).unwrap(),
        [Settled::Now(State::Queued); 2]
    );
    assert_eq!(
        bench.queue.release(&releases).unwrap(),
        [Settled::NotOurs; 2]
    );
    let leases = bench.reserve(3, false, &[share("q")]).leases;
    let order: Vec<JobId> = leases.iter().map(|lease| lease.job().id).collect();
    assert_eq!(order, ids);
    assert_eq!((leases[0].ticket().n, leases[0].attempt()), (2, 1));
    assert_eq!(bench.queue.cancel(ids[0]).unwrap(), Cancelled::Requested);
    let renewal = Renewal {
        lease: &leases[0],
        progress: None,
    };
    assert_eq!(
        bench.queue.renew(&[renewal], LEASE).unwrap(),
        [Renewed::CancelRequested]
    );
    let settled = bench.queue.release(&[release(&leases[0])]).unwrap();
    assert_eq!(settled, [Settled::Now(State::Cancelled)]);
}

#[test]
fn what_expires_ends_also_in_a_paused_queue() {
    let mut bench = Bench::new();
    let at = bench.clock.now() + Duration::from_secs(1);
    let job = Job {
        expires_at: Some(at),
        ..bench.job("q")
    };
    let id = job.id;
    bench.submit(vec![job]);
    bench.queue.pause("q", true).unwrap();
    assert_eq!(bench.reserve(1, false, &[]).next, Some(at));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.reserve(1, false, &[]).next, None);
    assert_eq!(bench.state(id), Some(State::Expired));
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

/// The body is broken behind the engine's back, as a bad disk or a careless hand would.
#[test]
fn a_body_that_cannot_be_read_ends_and_is_told() {
    let mut bench = Bench::new();
    let id = bench.submit_one("q");
    let other = bench.submit_one("q");
    let spoil = "UPDATE bodies SET body = '{\"half\":' WHERE id = ?1";
    bench
        .queue
        .db
        .write(move |tx| Ok(tx.execute(spoil, [rows::bytes(id)])?))
        .unwrap();
    let leases = bench.reserve(2, false, &[share("q")]).leases;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].job().id, other);
    assert_eq!(bench.state(id), Some(State::Dead));
    let record = bench.queue.collect(1).unwrap().remove(0);
    assert_eq!(
        (record.job.id, record.job.kind.as_str()),
        (id, "unreadable")
    );
    assert!(record.error.unwrap().message.contains("{\"half\":"));
}

#[test]
fn a_tick_is_fired_once() {
    let mut bench = Bench::new();
    assert!(bench.queue.put("e", "x").unwrap());
    assert!(!bench.queue.put("e", "y").unwrap());
    let submission = Submission {
        jobs: vec![Arc::new(bench.job("q"))],
        idempotency: None,
    };
    let tick = bench.clock.now();
    let fired = bench.queue.fire("e", tick, &submission).unwrap();
    assert!(matches!(fired, Fired::Enqueued(Accepted::New(..))));
    assert_eq!(
        bench.queue.fire("e", tick, &submission).unwrap(),
        Fired::Taken
    );
    let entry = bench.queue.entries().unwrap().remove(0);
    assert_eq!(
        (entry.definition.as_str(), entry.last_tick),
        ("y", Some(tick))
    );
    assert_eq!(entry.last_job, Some(submission.jobs[0].id));
    assert!(bench.queue.remove("e").unwrap());
    assert_eq!(
        bench.queue.fire("e", tick, &submission).unwrap(),
        Fired::NoEntry
    );
}

//! How a poller's wish is divided among queues: by weight, in strict order, within limits.

use std::collections::BTreeMap;

use windlass::queue::{Lease, Reserve, Share};

use crate::support::bench::{Bench, secs, share};

fn by_queue(leases: &[Lease]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for lease in leases {
        *counts.entry(lease.job().queue.clone()).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(pairs: [(&str, usize); N]) -> BTreeMap<String, usize> {
    pairs
        .into_iter()
        .map(|(queue, n)| (queue.to_owned(), n))
        .collect()
}

/// Q12: three full queues at 6:3:1, drawn as a poller draws: of 10,000 jobs each queue gets its part within 20 %.
pub fn full_queues_share_by_weight(bench: &Bench) {
    let queues = [("a", 6, 7_300), ("b", 3, 3_700), ("c", 1, 1_300)];
    for (queue, _, jobs) in queues {
        bench.submit_all(bench.jobs(queue, jobs));
    }
    let mut chance = fastrand::Rng::with_seed(631);
    let mut taken = BTreeMap::<String, usize>::new();
    for _ in 0..100 {
        // One draw a ticket; the queue that was drawn most often is asked first.
        let mut shares = queues.map(|(queue, ..)| share(queue, 0));
        for _ in 0..100 {
            let drawn = match chance.usize(0..10) {
                0..6 => 0,
                6..9 => 1,
                _ => 2,
            };
            shares[drawn].share += 1;
        }
        let leases = bench.reserve(&bench.ask(&shares, 100)).leases;
        assert_eq!(leases.len(), 100);
        for (queue, n) in by_queue(&leases) {
            *taken.entry(queue).or_default() += n;
        }
        let settlements: Vec<_> = leases.iter().map(|lease| bench.success(lease)).collect();
        bench.engine().settle(&settlements).expect("an answer");
        bench.drain();
    }
    for (queue, weight, _) in queues {
        let (got, fair) = (taken[queue], weight * 1_000);
        assert!(
            got.abs_diff(fair) * 5 <= fair,
            "{queue} got {got}, not about {fair}"
        );
    }
}

/// Q12: what a queue leaves of its share goes to the others, in their order; nobody idles beside waiting work.
pub fn what_one_queue_leaves_goes_to_the_others(bench: &Bench) {
    bench.submit_all(bench.jobs("b", 20));
    bench.submit_all(bench.jobs("c", 20));
    let shares = [share("a", 6), share("b", 3), share("c", 1)];
    let leases = bench.reserve(&bench.ask(&shares, 10)).leases;
    assert_eq!(by_queue(&leases), counts([("b", 9), ("c", 1)]));
}

/// Q12: in strict order a queue gives nothing while one before it still has work.
pub fn strict_order_takes_from_the_first_that_has_work(bench: &Bench) {
    bench.submit_all(bench.jobs("first", 7));
    bench.submit_all(bench.jobs("second", 10));
    let shares = [share("first", 5), share("second", 5)];
    let leases = bench.reserve(&bench.ask(&shares, 5)).leases;
    assert_eq!(by_queue(&leases), counts([("first", 5)]));
    let leases = bench.reserve(&bench.ask(&shares, 5)).leases;
    assert_eq!(by_queue(&leases), counts([("first", 2), ("second", 3)]));
}

fn limited(queue: &str, limit: u32) -> Share {
    Share {
        limit: Some(limit),
        ..share(queue, 10)
    }
}

/// Q8: a limit holds over all nodes, also in the filling that follows the shares; each end of a job, whichever way,
/// gives its place back.
pub fn a_limit_holds_over_all_nodes(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 10));
    bench.submit_all(bench.jobs("free", 3));
    let shares = [limited("q", 2), share("free", 0)];
    let leases = bench.reserve(&bench.ask(&shares, 10)).leases;
    assert_eq!(by_queue(&leases), counts([("q", 2), ("free", 3)]));
    let only = [limited("q", 2)];
    let other = Reserve {
        node: "node-b",
        ..bench.ask(&only, 10)
    };
    assert!(bench.reserve(&other).leases.is_empty());
    bench.succeed(&leases[0]);
    let third = bench.reserve(&other).leases;
    assert_eq!(third.len(), 1);
    bench.fail(&third[0], secs(100));
    let fourth = bench.reserve(&other).leases;
    assert_eq!(fourth.len(), 1);
    bench.release(&fourth[0], secs(0));
    assert_eq!(bench.reserve(&other).leases.len(), 1);
    assert!(bench.reserve(&other).leases.is_empty());
}

/// Q8: a node runs one suspect at a time. It comes first, alone of its kind, and only to who can take one.
pub fn suspects_come_one_at_a_time(bench: &Bench) {
    let suspects = bench.submit_all(bench.jobs("q", 2));
    assert_eq!(bench.take("q", 2).len(), 2);
    assert_eq!(bench.pass(secs(16)), 2);
    let innocent = bench.submit_all(bench.jobs("q", 2));
    assert_eq!(bench.numbers("q"), (4, 0, 0));
    let ids = |leases: &[Lease]| leases.iter().map(|l| l.ticket().id).collect::<Vec<_>>();
    let one = bench.take_with_suspect("q", 1);
    assert!(
        suspects.contains(&one[0].ticket().id),
        "a suspect comes first"
    );
    let others = bench.take("q", 10);
    assert_eq!(
        ids(&others),
        innocent,
        "who cannot take a suspect takes the rest"
    );
    let second = bench.take_with_suspect("q", 10);
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].ticket().id, one[0].ticket().id);
    assert!(suspects.contains(&second[0].ticket().id));
}

/// Q8: of a call that may take a suspect, at most one of all its leases is one.
pub fn a_call_takes_at_most_one_suspect(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 3));
    assert_eq!(bench.take("q", 3).len(), 3);
    assert_eq!(bench.pass(secs(16)), 3);
    bench.submit_all(bench.jobs("q", 3));
    bench.submit_all(bench.jobs("other", 3));
    let shares = [share("q", 5), share("other", 5)];
    let ask = Reserve {
        suspect: true,
        ..bench.ask(&shares, 10)
    };
    let leases = bench.reserve(&ask).leases;
    assert_eq!(leases.iter().filter(|l| l.crashes() > 0).count(), 1);
    assert_eq!(by_queue(&leases), counts([("q", 4), ("other", 3)]));
}

/// Q8: a suspect that fails properly, or is given back, stays a suspect: its crash is not forgotten.
pub fn a_suspect_stays_one_until_it_ends(bench: &Bench) {
    bench.suspect("q");
    let lease = bench.take_with_suspect("q", 1).remove(0);
    bench.fail(&lease, secs(1));
    bench.pass(secs(1));
    assert!(bench.take("q", 1).is_empty());
    let lease = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!((lease.crashes(), lease.failures()), (1, 1));
    bench.release(&lease, secs(0));
    assert!(bench.take("q", 1).is_empty());
    bench.succeed(&bench.take_with_suspect("q", 1)[0]);
}

//! Daemons among each other: who lives, and who inherits from the dead.

use std::time::Duration;

use windlass::job::{Outcome, State};
use windlass::queue::{Node, Renewed, Reserve, Running, Settled};

use crate::support::bench::{Bench, MAX_CRASHES, NODE, secs, share};

fn node(bench: &Bench, name: &str) -> Node {
    Node {
        node: name.to_owned(),
        started_at: bench.now(),
        seen_at: bench.now(),
        threads: 4,
        busy: 1,
        quiet: name == "b",
        queues: vec!["q".to_owned()],
        types: vec!["noop".to_owned(), "email".to_owned()],
        schedules: Vec::new(),
        running: vec![Running {
            id: bench.job("q").id,
            kind: "noop".to_owned(),
            since: bench.now(),
        }],
    }
}

/// Q14: the list of nodes holds who was heard of lately, with what it said last.
pub fn nodes_are_known_while_they_beat(bench: &Bench) {
    let engine = bench.engine();
    let first = node(bench, "a");
    engine.beat(&first).expect("an answer");
    bench.clock.advance(secs(10));
    // The engine says when it heard of a node, whatever the node believes.
    let second = Node {
        seen_at: bench.now() - secs(999),
        ..node(bench, "b")
    };
    engine.beat(&second).expect("an answer");
    let seen = engine.nodes(secs(30)).expect("an answer");
    assert_eq!(
        seen,
        [
            first,
            Node {
                seen_at: bench.now(),
                ..second.clone()
            }
        ]
    );
    bench.clock.advance(secs(25));
    let third = Node { busy: 3, ..second };
    engine.beat(&third).expect("an answer");
    let seen = engine.nodes(secs(30)).expect("an answer");
    assert_eq!(
        seen,
        [Node {
            seen_at: bench.now(),
            ..third
        }]
    );
}

/// Q8: who holds a dead node's lock takes its leases back at once, each for one crash; other nodes' leases stay.
pub fn the_heir_takes_the_dead_nodes_leases_back(bench: &Bench) {
    bench.engine().beat(&node(bench, NODE)).expect("an answer");
    bench.submit_all(bench.jobs("q", 3));
    let dead = bench.take("q", 2);
    let shares = [share("q", 1)];
    let other = bench
        .reserve(&Reserve {
            node: "node-b",
            ..bench.ask(&shares, 1)
        })
        .leases;
    let engine = bench.engine();
    assert_eq!(
        engine
            .take_over(NODE, bench.now(), MAX_CRASHES)
            .expect("an answer"),
        2
    );
    assert_eq!(
        engine
            .take_over(NODE, bench.now(), MAX_CRASHES)
            .expect("an answer"),
        0,
        "once"
    );
    assert_eq!(bench.numbers("q"), (2, 0, 1));
    for lease in &dead {
        let live = bench.live(lease.ticket().id);
        assert_eq!((live.state, live.attempt), (State::Queued, 1));
        assert_eq!(live.attempts[0].outcome, Outcome::Crashed);
        assert_eq!(bench.settle(bench.success(lease)), Settled::NotOurs);
    }
    assert_eq!(bench.renew(&other[0]), Renewed::Held);
    assert!(
        engine.nodes(secs(3_600)).expect("an answer").is_empty(),
        "the dead are forgotten"
    );
    let again = bench.take_with_suspect("q", 1).remove(0);
    assert_eq!((again.crashes(), again.attempt()), (1, 2));
}

/// Q8: a call that arrives late, when the heir is at work already, does not touch what was lent to the heir.
pub fn a_late_take_over_spares_what_was_lent_since(bench: &Bench) {
    bench.submit_all(bench.jobs("q", 2));
    let old = bench.take("q", 1).remove(0);
    let before = bench.now();
    bench.clock.advance(Duration::from_micros(1));
    let new = bench.take("q", 1).remove(0);
    let engine = bench.engine();
    let taken = engine.take_over(NODE, before, MAX_CRASHES);
    assert_eq!(taken.expect("an answer"), 1);
    assert_eq!(bench.renew(&old), Renewed::Lost);
    assert_eq!(bench.renew(&new), Renewed::Held);
}

/// Q8: the crash counts like any other: the last that is allowed quarantines, and a job whose end was asked for ends
/// cancelled instead (Q10).
pub fn an_inherited_crash_counts_like_any_other(bench: &Bench) {
    let ids = bench.submit_all(bench.jobs("q", 2));
    bench.take("q", 2);
    let engine = bench.engine();
    engine.cancel(ids[1]).expect("an answer");
    assert_eq!(
        engine.take_over(NODE, bench.now(), 1).expect("an answer"),
        2
    );
    assert_eq!(bench.state(ids[0]), Some(State::Quarantined));
    assert_eq!(bench.state(ids[1]), Some(State::Cancelled));
    assert_eq!((bench.numbers("q"), bench.drain().len()), ((0, 0, 0), 2));
}

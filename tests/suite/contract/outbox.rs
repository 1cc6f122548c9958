//! The way of ended jobs to storage.

use std::collections::HashSet;

use windlass::job::{JobId, Record, State};

use crate::support::bench::{Bench, secs};

fn end(bench: &Bench, count: usize) -> Vec<JobId> {
    let ids = bench.submit_all(bench.jobs("q", count));
    for lease in bench.take("q", count) {
        bench.succeed(&lease);
        bench.clock.advance(secs(1) / 1000);
    }
    ids
}

fn ids(records: &[Record]) -> Vec<JobId> {
    records.iter().map(|r| r.job.id).collect()
}

/// Q9: what was collected is claimed for a minute. A recorder that dies costs a minute, never a record.
pub fn a_claim_lasts_a_minute(bench: &Bench) {
    let ended = end(bench, 3);
    assert_eq!(ids(&bench.collect(2)), ended[..2], "oldest first");
    assert_eq!(ids(&bench.collect(10)), ended[2..]);
    bench.clock.advance(secs(59));
    assert!(bench.collect(10).is_empty());
    bench.clock.advance(secs(2));
    let again: HashSet<JobId> = ids(&bench.collect(10)).into_iter().collect();
    assert_eq!(again, ended.into_iter().collect());
}

/// Q9: what is stored is gone for good; to say so twice, or of strangers, is harmless.
pub fn what_is_stored_is_forgotten(bench: &Bench) {
    let ended = end(bench, 2);
    bench.collect(10);
    let stranger = bench.job("q").id;
    bench.stored(&[ended[0], stranger]);
    bench.stored(&[ended[0], ended[0]]);
    assert_eq!(
        (bench.state(ended[0]), bench.state(ended[1])),
        (None, Some(State::Succeeded))
    );
    assert_eq!(bench.total("outbox"), 1);
    bench.clock.advance(secs(61));
    assert_eq!(ids(&bench.collect(10)), ended[1..]);
    assert_eq!(
        bench.total("succeeded"),
        2,
        "totals count what ended, stored or not"
    );
}

/// Q1: `stored` forgets ended jobs only; a job that lives stays whatever is said of it.
pub fn a_live_job_cannot_be_stored_away(bench: &Bench) {
    let id = bench.submit_to("q");
    bench.stored(&[id]);
    let lease = bench.take_one("q");
    bench.stored(&[id]);
    assert_eq!(bench.state(id), Some(State::Running));
    bench.succeed(&lease);
    assert_eq!(bench.drain().len(), 1);
}

/// Q9: two recorders at once get different records, and together all of them.
pub fn recorders_share_the_outbox(bench: &Bench) {
    let ended: HashSet<JobId> = end(bench, 60).into_iter().collect();
    let collected: Vec<JobId> = std::thread::scope(|scope| {
        let recorder = || {
            let mut mine = Vec::new();
            loop {
                let some = bench.collect(7);
                if some.is_empty() {
                    return mine;
                }
                mine.extend(ids(&some));
            }
        };
        let recorders: Vec<_> = (0..3).map(|_| scope.spawn(recorder)).collect();
        recorders
            .into_iter()
            .flat_map(|r| r.join().expect("no panic"))
            .collect()
    });
    assert_eq!(collected.len(), ended.len());
    assert_eq!(collected.into_iter().collect::<HashSet<_>>(), ended);
}

/// Q9: the outbox is part of what survives.
pub fn the_outbox_survives_a_restart(bench: &Bench) {
    let ended = end(bench, 2);
    bench.reopen();
    assert_eq!(ids(&bench.drain()), ended);
}

//! Cron entries, and the claim on each tick.

use windlass::job::{Job, State};
use windlass::queue::{Accepted, Calendar as _, Fired};

use crate::support::bench::{Bench, secs, submission};
use crate::support::flaky::{Flaky, Lost};

/// Q13: entries are kept by name, changed in place, and survive.
pub fn entries_are_kept_by_name(bench: &Bench) {
    let engine = bench.engine();
    assert!(engine.put("b", "first").expect("an answer"));
    let created_at = bench.now();
    bench.clock.advance(secs(5));
    assert!(engine.put("a", "other").expect("an answer"));
    assert!(
        !engine.put("b", "second").expect("an answer"),
        "known already"
    );
    drop(engine);
    bench.reopen();
    let entries = bench.engine().entries().expect("an answer");
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(
        (entries[1].definition.as_str(), entries[1].created_at),
        ("second", created_at)
    );
    assert_eq!((entries[1].last_tick, entries[1].last_job), (None, None));
    assert!(bench.engine().remove("b").expect("an answer"));
    assert!(!bench.engine().remove("b").expect("an answer"));
    assert_eq!(bench.engine().entries().expect("an answer").len(), 1);
}

/// Q13: a tick is had once, later ones after it, earlier ones never more; without the entry there is nothing to have.
pub fn a_tick_is_had_once(bench: &Bench) {
    let engine = bench.engine();
    engine.put("nightly", "x").expect("an answer");
    let tick = bench.now();
    let fire = |tick| {
        let job = bench.job("q");
        let id = job.id;
        let fired = engine
            .fire("nightly", tick, &submission([job]))
            .expect("an answer");
        (fired, id)
    };
    let (fired, first) = fire(tick);
    assert_eq!(fired, Fired::Enqueued(Accepted::New(first, State::Queued)));
    assert_eq!(fire(tick).0, Fired::Taken);
    assert_eq!(fire(tick - secs(60)).0, Fired::Taken);
    let (fired, second) = fire(tick + secs(60));
    assert_eq!(fired, Fired::Enqueued(Accepted::New(second, State::Queued)));
    assert_eq!(bench.numbers("q"), (2, 0, 0));
    engine.put("nightly", "changed").expect("an answer");
    let entry = engine.entries().expect("an answer").remove(0);
    assert_eq!(
        (entry.last_tick, entry.last_job),
        (Some(tick + secs(60)), Some(second))
    );
    let lost = engine.fire("unheard of", tick, &submission([bench.job("q")]));
    assert_eq!(lost.expect("an answer"), Fired::NoEntry);
    assert_eq!(bench.numbers("q"), (2, 0, 0));
}

/// Q13: any number of daemons race for a tick: one job.
pub fn a_race_for_a_tick_has_one_winner(bench: &Bench) {
    bench.engine().put("hourly", "x").expect("an answer");
    let tick = bench.now();
    let won = std::thread::scope(|scope| {
        let daemon = || {
            let fired = bench
                .engine()
                .fire("hourly", tick, &submission([bench.job("q")]));
            matches!(fired.expect("an answer"), Fired::Enqueued(_))
        };
        let daemons: Vec<_> = (0..6).map(|_| scope.spawn(daemon)).collect();
        daemons
            .into_iter()
            .map(|d| d.join().expect("no panic"))
            .filter(|w| *w)
            .count()
    });
    assert_eq!((won, bench.numbers("q")), (1, (1, 0, 0)));
}

/// Q13: a lost answer does not lose the tick, and asking again does not double it.
pub fn a_claim_can_be_repeated(bench: &Bench) {
    let flaky = Flaky::new(bench.engine());
    flaky.put("hourly", "x").expect("an answer");
    flaky.lose("fire", Lost::Request);
    flaky.lose("fire", Lost::Reply);
    let job = [submission([bench.job("q")])];
    flaky
        .fire("hourly", bench.now(), &job[0])
        .expect_err("the request was lost");
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    flaky
        .fire("hourly", bench.now(), &job[0])
        .expect_err("the reply was lost");
    assert_eq!(
        flaky
            .fire("hourly", bench.now(), &job[0])
            .expect("an answer"),
        Fired::Taken
    );
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q13: a tick whose job is unique and still runs from the last tick is claimed, and makes no second job (Q7).
pub fn a_tick_meets_a_unique_key(bench: &Bench) {
    let engine = bench.engine();
    engine.put("hourly", "x").expect("an answer");
    let keyed = || Job {
        unique: Some("hourly".to_owned()),
        ..bench.job("q")
    };
    let first = bench.submit(keyed());
    let fired = engine
        .fire("hourly", bench.now(), &submission([keyed()]))
        .expect("an answer");
    assert_eq!(fired, Fired::Enqueued(Accepted::Existing(first)));
    let again = engine
        .fire("hourly", bench.now(), &submission([keyed()]))
        .expect("an answer");
    assert_eq!(again, Fired::Taken);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

//! The claim on each tick of the calendar.

use std::sync::Arc;

use windlass::job::{Job, JobId, State, Timestamp};
use windlass::queue::{AHEAD_MAX, Accepted, Calendar, Claim, Entry, Fired, Turn, WHY_BYTES_MAX};

use super::calendar::{entry, make};
use crate::support::bench::{Bench, secs};
use crate::support::flaky::{Flaky, Lost};

/// A claim on a tick, or on a turn out of turn.
fn claim(entry: &Entry, tick: Option<Timestamp>, job: Job, alone: bool) -> Claim<'_> {
    Claim {
        name: &entry.name,
        revision: entry.revision,
        tick,
        turn: Turn::Job {
            job: Arc::new(job),
            alone,
        },
    }
}

/// Claims a tick for a job of queue `q`.
#[track_caller]
fn fire(bench: &Bench, entry: &Entry, tick: Timestamp) -> (Fired, JobId) {
    let job = bench.job("q");
    let id = job.id;
    let fired = bench.engine().fire(&claim(entry, Some(tick), job, false));
    (fired.expect("an answer"), id)
}

/// Q13: a tick is had once, later ones after it, earlier ones never more.
pub fn a_tick_is_had_once(bench: &Bench) {
    let engine = bench.engine();
    let known = make(&*engine, "nightly");
    assert_eq!(
        fire(bench, &known, known.created_at).0,
        Fired::Taken(known.created_at),
        "the first tick comes after the creation"
    );
    bench.clock.advance(secs(60));
    let tick = bench.now();
    let (fired, first) = fire(bench, &known, tick);
    assert_eq!(fired, Fired::Enqueued(Accepted::New(first, State::Queued)));
    assert_eq!(fire(bench, &known, tick).0, Fired::Taken(tick));
    assert_eq!(fire(bench, &known, tick - secs(30)).0, Fired::Taken(tick));
    bench.clock.advance(secs(90));
    let (fired, second) = fire(bench, &known, tick + secs(60));
    assert_eq!(fired, Fired::Enqueued(Accepted::New(second, State::Queued)));
    assert_eq!(bench.numbers("q"), (2, 0, 0));
    let last = entry(&*engine, "nightly");
    let expected = Entry {
        done: tick + secs(60),
        last_at: Some(tick + secs(60)),
        last_job: Some(second),
        ..known
    };
    assert_eq!(last, expected, "a tick is no change of the entry");
}

/// Q5: a tick that has yet to come on the engine's clock is not had, and is still to be had when it has come.
pub fn a_tick_is_never_early(bench: &Bench) {
    let known = make(&*bench.engine(), "e");
    let tick = bench.now() + secs(1);
    assert_eq!(fire(bench, &known, tick).0, Fired::Early);
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    bench.clock.advance(secs(1));
    assert!(matches!(fire(bench, &known, tick).0, Fired::Enqueued(_)));
}

/// Q13: any number of schedulers race for a tick: one job.
pub fn a_race_for_a_tick_has_one_winner(bench: &Bench) {
    let known = make(&*bench.engine(), "hourly");
    bench.clock.advance(secs(60));
    let tick = bench.now();
    let won = std::thread::scope(|scope| {
        let daemons: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| matches!(fire(bench, &known, tick).0, Fired::Enqueued(_))))
            .collect();
        let won = daemons.into_iter().map(|d| d.join().expect("no panic"));
        won.filter(|w| *w).count()
    });
    assert_eq!((won, bench.numbers("q")), (1, (1, 0, 0)));
}

/// Q13: a lost answer does not lose the tick, and asking again does not double it.
pub fn a_claim_can_be_repeated(bench: &Bench) {
    let flaky = Flaky::new(bench.engine());
    let known = make(&flaky, "hourly");
    bench.clock.advance(secs(60));
    flaky.lose("fire", Lost::Request);
    flaky.lose("fire", Lost::Reply);
    let claim = claim(&known, Some(bench.now()), bench.job("q"), false);
    flaky.fire(&claim).expect_err("the request was lost");
    assert_eq!(bench.numbers("q"), (0, 0, 0));
    flaky.fire(&claim).expect_err("the reply was lost");
    assert_eq!(
        flaky.fire(&claim).expect("an answer"),
        Fired::Taken(bench.now())
    );
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q13: a tick whose job is unique and still lives from before is claimed, and makes no second job (Q7).
pub fn a_tick_meets_a_unique_key(bench: &Bench) {
    let engine = bench.engine();
    let known = make(&*engine, "hourly");
    bench.clock.advance(secs(60));
    let keyed = || Job {
        unique: Some("hourly".to_owned()),
        ..bench.job("q")
    };
    let first = bench.submit(keyed());
    let claim = || claim(&known, Some(bench.now()), keyed(), false);
    let fired = engine.fire(&claim()).expect("an answer");
    assert_eq!(fired, Fired::Enqueued(Accepted::Existing(first)));
    let again = engine.fire(&claim()).expect("an answer");
    assert_eq!(again, Fired::Taken(bench.now()));
    assert_eq!(bench.numbers("q"), (1, 0, 0));
    assert_eq!(entry(&*engine, "hourly").last_job, Some(first));
}

/// Q13: a tick that passes without a job is claimed like any other, and all before it have passed with it.
pub fn a_tick_passes_without_a_job(bench: &Bench) {
    let engine = bench.engine();
    let known = make(&*engine, "e");
    bench.clock.advance(secs(60));
    let tick = bench.now();
    let (_, job) = fire(bench, &known, tick - secs(30));
    let why = format!("a reason\nof two lines {}", "x".repeat(WHY_BYTES_MAX));
    let pass = Claim {
        name: "e",
        revision: known.revision,
        tick: Some(tick),
        turn: Turn::Pass(&why),
    };
    assert_eq!(engine.fire(&pass).expect("an answer"), Fired::Passed);
    assert_eq!(engine.fire(&pass).expect("an answer"), Fired::Taken(tick));
    assert_eq!(fire(bench, &known, tick - secs(1)).0, Fired::Taken(tick));
    let last = entry(&*engine, "e");
    let passed = last.passed.expect("a tick has passed");
    assert!(passed.tick == tick && passed.why.starts_with("a reason of two lines x"));
    assert!(passed.why.len() <= WHY_BYTES_MAX, "{}", passed.why.len());
    assert_eq!(
        (last.last_at, last.last_job),
        (Some(tick - secs(30)), Some(job))
    );
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q13: a job that must not run beside the last one is not made while that lives, wherever it waits; and is made when it
/// has ended, stored or not.
pub fn a_tick_passes_while_the_last_job_lives(bench: &Bench) {
    let engine = bench.engine();
    let known = make(&*engine, "e");
    let minute = |tick: &mut Timestamp| {
        bench.pass(secs(60));
        *tick = bench.now();
        let claim = claim(&known, Some(*tick), bench.job("q"), true);
        engine.fire(&claim).expect("an answer")
    };
    let made = |fired: Fired| match fired {
        Fired::Enqueued(accepted) => accepted.id(),
        other => panic!("not made: {other:?}"),
    };
    let mut tick = bench.now();
    let first = made(minute(&mut tick));
    let fired_at = tick;
    assert_eq!(minute(&mut tick), Fired::StillLive(first), "it is queued");
    let lease = bench.take_one("q");
    assert_eq!(minute(&mut tick), Fired::StillLive(first), "it may run");
    drop(lease);
    let last = entry(&*engine, "e");
    let passed = last.passed.expect("ticks have passed");
    let why = format!("the last job, {first}, was still live");
    assert_eq!((passed.tick, passed.why), (tick, why));
    assert_eq!((last.done, last.last_at), (tick, Some(fired_at)));
    assert_eq!(bench.total("dead"), 0);
    let lease = bench.take_with_suspect("q", 1).pop().expect("it came back");
    bench.fail(&lease, secs(3600));
    assert_eq!(minute(&mut tick), Fired::StillLive(first), "it is retrying");
    engine.cancel(first).expect("an answer");
    let second = made(minute(&mut tick));
    assert_eq!(minute(&mut tick), Fired::StillLive(second));
    let lease = bench.take_one("q");
    bench.succeed(&lease);
    bench.drain();
    assert_eq!(bench.state(second), None, "it is stored and forgotten here");
    assert_ne!(made(minute(&mut tick)), second);
}

/// Q13: an entry runs out of turn without touching its ticks, and a repeat of that makes no second job.
pub fn a_job_out_of_turn_is_accepted_once(bench: &Bench) {
    let flaky = Flaky::new(bench.engine());
    let known = make(&flaky, "e");
    bench.clock.advance(secs(60));
    let (_, ticked) = fire(bench, &known, bench.now());
    bench.clock.advance(secs(10));
    let alone = claim(&known, None, bench.job("q"), true);
    assert_eq!(
        flaky.fire(&alone).expect("an answer"),
        Fired::StillLive(ticked)
    );
    assert_eq!(entry(&flaky, "e").passed, None, "no tick has passed");
    for job in [bench.job("q"), bench.job_in("q", secs(60))] {
        let (id, later) = (job.id, job.run_at.is_some());
        let state = if later {
            State::Scheduled
        } else {
            State::Queued
        };
        let claim = claim(&known, None, job, false);
        flaky.lose("fire", Lost::Reply);
        flaky.fire(&claim).expect_err("the reply was lost");
        assert_eq!(
            flaky.fire(&claim).expect("an answer"),
            Fired::Enqueued(Accepted::New(id, state))
        );
        let last = entry(&flaky, "e");
        assert_eq!((last.last_at, last.last_job), (Some(bench.now()), Some(id)));
        assert_eq!(last.done, bench.now() - secs(10), "its ticks are as before");
    }
    assert_eq!(bench.numbers("q"), (2, 1, 0));
}

/// Q13: a clock that is set back comes to ticks that were had before, and has them no second time; one that is set back
/// so far that the entry would stand still for long has them anew, each once.
pub fn a_clock_set_back_neither_doubles_nor_stops_ticks(bench: &Bench) {
    let known = make(&*bench.engine(), "e");
    bench.clock.advance(AHEAD_MAX * 2);
    let tick = bench.now();
    assert!(matches!(fire(bench, &known, tick).0, Fired::Enqueued(_)));
    bench.clock.set(tick - AHEAD_MAX);
    let old = bench.now();
    assert_eq!(fire(bench, &known, old).0, Fired::Taken(tick));
    bench.clock.set(tick - AHEAD_MAX - secs(1));
    let anew = bench.now();
    assert!(matches!(fire(bench, &known, anew).0, Fired::Enqueued(_)));
    assert_eq!(fire(bench, &known, anew).0, Fired::Taken(anew));
    bench.clock.set(tick);
    assert!(matches!(fire(bench, &known, tick).0, Fired::Enqueued(_)));
    assert_eq!(bench.numbers("q"), (3, 0, 0));
}

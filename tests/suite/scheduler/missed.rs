//! What becomes of ticks that nobody was there for.

use std::sync::Arc;

use windlass::queue::Engine;
use windlass::schedule::CatchUp;

use super::office::{Daemon, every_second};
use crate::support::bench::{Bench, json, secs};
use crate::support::flaky::{Flaky, Lost};
use crate::support::wait::{PATIENCE, wait_until};

/// The three ways of catching up, and how many of `missed` ticks bring their job.
fn ways(missed: u64) -> [(&'static str, CatchUp, u64); 3] {
    [
        ("all", CatchUp::All, missed),
        ("last", CatchUp::Last, 1),
        ("none", CatchUp::None, 0),
    ]
}

/// Makes a schedule of every second for each way of catching up, with a queue of its own.
fn put_each(bench: &Bench) {
    for (name, catch_up, _) in ways(0) {
        let mut definition = every_second(catch_up);
        definition.job = json(&format!(r#"{{"type": "noop", "queue": "{name}"}}"#));
        bench.put(name, &definition);
    }
}

/// How many jobs each schedule made so far.
fn made(bench: &Bench) -> [u64; 3] {
    ways(0).map(|(name, ..)| bench.numbers(name).0)
}

/// Asserts that of `missed` ticks after `before`, up to now, each schedule made as many jobs as it should.
#[track_caller]
fn assert_caught_up(bench: &Bench, before: [u64; 3], missed: u64) {
    for (name, ..) in ways(0) {
        bench.await_done(name, bench.second());
    }
    let wanted = ways(missed).map(|(.., wanted)| wanted);
    let made = made(bench);
    let more: Vec<u64> = made.iter().zip(before).map(|(made, b)| made - b).collect();
    assert_eq!(more, wanted, "all, last, none");
    for (name, catch_up, wanted) in ways(missed) {
        let passed = bench.entry(name).passed;
        if wanted == missed {
            assert_eq!(passed, None, "{name}");
            continue;
        }
        let passed = passed.expect("ticks have passed");
        let last = bench.second() - secs(wanted);
        assert_eq!(passed.tick, last, "{name}");
        let words = format!("as were {} ticks", missed - wanted);
        let why = &passed.why;
        assert!(
            why.contains(&words) && why.contains(catch_up.as_str()),
            "{why}"
        );
    }
}

/// Lets a second pass in which somebody is there.
fn a_second(bench: &Bench) {
    bench.clock.advance(secs(1));
    for (name, ..) in ways(0) {
        bench.await_done(name, bench.second());
    }
}

pub fn a_daemon_that_was_down_catches_up_as_the_schedule_says(bench: &Bench) {
    put_each(bench);
    let first = Daemon::start(bench.engine(), "d", &[]);
    a_second(bench);
    first.stop();
    bench.reopen();
    bench.clock.advance(secs(10));
    let before = made(bench);
    let _second = Daemon::start(bench.engine(), "d", &[]);
    assert_caught_up(bench, before, 10);
    a_second(bench);
    assert_eq!(made(bench), [1 + 10 + 1, 1 + 1 + 1, 1 + 1]);
}

pub fn a_clock_set_forward_is_time_that_was_missed(bench: &Bench) {
    put_each(bench);
    let _one = Daemon::start(bench.engine(), "one", &[]);
    let _two = Daemon::start(bench.engine(), "two", &[]);
    a_second(bench);
    let before = made(bench);
    bench.clock.advance(secs(60));
    assert_caught_up(bench, before, 60);
    a_second(bench);
    assert_eq!(made(bench), [62, 3, 2]);
}

pub fn an_engine_that_was_away_is_time_that_was_missed(bench: &Bench) {
    put_each(bench);
    let flaky = Arc::new(Flaky::new(bench.engine()));
    let _daemon = Daemon::start(Arc::clone(&flaky) as Arc<dyn Engine>, "d", &[]);
    a_second(bench);
    let before = made(bench);
    let asked = flaky.calls("version");
    for _ in 0..50 {
        flaky.lose("version", Lost::Request);
    }
    wait_until("the engine is away", PATIENCE, || {
        (flaky.calls("version") > asked + 2)
            .then_some(())
            .ok_or("it is there")
    });
    bench.clock.advance(secs(12));
    assert_caught_up(bench, before, 12);
}

pub fn a_short_absence_is_only_late(bench: &Bench) {
    put_each(bench);
    let first = Daemon::start(bench.engine(), "d", &[]);
    a_second(bench);
    first.stop();
    bench.clock.advance(secs(5));
    let _second = Daemon::start(bench.engine(), "d", &[]);
    for (name, ..) in ways(0) {
        bench.await_done(name, bench.second());
    }
    assert_eq!(
        made(bench),
        [6, 6, 6],
        "whoever is back so soon has missed nothing"
    );
}

pub fn catching_up_is_bounded(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::All));
    bench.clock.advance(secs(100_000));
    let _daemon = Daemon::with(bench.engine(), "d", |config| config.catch_up_max = 7);
    bench.await_done("often", bench.second());
    assert_eq!(bench.made(), 7);
    let entry = bench.entry("often");
    assert_eq!(entry.last_at, Some(bench.second()), "the latest ones");
    let passed = entry.passed.expect("the rest has passed");
    assert_eq!(passed.tick, bench.second() - secs(7));
    assert!(passed.why.contains("very many"), "{}", passed.why);
}

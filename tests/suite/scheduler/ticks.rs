//! Each tick is had once, whoever looks, whatever the clock does.

use std::sync::Arc;

use windlass::job::State;
use windlass::queue::{AHEAD_MAX, Engine};
use windlass::schedule::{CatchUp, Definition, Overlap};

use super::office::{Daemon, every_second, noop};
use crate::support::bench::{Bench, json, secs};
use crate::support::flaky::{Flaky, Lost};
use crate::support::wait::{PATIENCE, wait_until};

/// Moves the clock a second at a time, and waits until each tick of `name` was dealt with.
#[track_caller]
fn seconds(bench: &Bench, name: &str, count: u64) {
    for _ in 0..count {
        bench.clock.advance(secs(1));
        bench.await_done(name, bench.second());
    }
}

pub fn three_daemons_have_each_tick_once(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::None));
    let engines: Vec<Arc<Flaky>> = (0..3)
        .map(|_| Arc::new(Flaky::new(bench.engine())))
        .collect();
    let daemons: Vec<Daemon> = engines
        .iter()
        .enumerate()
        .map(|(i, engine)| {
            Daemon::start(Arc::clone(engine) as Arc<dyn Engine>, &format!("d{i}"), &[])
        })
        .collect();
    seconds(bench, "often", 60);
    // All three look for every tick; who comes second learns how far the first came.
    for engine in &engines {
        wait_until(
            "each daemon has asked for ticks",
            PATIENCE,
            || match engine.calls("fire") {
                0 => Err("it has not"),
                _ => Ok(()),
            },
        );
    }
    daemons.into_iter().for_each(Daemon::stop);
    assert_eq!(bench.made(), 60);
}

pub fn a_daemon_that_is_killed_between_takes_no_tick_with_it(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::All));
    let first = Daemon::start(bench.engine(), "first", &[]);
    seconds(bench, "often", 5);
    first.stop();
    bench.clock.advance(secs(20));
    let _second = Daemon::start(bench.engine(), "second", &[]);
    bench.await_done("often", bench.second());
    seconds(bench, "often", 5);
    assert_eq!(bench.made(), 30);
}

pub fn ticks_begin_after_the_creation_and_do_not_drift(bench: &Bench) {
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    bench.put("every", &noop("@every 90s"));
    let created_at = bench.entry("every").created_at;
    for i in 1..=4_u32 {
        // Whenever it is looked at, ticks count from the creation.
        bench
            .clock
            .set(created_at + secs(90) * i + secs(u64::from(i)));
        let tick = created_at + secs(90) * i;
        bench.await_done("every", tick);
        let entry = bench.entry("every");
        assert_eq!((entry.done, entry.last_at), (tick, Some(tick)), "tick {i}");
    }
    assert_eq!(bench.made(), 4);
    // The hour in which it is made is not made up for.
    bench.put("hourly", &noop("@hourly"));
    let next = bench
        .schedule("hourly")
        .expect("it is there")
        .next_at(bench.now());
    let next = next.expect("it fires again");
    assert!(next > bench.now() && next.since(bench.now()) <= secs(3600));
    bench.clock.set(next);
    bench.await_done("hourly", next);
    assert_eq!(bench.entry("hourly").last_at, Some(next));
}

pub fn a_change_holds_from_the_next_tick_on(bench: &Bench) {
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    let daily = Definition {
        catch_up: CatchUp::All,
        ..noop("@daily")
    };
    assert!(bench.put("s", &daily));
    bench.clock.advance(secs(30));
    let often = every_second(CatchUp::All);
    assert!(!bench.put("s", &often), "it is changed, not made");
    let changed_at = bench.now();
    seconds(bench, "s", 3);
    assert_eq!(
        bench.made(),
        3,
        "the seconds before the change are none of its ticks"
    );
    let slow = Definition {
        job: json(r#"{"type": "noop", "queue": "other"}"#),
        ..often
    };
    bench.put("s", &slow);
    seconds(bench, "s", 2);
    assert_eq!((bench.made(), bench.numbers("other").0), (3, 2));
    assert!(bench.entry("s").created_at < changed_at);
}

pub fn what_is_disabled_has_no_ticks_and_makes_up_for_none(bench: &Bench) {
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    let often = every_second(CatchUp::All);
    bench.put("a", &often);
    bench.put(
        "b",
        &Definition {
            enabled: false,
            ..often.clone()
        },
    );
    // Entries are looked at by name, so what was to happen to the others has when this one is done.
    let marker = Definition {
        job: json(r#"{"type": "noop", "queue": "marker"}"#),
        ..often
    };
    bench.put("z", &marker);
    seconds(bench, "z", 2);
    bench.enable("a", false);
    assert!(!bench.schedule("a").expect("it is there").is_enabled());
    bench.await_entry("z", |z| z.done == bench.second());
    seconds(bench, "z", 10);
    assert_eq!(bench.made(), 2);
    bench.enable("a", true);
    bench.enable("b", true);
    let enabled_at = bench.second();
    seconds(bench, "z", 3);
    bench.await_done("a", enabled_at + secs(3));
    bench.await_done("b", enabled_at + secs(3));
    assert_eq!(bench.made(), 2 + 3 + 3);
}

pub fn a_tick_is_skipped_while_the_last_job_lives(bench: &Bench) {
    let skip = Definition {
        overlap: Overlap::Skip,
        ..every_second(CatchUp::None)
    };
    bench.put("slow", &skip);
    let _one = Daemon::start(bench.engine(), "one", &[]);
    let _two = Daemon::start(bench.engine(), "two", &[]);
    seconds(bench, "slow", 3);
    assert_eq!(bench.made(), 1, "two ticks found the first job live");
    let first = bench.entry("slow").last_job.expect("a job");
    let lease = bench.take_one("q");
    seconds(bench, "slow", 2);
    assert_eq!(bench.made(), 0);
    bench.succeed(&lease);
    let passed = bench.entry("slow").passed.expect("ticks have passed");
    assert!(passed.tick == bench.second() && passed.why.contains(&first.to_string()));
    // In storage, and unknown to the queue, it has ended all the same.
    bench.drain();
    assert_eq!(bench.state(first), None);
    seconds(bench, "slow", 1);
    assert_eq!(bench.made(), 1);
    let second = bench.entry("slow").last_job.expect("a job");
    bench.engine().cancel(second).expect("an answer");
    assert_eq!(bench.state(second), Some(State::Cancelled));
    seconds(bench, "slow", 1);
    assert_ne!(bench.entry("slow").last_job, Some(second));
}

pub fn a_refused_job_is_reported_and_stops_no_other(bench: &Bench) {
    let of = |job: &str| Definition {
        job: json(job),
        ..every_second(CatchUp::None)
    };
    bench.put("a-strange", &of(r#"{"type": "nope", "queue": "q"}"#));
    bench.put(
        "b-wrong",
        &of(r#"{"type": "sleep", "payload": {"seconds": "x"}, "queue": "q"}"#),
    );
    bench.put("c-fine", &of(r#"{"type": "noop", "queue": "q"}"#));
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    seconds(bench, "c-fine", 3);
    for (name, word) in [("a-strange", "`nope`"), ("b-wrong", "/job/payload/seconds")] {
        let entry = bench.entry(name);
        let passed = entry.passed.expect("a tick has passed");
        assert!(
            passed.tick == bench.second() && passed.why.contains(word),
            "{name}: {}",
            passed.why
        );
        assert_eq!((entry.last_at, entry.last_job), (None, None));
    }
    assert_eq!(bench.made(), 3);
}

pub fn a_clock_set_back_fires_nothing_again(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::All));
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    seconds(bench, "often", 30);
    let last = bench.second();
    bench.clock.set(last - secs(20));
    let marker = noop("@every 1s");
    bench.put("z", &marker);
    seconds(bench, "z", 20);
    assert_eq!(bench.entry("often").done, last, "these seconds came before");
    seconds(bench, "z", 5);
    bench.await_done("often", last + secs(5));
    assert_eq!(
        bench.made() - 25,
        35,
        "30 before, 5 after, and 25 of the marker"
    );
}

pub fn a_clock_set_back_far_begins_anew(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::All));
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    // Somebody sets the clock a year ahead, and notices it later.
    let before = bench.second();
    bench.clock.advance(secs(365 * 24 * 3600));
    bench.await_done("often", bench.second());
    bench.clock.set(before + secs(100));
    wait_until("the schedule fires again", PATIENCE, || {
        bench.clock.advance(secs(1));
        match bench.entry("often").done {
            done if done < before + AHEAD_MAX => Ok(()),
            done => Err(done.to_rfc3339()),
        }
    });
    bench.await_done("often", bench.second());
    let made = bench.made();
    seconds(bench, "often", 5);
    assert_eq!(bench.made(), made + 5, "each tick once from here on");
}

pub fn a_lost_answer_neither_loses_nor_doubles_a_tick(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::All));
    let flaky = Arc::new(Flaky::new(bench.engine()));
    let _daemon = Daemon::start(Arc::clone(&flaky) as Arc<dyn Engine>, "d", &[]);
    for lost in [Lost::Request, Lost::Reply, Lost::Reply, Lost::Request] {
        flaky.lose("fire", lost);
        flaky.lose("version", Lost::Request);
        seconds(bench, "often", 1);
    }
    wait_until("everything was lost once", PATIENCE, || {
        flaky.is_spent().then_some(()).ok_or("not yet")
    });
    assert_eq!(bench.made(), 4);
}

pub fn a_full_engine_delays_ticks(bench: &Bench) {
    bench.put("often", &every_second(CatchUp::None));
    let flaky = Arc::new(Flaky::new(bench.engine()));
    let _daemon = Daemon::start(Arc::clone(&flaky) as Arc<dyn Engine>, "d", &[]);
    seconds(bench, "often", 1);
    (0..3).for_each(|_| flaky.lose("fire", Lost::Room));
    seconds(bench, "often", 3);
    assert_eq!(bench.made(), 4);
}

//! Schedules of the file, beside those of the API.

use std::sync::Arc;

use windlass::config::{Config, Schedule};
use windlass::queue::Engine;
use windlass::schedule::{CatchUp, Definition, Source};
use windlass::scheduler::book::BookError;

use super::office::{Daemon, every_second, noop};
use crate::support::bench::{Bench, json, secs};
use crate::support::flaky::Flaky;
use crate::support::wait::{PATIENCE, wait_until};

/// A file with one schedule.
fn file(name: &str, definition: &Definition) -> Vec<Schedule> {
    vec![Schedule::new(name, definition.clone())]
}

/// Settings of a daemon with this file.
fn config(schedules: &[Schedule]) -> Config {
    Config {
        schedules: schedules.to_vec(),
        ..Config::default()
    }
}

/// Waits until a daemon has brought the calendar into line: it fires what only then can fire.
#[track_caller]
fn await_tick(bench: &Bench, name: &str) {
    bench.clock.advance(secs(1));
    bench.await_done(name, bench.second());
}

pub fn schedules_of_the_file_are_made_and_changed_with_it(bench: &Bench) {
    let often = every_second(CatchUp::All);
    let daemon = Daemon::start(bench.engine(), "d", &file("s", &often));
    let made = bench.await_entry("s", |_| true);
    assert!(made.enabled && made.created_at == bench.now());
    await_tick(bench, "s");
    daemon.stop();
    let stopped_at = bench.second();
    // The same file again: nothing is changed, and what was missed is made up for.
    bench.clock.advance(secs(9));
    let daemon = Daemon::start(bench.engine(), "d", &file("s", &often));
    bench.await_done("s", stopped_at + secs(9));
    assert_eq!(bench.entry("s").revision, made.revision);
    assert_eq!(bench.made(), 10);
    daemon.stop();
    // Other times: they count from the change on.
    let other = Definition {
        catch_up: CatchUp::All,
        ..noop("*/2 * * * * *")
    };
    bench.clock.advance(secs(60));
    let daemon = Daemon::start(bench.engine(), "d", &file("s", &other));
    let changed = bench.await_entry("s", |s| s.revision != made.revision);
    assert_eq!(changed.created_at, made.created_at);
    assert_eq!(changed.done, bench.now());
    bench.clock.advance(secs(2));
    bench.await_done("s", bench.second() - secs(1));
    assert_eq!(bench.made(), 11);
    daemon.stop();
    // Another job: its times are as they were.
    let job = Definition {
        job: json(r#"{"type": "noop", "queue": "other"}"#),
        ..other
    };
    let before = bench.entry("s");
    let _daemon = Daemon::start(bench.engine(), "d", &file("s", &job));
    let after = bench.await_entry("s", |s| s.revision != before.revision);
    assert_eq!(after.done, before.done);
}

pub fn what_was_paused_stays_paused_until_the_file_says_otherwise(bench: &Bench) {
    let often = every_second(CatchUp::None);
    let schedules = file("s", &often);
    let daemon = Daemon::start(bench.engine(), "d", &schedules);
    bench.await_entry("s", |_| true);
    bench.enable("s", false);
    daemon.stop();
    let other = Definition {
        catch_up: CatchUp::Last,
        ..often.clone()
    };
    // Neither a restart nor a change of something else resumes it.
    for definition in [&often, &other] {
        let daemon = Daemon::start(bench.engine(), "d", &file("s", definition));
        let text = definition.catch_up.as_str();
        bench.await_entry("s", |s| {
            s.definition.contains(&format!(r#""catch_up":"{text}""#))
        });
        daemon.stop();
        assert!(!bench.entry("s").enabled);
    }
    let off = Definition {
        enabled: false,
        ..other.clone()
    };
    // The file says that it is off, and then that it is on: that is news.
    let daemon = Daemon::start(bench.engine(), "d", &file("s", &off));
    bench.await_entry("s", |s| s.definition.contains(r#""enabled":false"#));
    daemon.stop();
    bench.clock.advance(secs(100));
    let _daemon = Daemon::start(bench.engine(), "d", &file("s", &other));
    let on = bench.await_entry("s", |s| s.enabled);
    assert_eq!(
        on.done,
        bench.now(),
        "what it did not fire is not made up for"
    );
}

pub fn daemons_with_the_same_file_leave_each_other_alone(bench: &Bench) {
    let schedules = file("s", &every_second(CatchUp::None));
    let engines: Vec<Arc<Flaky>> = (0..3)
        .map(|_| Arc::new(Flaky::new(bench.engine())))
        .collect();
    let daemons: Vec<Daemon> = engines
        .iter()
        .enumerate()
        .map(|(i, engine)| {
            let engine = Arc::clone(engine) as Arc<dyn Engine>;
            Daemon::start(engine, &format!("d{i}"), &schedules)
        })
        .collect();
    bench.await_entry("s", |_| true);
    let revision = bench.entry("s").revision;
    for _ in 0..10 {
        await_tick(bench, "s");
    }
    daemons.into_iter().for_each(Daemon::stop);
    assert_eq!(bench.entry("s").revision, revision);
    assert_eq!(bench.engine().version().expect("an answer"), revision);
    assert_eq!(bench.made(), 10);
    let puts: usize = engines.iter().map(|engine| engine.calls("put")).sum();
    assert!(
        (1..=3).contains(&puts),
        "{puts} puts at the start, none after"
    );
}

pub fn what_no_file_names_any_more_is_kept_and_does_not_fire(bench: &Bench) {
    let often = every_second(CatchUp::None);
    let daemon = Daemon::start(bench.engine(), "d", &file("s", &often));
    bench.await_entry("s", |_| true);
    await_tick(bench, "s");
    daemon.stop();
    bench.put("z", &noop("@every 1s"));
    let _daemon = Daemon::start(bench.engine(), "d", &[]);
    for _ in 0..3 {
        await_tick(bench, "z");
    }
    assert_eq!(bench.made(), 1 + 3, "the three are of the other");
    let shown = bench.schedule("s").expect("it is kept");
    assert!(shown.is_orphan && !shown.is_enabled() && shown.entry.enabled);
    assert_eq!(shown.next_at(bench.now()), None);
    // While some daemon's file names it, it belongs to that, and that daemon fires it.
    bench.announce("other", &["s"]);
    let shown = bench.schedule("s").expect("it is kept");
    assert!(!shown.is_orphan && shown.is_enabled());
    let removed = bench.with_book(Config::default(), |book| book.remove("s"));
    assert!(matches!(removed, Err(BookError::OfFile)));
    // That one is gone, too: then it is anybody's.
    bench.clock.advance(secs(3600));
    let removed = bench.with_book(Config::default(), |book| book.remove("s"));
    removed.expect("no file names it");
    assert!(matches!(bench.schedule("s"), Err(BookError::NotThere)));
}

pub fn a_file_takes_over_what_the_api_made(bench: &Bench) {
    bench.put("s", &every_second(CatchUp::None));
    bench.enable("s", false);
    let created_at = bench.entry("s").created_at;
    bench.clock.advance(secs(10));
    let _daemon = Daemon::start(bench.engine(), "d", &file("s", &noop("*/2 * * * * *")));
    let entry = bench.await_entry("s", |s| s.definition.contains(r#""source":"file""#));
    assert!(entry.enabled && entry.created_at == created_at && entry.done == bench.now());
}

pub fn a_reload_is_followed(bench: &Bench) {
    let often = every_second(CatchUp::None);
    let flaky = Arc::new(Flaky::new(bench.engine()));
    let engine = Arc::clone(&flaky) as Arc<dyn Engine>;
    let daemon = Daemon::start(engine, "d", &file("a", &often));
    bench.await_entry("a", |_| true);
    await_tick(bench, "a");
    let new = config(&file("b", &often));
    daemon.terms.reload(&new).expect("settings in order");
    bench.await_entry("b", |_| true);
    for _ in 0..3 {
        await_tick(bench, "b");
    }
    assert_eq!(bench.made(), 1 + 3, "only the new one fires");
    let back = config(&file("a", &often));
    let read = flaky.calls("entries");
    daemon.terms.reload(&back).expect("settings in order");
    wait_until("the calendar is read anew", PATIENCE, || {
        (flaky.calls("entries") >= read + 2)
            .then_some(())
            .ok_or("it is not")
    });
    // What it did not fire meanwhile was on nobody's watch, but not for long: it is only late.
    await_tick(bench, "a");
    assert_eq!(bench.made(), 4 + 4);
}

pub fn a_schedule_belongs_to_its_file(bench: &Bench) {
    let often = every_second(CatchUp::None);
    let schedules = file("s", &often);
    let _daemon = Daemon::start(bench.engine(), "d", &schedules);
    bench.await_entry("s", |_| true);
    let with = |definition: Definition| {
        bench.with_book(config(&schedules), |book| book.put("s", &definition))
    };
    let off = Definition {
        enabled: false,
        job: json(r#"{"queue":"q","type":"noop"}"#),
        ..often.clone()
    };
    assert!(!with(off).expect("it may be paused"));
    let entry = bench.entry("s");
    assert!(!entry.enabled && entry.definition.contains(r#""enabled":true"#));
    for other in [
        noop("@daily"),
        every_second(CatchUp::Last),
        Definition {
            job: json(r#"{"type": "noop"}"#),
            ..often.clone()
        },
    ] {
        assert!(matches!(with(other), Err(BookError::OfFile)));
    }
    let removed = bench.with_book(config(&schedules), |book| book.remove("s"));
    assert!(matches!(removed, Err(BookError::OfFile)));
    let shown = bench.with_book(config(&schedules), |book| book.get("s"));
    let shown = shown.expect("it is there");
    assert_eq!(shown.kept.source, Source::File);
    assert_eq!(
        bench.entry("s").revision,
        entry.revision,
        "nothing was changed"
    );
    // It may be run, though it is paused; its ticks are as before.
    let done = bench.entry("s").done;
    let (job, _) = bench
        .with_book(config(&schedules), |book| book.run("s"))
        .expect("it may be run");
    let entry = bench.entry("s");
    assert_eq!((entry.last_job, entry.done), (Some(job.id), done));
    assert_eq!(bench.made(), 1);
}

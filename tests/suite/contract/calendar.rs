//! The entries of the calendar: how they are kept, and who may change them.

use windlass::job::State;
use windlass::queue::{Accepted, Calendar, Change, Claim, ENTRIES_MAX, Entry, Fired, Put, Turn};

use crate::support::bench::{Bench, secs};

/// A change that makes an entry, or of the entry of this revision.
pub(super) fn change(revision: Option<u64>, definition: &str) -> Change<'_> {
    Change {
        revision,
        definition,
        enabled: true,
        afresh: false,
    }
}

/// Makes an entry that must be new.
#[track_caller]
pub(super) fn make(calendar: &(impl Calendar + ?Sized), name: &str) -> Entry {
    let made = calendar.put(name, &change(None, "x"));
    assert_eq!(made.expect("an answer"), Put::Done);
    entry(calendar, name)
}

/// An entry that must be there.
#[track_caller]
pub(super) fn entry(calendar: &(impl Calendar + ?Sized), name: &str) -> Entry {
    let entry = calendar.entry(name).expect("an answer");
    entry.unwrap_or_else(|| panic!("there is no entry {name}"))
}

/// Q13: entries are kept by name, changed in place, and survive.
pub fn entries_are_kept_by_name(bench: &Bench) {
    let engine = bench.engine();
    let created_at = bench.now();
    let first = make(&*engine, "b");
    assert_eq!((first.created_at, first.done), (created_at, created_at));
    assert!(first.enabled && first.last_at.is_none() && first.last_job.is_none());
    assert_eq!(first.passed, None);
    bench.clock.advance(secs(5));
    make(&*engine, "a");
    let version = engine.version().expect("an answer");
    let changed = Change {
        enabled: false,
        ..change(Some(first.revision), "second\nline")
    };
    assert_eq!(engine.put("b", &changed).expect("an answer"), Put::Done);
    assert_ne!(engine.version().expect("an answer"), version);
    drop(engine);
    bench.reopen();
    let engine = bench.engine();
    let entries = engine.entries().expect("an answer");
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let second = entry(&*engine, "b");
    assert_eq!(entries[1], second);
    assert_ne!(second.revision, first.revision);
    let expected = Entry {
        revision: second.revision,
        definition: "second\nline".to_owned(),
        enabled: false,
        ..first
    };
    assert_eq!(second, expected, "creation and ticks stay");
    let version = engine.version().expect("an answer");
    assert!(engine.remove("b", second.revision).expect("an answer"));
    assert_ne!(engine.version().expect("an answer"), version);
    assert_eq!(engine.entry("b").expect("an answer"), None);
    assert_eq!(engine.entries().expect("an answer").len(), 1);
}

/// Q13: an entry is changed and removed only by who knows how it stands, so that no tick is claimed for what it was.
pub fn a_change_needs_the_present_revision(bench: &Bench) {
    let engine = bench.engine();
    let first = make(&*engine, "e");
    let put = |revision| engine.put("e", &change(revision, "y")).expect("an answer");
    assert_eq!(put(None), Put::Conflict, "it is there already");
    assert_eq!(put(Some(first.revision)), Put::Done);
    assert_eq!(
        put(Some(first.revision)),
        Put::Conflict,
        "a repeat, or another caller"
    );
    let version = engine.version().expect("an answer");
    assert!(!engine.remove("e", first.revision).expect("an answer"));
    assert!(!engine.remove("f", first.revision).expect("an answer"));
    assert_eq!(engine.version().expect("an answer"), version);
    let second = entry(&*engine, "e");
    assert!(engine.remove("e", second.revision).expect("an answer"));
    assert_eq!(put(Some(second.revision)), Put::Conflict, "it is gone");
    let again = make(&*engine, "e");
    assert!(again.revision > second.revision, "no revision comes twice");
}

/// Q13: a tick found by how an entry was is no tick of what it is now.
pub fn a_tick_of_a_changed_entry_is_not_had(bench: &Bench) {
    let engine = bench.engine();
    let first = make(&*engine, "e");
    bench.clock.advance(secs(60));
    let fire = |revision| {
        let claim = Claim {
            name: "e",
            revision,
            tick: Some(bench.now()),
            turn: Turn::Job {
                job: bench.job("q").into(),
                alone: false,
            },
        };
        engine.fire(&claim).expect("an answer")
    };
    let changed = change(Some(first.revision), "y");
    assert_eq!(engine.put("e", &changed).expect("an answer"), Put::Done);
    assert_eq!(fire(first.revision), Fired::Changed);
    let second = entry(&*engine, "e");
    assert!(matches!(fire(second.revision), Fired::Enqueued(_)));
    assert!(engine.remove("e", second.revision).expect("an answer"));
    assert_eq!(fire(second.revision), Fired::Changed);
    assert_eq!(bench.numbers("q"), (1, 0, 0));
}

/// Q13: what was due before ticks count afresh is forgotten, and what was fired then stays known.
pub fn ticks_count_afresh(bench: &Bench) {
    let engine = bench.engine();
    let first = make(&*engine, "e");
    bench.clock.advance(secs(60));
    let fire = |entry: &Entry, tick| {
        let job = bench.job("q");
        let id = job.id;
        let claim = Claim {
            name: "e",
            revision: entry.revision,
            tick: Some(tick),
            turn: Turn::Job {
                job: job.into(),
                alone: false,
            },
        };
        (engine.fire(&claim).expect("an answer"), id)
    };
    let tick = bench.now();
    let (fired, job) = fire(&first, tick);
    assert_eq!(fired, Fired::Enqueued(Accepted::New(job, State::Queued)));
    bench.clock.advance(secs(60));
    let afresh = Change {
        afresh: true,
        ..change(Some(first.revision), "x")
    };
    assert_eq!(engine.put("e", &afresh).expect("an answer"), Put::Done);
    let now = entry(&*engine, "e");
    assert_eq!((now.done, now.created_at), (bench.now(), first.created_at));
    assert_eq!((now.last_at, now.last_job), (Some(tick), Some(job)));
    let (fired, _) = fire(&now, bench.now() - secs(1));
    assert_eq!(fired, Fired::Taken(bench.now()));
}

/// Q11: there are only so many entries.
pub fn the_number_of_entries_is_bounded(bench: &Bench) {
    let engine = bench.engine();
    for i in 0..ENTRIES_MAX {
        let made = engine.put(&format!("e{i}"), &change(None, "x"));
        assert_eq!(made.expect("an answer"), Put::Done);
    }
    let more = engine.put("one-more", &change(None, "x"));
    assert_eq!(more.expect("an answer"), Put::TooMany);
    let known = entry(&*engine, "e7");
    let changed = engine.put("e7", &change(Some(known.revision), "y"));
    assert_eq!(changed.expect("an answer"), Put::Done);
    assert_eq!(engine.entries().expect("an answer").len(), ENTRIES_MAX);
}

/// Q11: entries that are more than one answer may hold are all read, in their order.
pub fn entries_of_any_size_are_all_read(bench: &Bench) {
    let engine = bench.engine();
    let large = "x".repeat(1 << 20);
    for i in (0..12).rev() {
        let made = engine.put(&format!("e{i:02}"), &change(None, &large));
        assert_eq!(made.expect("an answer"), Put::Done);
    }
    let entries = engine.entries().expect("an answer");
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let expected: Vec<String> = (0..12).map(|i| format!("e{i:02}")).collect();
    assert_eq!(names, expected);
    assert!(entries.iter().all(|entry| entry.definition == large));
}

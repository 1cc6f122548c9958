//! The promises of storage.

use serde_json::Value;
use windlass::job::{Backoff, ErrorKind, Job, JobError, JobId, Record, State};
use windlass::storage::{Filter, Stored};

use crate::support::bench::{START, json, secs};
use crate::support::shelf::{Shelf, record, records};

const DAY: u64 = 24 * 3600;

/// Everything of a record, JSON by its value: a store may keep it in another spelling.
fn whole(record: &Record) -> String {
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let payload = value(record.job.payload.get());
    let result = record.result.as_ref().map(|r| value(r.get()));
    let plain = Record {
        job: Job {
            payload: json("null"),
            ..record.job.clone()
        },
        result: None,
        ..record.clone()
    };
    format!("{plain:?} {payload} {result:?}")
}

/// S1: the same record again, whoever brings it and whatever it says by now, changes nothing and makes no second row.
pub fn a_record_stored_twice_is_one_row(shelf: &Shelf) {
    let all = shelf.ready().find(record(START).job.id);
    assert!(all.is_none());
    let one = record(START);
    assert_eq!(shelf.store(std::slice::from_ref(&one)), [Stored::New]);
    let other = Record {
        state: State::Dead,
        result: None,
        ..one.clone()
    };
    assert_eq!(
        shelf.store(&[other, record(START)]),
        [Stored::Known, Stored::New]
    );
    let found = shelf.find(one.job.id).expect("it is stored");
    assert_eq!(whole(&found), whole(&one));
    assert_eq!(shelf.pages(&Filter::default(), 10).len(), 2);
}

/// S1: twice in one call is once, too; and two recorders that store the same at once make one row of each.
pub fn recorders_may_overlap(shelf: &Shelf) {
    let all = records(50);
    let stored: Vec<Stored> = std::thread::scope(|scope| {
        let other = shelf.ready().open_again();
        let recorders = [shelf.storage.clone(), other].map(|storage| {
            let all = &all;
            scope.spawn(move || {
                storage.check().expect("the store is fit");
                storage.store(all).expect("store is answered")
            })
        });
        recorders
            .into_iter()
            .flat_map(|r| r.join().expect("no panic"))
            .collect()
    });
    assert_eq!(stored.iter().filter(|s| **s == Stored::New).count(), 50);
    let twice = record(START);
    let answers = shelf.store(&[twice.clone(), twice]);
    assert_eq!(answers, [Stored::New, Stored::Known]);
    assert_eq!(shelf.pages(&Filter::default(), 100).len(), 51);
}

/// S2: records that a store may refuse for their content (U+0000 in JSON, a number without end) stop no other and do
/// not come back as errors; what can be kept of them is found.
pub fn a_bad_record_stops_no_other(shelf: &Shelf) {
    let mut all = shelf.ready().store(&[]);
    let mut batch = records(40);
    batch[7].job.payload = json(r#"{"nul":"\u0000"}"#);
    batch[8].result = Some(json("1e400000"));
    batch[39].job.payload = json(r#"["\u0000"]"#);
    all.extend(shelf.store(&batch));
    assert_eq!(all.len(), 40);
    for (i, (stored, record)) in all.iter().zip(&batch).enumerate() {
        let bad = matches!(i, 7 | 8 | 39);
        assert!(bad || *stored == Stored::New, "{i}: {stored:?}");
        assert_ne!(*stored, Stored::Known, "{i}");
        let found = shelf.find(record.job.id).expect("it is stored");
        assert_eq!(
            (found.state, found.ended_at),
            (record.state, record.ended_at)
        );
    }
    assert_eq!(shelf.store(&batch), vec![Stored::Known; 40]);
    assert_eq!(shelf.pages(&Filter::default(), 7).len(), 40);
}

/// S3: what was answered can be read, whole, also by another daemon.
pub fn what_is_acknowledged_is_readable(shelf: &Shelf) {
    let mut full = record(START);
    full.job = Job {
        tags: vec!["a".to_owned(), "b, \"c\"".to_owned()],
        max_retries: 2,
        backoff: Backoff::new(secs(1), 3.0, secs(10)).expect("good figures"),
        timeout: Some(secs(77)),
        run_at: Some(START + secs(1)),
        expires_at: Some(START + secs(1_000)),
        retry_of: Some(JobId::mint(START, 7)),
        unique: Some("only one".to_owned()),
        unique_until: Some(START + secs(500)),
        ..full.job
    };
    let mut bare = record(START + secs(9));
    (bare.state, bare.attempt, bare.attempts, bare.result) = (State::Expired, 0, Vec::new(), None);
    bare.error = Some(JobError::new(
        ErrorKind::Expired,
        "it was too late: \u{fffd} ü",
    ));
    let all = [full, bare];
    assert_eq!(shelf.ready().store(&all), [Stored::New, Stored::New]);
    let ids = [all[1].job.id, record(START).job.id, all[0].job.id];
    for storage in [shelf.storage.clone(), shelf.open_again()] {
        let found = storage.find(&ids).expect("an answer");
        assert_eq!(found.len(), 3);
        assert!(found[1].is_none());
        assert_eq!(found[0].as_ref().map(whole), Some(whole(&all[1])));
        assert_eq!(found[2].as_ref().map(whole), Some(whole(&all[0])));
    }
}

/// S4: HISTORYDAYS counts from the end of a job: one that waited or ran for months is kept when it has just ended.
pub fn retention_counts_from_the_end(shelf: &Shelf) {
    let now = START + secs(100 * DAY);
    let old = record(START);
    let long = Record {
        ended_at: now - secs(DAY),
        ..record(START + secs(10 * DAY))
    };
    let young = record(now - secs(2 * DAY));
    shelf
        .ready()
        .store(&[old.clone(), long.clone(), young.clone()]);
    assert!(shelf.retain(now, secs(30 * DAY)) > 0);
    assert!(shelf.find(old.job.id).is_none());
    assert!(shelf.find(long.job.id).is_some());
    assert!(shelf.find(young.job.id).is_some());
    assert_eq!(shelf.retain(now, secs(30 * DAY)), 0);
    // A month later the long one has been history for long enough as well.
    let later = now + secs(40 * DAY);
    assert!(shelf.retain(later, secs(30 * DAY)) > 0);
    assert!(shelf.pages(&Filter::default(), 10).is_empty());
    // Storage goes on working for days that were forgotten.
    assert_eq!(shelf.store(&[record(START)]), [Stored::New]);
}

/// S5: daemons that start at once bring one schema up to date together, and all of them can work.
pub fn migrations_may_race(shelf: &Shelf) {
    std::thread::scope(|scope| {
        let daemons: Vec<_> = (0..4)
            .map(|i| {
                let storage = shelf.open_again();
                scope.spawn(move || {
                    storage.check().expect("the store is fit");
                    storage
                        .store(&[record(START + secs(i))])
                        .expect("store is answered")
                })
            })
            .collect();
        for daemon in daemons {
            assert_eq!(daemon.join().expect("no panic"), [Stored::New]);
        }
    });
    shelf.ready();
    assert_eq!(shelf.pages(&Filter::default(), 10).len(), 4);
}

/// S1: the minutes count each record once, where it ended, by type, queue and state; and outlast the records.
pub fn minutes_count_each_record_once(shelf: &Shelf) {
    let begin = windlass::job::Timestamp::from_micros(1_795_000_020_000_000);
    let mut all: Vec<Record> = (0..3).map(|i| record(begin + secs(i))).collect();
    all[2].state = State::Dead;
    let next = record(begin + secs(60));
    shelf.ready().store(&all);
    shelf.store(&all);
    shelf.store(&[next]);
    let minutes = shelf
        .storage
        .minutes(begin, begin + secs(60))
        .expect("an answer");
    let mut counts: Vec<_> = minutes
        .iter()
        .map(|m| (m.minute, m.state, m.jobs))
        .collect();
    counts.sort();
    let expected = [(begin, State::Succeeded, 2), (begin, State::Dead, 1)];
    assert_eq!(counts, expected);
    // Each waited from the end of its first attempt to the start of its second.
    for minute in &minutes {
        assert_eq!(
            (minute.kind.as_str(), minute.queue.as_str()),
            ("noop", "default")
        );
        assert_eq!(
            (minute.run_ms, minute.wait_ms),
            (minute.jobs * 1_000, minute.jobs * 1_000)
        );
        assert_eq!(minute.histogram.iter().sum::<u64>(), minute.jobs);
        assert_eq!(
            minute.histogram[10], minute.jobs,
            "512 to 1,024 ms: {:?}",
            minute.histogram
        );
    }
    let both = shelf
        .storage
        .minutes(begin, begin + secs(61))
        .expect("an answer");
    assert_eq!(both.iter().map(|m| m.jobs).sum::<u64>(), 4);
}

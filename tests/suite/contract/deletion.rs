//! Records that are deleted, and records that ran others again.

use std::sync::Barrier;

use windlass::job::Record;
use windlass::storage::{Filter, Stored, is_defective};

use crate::support::bench::{START, json, secs};
use crate::support::shelf::{Shelf, record, records};

const DAY: u64 = 24 * 3600;

/// S7: a deleted record is gone from everywhere, and who still holds it cannot bring it back; others are untouched.
pub fn a_deleted_record_stays_away(shelf: &Shelf) {
    let mut all = records(3);
    all[1].job.tags = vec!["tag".to_owned()];
    shelf.ready().store(&all);
    let id = all[1].job.id;
    assert!(shelf.storage.delete(id).expect("an answer"));
    assert!(shelf.find(id).is_none());
    let tagged = Filter {
        tag: Some("tag".to_owned()),
        ..Filter::default()
    };
    assert!(shelf.pages(&tagged, 10).is_empty());
    assert!(!shelf.storage.delete(id).expect("an answer"));
    // A recorder that had claimed all three before.
    assert_eq!(shelf.store(&all), vec![Stored::Known; 3]);
    assert!(shelf.find(id).is_none());
    assert_eq!(
        shelf.pages(&Filter::default(), 10),
        [all[2].job.id, all[0].job.id]
    );
    let stranger = record(START);
    assert!(!shelf.storage.delete(stranger.job.id).expect("an answer"));
    assert_eq!(shelf.store(&[stranger]), [Stored::New]);
}

/// S7: recorders that store a record over and over while it is deleted do not bring it back either.
pub fn a_deletion_races_with_recorders(shelf: &Shelf) {
    shelf.ready();
    let rounds: Vec<Vec<Record>> = (0..30).map(|_| records(20)).collect();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let storage = shelf.open_again();
            let (rounds, start) = (&rounds, &start);
            scope.spawn(move || {
                for all in rounds {
                    start.wait();
                    for _ in 0..3 {
                        storage.store(all).expect("an answer");
                    }
                }
            });
        }
        for all in &rounds {
            start.wait();
            shelf.store(&all[10..11]);
            assert!(shelf.storage.delete(all[10].job.id).expect("an answer"));
        }
    });
    for all in &rounds {
        assert!(shelf.find(all[10].job.id).is_none());
        assert!(shelf.find(all[11].job.id).is_some());
    }
}

/// S1: what a deleted record counted for in its minute stays, counted once.
pub fn a_deleted_record_is_still_counted(shelf: &Shelf) {
    let one = record(START);
    shelf.ready().store(std::slice::from_ref(&one));
    shelf.storage.delete(one.job.id).expect("an answer");
    shelf.store(std::slice::from_ref(&one));
    let minutes = shelf.storage.minutes(START - secs(60), START + secs(60));
    let jobs: u64 = minutes.expect("an answer").iter().map(|m| m.jobs).sum();
    assert_eq!(jobs, 1);
}

/// S4: that a record was deleted is remembered for as long as it would have been kept, and no longer.
pub fn deletions_are_forgotten_with_history(shelf: &Shelf) {
    let one = record(START);
    shelf.ready().store(std::slice::from_ref(&one));
    shelf.storage.delete(one.job.id).expect("an answer");
    shelf.retain(START + secs(20 * DAY), secs(30 * DAY));
    assert_eq!(shelf.store(std::slice::from_ref(&one)), [Stored::Known]);
    assert!(shelf.find(one.job.id).is_none());
    shelf.retain(START + secs(40 * DAY), secs(30 * DAY));
    assert_eq!(shelf.store(&[one]), [Stored::New]);
}

/// S3: which record ran a job again is found by that job, also of jobs that are not stored themselves.
pub fn retries_are_found_by_what_they_ran_again(shelf: &Shelf) {
    let old = records(3);
    let mut retry = record(START + secs(40 * DAY));
    retry.job.retry_of = Some(old[1].job.id);
    let mut of_unknown = record(START + secs(50));
    let unknown = record(START).job.id;
    of_unknown.job.retry_of = Some(unknown);
    shelf.ready().store(&old[..2]);
    shelf.store(&[retry.clone(), of_unknown.clone()]);
    let ask = [old[0].job.id, old[1].job.id, old[2].job.id, unknown];
    let expected = [None, Some(retry.job.id), None, Some(of_unknown.job.id)];
    assert_eq!(shelf.storage.retried(&ask).expect("an answer"), expected);
    assert!(shelf.storage.retried(&[]).expect("an answer").is_empty());
    shelf.storage.delete(retry.job.id).expect("an answer");
    let retried = shelf.storage.retried(&ask[1..2]).expect("an answer");
    assert_eq!(retried, [None]);
}

/// S4: a retry is known for as long as its record is kept, and goes with it.
pub fn retries_are_known_as_long_as_they_are_kept(shelf: &Shelf) {
    let old = record(START).job.id;
    let mut retry = record(START + secs(DAY));
    retry.job.retry_of = Some(old);
    // Something else of that day ended late: the day stays, where days go as a whole.
    let late = Record {
        ended_at: START + secs(50 * DAY),
        ..record(START + secs(DAY + 1))
    };
    shelf.ready().store(&[retry.clone(), late]);
    let known = || shelf.storage.retried(&[old]).expect("an answer")[0];
    shelf.retain(START + secs(20 * DAY), secs(30 * DAY));
    assert_eq!(known(), Some(retry.job.id));
    shelf.retain(START + secs(40 * DAY), secs(30 * DAY));
    assert_eq!(known().is_some(), shelf.find(retry.job.id).is_some());
    shelf.retain(START + secs(90 * DAY), secs(30 * DAY));
    shelf.retain(START + secs(90 * DAY), secs(30 * DAY));
    assert_eq!((known(), shelf.find(retry.job.id).is_some()), (None, false));
}

/// S2: a record that was kept without its content can be told from others.
pub fn a_record_without_its_content_says_so(shelf: &Shelf) {
    let good = record(START);
    let mut bad = record(START + secs(1));
    bad.job.payload = json(r#"{"text":"\u0000"}"#);
    shelf.ready().store(&[good.clone(), bad.clone()]);
    let is_defective = |record: &Record| {
        let found = shelf.find(record.job.id);
        is_defective(&found.expect("it is stored"))
    };
    assert_eq!((is_defective(&good), is_defective(&bad)), (false, true));
}

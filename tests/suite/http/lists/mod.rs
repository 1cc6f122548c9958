//! `GET /jobs`: ended jobs each once wherever they are, live ones as they will run ([`live`]), every filter and every wrong
//! parameter ([`filters`]).

mod filters;
mod live;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use windlass::job::JobId;
use windlass::queue::Engine;
use windlass::storage::Storage;

use super::{House, Plan, problem};
use crate::http::outage::{Away, flaky_house, house_without_storage, set};
use crate::support::flaky::Lost;

const NOOP: &str = r#"{"type":"noop"}"#;

/// One page.
#[track_caller]
fn page(house: &House, query: &str) -> Value {
    house.get(&format!("/jobs?{query}")).expect(200).json()
}

fn ids(page: &Value) -> Vec<String> {
    let jobs = page["jobs"].as_array().expect("jobs");
    let id = |job: &Value| job["id"].as_str().expect("an id").to_owned();
    jobs.iter().map(id).collect()
}

/// All pages of a list.
#[track_caller]
fn pages(house: &House, query: &str) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = page(house, &format!("{query}{next}"));
        all.extend(ids(&page));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => {
                assert_eq!(page["partial"], false, "the last page is whole");
                return all;
            }
        }
    }
}

/// Ends `count` jobs of the queue `default`; their ids, newest first.
fn end(house: &House, count: usize) -> Vec<String> {
    for _ in 0..count {
        house.accepted(NOOP);
    }
    let mut ids: Vec<String> = (0..count)
        .map(|_| {
            let lease = house.take();
            let id = lease.ticket().id.to_string();
            house.end(lease, "1");
            id
        })
        .collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

#[test]
fn a_list_tells_of_a_job_all_but_what_may_be_large() {
    let house = House::open();
    let body = r#"{"type":"sleep","payload":{"seconds":0},"tags":["a","b"],"max_retries":2}"#;
    let id = house.accepted(body);
    house.end(house.take(), r#"{"slept":0}"#);
    // In the outbox, recorded, and run again.
    for step in 0..3 {
        let list = page(&house, "");
        let mut job = house.get(&format!("/jobs/{id}")).expect(200).json();
        for large in ["payload", "result", "attempts"] {
            job.as_object_mut().expect("an object").remove(large);
        }
        assert_eq!(list, json!({"jobs": [job], "next": null, "partial": false}));
        assert_eq!(job["retried_as"].is_string(), step == 2);
        house.record();
        if step == 1 {
            house.post(&format!("/jobs/{id}/retry")).expect(202);
        }
    }
}

/// Some are in the outbox, some in storage, some in both at the moment: each is there once, newest first.
#[test]
fn ended_jobs_are_listed_once_wherever_they_are() {
    let house = House::open();
    end(&house, 5);
    house.record();
    let claimed = end(&house, 5);
    let records = house.engine.collect(3).expect("an answer");
    house.storage.store(&records).expect("an answer");
    assert_eq!((records.len(), claimed.len()), (3, 5));
    house.accepted(NOOP);
    let all = pages(&house, "limit=100");
    assert_eq!(all.len(), 10);
    assert!(all.is_sorted_by(|a, b| a > b), "newest first, each once");
    for limit in [1, 3, 10] {
        assert_eq!(pages(&house, &format!("limit={limit}")), all);
    }
}

/// A house in which everything moves from the outbox to storage in the very moment between the look at the one and the
/// look at the other.
fn house_that_records_between_two_looks() -> (House, Arc<AtomicBool>) {
    let engine: Arc<OnceLock<Arc<dyn Engine>>> = Arc::default();
    let (seen, moves) = (Arc::clone(&engine), Arc::new(AtomicBool::new(false)));
    let (told, moving) = (Arc::clone(&moves), Arc::clone(&engine));
    let house = House::planned(Plan {
        engine: Some(Box::new(move |engine| {
            seen.get_or_init(|| Arc::clone(&engine));
            engine
        })),
        storage: Some(Box::new(move |storage| {
            let store = Arc::clone(&storage);
            let record = move || {
                if told.load(Relaxed) {
                    move_all(moving.get().expect("it is open").as_ref(), store.as_ref());
                }
                false
            };
            Arc::new(Away(storage, Box::new(record)))
        })),
        ..Plan::default()
    });
    (house, moves)
}

fn move_all(engine: &dyn Engine, storage: &dyn Storage) {
    let records = engine.collect(1_000).expect("an answer");
    storage.store(&records).expect("an answer");
    let ids: Vec<JobId> = records.iter().map(|record| record.job.id).collect();
    engine.stored(&ids).expect("an answer");
}

#[test]
fn a_job_that_is_recorded_between_two_looks_is_listed() {
    let (house, moves) = house_that_records_between_two_looks();
    let ended = end(&house, 20);
    moves.store(true, Relaxed);
    let first = page(&house, "limit=7");
    assert_eq!(ids(&first), ended[..7]);
    assert_eq!(pages(&house, "limit=7"), ended);
}

/// Jobs end, those of old ids too, and are recorded all the time: whoever reads the pages gets each once that had ended
/// before the first page.
#[test]
fn pages_neither_repeat_nor_miss_while_jobs_end_and_are_recorded() {
    let house = House::open();
    let late: Vec<JobId> = (0..100).map(|_| house.accepted(NOOP)).collect();
    let held: Vec<_> = late.iter().map(|_| house.take()).collect();
    let ended = end(&house, 400);
    let done = AtomicBool::new(false);
    let all = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut held = held.into_iter();
            while !done.load(Relaxed) {
                if let Some(lease) = held.next() {
                    house.end(lease, "1");
                }
                move_all(house.engine.as_ref(), house.storage.as_ref());
            }
        });
        let all = pages(&house, "limit=7");
        done.store(true, Relaxed);
        all
    });
    assert!(all.is_sorted_by(|a, b| a > b), "newest first, each once");
    let seen: HashSet<&String> = all.iter().collect();
    let missed = ended.iter().filter(|id| !seen.contains(id)).count();
    assert_eq!(missed, 0);
}

#[test]
fn without_storage_ended_jobs_cannot_be_listed_and_live_ones_can() {
    let (house, away) = house_without_storage();
    end(&house, 1);
    house.accepted(NOOP);
    set(&away, true);
    for known in [false, true] {
        if known {
            house
                .health
                .missing(windlass::health::Part::Storage, "away");
        }
        let refused = house.get("/jobs").expect(503);
        assert_eq!(problem(&refused), "storage-away");
        assert!(refused.header("retry-after").is_some());
        assert_eq!(ids(&page(&house, "state=live")).len(), 1);
    }
    // It has come back, which the board does not know yet.
    set(&away, false);
    assert_eq!(ids(&page(&house, "")).len(), 1);
}

#[test]
fn without_the_queue_no_list_is_whole() {
    let (house, flaky) = flaky_house();
    end(&house, 1);
    house.record();
    for (query, call) in [
        ("", "list"),
        ("?state=live", "list"),
        ("?state=queued", "queues"),
    ] {
        flaky.lose(call, Lost::Request);
        let refused = house.get(&format!("/jobs{query}")).expect(503);
        assert_eq!(problem(&refused), "queue-away");
        house.get(&format!("/jobs{query}")).expect(200);
    }
    assert!(flaky.is_spent());
}

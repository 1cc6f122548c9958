//! Live jobs: as they will run, at a bounded cost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::job::{Job, JobId, State};
use windlass::queue::{Call, Submission};

use super::{NOOP, ids, page, pages};
use crate::http::House;

/// Running first, then each queue as a reserve would take it, then what waits, as it comes due.
#[test]
fn live_jobs_are_listed_as_they_will_run() {
    let house = House::open();
    let of = |body: Value| house.accepted(&body.to_string()).to_string();
    let late = of(json!({"type": "noop", "delay": "2h"}));
    let soon = of(json!({"type": "noop", "delay": "1h", "queue": "b"}));
    let running = [of(json!({"type": "noop"})), of(json!({"type": "noop"}))];
    drop((house.take(), house.take()));
    let ready: Vec<String> = (0..5).map(|_| of(json!({"type": "noop"}))).collect();
    let of_a = of(json!({"type": "noop", "queue": "a"}));
    let mut all = running.to_vec();
    all.push(of_a.clone());
    all.extend(ready.clone());
    all.extend([soon.clone(), late.clone()]);
    for limit in [1, 2, 3, 100] {
        assert_eq!(pages(&house, &format!("state=live&limit={limit}")), all);
    }
    assert_eq!(pages(&house, "state=running&limit=1"), running);
    assert_eq!(pages(&house, "state=scheduled&limit=1"), [soon, late]);
    assert_eq!(pages(&house, "state=queued&queue=a"), [of_a]);
    let queued = pages(&house, "state=queued&queue=default&limit=2");
    assert_eq!(queued, ready);
    let taken: Vec<String> = (0..5)
        .map(|_| house.take().ticket().id.to_string())
        .collect();
    assert_eq!(taken, queued);
}

#[test]
fn a_rare_type_among_many_live_jobs_comes_in_partial_pages() {
    let house = House::open();
    let mut call = Call::first("test");
    let first = JobId::mint(house.engine.now(), 7);
    let rare = |i: usize| i == 10_400 || i == 24_000;
    let job = |i: usize| {
        let kind = if rare(i) { "sleep" } else { "noop" };
        let payload = serde_json::value::RawValue::from_string("{}".to_owned()).expect("JSON");
        Arc::new(Job::new(first.nth(i), kind, "default", payload))
    };
    for from in (0..25_000).step_by(1_000) {
        let jobs = (from..from + 1_000).map(job).collect();
        let submission = Submission {
            jobs,
            idempotency: None,
        };
        house
            .engine
            .enqueue(&call, &[submission])
            .expect("an answer");
        call.advance();
    }
    let page = page(&house, "state=queued&type=sleep&limit=5");
    assert_eq!((ids(&page).len(), &page["partial"]), (0, &json!(true)));
    let expected = [10_400, 24_000].map(|i| first.nth(i).to_string());
    assert_eq!(pages(&house, "state=queued&type=sleep&limit=5"), expected);
    assert_eq!(pages(&house, "state=live&type=sleep&limit=1"), expected);
    // By state and queue alone, no page is partial, however many there are.
    let page = house
        .get("/jobs?state=queued&queue=default&limit=1000")
        .expect(200)
        .json();
    assert_eq!((ids(&page).len(), &page["partial"]), (1_000, &json!(false)));
}

/// What is listed as retrying says when it is due again and why it failed.
#[test]
fn a_retrying_job_is_listed_with_its_error() {
    let house = House::open();
    let id = house.accepted(NOOP);
    house.fail(house.take(), Duration::from_secs(3600));
    let list = page(&house, "state=retrying");
    assert_eq!(ids(&list), [id.to_string()]);
    let job = &list["jobs"][0];
    assert_eq!(job["state"], State::Retrying.as_str());
    assert_eq!(job["error"]["message"], "not yet");
    assert!(job["run_at"].is_string() && job["started_at"].is_string());
    assert!(pages(&house, "state=scheduled").is_empty());
}

//! `POST /jobs/{id}/retry`.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use windlass::job::{Job, JobId, Record, State};

use super::outage::{flaky_house, house_without_storage, lose_all, set};
use super::{House, id_of, pointers, problem};
use crate::support::flaky::Lost;
use crate::support::http::{Response, request};

const NOOP: &str = r#"{"type":"noop"}"#;

/// A job that has ended and is still in the outbox.
fn ended(house: &House, body: &str) -> JobId {
    let id = house.accepted(body);
    house.end(house.take(), "null");
    id
}

fn retry(house: &House, id: JobId) -> Response {
    house.post(&format!("/jobs/{id}/retry"))
}

/// A record in the store that no job of this house left there.
fn stored(house: &House, kind: &str, payload: &str) -> JobId {
    let now = house.engine.now();
    let payload = RawValue::from_string(payload.to_owned()).expect("JSON");
    let record = Record {
        job: Job::new(
            JobId::mint(now, fastrand::u64(..)),
            kind,
            "default",
            payload,
        ),
        state: State::Dead,
        ended_at: now,
        attempt: 0,
        attempts: Vec::new(),
        result: None,
        error: None,
    };
    let id = record.job.id;
    house.storage.store(&[record]).expect("an answer");
    id
}

#[test]
fn an_ended_job_is_run_again_with_all_it_had() {
    let house = House::open();
    let body = r#"{"type":"sleep","payload":{"seconds": 0.50},"tags":["a"],"max_retries":2,"timeout":"9s",
                   "expires_in":"1h"}"#;
    let old = ended(&house, body);
    let answer = retry(&house, old).expect(202);
    let new = id_of(&answer.json());
    let path = format!("/jobs/{new}");
    assert_eq!(answer.header("location"), Some(path.as_str()));
    assert!(answer.text().contains(r#""payload":{"seconds": 0.50}"#));
    let job = answer.json();
    assert_eq!(
        (&job["state"], &job["retry_of"]),
        (&json!("queued"), &json!(old))
    );
    assert_eq!(
        (&job["tags"], &job["max_retries"]),
        (&json!(["a"]), &json!(2))
    );
    assert_eq!(house.get(&path).expect(200).json(), job);
    let before = house.get(&format!("/jobs/{old}")).expect(200).json();
    assert_eq!(before["retried_as"], json!(new));
    let lease = house.take();
    assert_eq!(lease.job().timeout, Some(Duration::from_secs(9)));
    assert_eq!(
        lease.job().expires_at,
        Some(new.created_at() + Duration::from_secs(3_600))
    );
    house.end(lease, "1");
    house.record();
    let before = house.get(&format!("/jobs/{old}")).expect(200).json();
    assert_eq!(before["retried_as"], json!(new), "both are in storage");
}

#[test]
fn a_job_that_was_to_wait_is_run_again_at_once() {
    let house = House::open();
    let old = house.accepted(r#"{"type":"noop","delay":"2h"}"#);
    house.post(&format!("/jobs/{old}/cancel")).expect(202);
    house.record();
    let job = retry(&house, old).expect(202).json();
    assert_eq!(
        (&job["state"], &job["run_at"]),
        (&json!("queued"), &Value::Null)
    );
    assert_eq!(house.take().job().retry_of, Some(old));
}

#[test]
fn a_second_click_is_the_first_wherever_the_jobs_are_by_then() {
    let house = House::open();
    let old = ended(&house, NOOP);
    let new = id_of(&retry(&house, old).expect(202).json());
    let again = |what: &str| {
        let answer = retry(&house, old).expect(202);
        assert_eq!(id_of(&answer.json()), new, "{what}");
        let location = format!("/jobs/{new}");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        answer.json()["state"].clone()
    };
    assert_eq!(again("both in the queue"), "queued");
    house.record();
    assert_eq!(again("the old one in storage"), "queued");
    let lease = house.take();
    assert_eq!(again("the new one runs"), "running");
    house.end(lease, "1");
    assert_eq!(again("the new one in the outbox"), "succeeded");
    house.record();
    assert_eq!(again("both in storage"), "succeeded");
    // The queue has forgotten it, as it does after a while; storage has not.
    house.engine.forget_retry(old, new).expect("an answer");
    assert_eq!(again("long after"), "succeeded");
    assert_eq!(house.waiting(), 0);
    // The new job has a retry of its own.
    let third = id_of(&retry(&house, new).expect(202).json());
    assert!(third != new && third != old);
    let second = retry(&house, old).expect(202).json();
    assert_eq!(
        (id_of(&second), &second["retried_as"]),
        (new, &json!(third))
    );
}

#[test]
fn clicks_at_once_on_two_daemons_are_one() {
    let house = House::open();
    let other = house.another_api();
    for in_storage in [false, true] {
        let old = ended(&house, NOOP);
        if in_storage {
            house.record();
        }
        let start = Barrier::new(12);
        let ids: BTreeSet<JobId> = std::thread::scope(|scope| {
            let click = |n: usize| {
                let addr = [house.addr(), other.addr()][n % 2];
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let target = format!("/jobs/{old}/retry");
                    let answer = request(addr, "POST", &target, &[], Some(b"")).expect("an answer");
                    id_of(&answer.expect(202).json())
                })
            };
            let clicks: Vec<_> = (0..12).map(click).collect();
            clicks
                .into_iter()
                .map(|click| click.join().expect("no panic"))
                .collect()
        });
        assert_eq!((ids.len(), house.waiting()), (1, 1));
        house.end(house.take(), "1");
    }
    other.stop(Instant::now() + Duration::from_secs(5));
}

/// The new job runs, ends and goes to storage while others click: at no moment is there a gap in which it is unknown.
#[test]
fn clicks_while_the_new_job_comes_and_goes_are_one() {
    let house = House::open();
    let olds: Vec<JobId> = (0..25).map(|_| ended(&house, NOOP)).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                if house.waiting() > 0 {
                    house.end(house.take(), "1");
                }
                house.record();
            }
        });
        let clicker = || {
            scope.spawn(|| {
                let click = |old: &JobId| id_of(&retry(&house, *old).expect(202).json());
                olds.iter()
                    .map(|old| [click(old), click(old)])
                    .collect::<Vec<_>>()
            })
        };
        let clickers: Vec<_> = (0..3).map(|_| clicker()).collect();
        let mut all: Vec<_> = clickers
            .into_iter()
            .map(|c| c.join().expect("no panic"))
            .collect();
        over.store(true, Ordering::Release);
        let first = all.remove(0);
        assert!(first.iter().all(|[a, b]| a == b) && all.iter().all(|ids| *ids == first));
        let new: BTreeSet<JobId> = first.iter().map(|ids| ids[0]).collect();
        assert_eq!(new.len(), olds.len());
    });
}

#[test]
fn what_cannot_be_run_again_says_why() {
    let house = House::open();
    let scheduled = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    let queued = house.accepted(NOOP);
    for (id, state) in [(scheduled, "scheduled"), (queued, "queued")] {
        let refused = retry(&house, id).expect(409);
        assert_eq!(problem(&refused), "conflict");
        assert!(
            refused.text().contains(&format!("it is {state}")),
            "{}",
            refused.text()
        );
    }
    let lease = house.take();
    retry(&house, queued).expect(409);
    house.end(lease, "1");
    let unknown = JobId::mint(house.engine.now(), 7);
    assert_eq!(problem(&retry(&house, unknown).expect(404)), "not-found");
    house.post("/jobs/x/retry").expect(404);
    house.get(&format!("/jobs/{queued}/retry")).expect(405);
    house
        .post(&format!("/jobs/{queued}/retry?wait=1s"))
        .expect(400);

    let gone = retry(&house, stored(&house, "heirloom", "{}")).expect(422);
    assert_eq!(problem(&gone), "unknown-job-type");
    assert!(gone.text().contains("`heirloom`"), "{}", gone.text());
    let stricter = retry(&house, stored(&house, "sleep", r#"{"seconds":"long"}"#)).expect(422);
    assert_eq!(pointers(&stricter), ["/payload/seconds"]);
    let refused = stored(&house, "noop", r#"{"text":"\u0000"}"#);
    let lost = retry(&house, refused).expect(409);
    assert!(
        lost.text().contains("could not be stored"),
        "{}",
        lost.text()
    );
    assert_eq!(house.waiting(), 1);
}

#[test]
fn a_retry_gives_way_to_a_live_job_with_its_key() {
    let house = House::open();
    let keyed = r#"{"type":"noop","unique":"report"}"#;
    let old = ended(&house, keyed);
    let holder = house.accepted(keyed);
    let refused = retry(&house, old).expect(409);
    assert_eq!(problem(&refused), "conflict");
    let text = refused.text();
    assert!(
        text.contains("`report`") && text.contains(&holder.to_string()),
        "{text}"
    );
    house.end(house.take(), "1");
    let new = id_of(&retry(&house, old).expect(202).json());
    // It holds the key again.
    let existing = house.submit(keyed).expect(200).json();
    assert_eq!(id_of(&existing), new);
}

#[test]
fn a_lost_answer_doubles_no_retry() {
    let (house, flaky) = flaky_house();
    let old = ended(&house, NOOP);
    flaky.lose("enqueue", Lost::Reply);
    let new = id_of(&retry(&house, old).expect(202).json());
    assert_eq!(id_of(&retry(&house, old).expect(202).json()), new);
    assert_eq!(house.waiting(), 1);

    let second = ended_beside(&house);
    flaky.lose("enqueue", Lost::Reply);
    lose_all(&flaky, "enqueue", Lost::Request);
    let unknown = retry(&house, second).expect(503);
    assert_eq!(problem(&unknown), "outcome-unknown");
    assert!(unknown.header("retry-after").is_some());
    let named = unknown.json()["ids"][0].clone();
    // In truth it was enqueued, and the next click finds it without another try.
    let again = retry(&house, second).expect(202).json();
    assert_eq!(again["id"], named);
    assert_eq!(house.waiting(), 1);
}

/// A further job that has ended, where a retry waits in the line: both are worked off.
fn ended_beside(house: &House) -> JobId {
    let id = house.accepted(NOOP);
    house.end(house.take(), "1");
    house.end(house.take(), "1");
    id
}

#[test]
fn a_retry_without_the_queue_or_without_room_changes_nothing() {
    let (house, flaky) = flaky_house();
    let old = ended(&house, NOOP);
    flaky.lose("enqueue", Lost::Room);
    assert_eq!(problem(&retry(&house, old).expect(503)), "queue-full");
    flaky.lose("retried", Lost::Request);
    assert_eq!(problem(&retry(&house, old).expect(503)), "queue-away");
    assert_eq!(house.waiting(), 0);
    retry(&house, old).expect(202);
}

#[test]
fn without_storage_what_is_in_the_outbox_can_be_run_again() {
    let (house, away) = house_without_storage();
    let recorded = ended(&house, NOOP);
    house.record();
    let old = ended(&house, NOOP);
    set(&away, true);
    assert_eq!(
        problem(&retry(&house, recorded).expect(503)),
        "storage-away"
    );
    let new = id_of(&retry(&house, old).expect(202).json());
    assert_eq!(id_of(&retry(&house, old).expect(202).json()), new);
    let shown = house.get(&format!("/jobs/{old}")).expect(200).json();
    assert_eq!(shown["retried_as"], json!(new));
    set(&away, false);
    retry(&house, recorded).expect(202);
}

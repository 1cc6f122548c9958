//! `POST /jobs/{id}/run`.

use std::time::Duration;

use serde_json::json;
use windlass::health::Part;
use windlass::job::{Attempt, ErrorKind, JobError, JobId, Outcome};
use windlass::queue::{Ending, Lease, Settlement};

use super::outage::flaky_house;
use super::{House, id_of, problem};
use crate::support::flaky::Lost;

const NOOP: &str = r#"{"type":"noop"}"#;

/// Fails a job that is to be tried again much later.
fn fail(house: &House, lease: Lease) {
    let settlement = Settlement {
        attempt: Attempt {
            attempt: lease.attempt(),
            outcome: Outcome::Failed,
            started_at: lease.leased_at(),
            ended_at: house.engine.now(),
            node: "test".to_owned(),
            error: Some(JobError::new(ErrorKind::Failed, "not yet")),
            log: Vec::new(),
        },
        ending: Ending::Retry {
            delay: Duration::from_secs(3_600),
        },
        lease,
    };
    house.engine.settle(&[settlement]).expect("an answer");
}

#[test]
fn a_job_that_waits_is_due_at_once() {
    let house = House::open();
    let scheduled = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    let failed = house.accepted(NOOP);
    fail(&house, house.take());
    for id in [scheduled, failed] {
        let answer = house.post(&format!("/jobs/{id}/run")).expect(202).json();
        assert_eq!((id_of(&answer), &answer["state"]), (id, &json!("queued")));
    }
    let retried = house.get(&format!("/jobs/{failed}")).expect(200).json();
    assert_eq!(
        (
            &retried["attempt"],
            retried["attempts"].as_array().map(Vec::len)
        ),
        (&json!(1), Some(1))
    );
    let order = [house.take(), house.take()].map(|lease| lease.ticket().id);
    assert_eq!(order, [scheduled, failed]);
}

#[test]
fn a_job_that_does_not_wait_for_its_time_is_not_made_due() {
    let house = House::open();
    let id = house.accepted(NOOP);
    let path = format!("/jobs/{id}/run");
    let refused = |word: &str| {
        let answer = house.post(&path).expect(409);
        assert_eq!(problem(&answer), "conflict");
        assert!(answer.text().contains(word), "{}", answer.text());
    };
    refused("it is queued");
    let lease = house.take();
    refused("it is running");
    house.end(lease, "1");
    refused("it is succeeded");
    house.record();
    refused("it is succeeded");
    let unknown = JobId::mint(house.engine.now(), 7);
    assert_eq!(
        problem(&house.post(&format!("/jobs/{unknown}/run")).expect(404)),
        "not-found"
    );
    house.post("/jobs/x/run").expect(404);
    house.get(&path).expect(405);
}

#[test]
fn a_run_whose_answer_was_lost_is_found_done() {
    let (house, flaky) = flaky_house();
    let id = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    let path = format!("/jobs/{id}/run");
    flaky.lose("make_due", Lost::Reply);
    let unknown = house.post(&path).expect(503);
    assert_eq!(problem(&unknown), "outcome-unknown");
    assert!(unknown.header("retry-after").is_some());
    assert!(
        house
            .post(&path)
            .expect(409)
            .text()
            .contains("it is queued")
    );
    // Known to be away, it is not even asked.
    house.health.missing(Part::Queue, "connection refused");
    flaky.lose("check", Lost::Request);
    assert_eq!(problem(&house.post(&path).expect(503)), "queue-away");
}

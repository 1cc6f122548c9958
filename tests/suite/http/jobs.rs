//! `GET /jobs/{id}` and `POST /jobs/{id}/cancel`.

use serde_json::{Value, json};
use windlass::job::{JobId, Timestamp};

use super::{House, problem};

#[test]
fn a_job_is_shown_wherever_it_is_on_its_road() {
    let house = House::open();
    let body = r#"{"type":"sleep","payload":{"seconds": 0.50},"tags":["a","b"],"max_retries":2}"#;
    let id = house.accepted(body);
    let path = format!("/jobs/{id}");
    let queued = house.get(&path).expect(200);
    assert!(queued.text().contains(r#""payload":{"seconds": 0.50}"#));
    let mut queued = queued.json();
    assert!(queued["created_at"].as_str().is_some_and(|at| {
        at.len() == "2026-11-24T07:42:06.123456Z".len() && at.ends_with('Z')
    }));
    queued["created_at"] = Value::Null;
    assert_eq!(
        queued,
        json!({
            "id": id.to_string(), "type": "sleep", "queue": "default", "state": "queued",
            "tags": ["a", "b"], "payload": {"seconds": 0.5}, "created_at": null, "run_at": null,
            "started_at": null, "ended_at": null, "attempt": 0, "max_retries": 2, "result": null,
            "error": null, "progress": null, "retry_of": null, "retried_as": null, "attempts": [],
        })
    );
    let lease = house.take();
    let running = house.get(&path).expect(200).json();
    assert_eq!(running["state"], "running");
    assert_eq!(running["attempt"], 1);
    assert!(running["started_at"].is_string());
    house.end(lease, r#"{"big":12345678901234567890}"#);
    let ended = house.get(&path).expect(200);
    assert!(
        ended
            .text()
            .contains(r#""result":{"big":12345678901234567890}"#)
    );
    assert_eq!(ended.json()["state"], "succeeded");
    assert_eq!(ended.json()["attempts"][0]["outcome"], "succeeded");
    assert_eq!(ended.json()["attempts"][0]["error"], Value::Null);
    house.record();
    assert_eq!(house.get(&path).expect(200).json(), ended.json());
}

#[test]
fn a_job_that_is_not_there_is_not_found() {
    let house = House::open();
    let unknown = JobId::mint(Timestamp::from_micros(1_795_506_126_000_000), 7);
    for id in [
        unknown.to_string(),
        "x".to_owned(),
        unknown.to_string().to_uppercase(),
    ] {
        assert_eq!(
            problem(&house.get(&format!("/jobs/{id}")).expect(404)),
            "not-found"
        );
        house.post(&format!("/jobs/{id}/cancel")).expect(404);
    }
}

#[test]
fn a_job_is_cancelled_once_while_it_lives() {
    let house = House::open();
    let waiting = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    let path = format!("/jobs/{waiting}/cancel");
    let cancelled = house.post(&path).expect(202).json();
    assert_eq!(cancelled["id"], waiting.to_string());
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(problem(&house.post(&path).expect(409)), "conflict");
    house.record();
    assert_eq!(problem(&house.post(&path).expect(409)), "conflict");
    let running = house.accepted(r#"{"type":"noop"}"#);
    let _lease = house.take();
    let asked = house.post(&format!("/jobs/{running}/cancel")).expect(202);
    assert_eq!(asked.json()["state"], "running");
    house
        .post(&format!("/jobs/{running}/cancel?now=1"))
        .expect(400);
}

//! `POST /queues/{name}/pause` and `/resume`, `DELETE /queues/{name}/jobs`.

use serde_json::{Value, json};
use windlass::job::State;
use windlass::queue::{Call, Reserve};

use super::outage::flaky_house;
use super::{House, problem};
use crate::support::flaky::Lost;
use crate::support::http::Response;

const NOOP: &str = r#"{"type":"noop"}"#;

fn purge(house: &House, queue: &str) -> Response {
    house.ask("DELETE", &format!("/queues/{queue}/jobs"), &[], None)
}

/// Beats as daemons do, until there is nothing left to do.
fn sweep(house: &House) {
    let mut call = Call::first("test");
    let ask = Reserve {
        node: "test",
        want: 0,
        shares: &[],
        lease: std::time::Duration::from_secs(15),
        suspect: false,
        max_crashes: 3,
    };
    while house.engine.reserve(&call, &ask).expect("an answer").more {
        call.advance();
    }
}

#[test]
fn a_queue_is_paused_and_resumed() {
    let house = House::open();
    let id = house.accepted(NOOP);
    for (verb, paused) in [
        ("pause", true),
        ("pause", true),
        ("resume", false),
        ("resume", false),
    ] {
        let queue = house
            .post(&format!("/queues/default/{verb}"))
            .expect(200)
            .json();
        assert_eq!(
            (&queue["name"], &queue["paused"]),
            (&json!("default"), &json!(paused))
        );
        assert_eq!(queue, house.get("/queues/default").expect(200).json());
        assert_eq!(queue["ready"], 1);
    }
    assert_eq!(house.take().ticket().id, id);
}

#[test]
fn a_queue_that_nobody_knows_is_not_acted_upon() {
    let house = House::open();
    house.accepted(NOOP);
    for answer in [
        house.post("/queues/defualt/pause"),
        house.post("/queues/defualt/resume"),
        purge(&house, "defualt"),
    ] {
        let answer = answer.expect(404);
        assert_eq!(problem(&answer), "not-found");
        assert!(
            answer.text().contains("did you mean `default`?"),
            "{}",
            answer.text()
        );
    }
    house.post("/queues/a%2Fb/pause").expect(404);
    house.get("/queues/default/pause").expect(405);
    house.post("/queues/default/jobs").expect(405);
    house
        .ask("DELETE", "/queues/default/jobs?all=1", &[], None)
        .expect(400);
    let queues = house.engine.queues().expect("an answer");
    assert!(
        queues
            .iter()
            .all(|queue| queue.queue == "default" && !queue.paused)
    );
}

#[test]
fn a_purge_cancels_what_waits_and_spares_the_rest() {
    let house = House::open();
    let running = house.accepted(NOOP);
    let lease = house.take();
    let body = format!(
        "[{}]",
        [NOOP, r#"{"type":"noop","delay":"1h"}"#]
            .repeat(300)
            .join(",")
    );
    let waiting = house.submit(&body).expect(202).json();
    let other = house.accepted(r#"{"type":"noop","queue":"other"}"#);
    let answer = purge(&house, "default").expect(202).json();
    assert_eq!(answer, json!({"queue": "default", "cancelling": 600}));
    let after = house.accepted(NOOP);
    let later = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    sweep(&house);
    for job in waiting["jobs"].as_array().expect("jobs").iter().step_by(50) {
        let id = job["id"].as_str().expect("an id");
        let job = house.get(&format!("/jobs/{id}")).expect(200).json();
        assert_eq!(
            (&job["state"], &job["error"]["kind"]),
            (&json!("cancelled"), &json!("cancelled"))
        );
    }
    let states = [
        (running, "running"),
        (other, "queued"),
        (after, "queued"),
        (later, "scheduled"),
    ];
    for (id, state) in states {
        let job = house.get(&format!("/jobs/{id}")).expect(200).json();
        assert_eq!(job["state"], state);
    }
    let queue = house.get("/queues/default").expect(200).json();
    let counts = ["ready", "scheduled", "running"].map(|count| queue[count].clone());
    assert_eq!(counts, [1, 1, 1].map(Value::from));
    house.end(lease, "1");
    house.record();
    let cancelled = house
        .get("/jobs?state=cancelled&limit=1")
        .expect(200)
        .json();
    assert_eq!(cancelled["jobs"][0]["state"], State::Cancelled.as_str());
    let stats = house.get("/stats").expect(200).json();
    assert_eq!(stats["states"]["cancelled"], 600);
    assert_eq!(purge(&house, "default").expect(202).json()["cancelling"], 2);
}

#[test]
fn acts_on_a_queue_whose_answer_was_lost_can_be_asked_again() {
    let (house, flaky) = flaky_house();
    house.accepted(NOOP);
    for (call, method, path) in [
        ("pause", "POST", "/queues/default/pause"),
        ("pause", "POST", "/queues/default/resume"),
        ("purge", "DELETE", "/queues/default/jobs"),
    ] {
        let ask = || house.ask(method, path, &[], None);
        flaky.lose(call, Lost::Reply);
        let unknown = ask().expect(503);
        assert_eq!(problem(&unknown), "outcome-unknown");
        assert!(unknown.header("retry-after").is_some());
        assert!([200, 202].contains(&ask().status));
        flaky.lose("queues", Lost::Request);
        assert_eq!(problem(&ask().expect(503)), "queue-away");
    }
    sweep(&house);
    assert_eq!(house.waiting(), 0);
}

//! `GET /queues`, `/queues/{name}`, `/stats` and `/workers`.

use serde_json::{Value, json};
use windlass::config::{QueueWeight, Queues};
use windlass::queue::{Node, Running};

use super::outage::flaky_house;
use super::{House, problem};
use crate::support::flaky::Lost;

/// A house that is told to take from `default` and `configured`, at most two of the latter.
fn house() -> House {
    House::with(|config| {
        let queue = |queue: &str, weight| QueueWeight {
            queue: queue.to_owned(),
            weight,
        };
        config.queues = Queues {
            list: vec![queue("default", 3), queue("configured", 1)],
            strict: false,
        };
        config.limits.insert("configured".to_owned(), 2);
    })
}

/// A daemon that takes from `default` and runs a job.
fn beat(house: &House) -> Node {
    let now = house.engine.now();
    let node = Node {
        node: "host:8080".to_owned(),
        started_at: now,
        seen_at: now,
        threads: 4,
        busy: 1,
        quiet: false,
        queues: vec!["default".to_owned()],
        types: vec!["noop".to_owned()],
        schedules: Vec::new(),
        running: vec![Running {
            id: windlass::job::JobId::mint(now, 7),
            kind: "noop".to_owned(),
            since: now,
        }],
    };
    house.engine.beat(&node).expect("an answer");
    node
}

#[test]
fn queues_are_shown_also_those_that_are_empty_or_unserved() {
    let house = house();
    let first = house.accepted(r#"{"type":"noop"}"#);
    for body in [
        r#"{"type":"noop"}"#,
        r#"{"type":"noop","delay":"1h"}"#,
        r#"{"type":"noop","queue":"nobody"}"#,
    ] {
        house.accepted(body);
    }
    let created = |id| house.get(&format!("/jobs/{id}")).expect(200).json()["created_at"].clone();
    let of_nobody = house.get("/queues/nobody").expect(200).json();
    let head = created(first);
    let before = house.get("/queues").expect(200).json();
    assert_eq!(
        before,
        json!({"queues": [
            {"name": "configured", "weight": 1, "limit": 2, "paused": false, "served": false,
             "ready": 0, "scheduled": 0, "running": 0, "oldest_ready_at": null},
            {"name": "default", "weight": 3, "limit": null, "paused": false, "served": false,
             "ready": 2, "scheduled": 1, "running": 0, "oldest_ready_at": head},
            of_nobody.clone(),
        ]})
    );
    assert_eq!(of_nobody["weight"], Value::Null);
    assert!(of_nobody["oldest_ready_at"].is_string());
    beat(&house);
    house.engine.pause("configured", true).expect("an answer");
    let _lease = house.take();
    let default = house.get("/queues/default").expect(200).json();
    assert_eq!(
        [&default["served"], &default["ready"], &default["running"]],
        [&json!(true), &json!(1), &json!(1)]
    );
    assert_ne!(default["oldest_ready_at"], head);
    let quiet = Node {
        quiet: true,
        ..beat(&house)
    };
    house.engine.beat(&quiet).expect("an answer");
    let default = house.get("/queues/default").expect(200).json();
    assert_eq!(default["served"], false, "its one daemon takes nothing");
    let configured = house.get("/queues/configured").expect(200).json();
    assert_eq!(
        [&configured["served"], &configured["paused"]],
        [&json!(false), &json!(true)]
    );
}

#[test]
fn a_queue_that_nobody_knows_is_not_found() {
    let house = house();
    let refused = house.get("/queues/defualt").expect(404);
    assert_eq!(problem(&refused), "not-found");
    let detail = refused.json()["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(detail.contains("did you mean `default`?"), "{detail}");
    house.get("/queues/default?verbose=1").expect(400);
}

#[test]
fn jobs_are_counted_by_state() {
    let house = house();
    for body in [
        r#"{"type":"noop"}"#,
        r#"{"type":"noop"}"#,
        r#"{"type":"noop"}"#,
        r#"{"type":"noop","queue":"a","delay":"1h"}"#,
    ] {
        house.accepted(body);
    }
    house.end(house.take(), "1");
    let _running = house.take();
    let counts = |outbox| {
        json!({
            "states": {"scheduled": 1, "queued": 1, "running": 1, "succeeded": 1, "dead": 0,
                       "cancelled": 0, "expired": 0, "quarantined": 0},
            "outbox": outbox,
        })
    };
    assert_eq!(house.get("/stats").expect(200).json(), counts(1));
    house.record();
    assert_eq!(house.get("/stats").expect(200).json(), counts(0));
}

#[test]
fn daemons_are_shown_with_what_they_run() {
    let house = house();
    assert_eq!(
        house.get("/workers").expect(200).json(),
        json!({"nodes": []})
    );
    let node = beat(&house);
    let shown = house.get("/workers").expect(200).json();
    let shown = &shown["nodes"][0];
    for instant in [
        &shown["started_at"],
        &shown["seen_at"],
        &shown["running"][0]["since"],
    ] {
        assert!(
            instant.as_str().is_some_and(|at| at.ends_with('Z')),
            "{shown}"
        );
    }
    assert_eq!(
        [
            &shown["node"],
            &shown["threads"],
            &shown["busy"],
            &shown["queues"],
            &shown["types"]
        ],
        [
            &json!("host:8080"),
            &json!(4),
            &json!(1),
            &json!(["default"]),
            &json!(["noop"])
        ]
    );
    assert_eq!(shown["running"][0]["id"], node.running[0].id.to_string());
    assert_eq!(shown["running"][0]["type"], "noop");
}

#[test]
fn without_the_queue_there_is_nothing_to_tell() {
    let (house, flaky) = flaky_house();
    for (path, call) in [
        ("/queues", "queues"),
        ("/queues", "nodes"),
        ("/queues/default", "queues"),
        ("/stats", "totals"),
        ("/workers", "nodes"),
    ] {
        flaky.lose(call, Lost::Request);
        let refused = house.get(path).expect(503);
        assert_eq!(problem(&refused), "queue-away", "{path}");
        assert!(refused.header("retry-after").is_some());
    }
}

//! `POST /submit`: every form, bound and refusal.

use serde_json::{Value, json};

use super::{House, id_of, pointers, problem};
use crate::support::http::Response;

fn ids(answer: &Response) -> Vec<String> {
    let json = answer.json();
    let jobs = json["jobs"].as_array().expect("jobs").clone();
    let id = |job: &Value| job["id"].as_str().expect("an id").to_owned();
    jobs.iter().map(id).collect()
}

#[test]
fn one_job_is_accepted_with_its_place() {
    let house = House::open();
    let answer = house
        .submit(r#"{"type":"noop","payload":{},"queue":"mail"}"#)
        .expect(202);
    let json = answer.json();
    let id = id_of(&json).to_string();
    assert_eq!(json, json!({"id": id, "state": "queued", "queue": "mail"}));
    assert_eq!(
        answer.header("location"),
        Some(format!("/jobs/{id}").as_str())
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let later = house.submit(r#"{"type":"noop","delay":"1h"}"#).expect(202);
    assert_eq!(later.json()["state"], "scheduled");
}

#[test]
fn an_array_is_accepted_in_order_or_not_at_all() {
    let house = House::open();
    let answer = house
        .submit(r#"[{"type":"noop"},{"type":"noop","queue":"b","delay":60}]"#)
        .expect(202);
    let jobs = answer.json()["jobs"].clone();
    assert_eq!(jobs[0]["queue"], "default");
    assert_eq!(jobs[1]["queue"], "b");
    assert_eq!(jobs[1]["state"], "scheduled");
    assert!(ids(&answer)[0] < ids(&answer)[1]);
    let refused = house
        .submit(r#"[{"type":"noop"},{"type":"noop","queue":""},{"type":"sleep","payload":{"seconds":-1}}]"#)
        .expect(422);
    assert_eq!(pointers(&refused), ["/1/queue", "/2/payload/seconds"]);
    assert_eq!(house.waiting(), 2);
    let refused = house.submit("[]").expect(422);
    assert_eq!(pointers(&refused), [""]);
}

#[test]
fn what_is_no_json_is_malformed() {
    let house = House::open();
    let deep = format!(
        r#"{{"type":"noop","payload":{}{}}}"#,
        "[".repeat(300),
        "]".repeat(300)
    );
    for body in [
        "",
        "{",
        "noop",
        r#"{"type":"noop"} {}"#,
        r#"{"type":"noop","payload":1e999}"#,
        r#"{"type":"noop","payload":"\ud800"}"#,
        deep.as_str(),
    ] {
        assert_eq!(
            problem(&house.submit(body).expect(400)),
            "malformed",
            "{body:.40}"
        );
    }
    let latin = house.ask(
        "POST",
        "/submit",
        &[("Content-Type", "application/json")],
        Some(b"{\"type\":\"\xe4\"}"),
    );
    assert_eq!(problem(&latin.expect(400)), "malformed");
    assert_eq!(house.waiting(), 0);
}

#[test]
fn what_is_understood_but_wrong_is_pointed_at() {
    let house = House::open();
    for (body, expected) in [
        ("7", vec![""]),
        ("[3]", vec!["/0"]),
        ("{}", vec!["/type"]),
        (r#"{"type":"noop","paylod":1}"#, vec!["/paylod"]),
        (r#"{"type":"noop","type":"noop"}"#, vec!["/type"]),
        (
            r#"{"type":"noop","payload":{"a":{"b\u0000":1}}}"#,
            vec!["/payload/a/b\u{0}"],
        ),
        (
            r#"{"type":"noop","delay":"1s","run_at":"2020-01-01T00:00:00Z"}"#,
            vec!["/run_at"],
        ),
        (r#"{"type":"noop","delay":"401d"}"#, vec!["/delay"]),
        (
            r#"{"type":"noop","timeout":"1ms","expires_in":0}"#,
            vec!["/timeout", "/expires_in"],
        ),
        (
            r#"{"type":"noop","backoff":{"base":"2h"}}"#,
            vec!["/backoff/base"],
        ),
        (
            r#"{"type":"sleep","payload":{"second":1}}"#,
            vec!["/payload/second"],
        ),
    ] {
        let refused = house.submit(body).expect(422);
        assert_eq!(problem(&refused), "invalid", "{body}");
        assert_eq!(pointers(&refused), expected, "{body}");
    }
    let named = house.submit(r#"{"type":"noop","paylod":1}"#).json();
    let detail = named["errors"][0]["detail"].as_str().expect("a detail");
    assert!(detail.contains("did you mean `payload`?"), "{detail}");
}

#[test]
fn a_type_that_only_another_node_knows_is_accepted() {
    use windlass::queue::Node;
    let house = House::open();
    let now = house.engine.now();
    let node = Node {
        node: "other".to_owned(),
        started_at: now,
        seen_at: now,
        threads: 1,
        busy: 0,
        quiet: false,
        queues: vec!["default".to_owned()],
        types: vec!["theirs".to_owned()],
        schedules: Vec::new(),
        running: Vec::new(),
    };
    house.engine.beat(&node).expect("an answer");
    house
        .submit(r#"{"type":"theirs","payload":[1]}"#)
        .expect(202);
    let refused = house.submit(r#"{"type":"nop"}"#).expect(422);
    assert_eq!(problem(&refused), "unknown-job-type");
    assert!(refused.text().contains("did you mean `noop`?"));
}

#[test]
fn bounds_hold() {
    let house = House::with(|config| {
        config.submit_max = 3;
        config.payload_max = 100;
    });
    let four = format!("[{}]", [r#"{"type":"noop"}"#; 4].join(","));
    assert_eq!(problem(&house.submit(&four).expect(413)), "too-large");
    let large = format!(r#"{{"type":"noop","payload":"{}"}}"#, "x".repeat(100));
    let refused = house.submit(&large).expect(413);
    assert_eq!(pointers(&refused), ["/payload"]);
    let among = format!(r#"[{{"type":"noop"}},{large}]"#);
    assert_eq!(pointers(&house.submit(&among).expect(413)), ["/1/payload"]);
    assert_eq!(house.waiting(), 0);
}

#[test]
fn a_thousand_jobs_are_one_submission() {
    let house = House::open();
    let body = format!("[{}]", vec![r#"{"type":"noop"}"#; 1_000].join(","));
    assert_eq!(ids(&house.submit(&body).expect(202)).len(), 1_000);
    assert_eq!(house.waiting(), 1_000);
}

#[test]
fn the_same_request_again_gets_the_same_ids() {
    let house = House::open();
    let key = [("Idempotency-Key", "order 7")];
    let one = r#"{"type":"noop","queue":"default"}"#;
    let first = house.submit_with(one, &key).expect(202).json();
    let again = house.submit_with(one, &key).expect(200);
    assert_eq!(again.json(), first);
    assert!(again.header("location").is_some());
    let other = house.submit_with(r#"{"type":"noop"}"#, &key).expect(422);
    assert_eq!(problem(&other), "idempotency-key-reused");
    // Also after the job has ended, and after the queue has forgotten it.
    house.end(house.take(), "1");
    let ended = house.submit_with(one, &key).expect(200).json();
    assert_eq!(ended["id"], first["id"]);
    assert_eq!(ended["state"], "succeeded");
    house.record();
    let stored = house.submit_with(one, &key).expect(200).json();
    assert_eq!(stored, ended);
    let array = [("Idempotency-Key", "an-array")];
    let many = r#"[{"type":"noop"},{"type":"noop","queue":"b"}]"#;
    let first = house.submit_with(many, &array).expect(202).json();
    assert_eq!(house.submit_with(many, &array).expect(200).json(), first);
    assert_eq!(house.waiting(), 2);
    for bad in ["", &"x".repeat(256)] {
        let refused = house.submit_with(one, &[("Idempotency-Key", bad)]);
        assert_eq!(refused.status, 400, "{bad:.10}");
    }
}

#[test]
fn no_more_keys_are_remembered_than_there_is_room_for() {
    let house = House::with(|config| config.idempotency_max = 1);
    let submit = |key| house.submit_with(r#"{"type":"noop"}"#, &[("Idempotency-Key", key)]);
    submit("a").expect(202);
    let refused = submit("b").expect(429);
    assert_eq!(problem(&refused), "too-many");
    assert!(refused.header("retry-after").is_some());
    submit("a").expect(200);
    assert_eq!(house.waiting(), 1);
}

#[test]
fn a_unique_key_answers_with_the_job_that_has_it() {
    let house = House::open();
    let body = r#"{"type":"noop","unique":"report","queue":"slow"}"#;
    let first = house.submit(body).expect(202).json();
    let again = house.submit(body).expect(200);
    assert_eq!(again.json(), first);
    let mixed = house
        .submit(r#"[{"type":"noop","unique":"report"},{"type":"noop"}]"#)
        .expect(202)
        .json();
    assert_eq!(mixed["jobs"][0], first);
    assert_eq!(mixed["jobs"][1]["queue"], "default");
    house
        .post(&format!("/jobs/{}/cancel", id_of(&first)))
        .expect(202);
    assert_ne!(house.submit(body).expect(202).json()["id"], first["id"]);
}

fn load(house: &House, body: &str) -> Response {
    let lines = [("Content-Type", "application/x-ndjson")];
    house.ask("POST", "/submit", &lines, Some(body.as_bytes()))
}

fn lines(answer: &Response) -> Vec<Value> {
    let text = answer.text();
    let line = |line: &str| serde_json::from_str(line).expect("JSON");
    text.lines().map(line).collect()
}

#[test]
fn lines_are_loaded_in_pieces_and_answered_in_order() {
    let house = House::open();
    let body: String = (0..2_500)
        .map(|i| format!("{{\"type\":\"noop\",\"queue\":\"q{}\"}}\r\n\n", i % 7))
        .collect();
    let answer = load(&house, &body).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let found = lines(&answer);
    assert_eq!(found.len(), 2_500);
    for (i, line) in found.iter().enumerate() {
        assert_eq!(line["queue"], format!("q{}", i % 7));
        assert_eq!(line["state"], "queued");
    }
    assert_eq!(house.waiting(), 2_500);
}

#[test]
fn a_wrong_line_refuses_its_piece_alone() {
    let house = House::open();
    let mut all = vec![r#"{"type":"noop"}"#; 2_200];
    all[1_500] = "{";
    all[1_501] = r#"{"type":"nope"}"#;
    let found = lines(&load(&house, &all.join("\n")).expect(200));
    let name = |i: usize| {
        found[i]["error"]["type"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    assert_eq!(name(0), "none");
    assert_eq!(name(1_000), "urn:windlass:piece-refused");
    assert_eq!(name(1_500), "urn:windlass:malformed");
    assert_eq!(name(1_501), "urn:windlass:unknown-job-type");
    assert_eq!(name(2_000), "none");
    assert_eq!(found.len(), 2_200);
    assert_eq!(house.waiting(), 1_200);
}

#[test]
fn lines_are_bounded_and_take_neither_key_nor_wait() {
    let house = House::open();
    let json_lines = ("Content-Type", "application/x-ndjson");
    let ask = |target, headers: &[_], body: &str| {
        house.ask("POST", target, headers, Some(body.as_bytes()))
    };
    let keyed = [json_lines, ("Idempotency-Key", "k")];
    ask("/submit", &keyed, r#"{"type":"noop"}"#).expect(400);
    ask("/submit?wait=1s", &[json_lines], r#"{"type":"noop"}"#).expect(400);
    ask("/submit", &[json_lines], "\n \n").expect(422);
    ask("/submit", &[json_lines], &"1\n".repeat(100_001)).expect(413);
    assert_eq!(house.waiting(), 0);
}

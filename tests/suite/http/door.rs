//! What holds for every request: methods, headers, bodies, who may ask.

use std::thread;
use std::time::{Duration, Instant};

use super::{House, problem};

const JSON: &str = "Content-Type: application/json";
const NOOP: &str = r#"{"type":"noop"}"#;

#[test]
fn every_answer_carries_a_date_a_length_and_a_request_id() {
    let house = House::open();
    for target in ["/healthz", "/nowhere", "/jobs/x", "/submit"] {
        let answer = house.get(target);
        assert!(
            answer
                .header("date")
                .is_some_and(|date| date.ends_with(" GMT")),
            "{target}"
        );
        let length = answer.header("content-length").expect("a length");
        assert_eq!(length, answer.body.len().to_string(), "{target}");
        assert!(
            answer
                .header("x-request-id")
                .is_some_and(|id| id.len() == 16)
        );
    }
    let mine = |id: &str| {
        let answer = house.ask("GET", "/healthz", &[("X-Request-Id", id)], None);
        answer.header("x-request-id") == Some(id)
    };
    assert!(mine("order-7:2.a/b+c="));
    assert!(!mine("two words") && !mine(&"x".repeat(200)));
}

#[test]
fn methods_are_answered_as_the_table_says() {
    let house = House::open();
    let not_allowed = house.ask("DELETE", "/submit", &[], None).expect(405);
    assert_eq!(not_allowed.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(problem(&not_allowed), "method-not-allowed");
    let options = house.ask("OPTIONS", "/healthz", &[], None).expect(200);
    assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS"));
    house.ask("OPTIONS", "*", &[], None).expect(200);
    assert_eq!(
        problem(&house.ask("BREW", "/submit", &[], None).expect(501)),
        "not-implemented"
    );
    let whole = house.get("/healthz").expect(200);
    let head = house.ask("HEAD", "/healthz", &[], None).expect(200);
    assert_eq!(
        head.header("content-length"),
        whole.header("content-length")
    );
    assert!(head.body.is_empty());
    assert_eq!(problem(&house.get("/job").expect(404)), "not-found");
    assert_eq!(problem(&house.get("/healthz?x=1").expect(400)), "malformed");
}

#[test]
fn no_web_page_of_another_origin_may_ask() {
    let house = House::open();
    let ask = |lines: &str| {
        let mut line = house.connect();
        line.write(format!("GET /healthz HTTP/1.1\r\n{lines}\r\n"));
        line.read().status
    };
    assert_eq!(ask("Host: localhost:8080\r\n"), 200);
    assert_eq!(ask("Host: evil.example\r\n"), 403);
    assert_eq!(
        ask("Host: localhost\r\nOrigin: http://evil.example\r\n"),
        403
    );
    assert_eq!(ask("Host: localhost\r\nOrigin: http://localhost\r\n"), 200);
    assert_eq!(ask(""), 400);
}

#[test]
fn a_submission_says_what_it_is() {
    let house = House::open();
    let with =
        |headers: &[(&str, &str)]| house.ask("POST", "/submit", headers, Some(NOOP.as_bytes()));
    let missing = with(&[]).expect(415);
    assert_eq!(problem(&missing), "media-type");
    let detail = missing.json()["detail"].to_string();
    assert!(
        detail.contains("Content-Type: application/json"),
        "{detail}"
    );
    with(&[("Content-Type", "text/plain")]).expect(415);
    with(&[("Content-Type", "application/x-www-form-urlencoded")]).expect(415);
    with(&[("Content-Type", "application/json; charset=latin1")]).expect(415);
    let packed = [
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
    ];
    with(&packed).expect(415);
    assert_eq!(house.waiting(), 0);
    with(&[("Content-Type", "Application/JSON; Charset=\"UTF-8\"")]).expect(202);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let house = House::open();
    let mut line = house.connect();
    for _ in 0..20 {
        let length = format!("Content-Length: {}", NOOP.len());
        line.ask("POST /submit", &[JSON, &length], NOOP).expect(202);
        line.ask("GET /healthz", &[], "").expect(200);
    }
    assert_eq!(house.waiting(), 20);
}

/// tiny_http hands out pipelined requests all at once; the second must not overtake the first, nor hold a thread while
/// the first is parked.
#[test]
fn pipelined_requests_are_answered_in_order_even_behind_one_that_waits() {
    let house = House::open();
    let id = house.accepted(r#"{"type":"noop","delay":"1h"}"#);
    let mut lines: Vec<_> = (0..20).map(|_| house.connect()).collect();
    for line in &mut lines {
        line.send(&format!("GET /jobs/{id}?wait=2s"), &[], "");
        line.send("GET /healthz", &["X-Request-Id: second"], "");
        line.send("GET /readyz", &["X-Request-Id: third"], "");
    }
    // More connections hang in the middle than there are threads; somebody else is still served at once.
    let began = Instant::now();
    house.get("/healthz").expect(200);
    assert!(began.elapsed() < Duration::from_secs(1));
    for line in &mut lines {
        assert_eq!(line.read().expect(200).json()["state"], "scheduled");
        assert_eq!(line.read().header("x-request-id"), Some("second"));
        assert_eq!(line.read().header("x-request-id"), Some("third"));
    }
}

#[test]
fn a_body_may_come_in_chunks_or_be_asked_for() {
    let house = House::open();
    let mut line = house.connect();
    let chunks = "5\r\n{\"typ\r\n9\r\ne\":\"noop\"\r\n1\r\n}\r\n0\r\n\r\n";
    let chunked = [JSON, "Transfer-Encoding: chunked"];
    line.ask("POST /submit", &chunked, chunks).expect(202);
    let length = format!("Content-Length: {}", NOOP.len());
    let asks = [JSON, &length, "Expect: 100-continue"];
    line.ask("POST /submit", &asks, "").expect(100);
    line.write(NOOP);
    line.read().expect(202);
    line.ask("GET /healthz", &[], "").expect(200);
    assert_eq!(house.waiting(), 2);
}

#[test]
fn a_body_that_is_too_large_is_refused_and_its_connection_goes_on() {
    let house = House::with(|config| config.body_max = 2_000);
    let mut line = house.connect();
    let large = format!(r#"{{"type":"noop","payload":"{}"}}"#, "x".repeat(100_000));
    let length = format!("Content-Length: {}", large.len());
    let refused = line.ask("POST /submit", &[JSON, &length], &large);
    assert_eq!(problem(&refused.expect(413)), "too-large");
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    line.ask(
        "POST /submit",
        &[JSON, "Transfer-Encoding: chunked"],
        &chunked,
    )
    .expect(413);
    // The same for a route that has no use for a body.
    line.ask("GET /healthz", &[&length], &large).expect(413);
    line.ask("GET /healthz", &[], "").expect(200);
    assert_eq!(house.waiting(), 0);
    // Who asks first is told no before it sends.
    let asks = [JSON, &length, "Expect: 100-continue"];
    let mut answer = line.ask("POST /submit", &asks, "");
    while answer.status < 200 {
        assert_ne!(answer.status, 100, "it must not be told to go on");
        answer = line.read();
    }
    assert_eq!(answer.expect(413).header("connection"), Some("close"));
}

/// tiny_http allocates what is left of a declared body when its request is dropped, which would abort this very process.
#[test]
fn a_huge_declared_length_is_refused_and_the_process_lives() {
    let house = House::open();
    for length in [
        "1000000000000",
        "9223372036854775807",
        "18446744073709551615",
    ] {
        let mut line = house.connect();
        let mut answer = line.ask(
            "POST /submit",
            &[JSON, &format!("Content-Length: {length}")],
            "{",
        );
        while answer.status < 200 {
            answer = line.read();
        }
        assert_eq!(problem(&answer.expect(413)), "too-large", "{length}");
    }
    house.get("/healthz").expect(200);
}

#[test]
fn a_body_whose_end_is_unclear_is_refused() {
    let house = House::open();
    let ask = |headers: &[&str], body: &str| {
        let mut line = house.connect();
        let mut all = vec![JSON];
        all.extend_from_slice(headers);
        line.send("POST /submit", &all, body);
        line.finish();
        line.read().status
    };
    let length = format!("Content-Length: {}", NOOP.len());
    assert_eq!(ask(&[&length, &length], NOOP), 400);
    assert_eq!(ask(&["Content-Length: x"], ""), 400);
    let chunks = format!("{:x}\r\n{NOOP}\r\n0\r\n\r\n", NOOP.len());
    assert_eq!(ask(&[&length, "Transfer-Encoding: chunked"], &chunks), 400);
    assert_eq!(ask(&["Transfer-Encoding: gzip, chunked"], &chunks), 501);
    assert_eq!(ask(&["Transfer-Encoding: chunked"], "zz\r\n"), 400);
    // Cut off: more was announced than comes.
    assert_eq!(ask(&["Content-Length: 5000"], NOOP), 400);
    assert_eq!(house.waiting(), 0);
}

/// Every stalled client holds a thread, but not one of those that serve others.
#[test]
fn clients_that_stall_in_their_bodies_hold_up_nobody() {
    let house = House::open();
    let stalled: Vec<_> = (0..40)
        .map(|_| {
            let mut line = house.connect();
            line.send("POST /submit", &[JSON, "Content-Length: 5000"], "{");
            line
        })
        .collect();
    let began = Instant::now();
    house.submit(NOOP).expect(202);
    assert!(began.elapsed() < Duration::from_secs(2));
    drop(stalled);
}

#[test]
fn a_client_that_stalls_in_its_body_does_not_hold_up_the_stop() {
    let mut house = House::open();
    let mut line = house.connect();
    line.send("POST /submit", &[JSON, "Content-Length: 5000"], "{");
    // Taken after the stalled one, on the same listener.
    house.submit(NOOP).expect(202);
    let took = house.stop(Duration::from_secs(1));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn an_old_client_is_told_what_becomes_of_its_connection() {
    let house = House::open();
    let ask = |headers: &str| {
        let mut line = house.connect();
        line.write(format!("GET /healthz HTTP/1.0\r\n{headers}\r\n"));
        let answer = line.read().expect(200);
        answer.header("connection").map(str::to_owned)
    };
    assert_eq!(ask("").as_deref(), Some("close"));
    assert_eq!(
        ask("Connection: keep-alive\r\n").as_deref(),
        Some("keep-alive")
    );
}

#[test]
fn health_and_readiness_are_told_apart() {
    use windlass::health::Part;
    let house = House::open();
    house.get("/healthz").expect(200);
    let ready = house.get("/readyz").expect(200).json();
    assert_eq!(ready["ready"], true);
    house.health.missing(Part::Storage, "connection refused");
    let degraded = house.get("/readyz").expect(200).json();
    assert_eq!(degraded["degraded"][0]["part"], "storage");
    house.health.missing(Part::Queue, "connection refused");
    let away = house.get("/readyz").expect(503);
    assert_eq!(problem(&away), "not-ready");
    assert!(away.header("retry-after").is_some());
    let json = away.json();
    assert_eq!(json["missing"][0]["part"], "queue");
    assert_eq!(json["degraded"][0]["part"], "storage");
    house.get("/healthz").expect(200);
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let house = House::open();
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let mut line = house.connect();
                let length = format!("Content-Length: {}", NOOP.len());
                for _ in 0..50 {
                    line.ask("POST /submit", &[JSON, &length], NOOP).expect(202);
                }
            });
        }
    });
    assert_eq!(house.waiting(), 1_600);
}

#[test]
fn every_type_is_listed_with_its_schemas() {
    let house = House::open();
    let answer = house.get("/types").expect(200).json();
    let types = answer["types"].as_array().expect("a list");
    let sleep = types
        .iter()
        .find(|t| t["name"] == "sleep")
        .expect("sleep is there");
    assert_eq!(
        sleep["payload_schema"]["properties"]["seconds"]["type"],
        "number"
    );
    assert_eq!(
        sleep["result_schema"]["properties"]["slept"]["type"],
        "number"
    );
    assert!(types.iter().all(|t| t["name"].is_string()), "{answer}");
}

#[test]
fn a_body_where_none_is_taken_is_refused() {
    let house = House::open();
    let id = house.accepted(NOOP);
    let path = format!("/jobs/{id}/cancel");
    let refused = house.ask("POST", &path, &[], Some(br#"{"reason":"late"}"#));
    assert_eq!(problem(&refused.expect(400)), "malformed");
    house.ask("GET", "/healthz", &[], Some(b"x")).expect(400);
    assert_eq!(house.waiting(), 1);
    house.ask("POST", &path, &[], Some(b" {} ")).expect(202);
}

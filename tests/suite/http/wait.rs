//! `?wait`: parked requests, and what wakes them.

use std::thread;
use std::time::{Duration, Instant};

use windlass::job::State;

use super::{House, id_of, problem};
use crate::support::wait::{PATIENCE, wait_until};

const JSON: &str = "Content-Type: application/json";

#[test]
fn whoever_waits_is_answered_when_the_job_ends() {
    let house = House::open();
    let id = house.accepted(r#"{"type":"noop"}"#);
    let mut lines: Vec<_> = (0..50).map(|_| house.connect()).collect();
    for line in &mut lines {
        line.send(&format!("GET /jobs/{id}?wait=30s"), &[], "");
    }
    // As many wait as there are threads several times over, and others are served.
    house.get("/healthz").expect(200);
    let began = Instant::now();
    house.end(house.take(), "7");
    house.api().waiters().ended(&[(id, State::Succeeded)]);
    for line in &mut lines {
        let json = line.read().expect(200).json();
        assert_eq!(
            (&json["state"], &json["result"]),
            (&"succeeded".into(), &7.into())
        );
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Another daemon settles the job, so nobody tells the waiters: they find it by looking.
#[test]
fn a_job_that_ended_elsewhere_is_found_also_in_storage() {
    let house = House::open();
    let id = house.accepted(r#"{"type":"noop"}"#);
    let mut line = house.connect();
    line.send(&format!("GET /jobs/{id}?wait=30s"), &[], "");
    house.end(house.take(), "7");
    house.record();
    assert_eq!(line.read().expect(200).json()["state"], "succeeded");
    let again = house.get(&format!("/jobs/{id}?wait=30s")).expect(200);
    assert_eq!(again.json()["state"], "succeeded");
}

#[test]
fn patience_that_is_over_gets_the_job_as_it_is() {
    let house = House::open();
    let id = house.accepted(r#"{"type":"noop"}"#);
    let began = Instant::now();
    let shown = house.get(&format!("/jobs/{id}?wait=300ms")).expect(200);
    assert_eq!(shown.json()["state"], "queued");
    let took = began.elapsed();
    assert!((300..3_000).contains(&took.as_millis()), "{took:?}");
    for wait in ["61s", "soon", "-1s", ""] {
        house.get(&format!("/jobs/{id}?wait={wait}")).expect(400);
    }
    house.get(&format!("/jobs/{id}?wait=0")).expect(200);
}

#[test]
fn a_submission_may_wait_for_its_job() {
    let house = House::open();
    let submit = |wait: &str, body: &str| {
        let json = [("Content-Type", "application/json")];
        let target = format!("/submit?wait={wait}");
        house.ask("POST", &target, &json, Some(body.as_bytes()))
    };
    let late = submit("200ms", r#"{"type":"noop"}"#).expect(202);
    assert_eq!(late.json()["state"], "queued");
    assert_eq!(
        late.header("location"),
        Some(format!("/jobs/{}", id_of(&late.json())).as_str())
    );
    house.end(house.take(), "1");
    let mut line = house.connect();
    let body = r#"{"type":"noop"}"#;
    let length = format!("Content-Length: {}", body.len());
    line.send("POST /submit?wait=30s", &[JSON, &length], body);
    let deadline = Instant::now() + Duration::from_secs(10);
    while house.waiting() == 0 {
        assert!(Instant::now() < deadline, "the job was not enqueued");
        thread::yield_now();
    }
    house.end(house.take(), "{\"n\":2}");
    let json = line.read().expect(200).json();
    assert_eq!(json["result"]["n"], 2);
    submit("1s", r#"[{"type":"noop"}]"#).expect(400);
    assert_eq!(house.waiting(), 0);
}

/// Waits until so many requests wait for the end of a job.
fn until_parked(house: &House, count: usize) {
    wait_until("all of them wait", PATIENCE, || match house.parked() {
        parked if parked == count => Ok(()),
        parked => Err(parked),
    });
}

#[test]
fn only_so_many_wait_at_once() {
    let house = House::with(|config| config.wait_max = 2);
    let id = house.accepted(r#"{"type":"noop"}"#);
    let mut parked: Vec<_> = (0..2).map(|_| house.connect()).collect();
    for line in &mut parked {
        line.send(&format!("GET /jobs/{id}?wait=30s"), &[], "");
    }
    until_parked(&house, 2);
    let path = format!("/jobs/{id}?wait=10ms");
    assert_eq!(problem(&house.get(&path).expect(429)), "too-many");
    let json = [("Content-Type", "application/json")];
    house
        .ask(
            "POST",
            "/submit?wait=1s",
            &json,
            Some(br#"{"type":"noop"}"#),
        )
        .expect(429);
    assert_eq!(house.waiting(), 1, "a refusal enqueues nothing");
    house.end(house.take(), "1");
    for line in &mut parked {
        line.read().expect(200);
    }
    house.get(&path).expect(200);
}

#[test]
fn who_waits_when_the_daemon_stops_gets_the_job_as_it_is() {
    let mut house = House::with(|config| config.wait_max = 10);
    let id = house.accepted(r#"{"type":"noop"}"#);
    let mut lines: Vec<_> = (0..10).map(|_| house.connect()).collect();
    for line in &mut lines {
        line.send(&format!("GET /jobs/{id}?wait=30s"), &[], "");
        line.send("GET /healthz", &[], "");
    }
    until_parked(&house, 10);
    let took = house.stop(Duration::from_secs(10));
    assert!(took < Duration::from_secs(5), "{took:?}");
    for line in &mut lines {
        assert_eq!(line.read().expect(200).json()["state"], "queued");
        let next = line.read().status;
        assert!(next == 200 || next == 503, "{next}");
    }
}

//! Job types that post to a URL, through the built program, against a server of the test's.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::daemon::Daemon;
use crate::support::hooks::{Hooks, Reply, Request};
use crate::support::smtp::authority;
use crate::support::wait::{PATIENCE, wait_until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// HMAC-SHA256 written out (RFC 2104), apart from the crate that signs.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner);
    outer.finalize().to_vec()
}

fn answer(request: &Request, count: usize) -> Reply {
    match (request.path.as_str(), count) {
        ("/ok", _) => Reply::Say(
            "200 OK",
            &["Content-Type: application/json"],
            "{\"n\": 1.10}",
        ),
        ("/thanks", _) => Reply::Say("202 Accepted", &[], "thank you"),
        ("/large", _) => Reply::Say("200 OK", &[], LARGE),
        ("/bad", _) => Reply::Say("400 Bad Request", &[], "no such order"),
        ("/busy", _) => Reply::Say("429 Too Many Requests", &["Retry-After: 600"], ""),
        ("/moved", _) => Reply::Say("307 Temporary Redirect", &["Location: /elsewhere"], ""),
        ("/shaky", 1) => Reply::Say("500 Internal Server Error", &[], "oops"),
        ("/shaky", _) => Reply::Say("200 OK", &[], "true"),
        _ => Reply::Hang,
    }
}

/// A body that is larger than RESULTMAX in these tests.
const LARGE: &str = concat!("[", include_str!("webhook.rs"), "]");

/// A daemon on one file with an entry for each path of the server, `/ok` being `hook-ok`.
fn daemon(hooks: &Hooks, scheme: &str, settings: &[(&str, &str)]) -> Daemon {
    let mut text = String::new();
    for path in [
        "ok", "thanks", "large", "bad", "busy", "moved", "shaky", "silent",
    ] {
        let port = hooks.port();
        text.push_str(&format!(
            "[[type]]\nname = \"hook-{path}\"\nurl = \"{scheme}://localhost:{port}/{path}\"\nsecret = \"{SECRET}\"\n\
             timeout = \"2s\"\nheaders = {{ X-Shop = \"nine\" }}\n"
        ));
    }
    let folder = crate::support::children::folder("webhook");
    let file = folder.path().join("windlass.toml");
    std::fs::write(&file, text).expect("a fresh folder takes a file");
    let file = file.display().to_string();
    let mut all = vec![
        ("WINDLASS_CONFIG", file.as_str()),
        ("WORKERCOUNT", "1"),
        ("RESULTMAX", "2KiB"),
    ];
    all.extend_from_slice(settings);
    Daemon::embedded(&all)
}

fn job(kind: &str) -> Value {
    json!({"type": kind, "payload": {"order": 17}, "max_retries": 0})
}

#[track_caller]
fn run(daemon: &Daemon, kind: &str, state: &str) -> Value {
    let id = daemon.submit(&job(kind));
    daemon.await_state(&id, state)
}

fn message(job: &Value) -> &str {
    job["error"]["message"].as_str().expect("an error")
}

#[test]
fn a_payload_arrives_signed_and_the_answer_is_the_result() {
    let hooks = Hooks::start(answer);
    let daemon = daemon(&hooks, "http", &[]);
    let done = run(&daemon, "hook-ok", "succeeded");
    assert_eq!(done["result"], json!({"n": 1.1}));
    let seen = hooks.requests("/ok");
    let request = &seen[0];
    assert_eq!(request.body, r#"{"order":17}"#);
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("x-shop"), "nine");
    assert_eq!(
        request.header("webhook-id"),
        done["id"].as_str().expect("an id")
    );
    let (id, at) = (
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
    );
    let age = Utc::now().timestamp() - at.parse::<i64>().expect("seconds");
    assert!((0..=60).contains(&age), "{age} s old");
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let signed = hmac_sha256(&key, format!("{id}.{at}.{}", request.body).as_bytes());
    assert_eq!(
        request.header("webhook-signature"),
        format!("v1,{}", STANDARD.encode(signed))
    );

    assert_eq!(
        run(&daemon, "hook-thanks", "succeeded")["result"],
        Value::Null
    );
    let large = run(&daemon, "hook-large", "succeeded");
    assert_eq!(large["result"], Value::Null);
    let log = large["attempts"][0]["log"].to_string();
    assert!(log.contains("RESULTMAX"), "{log}");
    assert!(
        hooks.connections() <= 2,
        "{} connections for three requests",
        hooks.connections()
    );
}

#[test]
fn refusals_and_redirects_are_the_end_and_nobody_follows() {
    let hooks = Hooks::start(answer);
    let daemon = daemon(&hooks, "http", &[]);
    let bad = daemon.submit(&json!({"type": "hook-bad"}));
    let bad = daemon.await_state(&bad, "dead");
    assert_eq!(bad["attempt"], 1);
    let origin = format!("http://localhost:{}", hooks.port());
    assert_eq!(
        message(&bad),
        format!("{origin} answered 400 Bad Request: no such order")
    );
    let moved = daemon.submit(&json!({"type": "hook-moved"}));
    let moved = daemon.await_state(&moved, "dead");
    assert_eq!(moved["attempt"], 1);
    assert!(
        message(&moved).contains("a redirect to /elsewhere"),
        "{moved}"
    );
    assert!(hooks.requests("/elsewhere").is_empty());
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let hooks = Hooks::start(answer);
    let daemon = daemon(&hooks, "http", &[]);
    let id = daemon.submit(&json!({"type": "hook-busy"}));
    let waiting = daemon.await_state(&id, "retrying");
    let due = waiting["run_at"].as_str().expect("an instant");
    let due: DateTime<Utc> = due.parse().expect("RFC 3339");
    let wait = (due - Utc::now()).num_seconds();
    assert!(
        (500..=600).contains(&wait),
        "{wait} s until the next attempt"
    );
}

#[test]
fn a_shaky_server_is_asked_again_under_the_same_id() {
    let hooks = Hooks::start(answer);
    let daemon = daemon(&hooks, "http", &[]);
    let id = daemon.submit(&json!({"type": "hook-shaky", "backoff": {"base": "10ms"}}));
    let done = daemon.await_state(&id, "succeeded");
    assert_eq!(
        (&done["attempt"], &done["result"]),
        (&json!(2), &json!(true))
    );
    let first = done["attempts"][0]["error"]["message"].to_string();
    assert!(
        first.contains("answered 500 Internal Server Error: oops"),
        "{first}"
    );
    let seen = hooks.requests("/shaky");
    assert_eq!(seen[0].header("webhook-id"), id);
    assert_eq!(seen[1].header("webhook-id"), id);
}

/// One worker, and the job after it runs: the attempt is lost, not the worker.
#[test]
fn a_server_that_never_answers_costs_one_attempt() {
    let hooks = Hooks::start(answer);
    let daemon = daemon(&hooks, "http", &[]);
    let lost = run(&daemon, "hook-silent", "dead");
    assert_eq!(lost["attempts"][0]["outcome"], "timed_out");
    assert_eq!(lost["error"]["kind"], "timeout");
    run(&daemon, "hook-ok", "succeeded");
    assert!(!daemon.log().contains("given up"), "no thread was lost");
}

/// One worker, and a minute for the answer that never comes: a cancel hangs up, over TLS too, and the worker is free.
#[test]
fn a_cancelled_job_hangs_up() {
    let authority = authority().display().to_string();
    for (hooks, scheme, settings) in [
        (Hooks::start(answer), "http", &[][..]),
        (
            Hooks::start_encrypted(answer),
            "https",
            &[("SSL_CERT_FILE", authority.as_str())][..],
        ),
    ] {
        let daemon = daemon(&hooks, scheme, settings);
        let id = daemon.submit(&json!({"type": "hook-silent", "timeout": "60s"}));
        wait_until("the request is there", PATIENCE, || {
            let seen = hooks.requests("/silent").len();
            if seen == 1 { Ok(()) } else { Err(seen) }
        });
        let asked = Instant::now();
        daemon
            .post(&format!("/jobs/{id}/cancel"), &json!({}))
            .expect(202);
        let job = daemon.await_state(&id, "cancelled");
        assert!(asked.elapsed() < Duration::from_secs(20), "{job}");
        assert_eq!(job["attempts"][0]["outcome"], "cancelled");
        run(&daemon, "hook-ok", "succeeded");
    }
}

#[test]
fn a_wrong_certificate_is_refused_and_a_right_one_is_not() {
    let hooks = Hooks::start_encrypted(answer);
    let distrusting = daemon(&hooks, "https", &[]);
    let refused = run(&distrusting, "hook-ok", "dead");
    assert_eq!(
        refused["error"]["kind"], "failed",
        "another attempt may find it mended"
    );
    assert!(
        message(&refused).to_lowercase().contains("certificate"),
        "{refused}"
    );
    assert!(hooks.requests("/ok").is_empty());
    drop(distrusting);

    let authority = authority().display().to_string();
    let trusting = daemon(&hooks, "https", &[("SSL_CERT_FILE", &authority)]);
    run(&trusting, "hook-ok", "succeeded");
}

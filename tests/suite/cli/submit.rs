//! `windlass submit`: a job from flags, and documents.

use serde_json::{Value, json};

use super::mask::masked;
use super::operator::{NO_MAIL, fine, run, run_at, run_with};
use crate::support::daemon::Daemon;
use crate::support::hooks::{Hooks, Reply};

/// A file with this text, and its path.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = crate::support::children::folder("jobs");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a fresh folder takes a file");
    let path = path.to_str().expect("a plain path").to_owned();
    (folder, path)
}

#[test]
fn a_job_of_flags_is_accepted_with_all_that_they_say() {
    let daemon = Daemon::embedded(&[]);
    let out = fine(
        &daemon,
        &[
            "submit",
            "--type",
            "noop",
            "--payload",
            r#"{"n": 12345678901234567890}"#,
            "--queue",
            "mail",
            "--delay",
            "1h",
            "--max-retries",
            "2",
            "--timeout",
            "1m",
            "--tag",
            "a",
            "--tag",
            "b",
            "--unique",
            "one",
        ],
    );
    assert_eq!(masked(&out), "<id>  scheduled  mail\n");
    let id = out.split(' ').next().expect("an id");
    let answer = daemon.get(&format!("/jobs/{id}")).expect(200);
    assert!(
        answer.text().contains("12345678901234567890"),
        "digit for digit: {}",
        answer.text()
    );
    let job = answer.json();
    assert_eq!(job["tags"], json!(["a", "b"]));
    assert_eq!(job["max_retries"], 2);
    // The same unique key: the same job.
    let again = fine(
        &daemon,
        &["submit", "--type", "noop", "--unique", "one", "--json"],
    );
    let again: Value = serde_json::from_str(&again).expect("the API's document");
    assert_eq!(again["id"], id);
}

#[test]
fn a_document_is_one_job_or_an_array_from_a_file_or_standard_input() {
    let daemon = Daemon::embedded(&[]);
    let (_folder, path) = file("job.json", "{\"type\": \"noop\",\n \"payload\": {}}\n");
    assert_eq!(
        masked(&fine(&daemon, &["submit", &path])),
        "<id>  queued  default\n"
    );
    let array = r#"[{"type":"noop"},{"type":"noop","queue":"mail"}]"#;
    for arguments in [&["submit"][..], &["submit", "-"]] {
        let ran = run_with(&daemon, arguments, array);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert_eq!(
            masked(&ran.out),
            "<id>  queued  default\n<id>  queued  mail\n"
        );
    }
    let ran = run_with(&daemon, &["submit", "--json"], array);
    let answer: Value = serde_json::from_str(&ran.out).expect("the API's document");
    assert_eq!(answer["jobs"].as_array().map(Vec::len), Some(2));
    assert_eq!(ran.out.lines().count(), 1);
    let payload = run_with(
        &daemon,
        &["submit", "--type", "noop", "--payload", "@-", "--json"],
        "{\"a\":\n null}",
    );
    assert_eq!(payload.code, 0, "{}", payload.err);
}

#[test]
fn waiting_shows_the_end_and_the_exit_code_tells_how_it_was() {
    let daemon = Daemon::embedded(&NO_MAIL);
    let ran = run(
        &daemon,
        &[
            "submit",
            "--type",
            "sleep",
            "--payload",
            r#"{"seconds":0}"#,
            "--wait",
            "30s",
        ],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = "<id>  succeeded
type        sleep
queue       default
created     <instant>
started     <instant>
ended       <instant>
attempt     1 of at most 6
payload
  {\"seconds\":0}
result
  {\"slept\":0.0}
attempts
  1  succeeded  <instant>, took <took>, on node-<port>
";
    assert_eq!(masked(&ran.out), expected);
    // Nobody takes mails there.
    let mail = r#"{"type":"email","max_retries":0,"payload":{"to":"a@example.com","subject":"s","body":"b"}}"#;
    let ran = run_with(&daemon, &["submit", "--wait", "30s", "--json"], mail);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let job: Value = serde_json::from_str(&ran.out).expect("the API's document");
    assert_eq!(job["state"], "dead");
    // The wait is over first.
    let ran = run(
        &daemon,
        &["submit", "--type", "noop", "--delay", "1h", "--wait", "1ms"],
    );
    assert_eq!(ran.code, 1);
    assert_eq!(
        masked(&ran.err),
        "windlass: job <id> has not ended within 1ms; it is scheduled\n"
    );
    assert!(ran.out.contains("  scheduled\n"), "{}", ran.out);
}

#[test]
fn what_is_refused_is_told_field_by_field() {
    let daemon = Daemon::embedded(&[]);
    let job = r#"{"type":"noop","queue":"a b","delay":"soon","tgas":["x"]}"#;
    let ran = run_with(&daemon, &["submit"], job);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let expected = "windlass: Some fields are wrong (422)
  /tgas: unknown field; did you mean `tags`?
  /delay: not a length of time; write it like `500ms`, `10s`, `2m`, `1h` or `7d`, or as a number of seconds
  /queue: cannot name a queue: 1 to 64 of a-z A-Z 0-9 _ . -, beginning with a letter or digit
";
    assert_eq!(ran.err, expected);
    let ran = run_with(
        &daemon,
        &["submit"],
        "{\"type\":\"noop\"}\n{\"type\":\"noop\"}\n",
    );
    assert_eq!(ran.code, 1);
    assert!(
        ran.err
            .ends_with("is there a job a line? then add --ndjson\n"),
        "{}",
        ran.err
    );
    let ran = run_with(&daemon, &["submit"], " \n");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "windlass: cannot read stdin: it is empty\n")
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_2_and_sends_nothing() {
    let daemon = Daemon::embedded(&[]);
    for (arguments, words) in [
        (&["submit", "--payload", "{}"][..], "--type <TYPE>"),
        (
            &["submit", "--type", "noop", "--payload", "{a:1}"],
            "single quotes",
        ),
        (
            &["submit", "x.json", "--type", "noop"],
            "cannot be used with",
        ),
        (
            &["submit", "--type", "noop", "--delay", "1s", "--run-at", "x"],
            "cannot be used with",
        ),
        (
            &["submit", "--wait", "1s", "--ndjson"],
            "cannot be used with",
        ),
        (
            &["submit", "--type", "noop", "--wait", "soon"],
            "not a length of time",
        ),
        (&["submit", "--idempotency-key", ""], "a value is required"),
    ] {
        let ran = run(&daemon, arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (2, ""),
            "{arguments:?}: {}",
            ran.err
        );
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
    let ran = run_with(&daemon, &["submit", "--wait", "1s"], "[]");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "windlass: --wait goes with one job only\n")
    );
    let ran = run(&daemon, &["submit", "/no/such.json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "windlass: cannot read /no/such.json: No such file or directory (os error 2)\n"
    );
}

const RECEIPT: &str = r#"{"id":"0190","state":"queued","queue":"default"}"#;
const UNKNOWN: &str = r#"{"type":"urn:windlass:outcome-unknown","title":"It is unknown","status":503,"detail":"the queue did not answer"}"#;

#[test]
fn while_the_outcome_is_unknown_it_is_asked_again_under_the_same_key() {
    let server = Hooks::start(|_, n| match n {
        1 => Reply::Leave,
        2 => Reply::Say("503 Service Unavailable", &["Retry-After: 0"], UNKNOWN),
        _ => Reply::Say("200 OK", &[], RECEIPT),
    });
    let ran = run_at(server.port(), &["submit", "--type", "noop"], "");
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "0190  queued  default\n"),
        "{}",
        ran.err
    );
    let requests = server.requests("/submit");
    assert_eq!(requests.len(), 3);
    let key = requests[0].header("idempotency-key");
    assert!(key.starts_with("cli-") && key.len() == 36, "{key}");
    assert!(
        requests
            .iter()
            .all(|r| r.header("idempotency-key") == key && r.body == requests[0].body)
    );
    assert_eq!(
        ran.err
            .matches("trying again, under the same Idempotency-Key")
            .count(),
        2,
        "{}",
        ran.err
    );
}

#[test]
fn an_outcome_that_stays_unknown_is_told_with_the_key_that_makes_it_safe() {
    // More than the patience: it is not waited for.
    let server =
        Hooks::start(|_, _| Reply::Say("503 Service Unavailable", &["Retry-After: 600"], UNKNOWN));
    let ran = run_at(
        server.port(),
        &["submit", "--type", "noop", "--idempotency-key", "mine"],
        "",
    );
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let expected = "windlass: It is unknown: the queue did not answer (503)
  whether it was accepted is unknown: the same command with --idempotency-key mine submits nothing twice
";
    assert_eq!(ran.err, expected);
    assert_eq!(server.requests("/submit").len(), 1);
}

#[test]
fn what_was_surely_not_accepted_is_not_asked_again() {
    const AWAY: &str = r#"{"type":"urn:windlass:queue-away","title":"The queue is unreachable","status":503,"detail":"nothing was enqueued"}"#;
    let server =
        Hooks::start(|_, _| Reply::Say("503 Service Unavailable", &["Retry-After: 0"], AWAY));
    let ran = run_at(server.port(), &["submit", "--type", "noop"], "");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "windlass: The queue is unreachable: nothing was enqueued (503)\n"
    );
    assert_eq!(server.requests("/submit").len(), 1);
}

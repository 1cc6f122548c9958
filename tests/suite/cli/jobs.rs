//! `windlass jobs`: show and act.

use serde_json::{Value, json};

use super::mask::masked;
use super::operator::{NO_MAIL, fine, run};
use crate::support::daemon::Daemon;

const NOBODY: &str = "0190e1d2-0000-7000-8000-000000000000";

#[test]
fn a_job_that_failed_is_shown_with_its_attempts() {
    let daemon = Daemon::embedded(&NO_MAIL);
    let mail = json!({"type": "email", "max_retries": 0, "tags": ["a", "b"],
        "payload": {"to": "a@example.com", "subject": "s", "body": "b"}});
    let id = daemon.submit(&mail);
    let ran = run(&daemon, &["jobs", "show", &id, "--wait", "30s"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "it did not succeed");
    let expected = "<id>  dead
type        email
queue       default
tags        a, b
created     <instant>
started     <instant>
ended       <instant>
attempt     1 of at most 1
error       failed: <address>, at the connection: Connection refused (os error 111)
payload
  {\"body\":\"b\",\"subject\":\"s\",\"to\":\"a@example.com\"}
attempts
  1  failed  <instant>, took <took>, on node-<port>
     failed: <address>, at the connection: Connection refused (os error 111)
";
    assert_eq!(masked(&ran.out), expected);
    // Without a wait, showing it is all that was asked.
    assert_eq!(masked(&fine(&daemon, &["jobs", "show", &id])), expected);
    let shown = fine(&daemon, &["jobs", "show", &id, "--json"]);
    assert_eq!(shown.lines().count(), 1);
    let shown: Value = serde_json::from_str(&shown).expect("the API's document");
    assert_eq!(shown, daemon.get(&format!("/jobs/{id}")).expect(200).json());
}

#[test]
fn each_job_has_its_own_line_and_one_failure_is_enough_for_exit_1() {
    let daemon = Daemon::embedded(&[]);
    let waiting = daemon.submit(&json!({"type": "noop", "delay": "1h"}));
    let ended = daemon.submit(&json!({"type": "noop"}));
    daemon.await_state(&ended, "succeeded");
    let ran = run(&daemon, &["jobs", "cancel", &ended, NOBODY, &waiting]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out, format!("{waiting}  cancelled\n"));
    let expected = "windlass: <id>: The state does not allow this: the job has ended already: it is succeeded; POST /jobs/<id>/retry runs it again (409)
windlass: <id>: Not found: there is no job <id> (404)
";
    assert_eq!(masked(&ran.err), expected);
    let ran = run(&daemon, &["jobs", "cancel", &ended, "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let line: Value = serde_json::from_str(&ran.out).expect("a line of JSON");
    assert_eq!(line["id"], ended);
    assert_eq!(line["error"]["type"], "urn:windlass:conflict");
}

#[test]
fn a_running_job_is_asked_to_stop() {
    let daemon = Daemon::embedded(&[]);
    let id = daemon.submit(&json!({"type": "sleep", "payload": {"seconds": 60}}));
    daemon.await_state(&id, "running");
    assert_eq!(
        fine(&daemon, &["jobs", "cancel", &id]),
        format!("{id}  running, asked to stop\n")
    );
    daemon.await_state(&id, "cancelled");
}

#[test]
fn what_is_not_there_is_told_with_its_id() {
    let daemon = Daemon::embedded(&[]);
    let ran = run(&daemon, &["jobs", "show", NOBODY]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        format!("windlass: Not found: there is no job {NOBODY} (404)\n")
    );
    let ran = run(&daemon, &["jobs", "show", ""]);
    assert_eq!(ran.code, 2);
    let ran = run(&daemon, &["jobs", "cancel"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn an_ended_job_is_retried_and_deleted_and_one_that_waits_is_run() {
    let daemon = Daemon::embedded(&[]);
    let ended = daemon.submit(&json!({"type": "noop"}));
    daemon.await_state(&ended, "succeeded");
    let out = fine(&daemon, &["jobs", "retry", &ended]);
    let retry = out.trim().rsplit(' ').next().expect("an id").to_owned();
    assert_eq!(out, format!("{ended}  retried as {retry}\n"));
    // Two clicks are one.
    assert_eq!(fine(&daemon, &["jobs", "retry", &ended]), out);
    let shown = fine(&daemon, &["jobs", "show", &retry, "--wait", "30s"]);
    assert!(shown.contains(&format!("retry of    {ended}\n")), "{shown}");
    let shown = fine(&daemon, &["jobs", "show", &ended]);
    assert!(shown.contains(&format!("retried as  {retry}\n")), "{shown}");

    let waiting = daemon.submit(&json!({"type": "noop", "delay": "1h"}));
    assert_eq!(
        fine(&daemon, &["jobs", "run", &waiting]),
        format!("{waiting}  due now\n")
    );
    daemon.await_state(&waiting, "succeeded");

    let ran = run(&daemon, &["jobs", "delete", &ended, &waiting]);
    assert_eq!(
        (ran.code, ran.out),
        (0, format!("{ended}  deleted\n{waiting}  deleted\n")),
        "{}",
        ran.err
    );
    let ran = run(&daemon, &["jobs", "delete", &ended]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        masked(&ran.err),
        "windlass: <id>: Not found: there is no job <id> (404)\n"
    );
    let gone = fine(&daemon, &["jobs", "delete", &retry, "--json"]);
    assert_eq!(gone, format!("{{\"id\":\"{retry}\",\"deleted\":true}}\n"));
}

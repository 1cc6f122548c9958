//! `windlass queues`: list, pause, resume, purge.

use serde_json::{Value, json};

use super::operator::{Terminal, await_served, fine, run};
use crate::support::daemon::Daemon;

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A daemon with three jobs that wait in `mail`.
fn with_mail() -> Daemon {
    let daemon = Daemon::embedded(&[("QUEUES", "default:2"), ("LIMITS", "mail=5")]);
    await_served(&daemon);
    for delay in ["0s", "1h", "2h"] {
        daemon.submit(&json!({"type": "noop", "queue": "mail", "delay": delay}));
    }
    daemon
}

#[test]
fn the_queues_are_listed_as_they_stand() {
    let daemon = with_mail();
    let out = fine(&daemon, &["queues"]);
    assert_eq!(out, fine(&daemon, &["queues", "list"]));
    let lines: Vec<_> = out.lines().map(words).collect();
    assert_eq!(
        lines[0].join(" "),
        "NAME READY SCHEDULED RUNNING OLDEST READY WEIGHT LIMIT STATUS"
    );
    assert_eq!(
        lines[1],
        ["default", "0", "0", "0", "-", "2", "-", "served"]
    );
    let mail = &lines[2];
    assert_eq!(mail[..4], ["mail", "1", "2", "0"]);
    assert!(mail[4].starts_with("20"), "an instant: {mail:?}");
    assert_eq!(mail[5..], ["-", "5", "unserved"]);
    let document: Value =
        serde_json::from_str(&fine(&daemon, &["queues", "--json"])).expect("JSON");
    assert_eq!(document, daemon.get("/queues").expect(200).json());
}

#[test]
fn a_queue_is_paused_and_resumed() {
    let daemon = Daemon::embedded(&[]);
    await_served(&daemon);
    let out = fine(&daemon, &["queues", "pause", "default"]);
    assert_eq!(
        out.lines()
            .nth(1)
            .map(words)
            .and_then(|row| row.last().copied()),
        Some("paused")
    );
    let id = daemon.submit(&json!({"type": "noop"}));
    assert_eq!(
        daemon.get("/queues/default").expect(200).json()["paused"],
        true
    );
    let out = fine(&daemon, &["queues", "resume", "default"]);
    assert_eq!(
        out.lines()
            .nth(1)
            .map(words)
            .and_then(|row| row.last().copied()),
        Some("served")
    );
    daemon.await_state(&id, "succeeded");
}

#[test]
fn a_purge_asks_whom_it_can_ask() {
    let daemon = with_mail();
    let waiting = || {
        let queue = daemon.get("/queues/mail").expect(200).json();
        queue["ready"].as_u64().unwrap_or(99) + queue["scheduled"].as_u64().unwrap_or(99)
    };
    let purge = ["queues", "purge", "mail"];
    let ran = run(&daemon, &purge);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err
            .ends_with("there is no terminal to ask on: add --yes\n"),
        "{}",
        ran.err
    );
    for typed in ["n\n", "\n", "yeah\n"] {
        let (code, shown) = Terminal::new(100).run(&daemon, &purge, typed);
        assert_eq!(code, 1, "{shown}");
        assert!(
            shown.contains("Cancel all jobs that wait in `mail` (1 ready, 2 scheduled)? [y/N] "),
            "{shown}"
        );
        assert!(shown.contains("nothing was cancelled"), "{shown}");
    }
    assert_eq!(waiting(), 3);
    let (code, shown) = Terminal::new(100).run(&daemon, &purge, "y\n");
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.contains("mail  3 jobs are being cancelled"),
        "{shown}"
    );
    let emptied = || {
        crate::support::wait::wait_until("it is empty", crate::support::wait::PATIENCE, || {
            match waiting() {
                0 => Ok(()),
                left => Err(left),
            }
        })
    };
    emptied();
    daemon.submit(&json!({"type": "noop", "queue": "mail"}));
    assert_eq!(
        fine(&daemon, &["queues", "purge", "mail", "--yes"]),
        "mail  1 job is being cancelled\n"
    );
    emptied();
}

#[test]
fn a_queue_that_nobody_knows_is_told_with_the_near_one() {
    let daemon = Daemon::embedded(&[]);
    for arguments in [
        &["queues", "purge", "defualt", "--yes"][..],
        &["queues", "resume", "de fault"],
    ] {
        let ran = run(&daemon, arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (1, ""),
            "{arguments:?}: {}",
            ran.err
        );
    }
    let ran = run(&daemon, &["queues", "purge", "defualt", "--yes"]);
    assert!(ran.err.contains("did you mean `default`?"), "{}", ran.err);
}

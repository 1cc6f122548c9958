//! `windlass workers`, `stats`, `types`.

use serde_json::{Value, json};

use super::mask::masked;
use super::operator::{fine, run};
use crate::support::daemon::Daemon;
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn the_workers_are_shown_with_what_they_run() {
    let daemon = Daemon::embedded(&[("WORKERCOUNT", "3"), ("LEASE", "1s")]);
    let id = daemon.submit(&json!({"type": "sleep", "payload": {"seconds": 60}}));
    daemon.await_state(&id, "running");
    let out = wait_until("the daemon tells of its job", PATIENCE, || {
        let out = fine(&daemon, &["workers"]);
        if out.contains(&id) { Ok(out) } else { Err(out) }
    });
    let lines: Vec<String> = masked(&out)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "NODE THREADS BUSY STARTED SEEN",
            "node-<port> 3 1 <instant> <instant>",
            "",
            "RUNNING TYPE NODE SINCE",
            "<id> sleep node-<port> <instant>",
        ]
    );
    let document: Value =
        serde_json::from_str(&fine(&daemon, &["workers", "--json"])).expect("JSON");
    assert_eq!(document["nodes"][0]["running"][0]["id"], id);
}

#[test]
fn the_jobs_are_counted_by_state() {
    let daemon = Daemon::embedded(&[]);
    let id = daemon.submit(&json!({"type": "noop"}));
    daemon.await_state(&id, "succeeded");
    daemon.submit(&json!({"type": "noop", "delay": "1h"}));
    let out = wait_until("it is recorded", PATIENCE, || {
        let out = fine(&daemon, &["stats"]);
        if out.ends_with("recorded)     0\n") {
            Ok(out)
        } else {
            Err(out)
        }
    });
    let expected = "STATE             JOBS
scheduled            1
queued               0
running              0
succeeded            1
dead                 0
cancelled            0
expired              0
quarantined          0
(to be recorded)     0
";
    assert_eq!(out, expected);
    let document: Value = serde_json::from_str(&fine(&daemon, &["stats", "--json"])).expect("JSON");
    assert_eq!(document["states"]["succeeded"], 1);
}

#[test]
fn the_types_are_listed_and_each_shown_with_its_schemas() {
    let daemon = Daemon::embedded(&[]);
    let out = fine(&daemon, &["types"]);
    assert!(
        out.starts_with("TYPE   PAYLOAD\ndata   outputs [inputs] [steps]\n"),
        "{out}"
    );
    let shown = fine(&daemon, &["types", "sleep"]);
    assert!(shown.starts_with("payload\n{\n"), "{shown}");
    assert!(
        shown.contains("\n  \"required\": [\n    \"seconds\"\n  ]"),
        "{shown}"
    );
    let document: Value =
        serde_json::from_str(&fine(&daemon, &["types", "sleep", "--json"])).expect("JSON");
    assert_eq!(document["name"], "sleep");
    let ran = run(&daemon, &["types", "slep"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        "windlass: the daemon runs no job type `slep`; it runs data, email, image, noop, sleep\n"
    );
}

//! A day's work on Redis and PostgreSQL: the commands know no engine, and nothing in them may come to depend on one.

use serde_json::json;

use super::mask::masked;
use super::operator::{fine, run, run_with};
use crate::support::daemon::Daemon;
use crate::support::servers::{Postgres, Redis};

#[test]
fn a_day_of_an_operator() {
    let (redis, database) = (Redis::shared().addr(), Postgres::shared().fresh_database());
    let daemon = Daemon::start(&[
        ("REDISADDR", &redis),
        ("DATABASEURL", &database),
        ("NAMESPACE", "cli-day"),
    ]);
    let text = "{\"type\":\"noop\",\"queue\":\"bulk\",\"delay\":\"1h\"}\n".repeat(1_500)
        + "{\"type\":\"nop\"}\n";
    let ran = run_with(
        &daemon,
        &["submit", "--ndjson", "--idempotency-key", "day"],
        &text,
    );
    assert_eq!(
        masked(&ran.out),
        "1500 accepted, 1 refused, in <took> (<rate> a second)\n"
    );
    let again = run_with(
        &daemon,
        &["submit", "--ndjson", "--idempotency-key", "day"],
        &text,
    );
    assert!(
        again.out.starts_with("1500 accepted, 1 refused"),
        "{}",
        again.out
    );
    assert!(
        fine(&daemon, &["queues"]).contains("bulk"),
        "no job was doubled"
    );
    assert_eq!(
        daemon.get("/queues/bulk").expect(200).json()["scheduled"],
        1_500
    );

    let shown = fine(
        &daemon,
        &[
            "submit",
            "--type",
            "sleep",
            "--payload",
            "{\"seconds\":0}",
            "--wait",
            "30s",
        ],
    );
    assert!(shown.contains("  succeeded\n"), "{shown}");
    let id = shown.split(' ').next().expect("an id").to_owned();
    let listed = fine(&daemon, &["jobs", "list", "--type", "sleep"]);
    assert!(listed.contains(&id), "{listed}");
    let retried = fine(&daemon, &["jobs", "retry", &id]);
    assert_eq!(masked(&retried), "<id>  retried as <id>\n");
    let live = fine(
        &daemon,
        &[
            "jobs", "list", "--queue", "bulk", "--state", "live", "--all",
        ],
    );
    assert_eq!(live.lines().count(), 1_501);

    fine(&daemon, &["queues", "pause", "bulk"]);
    assert_eq!(
        fine(&daemon, &["queues", "purge", "bulk", "--yes"]),
        "bulk  1500 jobs are being cancelled\n"
    );
    let waiting = daemon.submit(&json!({"type": "noop", "delay": "1h"}));
    assert_eq!(
        fine(&daemon, &["jobs", "cancel", &waiting]),
        format!("{waiting}  cancelled\n")
    );
    fine(
        &daemon,
        &[
            "schedules",
            "put",
            "daily",
            "--cron",
            "@daily",
            "--type",
            "noop",
        ],
    );
    assert!(fine(&daemon, &["schedules"]).contains("daily"));
    assert!(fine(&daemon, &["workers"]).contains("node-"));
    assert!(fine(&daemon, &["stats"]).contains("succeeded"));
    assert_eq!(run(&daemon, &["jobs", "run", &waiting]).code, 1);
}

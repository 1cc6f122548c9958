//! A day's work on Redis and PostgreSQL: the commands know no engine, and nothing in them may come to depend on one.

use serde_json::json;

use super::mask::masked;
use super::operator::{fine, run, run_with};
use crate::support::daemon::Daemon;
use crate::support::servers::{Postgres, Redis};
use crate::support::wait::{PATIENCE, wait_until};

/// Runs a command line whose words hold no spaces.
fn say(daemon: &Daemon, line: &str) -> String {
    fine(daemon, &line.split(' ').collect::<Vec<_>>())
}

#[test]
fn a_day_of_an_operator() {
    let (redis, database) = (Redis::shared().addr(), Postgres::shared().fresh_database());
    let daemon = Daemon::start(&[
        ("REDISADDR", &redis),
        ("DATABASEURL", &database),
        ("NAMESPACE", "cli-day"),
        ("NODE", "day-shift"),
    ]);
    let text = "{\"type\":\"noop\",\"queue\":\"bulk\",\"delay\":\"1h\"}\n".repeat(1_500)
        + "{\"type\":\"nop\"}\n";
    let load = ["submit", "--ndjson", "--idempotency-key", "day"];
    for time in ["first", "again"] {
        let ran = run_with(&daemon, &load, &text);
        assert_eq!(
            masked(&ran.out),
            "1500 accepted, 1 refused, in <took> (<rate> a second)\n",
            "{time}"
        );
    }
    let queue = daemon.get("/queues/bulk").expect(200).json();
    assert_eq!(queue["scheduled"], 1_500, "no job was doubled");
    assert!(say(&daemon, "queues").contains("bulk"));

    let shown = say(
        &daemon,
        "submit --type sleep --payload {\"seconds\":0} --wait 30s",
    );
    assert!(shown.contains("  succeeded\n"), "{shown}");
    let id = shown.split(' ').next().expect("an id").to_owned();
    let listed = say(&daemon, "jobs list --type sleep");
    assert!(listed.contains(&id), "{listed}");
    let retried = say(&daemon, &format!("jobs retry {id}"));
    assert_eq!(masked(&retried), "<id>  retried as <id>\n");
    let live = say(&daemon, "jobs list --queue bulk --state live --all");
    assert_eq!(live.lines().count(), 1_501);

    say(&daemon, "queues pause bulk");
    assert_eq!(
        say(&daemon, "queues purge bulk --yes"),
        "bulk  1500 jobs are being cancelled\n"
    );
    let waiting = daemon.submit(&json!({"type": "noop", "delay": "1h"}));
    assert_eq!(
        say(&daemon, &format!("jobs cancel {waiting}")),
        format!("{waiting}  cancelled\n")
    );
    say(&daemon, "schedules put daily --cron @daily --type noop");
    assert!(say(&daemon, "schedules").contains("daily"));
    wait_until("the daemon is listed", PATIENCE, || {
        let workers = say(&daemon, "workers");
        if workers.contains("day-shift") {
            Ok(())
        } else {
            Err(workers)
        }
    });
    assert!(say(&daemon, "stats").contains("succeeded"));
    assert_eq!(run(&daemon, &["jobs", "run", &waiting]).code, 1);
}

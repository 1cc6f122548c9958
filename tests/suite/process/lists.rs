//! What `GET /jobs` lists while jobs run, end and are recorded, and what it lists when one of the servers is away.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::house::House;
use crate::support::daemon::Daemon;
use crate::support::wait::wait_until;

/// Submits jobs; their ids, in order.
#[track_caller]
fn submit(daemon: &Daemon, job: &Value, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let some = vec![job.clone(); (count - ids.len()).min(1_000)];
        let answer = daemon.post("/submit", &json!(some)).expect(202).json();
        let jobs = answer["jobs"].as_array().expect("jobs");
        ids.extend(jobs.iter().map(id));
    }
    ids
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}

/// All pages of a list.
#[track_caller]
fn pages(daemon: &Daemon, query: &str) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = daemon.get(&format!("/jobs?{query}{next}"));
        let page = page.expect(200).json();
        all.extend(page["jobs"].as_array().expect("jobs").iter().map(id));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => return all,
        }
    }
}

/// Waits until so many jobs have succeeded since the start of history.
#[track_caller]
fn await_succeeded(daemon: &Daemon, wanted: u64) {
    let what = format!("{wanted} jobs have succeeded");
    wait_until(&what, Duration::from_secs(60), || {
        let stats = daemon.get("/stats").expect(200).json();
        let count = stats["states"]["succeeded"].as_u64();
        count.filter(|n| *n >= wanted).ok_or(stats)
    });
}

/// Waits until a list of ended jobs is answered with this status.
#[track_caller]
fn await_status(daemon: &Daemon, status: u16) -> Value {
    let what = format!("GET /jobs is {status}");
    wait_until(&what, Duration::from_secs(60), || {
        let answer = daemon.get("/jobs");
        if answer.status == status {
            Ok(answer.json())
        } else {
            Err(answer.status)
        }
    })
}

/// Those that had ended before the first page was read are listed once, newest first, while thousands of others end and
/// get from Redis to PostgreSQL between the pages.
#[test]
fn ended_jobs_are_listed_once_while_others_end() {
    let house = House::new();
    let daemon = house.daemon(&[]);
    let noop = json!({"type": "noop"});
    let ended = submit(&daemon, &noop, 1_000);
    await_succeeded(&daemon, 1_000);
    submit(&daemon, &noop, 5_000);
    let listed = pages(&daemon, "limit=25");
    let filtered = pages(&daemon, "limit=100&state=succeeded&type=noop&queue=default");
    for all in [listed, filtered] {
        assert!(all.is_sorted_by(|a, b| a > b), "newest first, each once");
        let all: HashSet<String> = all.into_iter().collect();
        let missed = ended.iter().filter(|id| !all.contains(*id)).count();
        assert_eq!(missed, 0, "of {} that are listed", all.len());
    }
    await_succeeded(&daemon, 6_000);
    assert_eq!(pages(&daemon, "limit=1000").len(), 6_000);
}

/// A daemon of one thread takes what is listed first, and what waits behind it stays in its order.
#[test]
fn live_jobs_run_in_the_order_in_which_they_are_listed() {
    let house = House::new();
    let door = house.daemon(&[("QUEUES", "other")]);
    submit(&door, &json!({"type": "noop", "delay": "2h"}), 1);
    let ids = submit(&door, &json!({"type": "noop", "tags": ["x"]}), 30);
    let listed = pages(&door, "state=queued&tag=x&limit=7");
    assert_eq!(listed, ids);
    assert_eq!(pages(&door, "state=live&limit=7").len(), 31);
    let _hands = house.daemon(&[("WORKERCOUNT", "1")]);
    await_succeeded(&door, 30);
    let order = "SELECT id::text FROM jobs ORDER BY started_at";
    let ran = wait_until("all are recorded", Duration::from_secs(30), || {
        let rows = house.sql().query(order, &[]).expect("postgres answers");
        let ran: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if ran.len() == 30 {
            Ok(ran)
        } else {
            Err(ran.len())
        }
    });
    assert_eq!(ran, listed);
    assert_eq!(pages(&door, "state=live").len(), 1);
}

/// While PostgreSQL is away, what lives is listed and what has ended is not: half of it would be no list.
#[test]
fn without_postgresql_live_jobs_are_listed() {
    let mut house = House::with_own_postgres();
    let daemon = house.daemon(&[]);
    submit(&daemon, &json!({"type": "noop"}), 10);
    await_succeeded(&daemon, 10);
    assert_eq!(pages(&daemon, "").len(), 10);
    submit(&daemon, &json!({"type": "noop", "delay": "2h"}), 3);
    house.postgres().kill();
    // Its connections live on for a moment.
    let refused = await_status(&daemon, 503);
    assert_eq!(refused["type"], "urn:windlass:storage-away");
    assert_eq!(pages(&daemon, "state=scheduled&limit=2").len(), 3);
    daemon.get("/queues").expect(200);
    daemon.get("/stats").expect(200);
    house.postgres().restart();
    await_status(&daemon, 200);
    assert_eq!(pages(&daemon, "limit=3").len(), 10);
}

//! Schedules in real life: several daemons, kills, restarts, a file that changes, on the real clock.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, run};
use crate::support::wait::{PATIENCE, wait_until};

use super::house::{House, embedded};
use super::stage::Stage;

/// A schedule of every second whose jobs are tagged.
fn every_second(tag: &str) -> Value {
    json!({
        "cron": "* * * * * *",
        "catch_up": "all",
        "job": {"type": "noop", "tags": [tag]},
    })
}

fn put(daemon: &Daemon, name: &str, schedule: &Value, status: u16) -> Value {
    let (headers, body) = ([("Content-Type", "application/json")], schedule.to_string());
    let target = format!("/schedules/{name}");
    let answer = daemon.request("PUT", &target, &headers, Some(body.as_bytes()));
    answer.expect(status).json()
}

fn get(daemon: &Daemon, name: &str) -> Value {
    daemon.get(&format!("/schedules/{name}")).expect(200).json()
}

/// The second of an instant on the wire.
#[track_caller]
fn second(instant: &Value) -> i64 {
    let text = instant
        .as_str()
        .unwrap_or_else(|| panic!("no instant: {instant}"));
    let instant = chrono::DateTime::parse_from_rfc3339(text).expect("an instant");
    instant.timestamp()
}

/// Waits until a schedule has fired `count` seconds after its creation.
#[track_caller]
fn await_fires(daemon: &Daemon, name: &str, count: i64) -> Value {
    let patience = PATIENCE + Duration::from_secs(count.unsigned_abs());
    wait_until(&format!("{name} has fired {count} times"), patience, || {
        let shown = get(daemon, name);
        let fired = shown["last_at"].is_string()
            && second(&shown["last_at"]) >= second(&shown["created_at"]) + count;
        if fired {
            Ok(shown)
        } else {
            Err(shown.to_string())
        }
    })
}

/// Three daemons and a kill of each in turn: of every second of the schedule's life there is exactly one job, and it has
/// run.
#[test]
fn three_daemons_that_are_killed_in_turn_bring_one_job_a_second() {
    let house = House::new();
    let mut daemons: Vec<Daemon> = (0..3).map(|_| house.daemon(&[("LEASE", "2s")])).collect();
    put(&daemons[0], "often", &every_second("tick"), 201);
    for (round, victim) in [(5, 0), (10, 1), (15, 2)] {
        await_fires(&daemons[(victim + 1) % 3], "often", round);
        daemons[victim].kill9();
        await_fires(&daemons[(victim + 1) % 3], "often", round + 2);
        daemons[victim].restart();
    }
    await_fires(&daemons[0], "often", 20);
    put(&daemons[1], "often", &json!({"enabled": false}), 200);
    let shown = get(&daemons[2], "often");
    let ticks = second(&shown["last_at"]) - second(&shown["created_at"]);
    assert!(ticks >= 20, "{shown}");
    assert_eq!(shown["last_skip"], Value::Null);
    let mut sql = house.sql();
    let mut recorded = || -> i64 {
        let count = "SELECT count(*) FROM jobs WHERE tags @> '{tick}' AND state = 'succeeded'";
        sql.query_one(count, &[]).expect("a count").get(0)
    };
    wait_until("every job is recorded", Duration::from_secs(90), || {
        let (queued, recorded) = (house.queued(), recorded());
        if queued == 0 {
            Ok(())
        } else {
            Err(format!("{queued} are not, {recorded} are"))
        }
    });
    assert_eq!(recorded(), ticks, "a job a second: {shown}");
}

/// The entry of a file.
fn filed(cron: &str) -> String {
    format!("[[schedule]]\nname = \"filed\"\ncron = \"{cron}\"\njob = {{ type = \"noop\" }}\n")
}

/// Starts a daemon with settings.
type Start<'a> = dyn Fn(&[(&str, &str)]) -> Daemon + 'a;

/// Schedules of the file and of the API over kills, restarts and reloads.
fn schedules_survive(start: &Start<'_>) {
    let stage = Stage::new(&filed("* * * * * *"));
    let mut daemon = start(&[stage.file()]);
    put(&daemon, "often", &every_second("a"), 201);
    let often = await_fires(&daemon, "often", 1);
    let first = await_fires(&daemon, "filed", 1);
    assert_eq!(
        (&first["source"], &often["source"]),
        (&json!("file"), &json!("api"))
    );
    let job = first["last_job"].as_str().expect("a job").to_owned();
    daemon.await_state(&job, "succeeded");

    let paused = put(&daemon, "filed", &json!({"enabled": false}), 200);
    daemon.kill9();
    daemon.restart();
    let again = await_fires(
        &daemon,
        "often",
        second(&often["last_at"]) - second(&often["created_at"]) + 3,
    );
    assert_eq!(again["created_at"], often["created_at"]);
    let still = get(&daemon, "filed");
    for key in ["created_at", "last_at", "last_job", "enabled"] {
        assert_eq!(still[key], paused[key], "{key}");
    }
    let refused = daemon.request("DELETE", "/schedules/filed", &[], None);
    refused.expect(409);

    let fired = second(&first["last_at"]) - second(&first["created_at"]);
    reloads_are_followed(&mut daemon, &stage, fired);
}

/// Changes the entry of the file while it is paused, after it fired up to `fired` seconds after its creation.
fn reloads_are_followed(daemon: &mut Daemon, stage: &Stage, fired: i64) {
    // Gone from the file: kept, silent, reported; and back again, still paused.
    stage.write("# nothing\n");
    daemon.hup();
    let orphan = wait_until("the daemon has noticed", PATIENCE, || {
        let shown = get(daemon, "filed");
        let told = daemon
            .log()
            .contains("schedule filed: no file names it any more");
        if told && shown["orphaned"] == true {
            Ok(shown)
        } else {
            Err(shown.to_string())
        }
    });
    assert_eq!(
        (&orphan["enabled"], &orphan["next_at"]),
        (&json!(false), &Value::Null)
    );
    stage.write(&filed("*/2 * * * * *"));
    daemon.hup();
    let back = wait_until("the daemon has read its file", PATIENCE, || {
        let shown = get(daemon, "filed");
        if shown["cron"] == "*/2 * * * * *" {
            Ok(shown)
        } else {
            Err(shown.to_string())
        }
    });
    assert_eq!(
        (&back["orphaned"], &back["enabled"]),
        (&json!(false), &json!(false))
    );
    put(daemon, "filed", &json!({"enabled": true}), 200);
    await_fires(daemon, "filed", fired + 2);
    // One that is wrong is refused whole, with the line, and everything stays.
    stage.write(&filed("99 * * * * *"));
    daemon.hup();
    let wrong = "line 3: cron: second: 99 is out of range";
    wait_until("the file is refused", PATIENCE, || {
        daemon
            .log()
            .contains(wrong)
            .then_some(())
            .ok_or("it is not")
    });
    assert_eq!(get(daemon, "filed")["cron"], "*/2 * * * * *");
}

#[test]
fn schedules_survive_kills_restarts_and_reloads_on_sqlite() {
    schedules_survive(&embedded);
}

#[test]
fn schedules_survive_kills_restarts_and_reloads_on_redis() {
    let house = House::new();
    schedules_survive(&|settings| house.daemon(settings));
}

/// What a job's type would refuse at every tick is refused at the start, with its line, and by `windlass config`.
#[test]
fn a_payload_that_its_type_refuses_stops_the_start() {
    let stage = Stage::new(
        "[[schedule]]\nname = \"a\"\ncron = \"@daily\"\n[schedule.job]\ntype = \"sleep\"\n[schedule.job.payload]\nseconds = -1\n\n\
         [[schedule]]\nname = \"b\"\ncron = \"@daily\"\njob = { type = \"email\", payload = { subject = \"x\" } }\n\n\
         [[schedule]]\nname = \"c\"\ncron = \"@daily\"\njob = { type = \"somebody-elses\" }\n",
    );
    let settings = [
        stage.file(),
        ("BACKEND", "embedded"),
        ("APIADDR", "127.0.0.1:0"),
    ];
    for command in ["serve", "config"] {
        let ran = run(&[command], &settings);
        assert_eq!(ran.code, 78, "{command}: {}", ran.err);
        for words in ["line 7: job.payload.seconds: ", "line 12: job.payload"] {
            assert!(
                ran.err.contains(words),
                "{command}: {words} is not in {}",
                ran.err
            );
        }
        assert!(
            !ran.err.contains("line 15"),
            "a type that others may run: {}",
            ran.err
        );
    }
}

#[test]
fn the_configuration_shows_schedules() {
    let stage = Stage::new(&filed("@daily"));
    let ran = run(&["config"], &[stage.file()]);
    let shown = format!(
        "[[schedule]] filed  {} line 1\n  cron  @daily\n  time_zone  UTC\n  job  {{\"type\":\"noop\"}}\n  catch_up  none\n  overlap  allow\n  enabled  true\n",
        stage.path()
    );
    assert!(ran.code == 0 && ran.out.ends_with(&shown), "{}", ran.out);
    let ran = run(&["config", "--json"], &[stage.file()]);
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["schedules"][0]["name"], "filed");
    assert_eq!(json["schedules"][0]["cron"], "@daily");
}

/// What the README shows is taken by the file and by the API as it stands there.
#[test]
fn the_schedules_of_the_readme_are_taken() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("## Schedules\n").nth(1).expect("a section");
    let block = |kind: &str| -> &str {
        let begin = section
            .split(&format!("```{kind}\n"))
            .nth(1)
            .expect("a block");
        begin.split("```").next().expect("its end")
    };
    let stage = Stage::new(block("toml"));
    let daemon = Daemon::embedded(&[
        stage.file(),
        ("MAILFROM", "jobs@example.com"),
        ("SMTPURL", "smtp://127.0.0.1:9"),
    ]);
    wait_until(
        "the schedule of the file is there",
        PATIENCE,
        || match daemon.get("/schedules/nightly").status {
            200 => Ok(()),
            status => Err(status),
        },
    );
    assert_eq!(get(&daemon, "nightly")["overlap"], "skip");
    let command = block("sh");
    let body = command.split('\'').nth(1).expect("a body in quotes");
    let body: Value = serde_json::from_str(body).expect("JSON");
    put(&daemon, "often", &body, 201);
}

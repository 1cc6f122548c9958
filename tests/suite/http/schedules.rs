//! `/schedules` and `/cron/preview`: every route, every refusal.

use serde_json::{Value, json};
use windlass::config::{Config, Schedule, Sources};
use windlass::queue::{Change, Put};
use windlass::schedule::{Kept, Source};

use super::{House, id_of, pointers, problem};
use crate::support::children;
use crate::support::http::Response;

/// The schedules of a file.
fn of_file(text: &str) -> Vec<Schedule> {
    let folder = children::folder("schedules");
    let file = folder.path().join("windlass.toml");
    std::fs::write(&file, text).expect("a fresh folder takes a file");
    let sources = Sources {
        file: Some(file),
        ..Sources::none()
    };
    let loaded = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.config.schedules
}

/// A house whose file names these schedules, which stand in the calendar as the scheduler puts them.
fn house_with(text: &str) -> House {
    let schedules = of_file(text);
    let house = House::with(|config| config.schedules.clone_from(&schedules));
    for schedule in schedules {
        let kept = Kept {
            source: Source::File,
            definition: schedule.definition,
        };
        let change = Change {
            revision: None,
            definition: &kept.to_text(),
            enabled: true,
            afresh: true,
        };
        let put = house.engine.put(&schedule.name, &change);
        assert_eq!(put.expect("an answer"), Put::Done);
    }
    house
}

impl House {
    /// `PUT` of JSON.
    fn put(&self, target: &str, body: &str) -> Response {
        let headers = [("Content-Type", "application/json")];
        self.ask("PUT", target, &headers, Some(body.as_bytes()))
    }

    /// `DELETE`.
    fn delete_schedule(&self, name: &str) -> Response {
        self.ask("DELETE", &format!("/schedules/{name}"), &[], None)
    }
}

const OFTEN: &str = r#"{"cron": "*/5 * * * *", "time_zone": "Europe/Berlin", "job": {"type": "noop", "payload": {"n": 12345678901234567890}}}"#;

#[test]
fn a_schedule_is_made_shown_changed_and_deleted() {
    let house = House::open();
    let made = house.put("/schedules/often", OFTEN).expect(201);
    assert_eq!(made.header("location"), Some("/schedules/often"));
    assert!(
        made.text().contains(r#""n": 12345678901234567890"#),
        "the job is kept to the digit: {}",
        made.text()
    );
    let shown = house.get("/schedules/often").expect(200).json();
    assert_eq!(shown, made.json());
    let expected = json!({
        "name": "often", "cron": "*/5 * * * *", "time_zone": "Europe/Berlin",
        "catch_up": "none", "overlap": "allow", "enabled": true,
        "source": "api", "orphaned": false, "last_at": null, "last_job": null, "last_skip": null,
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&shown[key], value, "{key}");
    }
    let (created, next) = (&shown["created_at"], &shown["next_at"]);
    assert!(
        next.as_str() > created.as_str(),
        "{next} comes after {created}"
    );
    // The same name again changes it; its creation stays.
    let other = r#"{"cron": "@daily", "catch_up": "all", "overlap": "skip", "enabled": false, "job": {"type": "sleep", "payload": {"seconds": 1}}}"#;
    let changed = house.put("/schedules/often", other).expect(200).json();
    assert_eq!(changed["created_at"], *created);
    for (key, value) in [
        ("cron", json!("@daily")),
        ("catch_up", json!("all")),
        ("overlap", json!("skip")),
        ("enabled", json!(false)),
        ("time_zone", json!("UTC")),
        ("next_at", Value::Null),
    ] {
        assert_eq!(changed[key], value, "{key}");
    }
    house.put("/schedules/a", OFTEN).expect(201);
    let list = house.get("/schedules").expect(200).json();
    let schedules = list["schedules"].as_array().expect("a list");
    let names: Vec<_> = schedules.iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["a", "often"]);
    assert_eq!(schedules[1], changed);
    house.delete_schedule("often").expect(204);
    house.delete_schedule("often").expect(404);
    house.get("/schedules/often").expect(404);
}

#[test]
fn enabled_alone_leaves_the_rest_as_it_is() {
    let house = House::open();
    let made = house.put("/schedules/often", OFTEN).expect(201).json();
    let off = house
        .put("/schedules/often", r#"{"enabled": false}"#)
        .expect(200)
        .json();
    assert_eq!(
        (&off["enabled"], &off["next_at"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!((&off["cron"], &off["job"]), (&made["cron"], &made["job"]));
    let on = house
        .put("/schedules/often", r#"{"enabled": true}"#)
        .expect(200)
        .json();
    assert_eq!(on["enabled"], true);
    let missing = house
        .put("/schedules/oftne", r#"{"enabled": false}"#)
        .expect(404);
    let detail = missing.json()["detail"]
        .as_str()
        .expect("a detail")
        .to_owned();
    assert!(detail.contains("did you mean `often`?"), "{detail}");
}

#[test]
fn all_wrong_fields_are_pointed_at() {
    let house = House::open();
    let wrong = house
        .put(
            "/schedules/x",
            r#"{"corn": 1, "cron": "61 * * * *", "time_zone": "Europe/Belrin", "catch_up": "al", "overlap": "skp", "enabled": 1,
                "job": {"type": "sleep", "payload": {"seconds": -1}, "queue": "a b", "tag": []}}"#,
        )
        .expect(422);
    assert_eq!(problem(&wrong), "invalid");
    assert_eq!(
        pointers(&wrong),
        [
            "/corn",
            "/cron",
            "/time_zone",
            "/catch_up",
            "/overlap",
            "/enabled",
            "/job/tag",
            "/job/payload/seconds",
            "/job/queue",
        ]
    );
    let text = wrong.text();
    for hint in [
        "`cron`?",
        "`Europe/Berlin`?",
        "`all`?",
        "`skip`?",
        "`tags`?",
        "0 to 59",
    ] {
        assert!(text.contains(hint), "{hint} is not in {text}");
    }
    let unknown = house.put(
        "/schedules/x",
        r#"{"cron": "@daily", "job": {"type": "slepe"}}"#,
    );
    assert_eq!(problem(&unknown.expect(422)), "unknown-job-type");
    let missing = house.put("/schedules/x", "{}").expect(422);
    assert_eq!(pointers(&missing), ["/cron", "/job"]);
    let never = house.put(
        "/schedules/x",
        r#"{"cron": "0 0 30 2 *", "job": {"type": "noop"}}"#,
    );
    assert_eq!(pointers(&never.expect(422)), ["/cron"]);
    house.put("/schedules/x", "{").expect(400);
    let name = house.put("/schedules/a%20b", OFTEN).expect(400);
    assert!(name.text().contains("`a b` cannot name a schedule"));
    let lines = [("Content-Type", "application/x-ndjson")];
    let lines = house.ask("PUT", "/schedules/x", &lines, Some(OFTEN.as_bytes()));
    assert!(lines.expect(415).text().contains("application/json"));
    house
        .ask("PUT", "/schedules/x", &[], Some(OFTEN.as_bytes()))
        .expect(415);
    house.get("/schedules/x").expect(404);
}

#[test]
fn a_schedule_runs_out_of_turn() {
    let house = House::open();
    let skip = r#"{"cron": "@daily", "overlap": "skip", "enabled": false, "job": {"type": "noop", "queue": "default", "delay": "1h"}}"#;
    house.put("/schedules/daily", skip).expect(201);
    let answer = house.post("/schedules/daily/run").expect(202);
    let id = id_of(&answer.json());
    assert_eq!(
        answer.header("location"),
        Some(format!("/jobs/{id}").as_str())
    );
    assert_eq!(
        answer.json(),
        json!({"id": id.to_string(), "state": "scheduled", "queue": "default"})
    );
    let shown = house.get("/schedules/daily").expect(200).json();
    assert_eq!(shown["last_job"], id.to_string());
    assert!(shown["last_at"].is_string() && shown["last_skip"].is_null());
    // It must not overlap, and its last job is live.
    let again = house.post("/schedules/daily/run").expect(409);
    assert!(again.text().contains(&id.to_string()), "{}", again.text());
    house.post(&format!("/jobs/{id}/cancel")).expect(202);
    house.post("/schedules/daily/run").expect(202);
    house.post("/schedules/dayly/run").expect(404);
    // A job that its type no longer takes is refused with the reason.
    let kept = r#"{"v":1,"source":"api","cron":"@daily","time_zone":"UTC","catch_up":"none","overlap":"allow","enabled":true,"job":{"type":"sleep","payload":{"seconds":"x"}}}"#;
    let change = Change {
        revision: None,
        definition: kept,
        enabled: true,
        afresh: true,
    };
    house.engine.put("old", &change).expect("an answer");
    let refused = house.post("/schedules/old/run").expect(409);
    assert!(
        refused.text().contains("/job/payload/seconds"),
        "{}",
        refused.text()
    );
}

const FILE: &str = r#"
[[schedule]]
name = "nightly"
cron = "0 2 * * *"
job = { type = "noop", tags = ["a"] }
"#;

#[test]
fn a_schedule_of_the_file_may_be_paused_and_run_and_nothing_else() {
    let house = house_with(FILE);
    let shown = house.get("/schedules/nightly").expect(200).json();
    assert_eq!(
        (&shown["source"], &shown["enabled"]),
        (&json!("file"), &json!(true))
    );
    let conflict = house
        .put(
            "/schedules/nightly",
            r#"{"cron": "0 3 * * *", "job": {"type": "noop", "tags": ["a"]}}"#,
        )
        .expect(409);
    assert!(
        conflict
            .text()
            .contains("belongs to the configuration file")
    );
    house.delete_schedule("nightly").expect(409);
    for (body, enabled) in [
        (r#"{"enabled": false}"#, false),
        (r#"{"enabled": true}"#, true),
        // The whole of it is as good, however it is laid out.
        (
            r#"{"job": {"tags": [ "a" ], "type": "noop"}, "cron": "0 2 * * *", "enabled": false}"#,
            false,
        ),
    ] {
        let paused = house.put("/schedules/nightly", body).expect(200).json();
        assert_eq!(
            (&paused["enabled"], &paused["source"]),
            (&json!(enabled), &json!("file"))
        );
    }
    house.post("/schedules/nightly/run").expect(202);
}

#[test]
fn what_no_file_names_any_more_is_shown_and_can_be_taken_over() {
    let house = house_with(FILE);
    // Another schedule that stands in the calendar as one of a file, which names another.
    let other = of_file(&FILE.replace("nightly", "weekly"));
    let kept = Kept {
        source: Source::File,
        definition: other[0].definition.clone(),
    };
    let change = Change {
        revision: None,
        definition: &kept.to_text(),
        enabled: true,
        afresh: true,
    };
    house.engine.put("weekly", &change).expect("an answer");
    let orphan = house.get("/schedules/weekly").expect(200).json();
    assert_eq!(
        (
            &orphan["source"],
            &orphan["orphaned"],
            &orphan["enabled"],
            &orphan["next_at"]
        ),
        (&json!("file"), &json!(true), &json!(false), &Value::Null)
    );
    let taken = house.put("/schedules/weekly", OFTEN).expect(200).json();
    assert_eq!(
        (&taken["source"], &taken["orphaned"], &taken["enabled"]),
        (&json!("api"), &json!(false), &json!(true))
    );
    house.delete_schedule("weekly").expect(204);
}

#[test]
fn previews_tell_the_next_fires() {
    let house = House::open();
    house.put("/schedules/often", OFTEN).expect(201);
    let fires = |target: &str| -> Vec<String> {
        let answer = house.get(target).expect(200).json();
        let fires = answer["fires"].as_array().expect("fires");
        fires
            .iter()
            .map(|f| f.as_str().expect("an instant").to_owned())
            .collect()
    };
    let from = "from=2026-03-29T00:58:00Z";
    assert_eq!(
        fires(&format!("/schedules/often/preview?count=2&{from}")),
        ["2026-03-29T01:00:00.000000Z", "2026-03-29T01:05:00.000000Z"]
    );
    let now = fires("/schedules/often/preview");
    let shown = house.get("/schedules/often").expect(200).json();
    assert_eq!(now.len(), 10);
    assert!(shown["next_at"] == now[0] || shown["next_at"] == now[1]);
    assert_eq!(fires("/schedules/often/preview?count=1000").len(), 1000);
    // In the night of the change, half past two is three o'clock.
    assert_eq!(
        fires(&format!(
            "/cron/preview?cron=30+2+*+*+*&time_zone=Europe/Berlin&count=2&{from}"
        )),
        ["2026-03-29T01:00:00.000000Z", "2026-03-30T00:30:00.000000Z"]
    );
    assert_eq!(
        fires("/cron/preview?cron=%40every%2090s&count=2&from=2026-01-01T00:00:00Z"),
        ["2026-01-01T00:01:30.000000Z", "2026-01-01T00:03:00.000000Z"]
    );
    // After the end of the tables there are no more.
    assert_eq!(
        fires("/cron/preview?cron=@daily&from=2099-12-30T12:00:00Z").len(),
        1
    );
}

#[test]
fn wrong_questions_are_told_all_that_is_wrong() {
    let house = House::open();
    house.put("/schedules/often", OFTEN).expect(201);
    for (target, words) in [
        (
            "/schedules/often/preview?count=0&from=now",
            vec!["`count` is no whole number", "`from` is no instant"],
        ),
        ("/schedules/often/preview?count=1001", vec!["1 to 1000"]),
        (
            "/schedules/often/preview?cuont=1",
            vec!["did you mean `count`?"],
        ),
        ("/cron/preview", vec!["`cron` is missing"]),
        (
            "/cron/preview?cron=x&time_zone=utc&count=x",
            vec!["`cron` is wrong", "`time_zone` is wrong", "`count` is no"],
        ),
        (
            "/cron/preview?cron=@daily&from=2026-01-01T00:00:00+01:00",
            vec!["%2B"],
        ),
    ] {
        let answer = house.get(target).expect(400);
        for word in words {
            assert!(answer.text().contains(word), "{target}: {}", answer.text());
        }
    }
    house.get("/schedules/nope/preview").expect(404);
    let allow = house
        .ask("PATCH", "/schedules/often", &[], None)
        .expect(405);
    assert_eq!(
        allow.header("allow"),
        Some("GET, HEAD, PUT, DELETE, OPTIONS")
    );
}

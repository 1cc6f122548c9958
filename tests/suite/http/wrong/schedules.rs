//! `PUT /schedules/{name}`: each field of a wrong type or beyond what is known, the job's own among them.

use super::super::{House, pointers};
use super::{NINES, assert_none, lacks};

/// A schedule with `json` in the field `name`.
fn schedule(name: &str, json: &str) -> String {
    let mut fields = vec![("cron", r#""@daily""#), ("job", r#"{"type":"noop"}"#)];
    fields.retain(|(field, _)| *field != name);
    fields.push((name, json));
    let members: Vec<_> = fields
        .iter()
        .map(|(name, json)| format!(r#""{name}":{json}"#))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a row after the other")]
fn every_field_of_a_schedule_is_refused_with_field_and_reason() {
    let house = House::open();
    let words = [
        "must be one of none, last, all",
        "must be one of allow, skip",
    ];
    let mut amiss = Vec::new();
    for (name, reason, values) in [
        (
            "cron",
            "must be a string",
            vec!["7", NINES, "-0", "true", r#"["@daily"]"#, "{}"],
        ),
        ("cron", "is missing", vec!["null"]),
        (
            "cron",
            "",
            vec![
                r#""""#,
                r#""@dayly""#,
                r#""60 * * * *""#,
                r#""* * * *""#,
                r#""@every 0s""#,
            ],
        ),
        (
            "time_zone",
            "must be a string",
            vec!["7", NINES, "true", "[]", "{}"],
        ),
        (
            "time_zone",
            "",
            vec![r#""""#, r#""Europe/Belrin""#, r#""+01:00""#],
        ),
        (
            "catch_up",
            "must be a string",
            vec!["7", NINES, "true", "[]", "{}"],
        ),
        ("catch_up", words[0], vec![r#""""#, r#""ALL""#, r#""lats""#]),
        ("overlap", "must be a string", vec!["7", "true", "[]", "{}"]),
        ("overlap", words[1], vec![r#""""#, r#""Skip""#]),
        (
            "enabled",
            "must be true or false",
            vec!["0", "1", NINES, r#""true""#, "[true]", "{}"],
        ),
        ("job", "is missing", vec!["null"]),
        (
            "job",
            "must be an object",
            vec![
                "7",
                NINES,
                "true",
                r#""noop""#,
                r#"["noop"]"#,
                r#"[{"type":"noop"}]"#,
            ],
        ),
        ("corn", "did you mean `cron`?", vec!["1", "null"]),
    ] {
        for value in values {
            let body = schedule(name, value);
            let answer = house.send("PUT", "/schedules/x", body.as_bytes());
            let lacks = lacks(&answer, 422, &format!("/{name}"), reason);
            amiss.extend(lacks.map(|lacks| format!("{body}: {lacks}")));
        }
    }
    for (job, pointer) in [
        (r#"{"type":"noop","delay":"401d"}"#, "/job/delay"),
        (r#"{"type":"noop","max_retries":101}"#, "/job/max_retries"),
        (r#"{"type":"noop","timeout":0}"#, "/job/timeout"),
        (
            r#"{"type":"noop","backoff":{"factor":0}}"#,
            "/job/backoff/factor",
        ),
        (r#"{"type":"noop","unique":{"key":""}}"#, "/job/unique/key"),
        (r#"{"type":"noop","tags":["a",""]}"#, "/job/tags/1"),
        (r#"{"type":"noop","type":"noop"}"#, "/job/type"),
        (r#"{"type":"noop","queue":"a b"}"#, "/job/queue"),
    ] {
        let answer = house.send("PUT", "/schedules/x", schedule("job", job).as_bytes());
        amiss.extend(lacks(&answer, 422, pointer, "").map(|lacks| format!("{job}: {lacks}")));
    }
    assert_none(&amiss);
    house.is_empty();
}

/// Of a schedule that is there, `enabled` alone may be put; what only looks like that is refused like anything else.
#[test]
fn what_is_not_quite_a_switch_changes_nothing() {
    let house = House::open();
    let put = |body: &str| house.send("PUT", "/schedules/x", body.as_bytes());
    let made = put(&schedule("enabled", "true")).expect(201).json();
    for (body, expected) in [
        ("[false]", vec![""]),
        ("false", vec![""]),
        (r#""enabled""#, vec![""]),
        (r#"{"enabled":null}"#, vec!["/cron", "/job"]),
        (r#"{"enabled":0}"#, vec!["/cron", "/enabled", "/job"]),
        (r#"{"enable":false}"#, vec!["/enable", "/cron", "/job"]),
        (
            r#"{"enabled":true,"enabled":false}"#,
            vec!["/enabled", "/cron", "/job"],
        ),
    ] {
        assert_eq!(pointers(&put(body).expect(422)), expected, "{body}");
    }
    assert_eq!(house.get("/schedules/x").expect(200).json(), made);
}

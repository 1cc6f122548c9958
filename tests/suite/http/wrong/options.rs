//! Each option of a submitted job: of a wrong type, below its least, above its most, and at both; and the schema in
//! `/openapi.json` beside what is read.

use serde_json::Value;

use super::super::{House, pointers};
use super::table::rows;
use super::{assert_none, lacks};
use crate::support::openapi;

/// A job with `json` in the option `name`, and the pointer to that.
fn job(name: &str, json: &str) -> (String, String) {
    let pointer = format!("/{}", name.replace('.', "/"));
    let option = match name {
        "type" => return (format!(r#"{{"type":{json}}}"#), pointer),
        // What the other half of the pair must be for any value of this one.
        "backoff.base" => format!(r#""backoff":{{"base":{json},"cap":"7d"}}"#),
        "backoff.cap" => format!(r#""backoff":{{"base":0,"cap":{json}}}"#),
        "unique.for" => format!(r#""unique":{{"key":"for","for":{json}}}"#),
        "tags.0" => format!(r#""tags":[{json}]"#),
        _ => match name.split_once('.') {
            Some((object, member)) => format!(r#""{object}":{{"{member}":{json}}}"#),
            None => format!(r#""{name}":{json}"#),
        },
    };
    (format!(r#"{{"type":"noop",{option}}}"#), pointer)
}

#[test]
fn every_option_is_refused_beyond_its_bounds_with_field_and_reason() {
    let house = House::open();
    let mut amiss = Vec::new();
    for row in rows() {
        for (json, words) in row.wrong.iter().chain(&row.untold) {
            let (body, pointer) = job(row.name, json);
            let lacks = lacks(&house.submit(&body), 422, &pointer, words);
            amiss.extend(lacks.map(|lacks| format!("{body:.100}: {lacks}")));
        }
    }
    assert_none(&amiss);
    house.is_empty();
}

/// That a job which was accepted is one that the schema allows is compared with every answer.
#[test]
fn every_option_is_accepted_at_its_bounds() {
    let house = House::open();
    let mut amiss = Vec::new();
    for row in rows() {
        for json in &row.fits {
            let (body, _) = job(row.name, json);
            let answer = house.submit(&body);
            if !matches!(answer.status, 200 | 202) {
                amiss.push(format!("{body:.100}: {}", answer.text()));
            }
        }
    }
    assert_none(&amiss);
}

#[test]
fn the_schema_draws_the_bounds_where_the_reader_does() {
    let house = House::open();
    let allows = |name: &str, json: &str| {
        let value: Value = serde_json::from_str(&job(name, json).0).expect("JSON");
        openapi::allows(house.addr(), "/components/schemas/NewJobs", &value)
    };
    let mut amiss = Vec::new();
    for row in rows() {
        let untold = row.untold.iter().map(|(json, _)| (json, true));
        let wrong = row.wrong.iter().map(|(json, _)| (json, false));
        let fits = row.fits.iter().map(|json| (json, true));
        for (json, expected) in fits.chain(wrong).chain(untold) {
            if allows(row.name, json) != expected {
                amiss.push(format!("{} {json:.100}: not {expected}", row.name));
            }
        }
    }
    assert_none(&amiss);
}

#[test]
fn all_that_is_wrong_with_an_option_is_told_at_once_and_the_near_name_is_suggested() {
    let house = House::open();
    for (option, expected, words) in [
        (
            r#""backoff":{"bass":1,"factor":0,"cap":"8d"}"#,
            vec!["/backoff/bass", "/backoff/cap", "/backoff/factor"],
            "did you mean `base`?",
        ),
        (
            r#""unique":{"kye":"k","for":0}"#,
            vec!["/unique/kye", "/unique/key", "/unique/for"],
            "did you mean `key`?",
        ),
        (
            r#""unique":{"for":0}"#,
            vec!["/unique/key", "/unique/for"],
            "is missing",
        ),
        (
            r#""maxRetries":1"#,
            vec!["/maxRetries"],
            "did you mean `max_retries`?",
        ),
        (r#""tag":[]"#, vec!["/tag"], "did you mean `tags`?"),
        (
            r#""priority":1"#,
            vec!["/priority"],
            "known are type, payload",
        ),
        (
            r#""delay":"1h","expires_in":"1h""#,
            vec!["/expires_in"],
            "over before the job is due",
        ),
        (
            r#""backoff":{"base":"1h","cap":"59m"}"#,
            vec!["/backoff/base"],
            "must not be longer than cap",
        ),
        (
            r#""payload":{"a":1,"a":1},"backoff":{"cap":1,"cap":1},"tags":[],"tags":[]"#,
            vec!["/payload/a", "/backoff/cap", "/tags", "/backoff/base"],
            "stands twice",
        ),
    ] {
        let answer = house.submit(&format!(r#"{{"type":"noop",{option}}}"#));
        let answer = answer.expect(422);
        assert_eq!(pointers(&answer), expected, "{option}");
        assert!(answer.text().contains(words), "{option}: {}", answer.text());
    }
    house.is_empty();
}

//! The query parameters of all routes: unknown, misspelt, doubled, out of range.

use serde_json::Value;

use super::super::House;
use super::{NINES, assert_none, lacks_words};

/// What may not stand in a parameter.
fn wrong(name: &str) -> Vec<&'static str> {
    match name {
        "wait" => vec![
            "",
            "soon",
            "-1s",
            "61s",
            "60.000001",
            "1e1",
            "NaN",
            "%00",
            "1s%20",
            "+1",
            NINES,
        ],
        "limit" | "count" => vec![
            "", "0", "-0", "-1", "1001", "%2B5", "5.0", "1e1", "ten", "NaN", "5%20", "%35%00",
            "05", NINES,
        ],
        "state" => vec!["", "deed", "LIVE", "live%20", "%00"],
        "type" | "queue" => vec!["", "a%20b", "-a", "%C3%A4", "a%00", LONG],
        "tag" => vec!["", "%00", "a%0A"],
        "since" | "until" | "from" => vec![
            "",
            "now",
            "1795506126",
            "2026-11-24",
            "2026-11-24T07:42:06",
            "2026-11-24%2007:42:06Z",
            "2026-02-30T00:00:00Z",
            "%2B10000-01-01T00:00:00Z",
            NINES,
        ],
        "after" => vec!["", "x", "%00", NINES],
        "cron" => vec!["", "*", "60%20*%20*%20*%20*", "@everyday", "%00", NINES],
        "time_zone" => vec!["", "Europe/Belrin", "%00", NINES],
        _ => panic!("what may not stand in `{name}`?"),
    }
}

const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// All routes that the document tells: method, a target without a query, the names of the query's parameters.
fn routes(house: &House) -> Vec<(String, String, Vec<String>)> {
    let document = house.get("/openapi.json").expect(200).json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let target = path
            .replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057")
            .replace("{name}", "x");
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array().expect("parameters");
            let resolved = parameters.iter().map(|p| match p["$ref"].as_str() {
                Some(to) => document.pointer(&to[1..]).expect("it is there"),
                None => p,
            });
            let query = resolved.filter(|p| p["in"] == "query");
            let names = query.map(|p: &Value| p["name"].as_str().expect("a name").to_owned());
            routes.push((method.to_uppercase(), target.clone(), names.collect()));
        }
    }
    assert!(routes.len() > 20, "only {}", routes.len());
    routes
}

#[test]
fn every_route_refuses_parameters_that_it_does_not_know_or_has_twice() {
    let house = House::open();
    let mut amiss = Vec::new();
    for (method, target, names) in routes(&house) {
        let mut ask = |query: &str, words: &[&str]| {
            let answer = house.send(&method, &format!("{target}?{query}"), b"");
            let lacks = lacks_words(&answer, words);
            amiss.extend(lacks.map(|lacks| format!("{method} {target}?{query}: {lacks}")));
        };
        ask("nonsense=1", &["`nonsense`"]);
        ask("=1", &["``"]);
        ask("nonsense=%zz", &["`nonsense`"]);
        ask(
            &format!("{}=1", "n".repeat(1_000)),
            &["unknown query parameter `nnn"],
        );
        for name in &names {
            let near = format!("did you mean `{name}`?");
            ask(&format!("{name}x=1"), &[&near, &format!("`{name}x`")]);
            ask(
                &format!("{}=1", name.to_uppercase()),
                &["unknown query parameter"],
            );
            let told = format!("`{name}`");
            ask(&format!("{name}=1&{name}=1"), &[&told, "twice"]);
            ask(&format!("{name}=%f"), &[&told, "percent sign"]);
            ask(&format!("{name}=%ff"), &[&told, "UTF-8"]);
        }
    }
    assert_none(&amiss);
    house.is_empty();
}

#[test]
fn every_parameter_is_refused_out_of_range_by_every_route_that_knows_it() {
    let house = House::open();
    let mut amiss = Vec::new();
    for (method, target, names) in routes(&house) {
        let body: &[u8] = if method == "POST" {
            br#"{"type":"noop"}"#
        } else {
            b""
        };
        for name in &names {
            for value in wrong(name) {
                let target = format!("{target}?{name}={value}");
                let answer = house.send(&method, &target, body);
                let lacks = lacks_words(&answer, &[&format!("query parameter `{name}`")]);
                amiss.extend(lacks.map(|lacks| format!("{method} {target}: {lacks}")));
            }
        }
    }
    assert_none(&amiss);
    house.is_empty();
}

/// Accepted at their bounds: by the daemon, and, as every answer is compared, by its document.
#[test]
fn parameters_are_taken_at_their_bounds() {
    let house = House::open();
    for target in [
        "/jobs?limit=1",
        "/jobs?limit=1000",
        "/jobs?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999999Z",
        "/cron/preview?cron=@daily&count=1",
        "/cron/preview?cron=@daily&count=1000&from=1970-01-01T00:00:00Z",
        "/cron/preview?cron=@daily&count=1000&from=9999-12-31T23:59:59Z",
        "/cron/preview?cron=@daily&count=1000&from=0001-01-01T00:00:00Z",
    ] {
        house.get(target).expect(200);
    }
    for wait in ["0", "0s", "60", "60s", "1m", "60000ms"] {
        let target = format!("/jobs/01890a5d-ac96-774b-bcce-b302099a8057?wait={wait}");
        house.get(&target).expect(404);
    }
}

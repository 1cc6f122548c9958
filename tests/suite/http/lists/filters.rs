//! Every filter alone and with all others, and parameters that are wrong.

use serde_json::{Value, json};
use windlass::job::JobId;

use super::{end, ids, page, pages};
use crate::http::{House, id_of, problem};

/// Thirty jobs of two types, three queues and some tags, ended in several ways or live in every state; half of the ended
/// ones are recorded.
fn motley(house: &House) -> Vec<Value> {
    let mut all = Vec::new();
    for i in 0..30 {
        let sleeps = i % 2 == 1;
        let tags: Vec<String> = (0..i % 3).map(|t| format!("t{t}")).collect();
        let job = json!({
            "type": if sleeps { "sleep" } else { "noop" },
            "payload": if sleeps { json!({"seconds": 0}) } else { json!({}) },
            "queue": if i >= 20 { "default" } else if i % 5 % 2 == 0 { "a" } else { "b" },
            "tags": tags,
            "delay": if i < 10 { "1h" } else { "0s" },
        });
        all.push(house.accepted(&job.to_string()));
        match i {
            // Scheduled, and every third of them cancelled; the same of queued ones.
            0..20 if i % 3 == 0 => {
                drop(house.post(&format!("/jobs/{}/cancel", all[i])).expect(202))
            }
            20..24 => house.end(house.take(), "1"),
            24..28 => drop(house.take()),
            _ => {}
        }
        if i == 12 {
            house.record();
        }
    }
    let show = |id: &JobId| house.get(&format!("/jobs/{id}")).expect(200).json();
    all.iter().map(show).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn every_filter_finds_what_it_names_alone_and_with_all_others() {
    let house = House::open();
    let all = motley(&house);
    let states = [
        "",
        "ended",
        "live",
        "queued",
        "scheduled",
        "running",
        "retrying",
        "succeeded",
        "cancelled",
        "dead",
    ];
    let middle = all[15]["created_at"].as_str().expect("an instant");
    let spans = [
        String::new(),
        format!("since={middle}"),
        format!("until={middle}"),
    ];
    let mut found = 0;
    for (state, span) in states
        .iter()
        .flat_map(|s| spans.iter().map(move |t| (s, t)))
    {
        for kind in ["", "noop", "sleep", "unheard-of"] {
            for (queue, tag) in [
                ("", ""),
                ("a", ""),
                ("default", "t1"),
                ("", "t0"),
                ("none", ""),
            ] {
                let matches = |job: &&Value| {
                    let is = |name: &str, wanted: &str| wanted.is_empty() || job[name] == wanted;
                    let ended = job["ended_at"].is_string();
                    let at = job["created_at"].as_str().expect("an instant");
                    (match *state {
                        "" | "ended" => ended,
                        "live" => !ended,
                        state => job["state"] == state,
                    }) && is("type", kind)
                        && is("queue", queue)
                        && (tag.is_empty()
                            || job["tags"]
                                .as_array()
                                .is_some_and(|t| t.contains(&tag.into())))
                        && (!span.starts_with("since") || at >= middle)
                        && (!span.starts_with("until") || at < middle)
                };
                let expected = all.iter().filter(matches).map(|job| id_of(job).to_string());
                let mut expected: Vec<String> = expected.collect();
                let words = [
                    ("state", *state),
                    ("type", kind),
                    ("queue", queue),
                    ("tag", tag),
                ];
                let given = words.iter().filter(|(_, value)| !value.is_empty());
                let mut query: Vec<String> = given.map(|(n, v)| format!("{n}={v}")).collect();
                query.extend(Some(span.clone()).filter(|span| !span.is_empty()));
                query.push(format!("limit={}", [1, 4, 100][found % 3]));
                let mut listed = pages(&house, &query.join("&"));
                if matches!(*state, "" | "ended" | "succeeded" | "cancelled" | "dead") {
                    assert!(listed.is_sorted_by(|a, b| a > b), "{query:?}");
                }
                listed.sort();
                expected.sort();
                assert_eq!(listed, expected, "{query:?}");
                found += 1;
            }
        }
    }
}

#[test]
fn wrong_parameters_are_named_with_what_would_do() {
    let house = House::open();
    let ended = end(&house, 2);
    let first = page(&house, "limit=1");
    assert_eq!(ids(&first), ended[..1]);
    let cursor = first["next"].as_str().expect("a cursor");
    for (query, name, what) in [
        ("state=ende", "state", "did you mean `ended`?"),
        ("state=", "state", "known are: ended, live"),
        ("type=a%20b", "type", "is no name"),
        ("queue=%2f", "queue", "is no name"),
        ("tag=", "tag", "is no tag"),
        ("tag=%00", "tag", "control characters"),
        ("since=now", "since", "RFC 3339"),
        ("until=2026-11-24T07:42:06+01:00", "until", "%2B"),
        ("limit=0", "limit", "1 to 1000"),
        ("limit=1001", "limit", "1 to 1000"),
        ("limit=ten", "limit", "1 to 1000"),
        ("after=x", "after", "from `next`"),
        (
            &format!("type=noop&after={cursor}"),
            "after",
            "another list",
        ),
        ("stat=dead", "stat", "did you mean `state`?"),
        ("offset=10", "offset", "known here: state, type"),
    ] {
        let refused = house.get(&format!("/jobs?{query}")).expect(400);
        assert_eq!(problem(&refused), "malformed");
        let json = refused.json();
        let detail = json["detail"].as_str().expect("a detail");
        assert!(detail.contains(&format!("`{name}`")), "{query}: {detail}");
        assert!(detail.contains(what), "{query}: {detail}");
    }
    let both = house.get("/jobs?limit=0&state=x").expect(400).json();
    let detail = both["detail"].as_str().expect("a detail");
    assert!(
        detail.contains("`limit`") && detail.contains("`state`"),
        "{detail}"
    );
    page(&house, &format!("limit=2&after={cursor}"));
}

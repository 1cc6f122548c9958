//! `windlass jobs list`: filters, pages, and what fits on a terminal.

use serde_json::{Value, json};

use super::mask::masked;
use super::operator::{NO_MAIL, Terminal, fine, run, run_with, shell};
use crate::support::daemon::Daemon;

/// The ids of the documents, a page a line.
fn pages(out: &str) -> Vec<Vec<String>> {
    let page = |line: &str| -> Vec<String> {
        let page: Value = serde_json::from_str(line).expect("the API's document");
        let jobs = page["jobs"].as_array().expect("a list");
        jobs.iter()
            .map(|job| job["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    out.lines().map(page).collect()
}

#[test]
fn ended_jobs_are_listed_the_newest_first_with_why_they_failed() {
    let daemon = Daemon::embedded(&NO_MAIL);
    let mail = json!({"type": "email", "max_retries": 0, "tags": ["sad"],
        "payload": {"to": "a@example.com", "subject": "s", "body": "b"}});
    let dead = daemon.submit(&mail);
    daemon.await_state(&dead, "dead");
    let good = daemon.submit(&json!({"type": "noop", "queue": "default"}));
    daemon.await_state(&good, "succeeded");
    let out = fine(&daemon, &["jobs", "list"]);
    let ids: Vec<_> = out
        .lines()
        .skip(1)
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(ids, [&good, &dead]);
    let rows: Vec<String> = masked(&out)
        .lines()
        .map(|line| {
            line.split_whitespace()
                .map(|word| if word.ends_with("ms") { "<took>" } else { word })
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        rows,
        [
            "ID STATE TYPE QUEUE ATTEMPT ENDED TOOK ERROR",
            "<id> succeeded noop default 1/6 <instant> <took>",
            "<id> dead email default 1/1 <instant> <took> failed: <address>, at the connection: Connection refused (os error 111)",
        ]
    );
    for (filter, found) in [
        (&["--state", "dead"][..], vec![&dead]),
        (&["--type", "noop"], vec![&good]),
        (&["--tag", "sad"], vec![&dead]),
        (&["--queue", "other"], vec![]),
        (&["--since", "1h"], vec![&good, &dead]),
        (&["--until", "1h"], vec![]),
        (
            &["--since", "2020-01-01T00:00:00Z", "--limit", "1"],
            vec![&good],
        ),
    ] {
        let arguments = [&["jobs", "list", "--json"], filter].concat();
        let ids: Vec<String> = pages(&fine(&daemon, &arguments)).concat();
        assert_eq!(ids.iter().collect::<Vec<_>>(), found, "{filter:?}");
    }
    let ran = run(&daemon, &["jobs", "list", "--since", "yesterday"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("since"), "{}", ran.err);
    let ran = run(&daemon, &["jobs", "list", "--state", "ded"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("a similar value exists: 'dead'"),
        "{}",
        ran.err
    );
}

#[test]
fn pages_are_read_until_there_are_enough() {
    let daemon = Daemon::embedded(&[]);
    let text = "{\"type\":\"noop\",\"delay\":\"1h\",\"queue\":\"later\"}\n".repeat(2_300);
    let ran = run_with(&daemon, &["submit", "--ndjson", "--json"], &text);
    let ids: Vec<String> = ran
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect();
    let list = |more: &[&str]| {
        let arguments = [&["jobs", "list", "--state", "live", "--json"], more].concat();
        pages(&fine(&daemon, &arguments))
    };
    let sizes = |pages: &[Vec<String>]| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(&list(&[])), [50]);
    assert_eq!(sizes(&list(&["--limit", "1001"])), [1_000, 1]);
    let all = list(&["--all"]);
    assert_eq!(sizes(&all), [1_000, 1_000, 300]);
    let (mut found, mut submitted) = (all.concat(), ids);
    found.sort();
    submitted.sort();
    assert_eq!(found, submitted);
    // For people: one heading, whatever the pages.
    let out = fine(&daemon, &["jobs", "list", "--state", "scheduled", "--all"]);
    assert_eq!(out.lines().count(), 2_301);
    assert_eq!(out.matches("STATE").count(), 1);
    let (_, shown) = Terminal::new(120).run(
        &daemon,
        &["jobs", "list", "--state", "live", "--limit", "2"],
        "",
    );
    assert!(shown.contains("there are more: --limit NUMBER"), "{shown}");
    // Whoever has seen enough ends it.
    let ran = shell(
        &daemon,
        "{ $windlass jobs list --all --state live; echo code $? >&2; } | head -1",
    );
    assert_eq!((ran.out.lines().count(), ran.err.as_str()), (1, "code 0\n"));
}

#[test]
fn a_list_keeps_to_the_width_of_its_terminal() {
    let daemon = Daemon::embedded(&NO_MAIL);
    let mail = json!({"type": "email", "max_retries": 0, "payload": {"to": "a@example.com", "subject": "s", "body": "b"}});
    let dead = daemon.submit(&mail);
    daemon.await_state(&dead, "dead");
    for columns in [80, 100, 200] {
        let (code, shown) =
            Terminal::new(columns)
                .with("NO_COLOR", "1")
                .run(&daemon, &["jobs", "list"], "");
        assert_eq!(code, 0, "{shown}");
        let widest = shown
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or_default();
        assert!(widest <= usize::from(columns), "{columns}: {shown}");
        assert!(shown.contains(" ago "), "{shown}");
        assert_eq!(
            shown.contains("QUEUE"),
            columns >= 100,
            "{columns}: {shown}"
        );
        assert_eq!(
            shown.contains("(os error 111)"),
            columns == 200,
            "{columns}: {shown}"
        );
    }
    let (_, shown) = Terminal::new(100).run(&daemon, &["jobs", "list"], "");
    assert!(shown.contains("\u{1b}[31mdead\u{1b}[0m"), "{shown:?}");
}

//! `windlass cron explain`, and what the README says of it and of expressions.

use serde_json::{Value, json};
use windlass::schedule::cron::Cron;

use crate::support::daemon::run;
use crate::support::run::Ran;

const README: &str = include_str!("../../../README.md");

fn explain(arguments: &[&str]) -> Ran {
    run(&[&["cron", "explain"], arguments].concat(), &[])
}

/// The part of the README with this heading.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README
        .split_once(heading)
        .expect("the heading stands there");
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The words of a command line, of which some stand in single quotes.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split('\'').enumerate();
    let words = parts.map(|(at, part)| match at % 2 {
        1 => vec![part],
        _ => part.split_whitespace().collect(),
    });
    words.flatten().collect()
}

#[test]
fn the_readme_shows_what_the_command_prints() {
    let (_, rest) = section("\n## Cron\n")
        .split_once("```console\n")
        .expect("a console");
    let (console, _) = rest.split_once("```").expect("its end");
    let mut shown = String::new();
    let commands = console.lines().filter_map(|line| line.strip_prefix("$ "));
    for command in commands {
        let ran = run(&words(command)[1..], &[]);
        shown.push_str(&format!("$ {command}\n{}{}", ran.out, ran.err));
    }
    assert!(shown.lines().count() > 10, "{shown}");
    assert_eq!(console, shown);
}

#[test]
fn the_expressions_of_the_readme_fire_as_it_says() {
    let rows = section("\n## Cron\n")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    let mut told = 0;
    for row in rows {
        let (expressions, words) = row
            .trim_end_matches(" |")
            .split_once("` | ")
            .expect("two cells");
        for expression in expressions.split("` or `") {
            assert_eq!(
                Cron::parse(expression).expect(expression).explain(),
                words,
                "{expression}"
            );
            told += 1;
        }
    }
    assert!(told > 15, "{told}");
}

#[test]
fn programs_get_json() {
    let ran = explain(&[
        "0 2,3 * * *",
        "--tz",
        "Europe/Berlin",
        "--from",
        "2026-03-28T23:00:00+01:00",
        "--count",
        "2",
        "--json",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    let expected = json!({
        "cron": "0 2,3 * * *",
        "time_zone": "Europe/Berlin",
        "explanation": "at 02:00 and 03:00 every day",
        "interval": false,
        "fires": [
            {
                "at": "2026-03-29T01:00:00.000000Z",
                "local": "2026-03-29T03:00:00+02:00",
                "note": "moved",
                "skipped": "2026-03-29T02:00:00",
            },
            {
                "at": "2026-03-30T00:00:00.000000Z",
                "local": "2026-03-30T02:00:00+02:00",
                "note": null,
                "skipped": null,
            },
        ],
    });
    assert_eq!(answer, expected);
}

/// Every kind of mark in the column for people, and the day where it is another.
#[test]
fn days_of_change_are_marked() {
    for (cron, zone, from, mark) in [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            "once: the clocks show this time twice",
        ),
        (
            "0 2 * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            "moved: the clocks skip 02:00",
        ),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            "not made up: the clocks skip 02:00",
        ),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            "again: the clocks show this time for the second time",
        ),
        (
            "5 30 9 * * *",
            "Pacific/Apia",
            "2011-12-30T00:00:00Z",
            "moved: the clocks skip 2011-12-30 09:30:05",
        ),
    ] {
        let ran = explain(&[cron, "--tz", zone, "--from", from, "--count", "1"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{cron}");
        let last = ran.out.lines().last().unwrap_or_default();
        assert!(last.ends_with(mark), "{cron} in {zone}: {last}");
    }
}

#[test]
fn ten_fires_from_now_on_in_utc_are_what_is_shown_unasked() {
    let ran = explain(&["@every 90s"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        lines[0],
        "every 90 seconds, counted from its creation, in UTC"
    );
    // An empty line, the heading, the fires.
    assert_eq!(lines.len(), 3 + 10, "{}", ran.out);
}

#[test]
fn what_ends_says_so() {
    let ran = explain(&["0 0 29 2 *", "--from", "2095-01-01T00:00:00Z"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("2096-02-29"), "{}", ran.out);
    assert!(
        ran.out
            .ends_with("\nno other before 2100, where the tables of time zones end\n"),
        "{}",
        ran.out
    );
    let ran = explain(&[
        "* 2 25-31 3 */7",
        "--tz",
        "Europe/Berlin",
        "--from",
        "2026-01-01T00:00:00Z",
    ]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.out
            .ends_with("\n\nno fire before 2100, where the tables of time zones end\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_names_the_field() {
    for (arguments, message) in [
        (
            &["0 25 * * *"][..],
            "hour: 25 is out of range; write 0 to 23",
        ),
        (
            &["0 0 30 2 *"],
            "day of month: none of the months has such a day",
        ),
        (&["* * * *"], "4 fields; write five"),
        (
            &["@daily", "--tz", "europe/berlin"],
            "did you mean `Europe/Berlin`?",
        ),
        (
            &["@daily", "--from", "tomorrow"],
            "write it like 2026-03-29T00:00:00Z",
        ),
        (&["@daily", "--count", "0"], "1..=1000"),
        (&["@daily", "--count", "1001"], "1..=1000"),
        (&[], "<EXPRESSION>"),
    ] {
        let ran = explain(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(message), "{arguments:?}: {}", ran.err);
    }
}

//! Entries that are right, and all that can be wrong with them.

use std::fs;

use super::*;
use crate::config::{Config, Loaded, Problems, Sources};
use crate::schedule::{CatchUp, Overlap};

fn load(file: &str) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("windlass.toml");
    fs::write(&path, file).unwrap();
    Config::load(&Sources {
        file: Some(path),
        ..Sources::none()
    })
}

/// The problems, without the name of the file.
#[track_caller]
fn problems(file: &str) -> Vec<String> {
    let problems = load(file).expect_err("something is wrong");
    let line = |problem: &Problem| match &problem.place {
        Place::File { line, path } => {
            let what = problem.what.replace(&path.display().to_string(), "FILE");
            format!("{line}: {what}")
        }
        other => panic!("{other}"),
    };
    problems.all().iter().map(line).collect()
}

#[test]
fn entries_are_read_with_all_they_say() {
    let loaded = load(
        "worker_count = 3

[[schedule]]
name = \"nightly\"
cron = \"0 2 * * *\"
time_zone = \"Europe/Berlin\"
catch_up = \"last\"
overlap = \"skip\"
enabled = false
job = { type = \"email\", payload = { to = \"a@example.com\" }, max_retries = 2, delay = \"10s\" }

[[schedule]]
name = \"often\"
cron = \"@every 90s\"
[schedule.job]
type = \"noop\"
tags = [\"a\", \"b\"]
[schedule.job.payload]
n = 1
half = 0.5
",
    )
    .unwrap();
    let [nightly, often] = &loaded.config.schedules[..] else {
        panic!("{:?}", loaded.config.schedules)
    };
    let shown: Vec<(&str, String)> = nightly.shown();
    let shown: Vec<(&str, &str)> = shown.iter().map(|(k, v)| (*k, v.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("cron", "0 2 * * *"),
            ("time_zone", "Europe/Berlin"),
            (
                "job",
                r#"{"delay":"10s","max_retries":2,"payload":{"to":"a@example.com"},"type":"email"}"#
            ),
            ("catch_up", "last"),
            ("overlap", "skip"),
            ("enabled", "false"),
        ]
    );
    assert_eq!(often.definition.catch_up, CatchUp::None);
    assert_eq!(often.definition.overlap, Overlap::Allow);
    assert!(often.definition.enabled);
    assert_eq!(
        often.definition.job.get(),
        r#"{"payload":{"half":0.5,"n":1},"tags":["a","b"],"type":"noop"}"#
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line() {
    let file = "worker_count = 0
[[schedule]]
name = \"a b\"
corn = \"0 2 * * *\"
time_zone = \"europe/berlin\"
catch_up = \"lats\"
overlap = true
enabled = \"no\"
[schedule.job]
type = \"noop\"
queu = \"x\"
tags = [
  \"fine\",
  \"\",
]

[[schedule]]
cron = \"0 25 * * *\"
job = { type = \"noop\", delay = \"soon\" }

[[schedule]]
name = \"twice\"
cron = \"@daily\"
job = { payload = { at = 2026-01-01 } }

[[schedule]]
name = \"twice\"
cron = \"@daily\"
job = { type = \"noop\" }

[[schedule]]
name = \"twice\"
cron = \"@hourly\"
job = { type = \"noop\" }

[[schedul]]
name = \"x\"
";
    assert_eq!(
        problems(file),
        [
            "36: unknown key `schedul`; did you mean `[[schedule]]`?",
            "3: name: `a b` is not a name: 1 to 64 of a-z A-Z 0-9 _ . -, a letter or digit first",
            "4: corn: unknown field; did you mean `cron`?",
            "2: cron: is missing; it says when, such as \"*/5 * * * *\"",
            "5: time_zone: no time zone is called `europe/berlin`; did you mean `Europe/Berlin`?",
            "6: catch_up: must be one of none, last, all; did you mean `last`?",
            "7: overlap: must be a string",
            "8: enabled: must be true or false",
            "11: job.queu: unknown field; did you mean `queue`?",
            "14: job.tags.1: must be a string of 1 to 64 bytes without control characters",
            "17: the entry of a schedule has no `name`",
            "18: cron: hour: 25 is out of range; write 0 to 23",
            "19: job.delay: not a length of time; write it like `500ms`, `10s`, `2m`, `1h` or `7d`, or as a number of seconds",
            "24: the schedule holds a value that is a date; write a text in quotes",
            "31: the schedule `twice` stands at FILE line 26, too",
            "1: worker_count: `0` is below 1",
        ]
    );
}

#[test]
fn entries_that_are_no_tables_are_told_how_to_begin() {
    assert_eq!(
        problems("[schedule]\nname = \"a\"\n"),
        ["1: `schedule` is one entry of many: begin each with `[[schedule]]`, in two brackets"]
    );
    assert_eq!(
        problems("schedule = [1]\n"),
        ["1: an entry of `schedule` is a table: begin each with `[[schedule]]`"]
    );
}

#[test]
fn what_the_type_says_of_a_payload_is_told_with_its_line() {
    let loaded = load(
        "[[schedule]]
name = \"a\"
cron = \"@daily\"
[schedule.job]
type = \"noop\"
[schedule.job.payload]
list = [
  1,
  2,
]
",
    )
    .unwrap();
    let schedule = &loaded.config.schedules[0];
    for (pointer, line) in [
        ("/job/payload/list/1", 9),
        ("/job/payload/list/1/x", 9),
        ("/job/payload/missing", 6),
        ("/job/payload", 6),
        ("", 1),
    ] {
        let problem = schedule.problem(&Wrong::new(pointer, "is wrong"));
        let place = problem.place.to_string();
        assert!(
            place.ends_with(&format!("line {line}")),
            "{pointer}: {place}"
        );
    }
}

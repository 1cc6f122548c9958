//! Expressions of every form in ten zones, compared with cronsim, which follows Debian's cron as we do.
//!
//! It is asked from before each change of the clock of each zone, too.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::python::python;

use super::{fires, rule, seconds};

/// As many fires are compared from each start.
const COUNT: usize = 60;

/// Where our tables of time zones end.
const HORIZON: &str = "2100-01-01T00:00:00Z";

/// Ours, and, where cronsim reads it otherwise or not at all, the same spelled out for it.
const EXPRESSIONS: &[(&str, &str)] = &[
    // Minutes, hours.
    ("* * * * *", ""),
    ("*/15 * * * *", ""),
    ("*/7 * * * *", ""),
    ("0 * * * *", ""),
    ("30 * * * *", ""),
    ("5/15 * * * *", ""),
    ("0,20,40 * * * *", ""),
    ("0-5 * * * *", ""),
    ("10-30/10 * * * *", ""),
    ("0,10-12,50/3 * * * *", ""),
    ("55-5 * * * *", "55-59,0-5 * * * *"),
    ("50-10/5 * * * *", "50,55,0,5,10 * * * *"),
    ("* 2 * * *", ""),
    ("*/20 2 * * *", ""),
    ("*/30 1-3 * * *", ""),
    ("30 */2 * * *", ""),
    ("0 */2 * * *", ""),
    ("0 */5 * * *", ""),
    ("59 */12 * * *", ""),
    ("7 1/4 * * *", ""),
    // Fixed times of the day.
    ("0 0 * * *", ""),
    ("0 1 * * *", ""),
    ("30 1 * * *", ""),
    ("0 2 * * *", ""),
    ("15 2 * * *", ""),
    ("30 2 * * *", ""),
    ("0 3 * * *", ""),
    ("59 23 * * *", ""),
    ("30 23 * * *", ""),
    ("30 0 * * *", ""),
    ("0 12 * * *", ""),
    ("0 9,17 * * *", ""),
    ("15,45 2 * * *", ""),
    ("15,45 1,2,3 * * *", ""),
    ("0-59 2 * * *", ""),
    ("0-59/30 0-23 * * *", ""),
    ("0-59 1 * * *", ""),
    ("5 0-23 * * *", ""),
    ("0 0-23/6 * * *", ""),
    ("0 22-4 * * *", "0 22,23,0-4 * * *"),
    ("30 22-4/2 * * *", "30 22,0,2,4 * * *"),
    ("0 23-1 * * *", "0 23,0,1 * * *"),
    ("05 09 * * *", ""),
    // Days of the week.
    ("0 9 * * 0", ""),
    ("0 9 * * 7", "0 9 * * 0"),
    ("0 9 * * SUN", ""),
    ("0 9 * * sun", ""),
    ("0 9 * * Sunday", "0 9 * * 0"),
    ("0 9 * * 1-5", ""),
    ("0 9 * * Mon-Fri", ""),
    ("0 9 * * monday-friday", "0 9 * * 1-5"),
    ("0 9 * * 5-7", ""),
    ("0 9 * * Fri-Sun", "0 9 * * 5,6,0"),
    ("0 9 * * Sat-Mon", "0 9 * * 6,0,1"),
    ("0 9 * * 7-2", "0 9 * * 0,1,2"),
    ("0 9 * * 6-1", "0 9 * * 6,0,1"),
    ("0 9 * * 0-7", ""),
    ("0 9 * * 1,3,5", ""),
    ("0 9 * * Mon,Wed,Fri", ""),
    ("0 9 * * */2", ""),
    ("0 9 * * */7", ""),
    ("0 9 * * 1/2", ""),
    ("0 9 * * 1-5/2", ""),
    ("0 9 * * 5-2/2", "0 9 * * 5,0,2"),
    ("*/10 9-17 * * Mon-Fri", ""),
    ("30 2 * * 0", ""),
    ("30 1 * * Sun", ""),
    // Days of the month.
    ("0 0 1 * *", ""),
    ("0 0 15 * *", ""),
    ("0 0 31 * *", ""),
    ("0 0 30 * *", ""),
    ("0 0 1,15 * *", ""),
    ("0 0 1-7 * *", ""),
    ("0 0 */2 * *", ""),
    ("0 0 */10 * *", ""),
    ("0 0 10/10 * *", ""),
    ("0 0 28-3 * *", "0 0 28-31,1-3 * *"),
    ("30 2 29 * *", ""),
    ("30 2 25-31 * *", ""),
    // Both days.
    ("0 0 13 * 5", ""),
    ("30 2 1 * 5", ""),
    ("0 0 1,15 * Mon", ""),
    ("0 0 1-7 * Mon", ""),
    ("0 0 */2 * Mon", ""),
    ("0 0 13 * */2", ""),
    ("0 0 1-7 * */7", ""),
    ("0 0 * * Mon", ""),
    ("0 0 1-31 * Mon", ""),
    ("0 0 13 * 0-7", ""),
    ("*/30 */6 13 * Fri", ""),
    ("0 0 */5,13 * Fri", ""),
    ("0 0 13,*/5 * Fri", ""),
    // Months.
    ("0 0 1 1 *", ""),
    ("0 0 1 */3 *", ""),
    ("0 0 1 Jan,Apr,Jul,Oct *", ""),
    ("0 0 1 january,july *", "0 0 1 1,7 *"),
    ("0 0 * 2 *", ""),
    ("0 0 29 2 *", ""),
    ("0 0 29 Feb *", ""),
    ("0 0 31 * 1", ""),
    ("0 12 1 Nov-Feb *", "0 12 1 11,12,1,2 *"),
    ("0 12 1 10-4/3 *", "0 12 1 10,1,4 *"),
    ("59 23 31 12 *", ""),
    ("30 2 * 3,10 0", ""),
    ("0 0 29 2 */7", ""),
    ("*/20 2 * 3-4,9-11 Sun", ""),
    ("0 0 31 1/2 *", ""),
    // Names.
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@Daily", "0 0 * * *"),
    // With seconds, where an interval is one for both.
    ("0 * * * * *", ""),
    ("*/10 * * * * *", ""),
    ("15,45 */5 * * * *", ""),
    ("59 59 * * * *", ""),
    ("*/20 0 */6 * * *", ""),
    ("30 */30 * 1 * Mon", ""),
];

/// Where from, in each zone: an idle day, and shortly before each kind of change.
const STARTS: &[(&str, &[&str])] = &[
    ("UTC", &["2026-01-01T00:00:00Z"]),
    (
        "Europe/Berlin",
        &[
            "2026-01-14T12:34:56Z",
            "2026-03-27T00:00:00Z",
            "2026-10-23T00:00:00Z",
            "2099-03-27T00:00:00Z",
            "2099-10-23T00:00:00Z",
        ],
    ),
    (
        "America/New_York",
        &[
            "2026-06-14T12:34:56Z",
            "2026-03-07T00:00:00Z",
            "2026-10-31T00:00:00Z",
        ],
    ),
    // Half an hour is all it changes by.
    (
        "Australia/Lord_Howe",
        &[
            "2026-06-14T12:34:56Z",
            "2026-04-03T00:00:00Z",
            "2026-10-02T00:00:00Z",
        ],
    ),
    // It left out the 30th of December 2011.
    (
        "Pacific/Apia",
        &[
            "2026-06-14T12:34:56Z",
            "2011-12-28T12:00:00Z",
            "2012-03-30T00:00:00Z",
            "2012-09-28T00:00:00Z",
        ],
    ),
    ("Asia/Kolkata", &["2026-02-14T12:34:56Z"]),
    (
        "Australia/Sydney",
        &["2026-04-03T00:00:00Z", "2026-10-02T00:00:00Z"],
    ),
    // Its changes are at midnight.
    (
        "America/Santiago",
        &[
            "2026-06-14T12:34:56Z",
            "2026-04-03T00:00:00Z",
            "2026-09-04T00:00:00Z",
        ],
    ),
    // So were these.
    (
        "America/Sao_Paulo",
        &["2018-02-16T00:00:00Z", "2018-11-02T00:00:00Z"],
    ),
    // Winter time is for Ramadan.
    (
        "Africa/Casablanca",
        &["2026-02-13T00:00:00Z", "2026-03-20T00:00:00Z"],
    ),
];

/// The answers of cronsim, in the order of the questions.
fn ask(questions: &[Value]) -> Vec<Vec<i64>> {
    let mut child = python()
        .arg("tests/suite/cron/oracle.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    serde_json::to_writer(&mut stdin, questions).expect("it reads everything before it answers");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the oracle failed; see above");
    serde_json::from_slice(&output.stdout).expect("lists of numbers")
}

/// Where cronsim is wrong by its own rules, and ours are written out beside this file.
///
/// It looks for the next hour in steps of whole hours, so that after a change by half an hour it looks at half past each
/// hour; and it takes midnight of a day that a zone left out for one that comes.
const CRONSIM_ERRS: &[(&str, &str)] = &[
    ("30 * * * *", "Australia/Lord_Howe"),
    ("*/20 2 * * *", "Australia/Lord_Howe"),
    ("0 */2 * * *", "Australia/Lord_Howe"),
    ("0 */5 * * *", "Australia/Lord_Howe"),
    ("*/20 2 * 3-4,9-11 Sun", "Australia/Lord_Howe"),
    ("*/20 0 */6 * * *", "Australia/Lord_Howe"),
    ("*/30 */6 13 * Fri", "Pacific/Apia"),
];

#[test]
fn all_expressions_fire_when_cronsim_says() {
    assert!(EXPRESSIONS.len() >= 100);
    let mut cases = Vec::new();
    for (zone, starts) in STARTS {
        for start in *starts {
            for (ours, theirs) in EXPRESSIONS {
                let theirs = if theirs.is_empty() { ours } else { theirs };
                cases.push((*ours, *theirs, *zone, seconds(start)));
            }
        }
    }
    let questions: Vec<Value> = cases
        .iter()
        .map(|(_, cron, zone, from)| json!({"cron": cron, "zone": zone, "from": from, "count": COUNT}))
        .collect();
    let (mut wrong, mut compared, mut errs) = (Vec::new(), 0, BTreeSet::new());
    for ((cron, _, zone, from), mut expected) in cases.iter().zip(ask(&questions)) {
        expected.retain(|at| *at < seconds(HORIZON));
        let found = fires(&rule(cron, zone), *from, COUNT);
        compared += found.len();
        if found == expected {
            continue;
        } else if CRONSIM_ERRS.contains(&(cron, zone)) {
            errs.insert((*cron, *zone));
        } else {
            let first = found
                .iter()
                .zip(&expected)
                .find(|(ours, theirs)| ours != theirs);
            wrong.push(format!(
                "{cron} in {zone} from {from}: (ours, cronsim's) {first:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared} fires:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 100_000, "only {compared} fires were compared");
    assert_eq!(errs, CRONSIM_ERRS.iter().copied().collect());
}
